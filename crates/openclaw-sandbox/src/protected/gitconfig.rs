//! The language of git's settings.

use std::{iter::Peekable, str::Chars};

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// In small letters.
    pub(super) section: String,
    pub(super) subsection: Option<String>,
    /// In small letters.
    pub(super) key: String,
    /// A key without a value means yes.
    pub(super) value: Option<String>,
}

/// Reads settings as git does. At what is an error to git, which then does nothing at all, it goes
/// on with the next line.
pub(super) fn entries(text: &str) -> Vec<Entry> {
    let mut reader = Reader {
        letters: text.trim_start_matches('\u{feff}').chars().peekable(),
    };
    let (mut section, mut subsection) = (String::new(), None);
    let mut entries = Vec::new();
    while let Some(letter) = reader.next() {
        match letter {
            letter if is_blank(letter) => {}
            '#' | ';' => reader.skip_line(),
            '[' => match reader.header() {
                Some(header) => (section, subsection) = header,
                None => reader.skip_line(),
            },
            letter if letter.is_ascii_alphabetic() => {
                let (key, value) = reader.setting(letter);
                entries.push(Entry {
                    section: section.clone(),
                    subsection: subsection.clone(),
                    key,
                    value,
                });
            }
            _ => reader.skip_line(),
        }
    }
    entries
}

struct Reader<'a> {
    letters: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    /// Returns the next letter; a line that ends as on Windows ends like any other.
    fn next(&mut self) -> Option<char> {
        match self.letters.next() {
            Some('\r') if self.letters.peek() == Some(&'\n') => self.letters.next(),
            next => next,
        }
    }

    fn skip_line(&mut self) {
        while !matches!(self.next(), None | Some('\n')) {}
    }

    /// Reads the name of a section up to its bracket. More settings may follow on the same line.
    fn header(&mut self) -> Option<(String, Option<String>)> {
        let mut section = String::new();
        loop {
            match self.next()? {
                ']' => break,
                letter if letter.is_ascii_alphanumeric() || letter == '-' || letter == '.' => {
                    section.push(letter.to_ascii_lowercase());
                }
                ' ' | '\t' => return Some((section, Some(self.quoted()?))),
                _ => return None,
            }
        }
        // The old way to write a subsection.
        Some(match section.split_once('.') {
            Some((section, subsection)) => (section.to_owned(), Some(subsection.to_owned())),
            None => (section, None),
        })
    }

    /// Reads a subsection in quotes with the bracket after it.
    fn quoted(&mut self) -> Option<String> {
        let mut name = String::new();
        let mut letter = self.next()?;
        while letter == ' ' || letter == '\t' {
            letter = self.next()?;
        }
        if letter != '"' {
            return None;
        }
        loop {
            match self.next()? {
                '\n' => return None,
                '"' => break,
                '\\' => name.push(self.next()?),
                letter => name.push(letter),
            }
        }
        (self.next()? == ']').then_some(name)
    }

    /// Reads a key that begins with this letter, and its value.
    fn setting(&mut self, first: char) -> (String, Option<String>) {
        let mut key = String::from(first.to_ascii_lowercase());
        let is_part = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-';
        while let Some(letter) = self.letters.next_if(is_part) {
            key.push(letter.to_ascii_lowercase());
        }
        while self
            .letters
            .next_if(|letter| *letter == ' ' || *letter == '\t')
            .is_some()
        {}
        match self.next() {
            Some('=') => (key, Some(self.value())),
            None | Some('\n') => (key, None),
            Some(_) => {
                self.skip_line();
                (key, None)
            }
        }
    }

    /// Reads a value to the end of its line, or of the last of those that continue it.
    fn value(&mut self) -> String {
        let mut value = String::new();
        // How long it is without blanks at the end that are not quoted.
        let mut length = 0;
        let mut quoted = false;
        while let Some(letter) = self.next() {
            match letter {
                '\n' => break,
                '#' | ';' if !quoted => {
                    self.skip_line();
                    break;
                }
                '"' => {
                    quoted = !quoted;
                    length = value.len();
                    continue;
                }
                '\\' => match self.next() {
                    Some('\n') | None => continue,
                    Some('t') => value.push('\t'),
                    Some('n') => value.push('\n'),
                    Some('b') => value.push('\u{8}'),
                    Some(letter) => value.push(letter),
                },
                letter if is_blank(letter) && !quoted => {
                    if !value.is_empty() {
                        value.push(letter);
                    }
                    continue;
                }
                letter => value.push(letter),
            }
            length = value.len();
        }
        value.truncate(length);
        value
    }
}

const fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

/// Writes settings as git does.
pub(super) fn text(entries: &[&Entry]) -> String {
    let mut text = String::new();
    let mut last = None;
    for entry in entries {
        let section = (&entry.section, &entry.subsection);
        if last != Some(section) {
            text.push('[');
            text.push_str(&entry.section);
            if let Some(subsection) = &entry.subsection {
                text.push_str(" \"");
                text.push_str(&escaped(subsection));
                text.push('"');
            }
            text.push_str("]\n");
            last = Some(section);
        }
        text.push('\t');
        text.push_str(&entry.key);
        if let Some(value) = &entry.value {
            text.push_str(" = ");
            text.push_str(&written(value));
        }
        text.push('\n');
    }
    text
}

/// Puts quotes around a value that would mean something else without them.
fn written(value: &str) -> String {
    let value = escaped(value).replace('\n', "\\n").replace('\t', "\\t");
    let needs = value.trim_matches(is_blank) != value || value.contains([';', '#', '\r']);
    if needs { format!("\"{value}\"") } else { value }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let entries = entries(text);
        let lines = entries.iter().map(|entry| {
            let Entry {
                section,
                subsection,
                key,
                value,
            } = entry;
            format!("{section}/{subsection:?}/{key}={value:?}")
        });
        lines.collect()
    }

    #[test]
    fn reads_what_git_reads() {
        let text = "[x][include]path = ../a\n[includeIf \"gitdir:**/[.]git\"] PATH = b ; no\n\
                    [core]\r\n\thooksPath=\"a;b\\\r\nc\" \r\n[a.B] k\n[b \"q\\\"\\]\"]\nz= 1  2 # \\\n\
                    !\nv = \"x \" \n";
        let expected = [
            "include/None/path=Some(\"../a\")",
            "includeif/Some(\"gitdir:**/[.]git\")/path=Some(\"b\")",
            "core/None/hookspath=Some(\"a;bc\")",
            "a/Some(\"b\")/k=None",
            "b/Some(\"q\\\"]\")/z=Some(\"1  2\")",
            "b/Some(\"q\\\"]\")/v=Some(\"x \")",
        ];
        assert_eq!(said(text), expected);
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let text = "[core]\n\tbare = false\n[remote \"a\\\"b\"]\n\turl = \"x # y\"\n\tfetch\n\
                    \tv = \" a\\n\\\\ \"\n";
        let entries = entries(text);
        let kept: Vec<&Entry> = entries.iter().collect();
        let written = super::text(&kept);
        assert_eq!(written, text);
    }
}
