//! `cargo xtask tidy`: the rules of this workspace that no other tool knows.
//!
//! Each check returns findings and changes nothing; all of them are shown at once.

mod documents;
mod graph;
mod sources;

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;

use cargo_metadata::{Metadata, TargetKind};

use crate::error::Error;
use crate::metadata::{self, MetadataError};
use crate::place::Place;
use crate::report;

/// A broken rule: where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    place: String,
    problem: String,
}

impl Finding {
    fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

/// Why the workspace is not tidy, or could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TidyError {
    /// Rules are broken; each finding has been shown.
    #[error("{count} broken rules")]
    Findings {
        /// How many.
        count: usize,
    },
    /// Cargo does not describe the workspace.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

/// Checks the crate graph, the sources, and what ARCHITECTURE.md says about them.
pub(crate) fn tidy(place: &Place) -> Result<(), Error> {
    let findings = findings(place)?;
    for finding in &findings {
        report::note(&finding.to_string());
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(TidyError::Findings { count }.into()),
    }
}

fn findings(place: &Place) -> Result<Vec<Finding>, TidyError> {
    let root = place.root();
    let metadata = metadata::read(place)?;
    let crates = graph::crates(&metadata);
    let mut findings = graph::check(&crates);

    for file in sources::find(root)? {
        findings.extend(sources::check(&file.name, &file.text));
    }
    for path in crate_roots(&metadata) {
        let text = fs::read_to_string(&path).map_err(|source| TidyError::Io {
            path: path.clone(),
            source,
        })?;
        let name = path.strip_prefix(root).unwrap_or(&path);
        findings.extend(sources::check_root(&name.to_string_lossy(), &text));
    }

    let document = root.join(documents::ARCHITECTURE);
    match fs::read_to_string(&document) {
        Ok(text) => {
            let names: Vec<&str> = crates.iter().map(|member| member.name.as_str()).collect();
            findings.extend(documents::check(&text, &names, |path| {
                root.join(path).exists()
            }));
        }
        Err(_) => findings.push(Finding::new(documents::ARCHITECTURE, "cannot be read")),
    }
    findings.sort();
    Ok(findings)
}

/// Returns the root file of every library and program but the Node bindings, whose glue is unsafe.
fn crate_roots(metadata: &Metadata) -> Vec<PathBuf> {
    let packages = metadata.workspace_packages();
    packages
        .iter()
        .filter(|package| package.name.as_str() != "openclaw-node")
        .flat_map(|package| &package.targets)
        .filter(|target| {
            target
                .kind
                .iter()
                .any(|kind| matches!(kind, TargetKind::Lib | TargetKind::Bin))
        })
        .map(|target| target.src_path.clone().into_std_path_buf())
        .collect()
}
