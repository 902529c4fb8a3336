//! `cargo xtask soak`: the long forms of the tests of durability, of the readers of foreign files
//! and streams and of the gateway among strangers, and their figures in a table.
//!
//! The tests themselves are in the crates; this asks for their long form, one after the other, and
//! collects what they measured.

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{fs, io};

use crate::error::Error;
use crate::place::Place;
use crate::{release, report, tools};

/// How many times the writing process is killed unless the command line says otherwise.
pub(crate) const ROUNDS: u32 = 50;

/// How many seconds each property of a reader is tried unless the command line says otherwise.
pub(crate) const SECONDS: u32 = 600;

/// A group of tests, as a package and a filter of test names, and what it is about.
struct Step {
    name: &'static str,
    package: &'static str,
    target: &'static [&'static str],
    filter: &'static str,
    threads: &'static str,
    binary: Binary,
}

/// Which program the tests are about, where they start one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binary {
    /// The one that is built with them.
    Debug,
    /// The one that people run.
    Release,
}

/// What measures must be alone; what only tries may run side by side.
const ALONE: &str = "--test-threads=1";
const TOGETHER: &str = "--test-threads=16";

/// Where the tests of a library crate are: beside it, or in it where they need what it keeps to itself.
const INTEGRATION: &[&str] = &["--test", "it"];
const LIBRARY: &[&str] = &["--lib"];
const END_TO_END: &[&str] = &["--test", "e2e"];

const STEPS: &[Step] = &[
    Step {
        name: "kill -9",
        package: "openclaw-core",
        target: INTEGRATION,
        threads: ALONE,
        filter: "durability::kill",
        binary: Binary::Debug,
    },
    Step {
        name: "power loss",
        package: "openclaw-core",
        target: INTEGRATION,
        threads: ALONE,
        filter: "durability::power",
        binary: Binary::Debug,
    },
    Step {
        name: "two processes",
        package: "openclaw-core",
        target: INTEGRATION,
        threads: ALONE,
        filter: "durability::processes",
        binary: Binary::Debug,
    },
    Step {
        name: "JSON5, $include",
        package: "openclaw-config",
        target: INTEGRATION,
        threads: TOGETHER,
        filter: "_fuzz::",
        binary: Binary::Debug,
    },
    Step {
        name: "front matter",
        package: "openclaw-agents",
        target: INTEGRATION,
        threads: TOGETHER,
        filter: "front_matter",
        binary: Binary::Debug,
    },
    Step {
        name: "2,000 messages",
        package: "openclaw-agents",
        target: INTEGRATION,
        threads: ALONE,
        filter: "compaction::long::every_turn",
        binary: Binary::Debug,
    },
    Step {
        name: "JSONL",
        package: "openclaw-compat",
        target: INTEGRATION,
        threads: TOGETHER,
        filter: "fuzz",
        binary: Binary::Debug,
    },
    Step {
        name: "model streams",
        package: "openclaw-providers",
        target: LIBRARY,
        threads: TOGETHER,
        filter: "fuzz::",
        binary: Binary::Debug,
    },
    Step {
        name: "kill -9 in turns",
        package: "openclaw-cli",
        target: END_TO_END,
        threads: ALONE,
        filter: "cut_off::",
        binary: Binary::Debug,
    },
    Step {
        name: "10,000 strangers",
        package: "openclaw-cli",
        target: END_TO_END,
        threads: ALONE,
        filter: "strangers::",
        binary: Binary::Debug,
    },
    Step {
        name: "1,000 listeners",
        package: "openclaw-cli",
        target: END_TO_END,
        threads: ALONE,
        filter: "rpc::crowd::",
        binary: Binary::Release,
    },
];

/// Why a soak could not be told from its figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SoakError {
    /// The file of figures cannot be used.
    #[error("`{path}` cannot be used")]
    Figures {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Runs the long forms, even after one has failed, and prints a table of what they came to.
pub(crate) fn soak(place: &Place, rounds: u32, seconds: u32) -> Result<(), Error> {
    tools::strace(place);
    let folder = place.target().join("soak");
    let path = folder.join("figures");
    fs::create_dir_all(&folder).map_err(|source| unusable(&folder, source))?;
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for step in STEPS {
        report::step(step.name);
        remove(&path)?;
        let mut run = place.cargo("test");
        if step.binary == Binary::Release {
            run = run.env("OPENCLAW_SOAK_BINARY", release::binary(place)?);
        }
        let start = Instant::now();
        let result = run
            .args(["--package", step.package])
            .args(step.target)
            .arg(step.filter)
            .args(["--", "--nocapture", step.threads])
            .env("OPENCLAW_SOAK_ROUNDS", rounds.to_string())
            .env("OPENCLAW_SOAK_SECONDS", seconds.to_string())
            .env("OPENCLAW_SOAK_FIGURES", &path)
            .check();
        let took = start.elapsed().as_secs_f64();
        let figures = read(&path)?;
        // A filter that matches no test passes too, but measures nothing.
        let passed = result.is_ok() && !figures.is_empty();
        if let Err(err) = &result {
            report::error(err);
        }
        if !passed {
            failed.push(step.name);
        }
        let verdict = if passed { "passed" } else { "FAILED" };
        rows.push(format!("{:<18}{verdict:<8}{took:.0} s", step.name));
        rows.extend(figures.lines().map(|line| format!("    {line}")));
    }
    report::step("soak");
    for row in rows {
        report::note(&row);
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Error::Steps { names: failed })
    }
}

fn remove(path: &Path) -> Result<(), SoakError> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(unusable(path, err)),
        _ => Ok(()),
    }
}

/// Returns the figures of one step; none when no test has written any.
fn read(path: &Path) -> Result<String, SoakError> {
    match fs::read_to_string(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|source| unusable(path, source)),
    }
}

fn unusable(path: &Path, source: io::Error) -> SoakError {
    let path = path.to_path_buf();
    SoakError::Figures { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_nobody_wrote_are_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("figures");
        remove(&path).unwrap();
        assert_eq!(read(&path).unwrap(), "");
        fs::write(&path, "lost 0\n").unwrap();
        assert_eq!(read(&path).unwrap(), "lost 0\n");
        remove(&path).unwrap();
        assert_eq!(read(&path).unwrap(), "");
    }
}
