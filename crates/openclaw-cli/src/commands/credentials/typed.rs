//! A secret from whoever runs a command: typed without being shown, or piped in.
//!
//! Never as an argument: every user of the machine can read the command lines of all processes, and
//! the shell keeps them in its history.

use std::io::{self, IsTerminal as _, Read as _};
use std::str;
use std::sync::Arc;

use openclaw_core::credentials::MAX_SECRET_SIZE;
use openclaw_core::{ApiKey, redaction};
use zeroize::Zeroizing;

use super::error::CredentialsFailure;
use crate::commands::Cx;
use crate::error::CliError;
use crate::text;

/// Tells whether there is somebody at a terminal who can be asked.
pub(crate) fn is_attended(cx: Cx<'_>) -> bool {
    !cx.out.is_json() && io::stdin().is_terminal() && cx.out.stderr().terminal
}

/// Returns the value of a secret: from standard input when that is asked for or is no terminal, and
/// from the terminal otherwise.
pub(crate) fn value(cx: Cx<'_>, piped: Piped, what: &str) -> Result<Arc<ApiKey>, CliError> {
    if piped == Piped::Always || !io::stdin().is_terminal() {
        return from_stdin();
    }
    if !is_attended(cx) {
        return Err(CredentialsFailure::Unattended.into());
    }
    hidden(cx, &format!("{what}: "))
}

/// Whether a secret comes from standard input even at a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piped {
    /// It does.
    Always,
    /// It does where that is no terminal.
    WhereNoTerminal,
}

/// Asks for a password that exists.
pub(crate) fn password(cx: Cx<'_>) -> Result<Arc<ApiKey>, CliError> {
    hidden(cx, "Master password: ")
}

/// Asks for a new password, twice.
pub(crate) fn new_password(cx: Cx<'_>) -> Result<Arc<ApiKey>, CliError> {
    let first = hidden(cx, "New master password: ")?;
    let second = hidden(cx, "The same again: ")?;
    if first.same(&second) {
        Ok(first)
    } else {
        Err(CredentialsFailure::Mistyped.into())
    }
}

/// Reads all of standard input as one secret; one line end after it does not belong to it.
fn from_stdin() -> Result<Arc<ApiKey>, CliError> {
    let most = MAX_SECRET_SIZE.saturating_add(2);
    // As large as it can get from the start: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(most.saturating_add(1)));
    io::stdin()
        .lock()
        .take(u64::try_from(most).unwrap_or(u64::MAX))
        .read_to_end(&mut bytes)
        .map_err(CliError::Input)?;
    secret(match bytes.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => &bytes,
    })
}

fn hidden(cx: Cx<'_>, prompt: &str) -> Result<Arc<ApiKey>, CliError> {
    cx.out.stderr_bytes(text::one_line(prompt).as_bytes())?;
    let typed = terminal::line();
    // The line end that was typed is not shown either.
    cx.out.stderr_bytes(b"\n")?;
    match typed.map_err(CliError::Input)? {
        Typed::Line(bytes) => secret(&bytes),
        Typed::Interrupted => Err(CliError::Interrupted),
    }
}

fn secret(bytes: &[u8]) -> Result<Arc<ApiKey>, CliError> {
    if bytes.is_empty() {
        return Err(CredentialsFailure::Empty.into());
    }
    if bytes.len() > MAX_SECRET_SIZE {
        return Err(CredentialsFailure::TooLong.into());
    }
    let text = str::from_utf8(bytes).map_err(|_quotes_it| CredentialsFailure::NotText)?;
    let secret = ApiKey::new(text.to_owned());
    redaction::learn(&secret);
    Ok(Arc::new(secret))
}

/// What was typed.
enum Typed {
    /// A line.
    Line(Zeroizing<Vec<u8>>),
    /// Ctrl-C, or the end of the input before there was anything.
    Interrupted,
}

