//! Reading what a flag points to: a file, or standard input.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::Path;

use super::failure::ConfigFailure;
use crate::error::CliError;

/// The largest file of updates, which TypeScript OpenClaw has too.
const MAX_FILE: u64 = 8 * 1024 * 1024;
/// The most that is read from standard input, likewise.
const MAX_STDIN: u64 = 1024 * 1024;

/// Reads a file; only a regular one, so that nothing can hang.
pub(super) fn file(path: &Path, flag: &str) -> Result<String, ConfigFailure> {
    let failed = |source| ConfigFailure::Read {
        path: path.to_owned(),
        source,
    };
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(ConfigFailure::Flag {
            flag: flag.to_owned(),
            problem: format!(
                "has to name a regular file, which `{}` is not",
                path.display()
            ),
        });
    }
    let mut file = File::open(path).map_err(failed)?;
    text(&mut file, MAX_FILE, flag)?.map_err(failed)
}

/// Reads standard input, unless somebody would have to type it.
pub(super) fn stdin() -> Result<String, ConfigFailure> {
    let mut stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(ConfigFailure::Flags(
            "--stdin reads what is piped into it; use --file FILE at a terminal",
        ));
    }
    Ok(text(&mut stdin, MAX_STDIN, "--stdin")?.map_err(CliError::Input)?)
}

fn text(from: &mut impl Read, limit: u64, flag: &str) -> Result<io::Result<String>, ConfigFailure> {
    let mut text = String::new();
    let read = from.take(limit.saturating_add(1)).read_to_string(&mut text);
    if u64::try_from(text.len()).is_ok_and(|length| length > limit) {
        return Err(ConfigFailure::Flag {
            flag: flag.to_owned(),
            problem: format!("has more than {} MiB", limit >> 20),
        });
    }
    Ok(read.map(|_| text))
}
