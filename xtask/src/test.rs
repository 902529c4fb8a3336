//! `cargo xtask test`: every test of the workspace, and what they need to run.

use crate::error::Error;
use crate::foreign::Variable;
use crate::place::{self, Place};
use crate::run::RunError;
use crate::tools::CargoTool;
use crate::{foreign, report, tools};

/// Runs all tests; both halves run even when the first fails.
pub(crate) fn test(place: &Place) -> Result<(), Error> {
    tools::bubblewrap(place);
    tools::strace(place);
    tools::chromium(place);
    if place.recorded().is_none() {
        report::note(
            "no recorded OpenClaw data (OPENCLAW_SHARED): tests that compare with it skip",
        );
    }
    let tests = unit_and_integration(place, &foreign::programs(place));
    report::step("doc tests");
    let doc_tests = place
        .cargo("test")
        .args(["--doc", "--workspace", "--no-fail-fast"])
        .check();
    tests?;
    doc_tests?;
    Ok(())
}

/// Runs them with the variables by which they find programs that nobody here wrote.
fn unit_and_integration(place: &Place, programs: &[Variable]) -> Result<(), RunError> {
    let cargo = |command| {
        let programs = programs.iter();
        programs.fold(place.cargo(command), |run, (name, path)| {
            run.env(name, path)
        })
    };
    if tools::cargo_tool(place, CargoTool::Nextest) {
        report::step("unit and integration tests (cargo nextest)");
        let profile = if place::unattended() { "ci" } else { "default" };
        return cargo("nextest")
            .args(["run", "--workspace", "--profile", profile])
            .check();
    }
    report::step("unit and integration tests (cargo test, because cargo-nextest is not there)");
    cargo("test")
        .args(["--workspace", "--all-targets", "--no-fail-fast"])
        .check()
}
