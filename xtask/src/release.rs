//! The program that people run.

use std::path::PathBuf;

use crate::error::Error;
use crate::place::Place;
use crate::report;

/// Builds it, and returns its path.
pub(crate) fn binary(place: &Place) -> Result<PathBuf, Error> {
    report::step("building the release binary");
    place
        .cargo("build")
        .args([
            "--release",
            "--package",
            "openclaw-cli",
            "--bin",
            "openclaw",
        ])
        .check()?;
    Ok(place.target().join("release").join("openclaw"))
}
