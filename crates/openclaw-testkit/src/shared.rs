//! What was recorded from TypeScript OpenClaw and is shared between projects, where it is there.

use std::path::{Path, PathBuf};

use openclaw_core::env::Env;

/// The variable that names the folder.
pub const OPENCLAW_SHARED: &str = "OPENCLAW_SHARED";

/// Returns the folder of shared data: the one that `OPENCLAW_SHARED` names, or `shared` beside
/// the workspace; nothing when there is no such folder.
pub fn shared_dir() -> Option<PathBuf> {
    let env = Env::from_process();
    let beside = || workspace_dir().parent().map(|parent| parent.join("shared"));
    env.get_os(OPENCLAW_SHARED)
        .map(PathBuf::from)
        .or_else(beside)
        .filter(|dir| dir.is_dir())
}

/// Says on stderr that a test checked nothing, and what it lacks.
#[expect(
    clippy::print_stderr,
    reason = "a test has no other way to say that it checked nothing"
)]
pub fn skip_note(test: &str, what: &str) {
    eprintln!("SKIPPED {test}: {what}");
}

fn workspace_dir() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}
