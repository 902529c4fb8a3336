//! How a file is written: what a new entry has to look like to fit in, and values as text.

use serde_json::Value;

use super::layout;
use super::letters::{is_name_part, is_name_start};
use super::number;
use super::tree::{Entry, Node, NodeKind};

/// The indentation of a file that shows none.
const INDENT: &str = "  ";

/// How keys are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    Bare,
    Quoted(char),
}

/// Whether a container takes one line or many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spread {
    Inline,
    Lines,
}

/// What is usual around a place of a file.
#[derive(Clone, Debug)]
pub(super) struct Style {
    pub(super) newline: &'static str,
    /// What a level of nesting adds to the indentation.
    pub(super) unit: String,
    /// Whether the last entry of a container that takes many lines has a comma.
    pub(super) trailing_comma: bool,
    /// How a container is written that nothing else is known about.
    pub(super) spread: Spread,
    quote: char,
    keys: Keys,
    colon: String,
    /// How a list of plain values is written.
    lists: Spread,
    /// What stands inside the braces of an object on one line.
    pad: &'static str,
}

impl Style {
    /// Looks at a container and, for what it does not show, at the whole document.
    pub(super) fn around(text: &str, root: &Node, near: &Node) -> Self {
        let unit = indentation(text, near).or_else(|| first(root, &|node| indentation(text, node)));
        let keys = key_habit(text, near)
            .or_else(|| first(root, &|node| key_habit(text, node)))
            .unwrap_or(Keys::Quoted('"'));
        let quote = quotes(text, near)
            .or(match keys {
                Keys::Quoted(quote) => Some(quote),
                Keys::Bare => None,
            })
            .or_else(|| first(root, &|node| quotes(text, node)));
        let trailing = |node: &Node| {
            let last = node.entries().last()?;
            layout::is_first(text, last.start()).then_some(last.comma.is_some())
        };
        let lists = |node: &Node| {
            let element = node.entries().first()?;
            let plain = matches!(node.kind, NodeKind::Array(_)) && !is_container(&element.value);
            plain.then(|| spread(text, node))?
        };
        let colon = |node: &Node| {
            node.entries()
                .iter()
                .rev()
                .find_map(|entry| gap(text, entry))
        };
        let crlf = text.find('\n').is_some_and(|at| {
            let before = text.get(..at);
            before.is_some_and(|before| before.ends_with('\r'))
        });
        Self {
            newline: if crlf { "\r\n" } else { "\n" },
            unit: unit.unwrap_or_else(|| INDENT.to_owned()),
            trailing_comma: trailing(near)
                .or_else(|| first(root, &trailing))
                .unwrap_or(false),
            spread: spread(text, root).unwrap_or(Spread::Lines),
            quote: quote.unwrap_or('"'),
            keys,
            colon: colon(near)
                .or_else(|| first(root, &colon))
                .unwrap_or_else(|| ": ".to_owned()),
            lists: lists(near)
                .or_else(|| first(root, &lists))
                .unwrap_or(match keys {
                    Keys::Bare => Spread::Inline,
                    Keys::Quoted(_) => Spread::Lines,
                }),
            pad: first(root, &|node| pad(text, node)).unwrap_or(" "),
        }
    }

    /// Writes an entry: a key, unless it is an array's, and a value.
    pub(super) fn entry(
        &self,
        key: Option<&str>,
        value: &Value,
        indent: &str,
        spread: Spread,
    ) -> String {
        let value = self.value(value, indent, spread);
        match key {
            Some(key) => format!("{}{}{value}", self.key(key), self.colon),
            None => value,
        }
    }

    /// Writes a value whose first line is indented so far already.
    pub(super) fn value(&self, value: &Value, indent: &str, spread: Spread) -> String {
        match value {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => number::text(number),
            Value::String(string) => quoted(string, self.quote),
            Value::Array(elements) => {
                let plain = elements
                    .iter()
                    .all(|value| !value.is_array() && !value.is_object());
                let spread = if plain { self.lists } else { spread };
                let entries = elements.iter().map(|value| (None, value));
                self.container(('[', ']'), entries, indent, spread)
            }
            Value::Object(members) => {
                let entries = members
                    .iter()
                    .map(|(key, value)| (Some(key.as_str()), value));
                self.container(('{', '}'), entries, indent, spread)
            }
        }
    }

    /// Puts blanks inside the brackets of an object on one line, as the file does.
    pub(super) fn padded(&self, object: &str) -> String {
        format!("{0}{object}{0}", self.pad)
    }

