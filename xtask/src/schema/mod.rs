//! `cargo xtask schema`: the shape of OpenClaw's config, as the checker in openclaw-config reads it.
//!
//! The recorded schema says the same things many times over and holds what no check needs. What
//! is written here says each of them once, a line each, and depends on nothing but the recorded
//! file, so that a change of that file is a readable difference.

mod compact;
mod pattern;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::place::Place;
use crate::report;

/// The recorded schema, below the folder of recorded data.
const RECORDED: &str = "compat/config.schema.json";

/// What is written from it.
const WRITTEN: &str = "crates/openclaw-config/src/schema/openclaw.json";

/// Why the schema was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    /// The recorded schema is not JSON.
    #[error("`{path}` is no JSON")]
    Json {
        /// The recorded schema.
        path: PathBuf,
        /// Where it is not.
        #[source]
        source: serde_json::Error,
    },
    /// The recorded schema uses something that the checker does not know.
    #[error("no check for `{keyword}` at `{at}` in the recorded schema")]
    Keyword {
        /// What it uses.
        keyword: String,
        /// Where it stands.
        at: String,
    },
    /// A file cannot be used.
    #[error("cannot use `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

/// Writes the compact schema, or says that there is nothing to write it from.
pub(crate) fn schema(place: &Place) -> Result<(), Error> {
    let recorded = place.recorded().map(|folder| folder.join(RECORDED));
    let Some(recorded) = recorded.filter(|path| path.is_file()) else {
        report::step("SKIPPED: no recorded schema");
        report::note(&format!(
            "`{RECORDED}` is looked for in the folder that OPENCLAW_SHARED names, or in `../shared`"
        ));
        return Ok(());
    };
    let text = fs::read(&recorded).map_err(unusable(&recorded))?;
    let schema = serde_json::from_slice(&text).map_err(|source| SchemaError::Json {
        path: recorded,
        source,
    })?;
    let written = place.root().join(WRITTEN);
    let text = compact::compact(&schema)?;
    report::step(&format!("{WRITTEN}: {} bytes", text.len()));
    fs::write(&written, text).map_err(unusable(&written))?;
    Ok(())
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> SchemaError {
    move |source| SchemaError::Io {
        path: path.to_path_buf(),
        source,
    }
}
