//! What cargo knows about the workspace.

use cargo_metadata::{Metadata, MetadataCommand};

use crate::place::Place;
use crate::run::RunError;

/// Why cargo's description of the workspace is not at hand.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MetadataError {
    /// `cargo metadata` failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Its answer is not text.
    #[error("`cargo metadata` printed something that is not UTF-8")]
    Text(#[from] std::string::FromUtf8Error),
    /// Its answer was not understood.
    #[error("`cargo metadata` printed something that is not understood")]
    Format(#[from] cargo_metadata::Error),
}

/// Reads the members of the workspace and what they depend on directly.
pub(crate) fn read(place: &Place) -> Result<Metadata, MetadataError> {
    let stdout = place
        .cargo("metadata")
        .args(["--no-deps", "--format-version", "1"])
        .stdout()?;
    Ok(MetadataCommand::parse(String::from_utf8(stdout)?)?)
}