    fn container<'a>(
        &self,
        (open, close): (char, char),
        entries: impl Iterator<Item = (Option<&'a str>, &'a Value)>,
        indent: &str,
        spread: Spread,
    ) -> String {
        let inner = match spread {
            Spread::Inline => indent.to_owned(),
            Spread::Lines => format!("{indent}{}", self.unit),
        };
        let entries: Vec<_> = entries
            .map(|(key, value)| self.entry(key, value, &inner, spread))
            .collect();
        if entries.is_empty() {
            return format!("{open}{close}");
        }
        let newline = self.newline;
        match spread {
            Spread::Inline if open == '{' => {
                format!("{open}{}{close}", self.padded(&entries.join(", ")))
            }
            Spread::Inline => format!("{open}{}{close}", entries.join(", ")),
            Spread::Lines => {
                let comma = if self.trailing_comma { "," } else { "" };
                let entries = entries.join(&format!(",{newline}{inner}"));
                format!("{open}{newline}{inner}{entries}{comma}{newline}{indent}{close}")
            }
        }
    }

    fn key(&self, key: &str) -> String {
        let mut characters = key.chars();
        let is_name = key.is_ascii()
            && characters.next().is_some_and(is_name_start)
            && characters.all(is_name_part);
        match self.keys {
            Keys::Bare if is_name => key.to_owned(),
            Keys::Bare => quoted(key, self.quote),
            Keys::Quoted(quote) => quoted(key, quote),
        }
    }
}

/// Returns how a container that has entries is written.
pub(super) fn spread(text: &str, node: &Node) -> Option<Spread> {
    let first = node.entries().first()?;
    let between = text.get(node.span.start..first.start())?;
    Some(if between.contains(['\n', '\r']) {
        Spread::Lines
    } else {
        Spread::Inline
    })
}

/// Writes a string. What comes out is a JSON string too, if the quotes are double.
fn quoted(string: &str, quote: char) -> String {
    let mut text = String::with_capacity(string.len().saturating_add(2));
    text.push(quote);
    for character in string.chars() {
        match character {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\\' => text.push_str("\\\\"),
            quoted if quoted == quote => {
                text.push('\\');
                text.push(quote);
            }
            hidden
                if hidden.is_control()
                    || matches!(hidden, '\u{2028}' | '\u{2029}' | '\u{feff}') =>
            {
                text.extend(["\\u", &format!("{:04x}", u32::from(hidden))]);
            }
            plain => text.push(plain),
        }
    }
    text.push(quote);
    text
}

/// Looks through a tree from the outside in, until something shows what is asked for.
fn first<T>(node: &Node, look: &dyn Fn(&Node) -> Option<T>) -> Option<T> {
    look(node).or_else(|| {
        let mut entries = node.entries().iter();
        entries.find_map(|entry| first(&entry.value, look))
    })
}

const fn is_container(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Array(_) | NodeKind::Object(_))
}

fn indentation(text: &str, node: &Node) -> Option<String> {
    let outer = layout::indent(text, node.span.start);
    let entry = node.entries().first()?;
    let inner = layout::indent(text, entry.start());
    let unit = inner.strip_prefix(outer)?;
    let own_line = layout::is_first(text, entry.start());
    (own_line && !unit.is_empty()).then(|| unit.to_owned())
}

fn key_habit(text: &str, node: &Node) -> Option<Keys> {
    let mut keys = node
        .entries()
        .iter()
        .rev()
        .filter_map(|entry| entry.key.as_ref());
    let first = text.get(keys.next()?.span.clone())?.chars().next()?;
    Some(match first {
        '"' | '\'' => Keys::Quoted(first),
        _ => Keys::Bare,
    })
}

fn quotes(text: &str, node: &Node) -> Option<char> {
    node.entries().iter().rev().find_map(|entry| {
        let string = matches!(entry.value.kind, NodeKind::String(_));
        let first = text.get(entry.value.span.clone())?.chars().next()?;
        string.then_some(first)
    })
}

/// Returns what stands between a key and its value, if that can be copied.
fn gap(text: &str, entry: &Entry) -> Option<String> {
    let key = entry.key.as_ref()?;
    let gap = text.get(key.span.end..entry.value.span.start)?;
    matches!(gap, ":" | ": " | " : ").then(|| gap.to_owned())
}

fn pad(text: &str, node: &Node) -> Option<&'static str> {
    let NodeKind::Object(members) = &node.kind else {
        return None;
    };
    let between = text.get(node.span.start.saturating_add(1)..members.first()?.start())?;
    match between {
        "" => Some(""),
        " " => Some(" "),
        _ => None,
    }
}
