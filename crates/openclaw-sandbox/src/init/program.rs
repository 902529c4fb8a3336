//! Becoming the command.

use std::{
    ffi::{OsStr, OsString},
    io::{self, ErrorKind, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, ExitCode},
};

use crate::variables;

/// What shells say of a program that does not exist, and of one that cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUNNABLE: u8 = 126;

/// Becomes the command; if this returns, there is no such program, or it cannot be run.
///
/// A name without a slash is searched for in PATH.
#[expect(
    clippy::disallowed_methods,
    reason = "this replaces a process of the sandbox, and starts none"
)]
pub(super) fn become_the(argv: &[OsString]) -> ExitCode {
    let Some((program, arguments)) = argv.split_first() else {
        return complain(OsStr::new(""), &io::Error::from(ErrorKind::NotFound));
    };
    let error = Command::new(program).args(arguments).exec();
    complain(program, &error)
}

fn complain(name: &OsStr, error: &io::Error) -> ExitCode {
    let program = Path::new(name).display();
    let (code, what) = if error.kind() == ErrorKind::NotFound || !exists(name) {
        (NOT_FOUND, "not found".to_owned())
    } else {
        (NOT_RUNNABLE, error.to_string())
    };
    // Nobody is left to hear that the line could not be written.
    drop(writeln!(io::stderr(), "{program}: {what}"));
    ExitCode::from(code)
}

/// Says whether there is such a program at all: a search that is refused in one of the folders says
/// no more than that.
fn exists(name: &OsStr) -> bool {
    if Path::new(name).components().count() > 1 {
        return true;
    }
    let path = variables::inherited("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}
