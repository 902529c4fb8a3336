//! `cargo xtask ci`: every check that a change has to pass, in one command and with one verdict.

use std::time::{Duration, Instant};

use crate::args::{Mode, Tests};
use crate::error::Error;
use crate::place::Place;
use crate::{codegen, deny, report, test, tidy};

/// How a step ended when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything was checked.
    Passed,
    /// Nothing was checked, for this reason.
    Skipped(&'static str),
}

struct Step {
    name: &'static str,
    run: fn(&Place) -> Result<Outcome, Error>,
}

/// The quick ones first, so that a slip is known within seconds.
const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        run: format,
    },
    Step {
        name: "tidy",
        run: |place| passed(tidy::tidy(place)),
    },
    Step {
        name: "clippy",
        run: clippy,
    },
    Step {
        name: TEST,
        run: |place| passed(test::test(place)),
    },
    Step {
        name: "doc",
        run: document,
    },
    Step {
        name: "deny",
        run: deny::dependencies,
    },
    Step {
        name: "advisories",
        run: deny::advisories,
    },
    Step {
        name: "codegen",
        run: |place| passed(codegen::codegen(place, Mode::Check)),
    },
];

const TEST: &str = "test";

/// Runs every step, even after one has failed, and prints a table of how they ended.
pub(crate) fn ci(place: &Place, tests: Tests) -> Result<(), Error> {
    let mut rows = Vec::new();
    let mut names = Vec::new();
    for step in STEPS {
        if step.name == TEST && tests == Tests::Skip {
            rows.push(row(step.name, "skipped", "--no-test"));
            continue;
        }
        report::step(step.name);
        let start = Instant::now();
        let result = (step.run)(place);
        let took = seconds(start.elapsed());
        rows.push(match result {
            Ok(Outcome::Passed) => row(step.name, "passed", &took),
            Ok(Outcome::Skipped(reason)) => row(step.name, "skipped", reason),
            Err(err) => {
                report::error(&err);
                names.push(step.name);
                row(step.name, "FAILED", &took)
            }
        });
    }
    report::step("ci");
    for row in rows {
        report::note(&row);
    }
    if names.is_empty() {
        Ok(())
    } else {
        Err(Error::Steps { names })
    }
}

fn format(place: &Place) -> Result<Outcome, Error> {
    place.cargo("fmt").args(["--all", "--check"]).check()?;
    Ok(Outcome::Passed)
}

fn clippy(place: &Place) -> Result<Outcome, Error> {
    place
        .cargo("clippy")
        .args(["--workspace", "--all-targets", "--all-features"])
        .args(["--", "--deny", "warnings"])
        .check()?;
    Ok(Outcome::Passed)
}

fn document(place: &Place) -> Result<Outcome, Error> {
    place
        .cargo("doc")
        .args(["--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "--deny warnings")
        .check()?;
    Ok(Outcome::Passed)
}

fn passed(result: Result<(), Error>) -> Result<Outcome, Error> {
    result.map(|()| Outcome::Passed)
}

fn row(name: &str, verdict: &str, remark: &str) -> String {
    format!("{name:<12}{verdict:<10}{remark}")
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
