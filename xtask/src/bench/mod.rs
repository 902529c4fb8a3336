//! `cargo xtask bench`: the release build, measured on this machine.
//!
//! Each part measures one thing and replaces one place of the page.

mod page;
mod part;

use std::path::PathBuf;
use std::{fs, io};

pub(crate) use part::Part;

use crate::error::Error;
use crate::place::Place;
use crate::report;

/// The page whose tables are replaced.
const PAGE: &str = "docs/benchmarks.md";

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
    #[error("`{PAGE}` lacks the lines `{start}` and `{end}`")]
    NoMarks { start: String, end: String },
}

/// Measures the given parts, one after the other, and puts their figures into [`PAGE`].
pub(crate) fn bench(place: &Place, parts: &[Part]) -> Result<(), Error> {
    for part in parts {
        let figures = part.measure(place)?;
        report::answer(&figures);
        write(place, *part, &figures)?;
    }
    report::step(PAGE);
    Ok(())
}

fn write(place: &Place, part: Part, figures: &str) -> Result<(), BenchError> {
    let path = place.root().join(PAGE);
    let failed = |source| BenchError::Page {
        path: path.clone(),
        source,
    };
    let text = fs::read_to_string(&path).map_err(failed)?;
    let (start, end) = page::marks(part.name());
    let Some(text) = page::replaced(&text, (&start, &end), figures) else {
        return Err(BenchError::NoMarks { start, end });
    };
    fs::write(&path, text).map_err(failed)
}
