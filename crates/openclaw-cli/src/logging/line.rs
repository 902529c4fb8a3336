//! How a line looks: as JSON, or for people.

use std::borrow::Cow;

use jiff::Timestamp;
use openclaw_core::clock::rfc3339;
use serde_json::{Map, Value};
use tracing::Level;

use super::Color;
use crate::text;

/// The members that every line has; a field of the same name gets an underscore.
const OWN: [&str; 4] = ["time", "level", "module", "message"];

/// One line of the log.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    pub(super) time: Timestamp,
    pub(super) level: Level,
    pub(super) module: &'a str,
    pub(super) message: String,
    /// What it says beside the message.
    pub(super) fields: Vec<(&'static str, String)>,
    /// What it belongs to.
    pub(super) whose: Vec<(&'static str, String)>,
}

impl Line<'_> {
    /// Changes every text that somebody may have written.
    pub(super) fn map(mut self, change: impl Fn(String) -> String) -> Self {
        self.message = change(self.message);
        for (_, value) in self.fields.iter_mut().chain(&mut self.whose) {
            *value = change(std::mem::take(value));
        }
        self
    }

    /// Returns the line as a JSON object on one line, without a line end.
    pub(super) fn json(self) -> String {
        let mut object = Map::new();
        let own = [
            rfc3339(self.time),
            self.level.as_str().to_ascii_lowercase(),
            self.module.to_owned(),
            self.message,
        ];
        for (name, value) in OWN.into_iter().zip(own) {
            object.insert(name.to_owned(), Value::String(value));
        }
        for (name, value) in self.whose.into_iter().chain(self.fields) {
            let name = if OWN.contains(&name) {
                format!("{name}_")
            } else {
                name.to_owned()
            };
            object.insert(name, Value::String(value));
        }
        escaped(&Value::Object(object).to_string()).into_owned()
    }

    /// Returns the line for people, without a line end.
    pub(super) fn pretty(&self, color: Color) -> String {
        let (begin, end) = match (color, self.level) {
            (Color::Off, _) => ("", ""),
            (Color::On, Level::ERROR) => ("\u{1b}[31m", "\u{1b}[0m"),
            (Color::On, Level::WARN) => ("\u{1b}[33m", "\u{1b}[0m"),
            (Color::On, Level::INFO) => ("\u{1b}[32m", "\u{1b}[0m"),
            (Color::On, _) => ("\u{1b}[34m", "\u{1b}[0m"),
        };
        let mut shown = format!(
            "{} {begin}{:>5}{end} {}: {}",
            rfc3339(self.time),
            self.level,
            self.module,
            text::one_line(&self.message)
        );
        for (name, value) in self.fields.iter().chain(&self.whose) {
            shown.extend([" ", name, "=", &text::one_line(value)]);
        }
        shown
    }
}

/// Escapes what JSON lets stand and a terminal would obey.
fn escaped(json: &str) -> Cow<'_, str> {
    if matches!(text::one_line(json), Cow::Borrowed(_)) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        let mut place = [0; 4];
        if matches!(text::one_line(c.encode_utf8(&mut place)), Cow::Borrowed(_)) {
            safe.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            safe.extend(format!("\\u{unit:04x}").chars());
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line() -> Line<'static> {
        Line {
            time: Timestamp::from_millisecond(1_500).unwrap(),
            level: Level::WARN,
            module: "openclaw_gateway::http",
            message: "over\u{202e} there\n".to_owned(),
            fields: vec![("level", "x".to_owned())],
            whose: vec![("run", "r1".to_owned())],
        }
    }

    #[test]
    fn a_line_of_json_says_what_was_said_on_one_line() {
        let text = line().json();
        assert!(!text.contains('\n') && !text.contains('\u{202e}'), "{text}");
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({
                "time": "1970-01-01T00:00:01.500Z",
                "level": "warn",
                "module": "openclaw_gateway::http",
                "message": "over\u{202e} there\n",
                "run": "r1",
                "level_": "x",
            })
        );
    }

    #[test]
    fn a_line_for_people_is_one_line() {
        let text = line().pretty(Color::Off);
        assert_eq!(
            text,
            "1970-01-01T00:00:01.500Z  WARN openclaw_gateway::http: over\\u{202e} there\\n level=x run=r1"
        );
        assert!(
            line()
                .pretty(Color::On)
                .contains("\u{1b}[33m WARN\u{1b}[0m")
        );
    }
}
