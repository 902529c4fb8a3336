//! Asking before something is lost.

use std::io::{self, IsTerminal as _};

use super::SessionsError;
use crate::commands::Cx;
use crate::error::CliError;
use crate::text;

/// Asks a yes-or-no question; anything but a yes is a no.
///
/// Scripts are not asked: without a terminal, or with `--json`, it fails. `what` says then what
/// has to be confirmed.
pub(super) fn confirm(cx: Cx<'_>, what: &'static str, question: &str) -> Result<(), CliError> {
    if cx.out.is_json() || !io::stdin().is_terminal() || !cx.out.stderr().terminal {
        return Err(SessionsError::Unconfirmed { what }.into());
    }
    let question = format!("{} [y/N] ", text::one_line(question));
    cx.out.stderr_bytes(question.as_bytes())?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(CliError::Input)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(SessionsError::Declined.into()),
    }
}
