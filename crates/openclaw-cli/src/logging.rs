//! The log: to standard error, at the level `warn` unless `OPENCLAW_LOG` says otherwise.
//!
//! A line of it may quote anything, so each is looked through before it is written: known secrets
//! are masked, and no text can end the line or steer the terminal.

use std::io::{self, Write};

use openclaw_core::env::{Env, OPENCLAW_LOG};
use openclaw_core::redaction::mask;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::text;

/// Starts logging. Returns what is wrong with the filter, in which case the default is used.
pub(crate) fn start(env: &Env, color: Color) -> Option<String> {
    let wanted = env.get(OPENCLAW_LOG.name).unwrap_or_default();
    let default = || EnvFilter::default().add_directive(LevelFilter::WARN.into());
    let (filter, problem) = match EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .parse(wanted)
    {
        Ok(filter) => (filter, None),
        Err(err) => {
            let name = OPENCLAW_LOG.name;
            (default(), Some(format!("{name} is not followed: {err}")))
        }
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || Line {
            to: io::stderr(),
            color,
        })
        .with_ansi(color == Color::On)
        .finish();
    // Only a second start could fail, and there is none.
    drop(tracing::subscriber::set_global_default(subscriber));
    problem
}

/// Whether log lines are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    /// They are.
    On,
    /// They are not.
    Off,
}

/// Writes one line of the log.
struct Line<W> {
    to: W,
    color: Color,
}

impl<W: Write> Write for Line<W> {
    /// The formatter hands over each line whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let masked = mask(text);
        let safe = match self.color {
            Color::On => text::one_colored_line(&masked),
            Color::Off => text::one_line(&masked),
        };
        self.to.write_all(format!("{safe}\n").as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
