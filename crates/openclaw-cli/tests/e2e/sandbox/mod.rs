//! The sandbox as users meet it: through the binary and through a gateway.

mod attacks;
mod everyday;
mod kernels;
mod runs;

use openclaw_core::env::{Env, PATH};
use openclaw_testkit::{HomeCommand, TestHome, skip_note};

use crate::OPENCLAW;

/// Says whether a program is installed; a test that needs it says that it checked nothing.
fn installed(test: &str, program: &str) -> bool {
    let env = Env::from_process();
    let path = env.get_os(PATH.name).unwrap_or_default();
    let found = std::env::split_paths(path).any(|folder| folder.join(program).is_file());
    if !found {
        skip_note(test, &format!("`{program}` is not installed"));
    }
    found
}

/// Prepares a script at level strict, in the home's workspace.
fn strict(home: &TestHome, flags: &[&str], script: &str) -> HomeCommand {
    home.command(OPENCLAW)
        .args(["sandbox", "exec", "--level", "strict", "--workspace"])
        .arg(home.workspace())
        .args(flags)
        .args(["--", "/bin/sh", "-c", script])
}
