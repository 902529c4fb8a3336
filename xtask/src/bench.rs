//! `cargo xtask bench`: the release build, measured on this machine.

use std::path::PathBuf;
use std::{fs, io};

use crate::error::Error;
use crate::place::Place;
use crate::report;

/// The page whose table is replaced.
const PAGE: &str = "docs/benchmarks.md";
/// The line before the table, and the line after it.
const START: &str = "<!-- figures: written by `cargo xtask bench` -->";
const END: &str = "<!-- end of figures -->";

/// Why the figures were not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// The page cannot be read or written.
    #[error("`{path}` cannot be used")]
    Page {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The page has no place for the figures.
    #[error("`{PAGE}` lacks the lines `{START}` and `{END}`")]
    NoMarks,
}

/// Builds the release binary, measures it and puts the figures into [`PAGE`].
pub(crate) fn bench(place: &Place) -> Result<(), Error> {
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
    report::step("measuring; this takes about two minutes");
    let binary = place.target().join("release").join("openclaw");
    let figures = place
        .cargo("bench")
        .args(["--package", "openclaw-gateway", "--bench", "gateway", "--"])
        .arg("--binary")
        .arg(&binary)
        .stdout()?;
    let figures = String::from_utf8_lossy(&figures).into_owned();
    report::answer(&figures);
    let path = place.root().join(PAGE);
    let failed = |source| BenchError::Page {
        path: path.clone(),
        source,
    };
    let page = fs::read_to_string(&path).map_err(failed)?;
    let page = replaced(&page, &figures).ok_or(BenchError::NoMarks)?;
    fs::write(&path, page).map_err(failed)?;
    report::step(PAGE);
    Ok(())
}

/// Returns the page with the text between the two marks replaced.
fn replaced(page: &str, figures: &str) -> Option<String> {
    let (before, rest) = page.split_once(START)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!(
        "{before}{START}\n\n{}\n\n{END}{after}",
        figures.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let page = format!("a\n{START}\nold\n{END}\nb\n");
        assert_eq!(
            replaced(&page, "new\n"),
            Some(format!("a\n{START}\n\nnew\n\n{END}\nb\n"))
        );
        assert_eq!(replaced("no marks", "new"), None);
    }
}
