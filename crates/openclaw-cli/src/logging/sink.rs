//! Where lines go.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use openclaw_config::ConsoleStyle;
use openclaw_core::log_files::LogWriter;
use openclaw_core::redaction::{REDACTED, masked};
use parking_lot::Mutex;
use regex::Regex;

use super::Color;
use super::line::Line;

/// How often it is told that the file cannot be written.
const COMPLAINT: Duration = Duration::from_mins(1);

/// How lines look on standard error.
#[derive(Clone, Copy, Debug)]
pub(super) enum Console {
    /// For people.
    Pretty(Color),
    /// As JSON.
    Json,
}

/// A place for lines; each line is written whole before the next one.
#[derive(Debug)]
pub(super) struct Sink {
    to: Mutex<To>,
    patterns: Mutex<Vec<Regex>>,
}

#[derive(Debug)]
enum To {
    Nowhere,
    Stderr(Console),
    File {
        writer: LogWriter,
        complained: Option<Instant>,
    },
}

impl Sink {
    pub(super) const fn nowhere() -> Self {
        Self::new(To::Nowhere)
    }

    pub(super) const fn console(style: Console) -> Self {
        Self::new(To::Stderr(style))
    }

    const fn new(to: To) -> Self {
        Self {
            to: Mutex::new(to),
            patterns: Mutex::new(Vec::new()),
        }
    }

    /// Writes to a file from now on.
    pub(super) fn write_to(&self, writer: LogWriter) {
        *self.to.lock() = To::File {
            writer,
            complained: None,
        };
    }

    /// Writes lines to standard error in another style from now on.
    pub(super) fn style(&self, style: ConsoleStyle) {
        if let (To::Stderr(console), ConsoleStyle::Json) = (&mut *self.to.lock(), style) {
            *console = Console::Json;
        }
    }

    /// Masks what these expressions match, too.
    pub(super) fn also_mask(&self, patterns: &[Regex]) {
        *self.patterns.lock() = patterns.to_vec();
    }

    /// Writes a line. A line that cannot be written is lost: the log must not stop what it is about.
    pub(super) fn write(&self, line: Line<'_>) {
        let line = self.without_secrets(line);
        match &mut *self.to.lock() {
            To::Nowhere => {}
            To::Stderr(Console::Pretty(color)) => to_stderr(&masked(line.pretty(*color))),
            To::Stderr(Console::Json) => to_stderr(&masked(line.json())),
            To::File { writer, complained } => {
                let mut text = masked(line.json());
                text.push('\n');
                if let Err(err) = writer.write(text.as_bytes()) {
                    complain(complained, &err);
                }
            }
        }
    }

    /// Values are masked before they are put together, so that a mask does not take a part of the
    /// form with it; the whole line is looked through once more.
    fn without_secrets<'a>(&self, line: Line<'a>) -> Line<'a> {
        let patterns = self.patterns.lock().clone();
        line.map(|text| {
            let mut text = masked(text);
            for pattern in &patterns {
                if pattern.is_match(&text) {
                    text = pattern.replace_all(&text, REDACTED).into_owned();
                }
            }
            text
        })
    }
}

fn to_stderr(line: &str) {
    // Whoever does not read the log has no log; there is nowhere to tell it.
    drop(io::stderr().write_all(format!("{line}\n").as_bytes()));
}

fn complain(complained: &mut Option<Instant>, err: &io::Error) {
    if complained.is_none_or(|at| at.elapsed() > COMPLAINT) {
        *complained = Some(Instant::now());
        to_stderr(&format!("the log file cannot be written: {err}"));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use openclaw_core::redaction::learn_text;
    use tracing::Level;

    use super::*;

    #[test]
    fn secrets_and_what_matches_are_masked_wherever_they_stand() {
        learn_text("cnry-of-the-log-0123456789");
        let sink = Sink::nowhere();
        sink.also_mask(&[Regex::new("card [0-9]+").unwrap()]);
        let line = sink.without_secrets(Line {
            time: Timestamp::UNIX_EPOCH,
            level: Level::INFO,
            module: "x",
            message: "with cnry-of-the-log-0123456789".to_owned(),
            fields: vec![("about", "card 4711 is full".to_owned())],
            whose: vec![("session", "agent:cnry-of-the-log-0123456789".to_owned())],
        });
        assert_eq!(line.message, "with [REDACTED]");
        assert_eq!(line.fields[0].1, "[REDACTED] is full");
        assert_eq!(line.whose[0].1, "agent:[REDACTED]");
    }
}
