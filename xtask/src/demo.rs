//! `cargo xtask demo`: the binary from this checkout, and its guided conversation.

use std::ffi::OsString;

use crate::error::Error;
use crate::place::Place;
use crate::{report, tools};

/// Builds `openclaw`, runs `openclaw demo` and returns its exit code.
pub(crate) fn demo(place: &Place, arguments: &[OsString]) -> Result<u8, Error> {
    tools::bubblewrap(place);
    report::step("building openclaw");
    place
        .cargo("build")
        .args(["--package", "openclaw-cli", "--bin", "openclaw"])
        .check()?;
    let name = format!("openclaw{}", std::env::consts::EXE_SUFFIX);
    let binary = place.target().join("debug").join(name);
    report::step("openclaw demo");
    let code = place
        .program(binary)
        .arg("demo")
        .args(arguments.iter().cloned())
        .code()?;
    Ok(code)
}