/// Takes bytes up to the end of a line, as a terminal would edit them.
fn edited(mut next: impl FnMut() -> io::Result<Option<u8>>) -> io::Result<Typed> {
    const INTERRUPT: u8 = 0x03;
    const END: u8 = 0x04;
    const BACKSPACE: u8 = 0x08;
    const KILL_LINE: u8 = 0x15;
    const DELETE: u8 = 0x7f;
    let most = MAX_SECRET_SIZE.saturating_add(1);
    let mut line = Zeroizing::new(Vec::with_capacity(most));
    loop {
        match next()? {
            Some(b'\n' | b'\r') => return Ok(Typed::Line(line)),
            Some(INTERRUPT) => return Ok(Typed::Interrupted),
            None | Some(END) if line.is_empty() => return Ok(Typed::Interrupted),
            None => return Ok(Typed::Line(line)),
            Some(BACKSPACE | DELETE) => {
                // A character may have several bytes; all but its first begin with the bits 10.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            Some(KILL_LINE) => line.clear(),
            Some(byte) if byte.is_ascii_control() && byte != b'\t' => {}
            Some(byte) if line.len() < most => line.push(byte),
            Some(_too_much) => {}
        }
    }
}

/// The terminal, told not to show what is typed.
#[cfg(unix)]
mod terminal {
    use std::io;

    use rustix::io::Errno;
    use rustix::stdio::stdin;
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
    };

    use super::{Typed, edited};

    /// Puts the terminal back as it was.
    struct Hidden(Termios);

    impl Hidden {
        /// Ctrl-C arrives as a byte, so that it cannot end the process while nothing is shown.
        fn begin() -> io::Result<Self> {
            let before = tcgetattr(stdin())?;
            let mut quiet = before.clone();
            let modes = LocalModes::ECHO
                | LocalModes::ECHONL
                | LocalModes::ICANON
                | LocalModes::ISIG
                | LocalModes::IEXTEN;
            quiet.local_modes.remove(modes);
            quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
            quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
            let hidden = Self(before);
            tcsetattr(stdin(), OptionalActions::Drain, &quiet)?;
            Ok(hidden)
        }
    }

    impl Drop for Hidden {
        fn drop(&mut self) {
            // When the terminal is gone, there is nothing to be put back.
            tcsetattr(stdin(), OptionalActions::Drain, &self.0).ok();
        }
    }

    pub(super) fn line() -> io::Result<Typed> {
        let _hidden = Hidden::begin()?;
        // Byte by byte and past the buffer of the standard library, which would keep a copy.
        edited(|| {
            let mut byte = [0_u8; 1];
            loop {
                match rustix::io::read(stdin(), &mut byte) {
                    Ok(0) => return Ok(None),
                    Ok(_one) => return Ok(byte.first().copied()),
                    Err(Errno::INTR) => {}
                    Err(err) => return Err(err.into()),
                }
            }
        })
    }
}

#[cfg(not(unix))]
mod terminal {
    use std::io;

    use super::Typed;

    pub(super) fn line() -> io::Result<Typed> {
        Err(io::Error::other(
            "secrets cannot be typed on this system yet: pipe them in",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(typed: &[u8]) -> Option<String> {
        let mut bytes = typed.iter().copied();
        match edited(|| Ok(bytes.next())).unwrap() {
            Typed::Line(line) => Some(String::from_utf8(line.to_vec()).unwrap()),
            Typed::Interrupted => None,
        }
    }

    #[test]
    fn what_is_typed_is_edited_as_a_terminal_would() {
        assert_eq!(line(b"secret\nmore").as_deref(), Some("secret"));
        assert_eq!(line(b"secres\x7ft\r").as_deref(), Some("secret"));
        assert_eq!(
            line("schlü\u{8}üssel\n".as_bytes()).as_deref(),
            Some("schlüssel")
        );
        assert_eq!(line(b"wrong\x15right\n").as_deref(), Some("right"));
        assert_eq!(line(b"\x7f\x7f\n").as_deref(), Some(""));
        assert_eq!(line(b"a\x1bb\n").as_deref(), Some("ab"));
    }

    #[test]
    fn ctrl_c_and_an_end_without_a_line_are_no_secret() {
        assert_eq!(line(b"half\x03"), None);
        assert_eq!(line(b""), None);
        assert_eq!(line(b"\x04"), None);
        assert_eq!(line(b"all").as_deref(), Some("all"));
    }
}
