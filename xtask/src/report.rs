//! What a chore tells the person who runs it.
//!
//! Progress and errors go to standard error, beside what cargo and the tests print there; only
//! what was asked for goes to standard output.

use std::error::Error;
use std::iter;

/// Announces the next thing that is done.
#[expect(
    clippy::print_stderr,
    reason = "chores are run by a person in a terminal"
)]
pub(crate) fn step(text: &str) {
    eprintln!("==> {text}");
}

/// Says something that the reader should know and that is no failure.
#[expect(
    clippy::print_stderr,
    reason = "chores are run by a person in a terminal"
)]
pub(crate) fn note(text: &str) {
    eprintln!("    {text}");
}

/// Prints an error with its causes.
#[expect(
    clippy::print_stderr,
    reason = "chores are run by a person in a terminal"
)]
pub(crate) fn error(err: &dyn Error) {
    eprintln!("error: {err}");
    for cause in iter::successors(err.source(), |&cause| cause.source()) {
        eprintln!("  because: {cause}");
    }
}

/// Prints what was asked for.
#[expect(clippy::print_stdout, reason = "the answer to the command")]
pub(crate) fn answer(text: &str) {
    print!("{text}");
}
