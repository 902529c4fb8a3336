//! The one place that prints.
//!
//! Standard output is for the answer: text for people, or with `--json` one document. Everything
//! else (notes, warnings, errors for people, the log) goes to standard error. What comes from
//! outside is made safe by [`crate::text`] before it gets here, or printed as JSON. Known secrets are
//! masked here.

mod failure;

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Stderr, Stdout, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use openclaw_core::env::Env;
use openclaw_core::redaction::{mask_value, masked};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::CliError;
use crate::terminal::{ColorWhen, Face};
use crate::text::visible_json;

pub(crate) use self::failure::excerpt_at;
pub(crate) use crate::terminal::Look;

/// The version of the JSON envelope and of what the commands put into it.
const SCHEMA_VERSION: u32 = 1;

/// What people or programs read answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text for people.
    Text,
    /// One JSON document.
    Json,
}

/// Where answers, notes and failures go.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    stdout: Stdout,
    stderr: Stderr,
    stdout_face: Face,
    stderr_face: Face,
}

impl Output {
    /// Looks at the two streams of this process.
    pub(crate) fn new(format: Format, when: ColorWhen, env: &Env) -> Self {
        Self {
            format,
            stdout: io::stdout(),
            stderr: io::stderr(),
            stdout_face: Face::of(&io::stdout(), when, env),
            stderr_face: Face::of(&io::stderr(), when, env),
        }
    }

    /// Tells whether the answer is one JSON document.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Returns what is known about standard output.
    pub(crate) const fn stdout(&self) -> Face {
        self.stdout_face
    }

    /// Returns what is known about standard error.
    pub(crate) const fn stderr(&self) -> Face {
        self.stderr_face
    }

    /// Prints a line of the answer.
    pub(crate) fn line(&self, text: impl Display) -> Result<(), CliError> {
        self.print(&format!("{}\n", masked(text.to_string())))
    }

    /// Prints a piece of the answer, at once.
    pub(crate) fn piece(&self, text: impl Display) -> Result<(), CliError> {
        self.stdout_bytes(masked(text.to_string()).as_bytes())
    }

    /// Passes on bytes at once and unchanged: another program's standard output, or a copy of a
    /// record, which has to be the same to be of use.
    pub(crate) fn stdout_bytes(&self, bytes: &[u8]) -> Result<(), CliError> {
        let mut stdout = self.stdout.lock();
        stdout
            .write_all(bytes)
            .and_then(|()| stdout.flush())
            .map_err(CliError::Output)
    }

    /// Passes on bytes of another program's standard error, at once and unchanged.
    pub(crate) fn stderr_bytes(&self, bytes: &[u8]) -> Result<(), CliError> {
        self.stderr
            .lock()
            .write_all(bytes)
            .map_err(CliError::Output)
    }

    /// Prints the answer of a command that has the envelope.
    pub(crate) fn answer(
        &self,
        data: &impl Serialize,
        warnings: &[String],
    ) -> Result<(), CliError> {
        let data = serde_json::to_value(data).map_err(CliError::Json)?;
        self.document(&envelope(&data, warnings))
    }

    /// Prints the answer of a command whose JSON has a shape of its own.
    pub(crate) fn document(&self, document: &impl Serialize) -> Result<(), CliError> {
        // Masked as a value, so that it stays JSON whatever the secrets are.
        let value = serde_json::to_value(document).map_err(CliError::Json)?;
        let text = serde_json::to_string_pretty(&mask_value(value)).map_err(CliError::Json)?;
        // A program reads the same, and a terminal shows what a program would read.
        self.print(&format!("{}\n", visible_json(&text)))
    }

    /// Prints one document of several, as a line.
    pub(crate) fn document_line(&self, document: &impl Serialize) -> Result<(), CliError> {
        let value = serde_json::to_value(document).map_err(CliError::Json)?;
        let text = serde_json::to_string(&mask_value(value)).map_err(CliError::Json)?;
        self.print(&format!("{}\n", visible_json(&text)))
    }

    fn print(&self, text: &str) -> Result<(), CliError> {
        let mut stdout = self.stdout.lock();
        stdout.write_all(text.as_bytes()).map_err(CliError::Output)
    }

    /// Prints a table: as wide as the terminal, or nothing cut off when there is none.
    pub(crate) fn table(&self, header: &[&str], rows: Vec<Vec<String>>) -> Result<(), CliError> {
        let text = table(header, rows, self.stdout_face.width);
        let (head, body) = text.split_once('\n').unwrap_or((&text, ""));
        self.line(self.look(Look::Strong, head))?;
        if body.is_empty() {
            Ok(())
        } else {
            self.line(body)
        }
    }

    /// Prints a line beside the answer, to standard error.
    pub(crate) fn note(&self, text: impl Display) {
        // If standard error cannot be written, there is nobody to be told.
        drop(writeln!(self.stderr.lock(), "{}", masked(text.to_string())));
    }

    /// Prints a warning to standard error.
    pub(crate) fn warning(&self, text: impl Display) {
        let label = self.stderr_face.paint(Look::Doubtful, "warning:");
        self.note(format_args!("{label} {text}"));
    }

    /// Makes text stand out on standard output.
    pub(crate) fn look<'a>(&self, look: Look, text: &'a str) -> Cow<'a, str> {
        self.stdout_face.paint(look, text)
    }

    /// Makes text stand out on standard error.
    pub(crate) fn look_aside<'a>(&self, look: Look, text: &'a str) -> Cow<'a, str> {
        self.stderr_face.paint(look, text)
    }
}

fn envelope(data: &Value, warnings: &[String]) -> Value {
    json!({ "ok": true, "schemaVersion": SCHEMA_VERSION, "data": data, "warnings": warnings })
}

fn table(header: &[&str], rows: Vec<Vec<String>>, width: Option<u16>) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_header(header)
        .add_rows(rows);
    match width {
        Some(columns) => {
            table
                .set_width(columns)
                .set_content_arrangement(ContentArrangement::Dynamic);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_has_the_documented_form() {
        assert_eq!(
            envelope(&json!({"a": 1}), &["w".to_owned()]).to_string(),
            r#"{"ok":true,"schemaVersion":1,"data":{"a":1},"warnings":["w"]}"#
        );
    }

    #[test]
    fn a_table_without_a_terminal_cuts_nothing_off() {
        let long = "x".repeat(300);
        let rows = vec![
            vec!["1".to_owned(), long.clone()],
            vec!["22".to_owned(), String::new()],
        ];
        assert_eq!(
            table(&["N", "TEXT"], rows, None),
            format!("N   TEXT\n1   {long}\n22")
        );
    }

    #[test]
    fn a_table_on_a_terminal_fits_it() {
        let rows = vec![vec!["1".to_owned(), "word ".repeat(40)]];
        let widest = table(&["N", "TEXT"], rows, Some(40));
        assert!(widest.lines().all(|line| line.len() <= 40), "{widest}");
    }
}
