//! Asking before something is changed that cannot be changed back.

use std::io::{self, IsTerminal as _};

use openclaw_core::Kind;

use crate::error::CliError;
use crate::output::Output;
use crate::text;

/// Why nobody said yes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfirmError {
    /// There is nobody to be asked.
    #[error("{what} has to be confirmed, and there is no terminal to ask on: --yes is required")]
    Unasked {
        /// What was about to be done.
        what: &'static str,
    },
    /// Whoever was asked said no.
    #[error("nothing was changed")]
    Declined,
}

impl ConfirmError {
    /// Returns the kind of this failure.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Unasked { .. } => Kind::Invalid,
            Self::Declined => Kind::Denied,
        }
    }

    /// Returns what the user can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unasked { .. } => Some("add --yes, or look first with --dry-run".to_owned()),
            Self::Declined => None,
        }
    }
}

/// Asks a yes-or-no question; anything but a yes is a no.
///
/// Scripts are not asked: without a terminal, or with `--json`, it fails, and `what` says then
/// what has to be confirmed.
pub(crate) fn confirm(out: &Output, what: &'static str, question: &str) -> Result<(), CliError> {
    if out.is_json() || !io::stdin().is_terminal() || !out.stderr().terminal {
        return Err(ConfirmError::Unasked { what }.into());
    }
    let question = format!("{} [y/N] ", text::one_line(question));
    out.stderr_bytes(question.as_bytes())?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(CliError::Input)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(ConfirmError::Declined.into()),
    }
}
