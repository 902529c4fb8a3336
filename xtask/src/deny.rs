//! What cargo-deny says about the dependencies: two steps of `ci`, because only one of them works
//! without a network.

use crate::ci::Outcome;
use crate::error::Error;
use crate::place::Place;
use crate::run::Run;
use crate::tools::{self, CargoTool};

/// Checks licences, duplicates, bans and sources.
pub(crate) fn dependencies(place: &Place) -> Result<Outcome, Error> {
    if !tools::cargo_tool(place, CargoTool::Deny) {
        return Ok(Outcome::Skipped("cargo-deny is not installed"));
    }
    // An exception whose reason is gone must go too.
    check(place)
        .args(["--deny", "unmatched-skip", "--deny", "unnecessary-skip"])
        .args(["bans", "licenses", "sources"])
        .check()?;
    Ok(Outcome::Passed)
}

/// Checks for known vulnerabilities, unmaintained and yanked crates.
pub(crate) fn advisories(place: &Place) -> Result<Outcome, Error> {
    if !tools::cargo_tool(place, CargoTool::Deny) {
        return Ok(Outcome::Skipped("cargo-deny is not installed"));
    }
    let fetched = place.cargo("deny").args(["fetch", "db"]).succeeds();
    if !fetched {
        return Ok(Outcome::Skipped("the advisory database cannot be fetched"));
    }
    check(place)
        .args(["--disable-fetch", "advisories"])
        .check()?;
    Ok(Outcome::Passed)
}

fn check(place: &Place) -> Run {
    place.cargo("deny").args(["--log-level", "error", "check"])
}
