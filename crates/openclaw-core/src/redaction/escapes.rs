//! Texts in which characters are escaped, read as what they say.
//!
//! A server may escape any character of a text that it quotes, not only those that have to be, so
//! the ways in which one value can be written this way cannot be listed.

use std::ops::Range;

/// How many backslashes stand before an escape at the most, which is a text of JSON in three others.
const MAX_BACKSLASHES: usize = 8;

/// The most characters between the `&` and the `;` of a reference.
const MAX_REFERENCE: usize = 8;

/// The names that escape what stands in no other way in HTML or XML.
const NAMES: [(&str, char); 5] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
];

/// A text without its escapes.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) text: String,
    /// Where each byte of it comes from, and at last where the text that it comes from ends.
    from: Vec<usize>,
    /// Where an escape begins that the end of the text cuts off.
    cut: Option<usize>,
}

/// What stands at the beginning of a text.
enum Found {
    /// An escape of so many bytes.
    Escape(char, usize),
    /// The beginning of what may become one.
    Cut,
    Nothing,
}

impl Plain {
    /// Reads a text; nothing when no character of it is escaped.
    pub(super) fn of(text: &str) -> Option<Self> {
        let first = text.find(['\\', '&'])?;
        let mut plain = Self {
            text: String::new(),
            from: Vec::new(),
            cut: None,
        };
        let mut at = 0;
        let mut has_escapes = false;
        plain.keep(text, 0..first);
        at = at.max(first);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let found = escape(rest);
            if matches!(found, Found::Cut) && plain.cut.is_none() {
                plain.cut = Some(at);
            }
            let end = if let Found::Escape(c, length) = found {
                has_escapes = true;
                plain.push(c, at);
                at.saturating_add(length)
            } else {
                let next = rest.char_indices().skip(1).map(|(at, _)| at);
                let next = next.chain([rest.len()]).next().unwrap_or(rest.len());
                let end = at.saturating_add(next);
                plain.keep(text, at..end);
                end
            };
            let to_next = text.get(end..).and_then(|rest| rest.find(['\\', '&']));
            let next = to_next.map_or(text.len(), |to_next| end.saturating_add(to_next));
            plain.keep(text, end..next);
            at = next;
        }
        plain.from.push(text.len());
        (has_escapes || plain.cut.is_some()).then_some(plain)
    }

    fn push(&mut self, c: char, at: usize) {
        self.text.push(c);
        self.from.resize(self.text.len(), at);
    }

    fn keep(&mut self, text: &str, range: Range<usize>) {
        self.text
            .push_str(text.get(range.clone()).unwrap_or_default());
        self.from.extend(range);
    }

    /// Returns where in the escaped text stands what begins here.
    pub(super) fn origin(&self, at: usize) -> usize {
        let end = self.from.last().copied().unwrap_or_default();
        self.from.get(at).copied().unwrap_or(end)
    }

    /// Returns what there is to say of the text up to an escape that its end cuts off, and where
    /// that is in the escaped text.
    pub(super) fn whole(&self) -> (&str, usize) {
        let end = self.from.last().copied().unwrap_or_default();
        let cut = self.cut.unwrap_or(end);
        let at = self.from.partition_point(|from| *from < cut);
        (self.text.get(..at).unwrap_or_default(), cut)
    }
}

fn escape(text: &str) -> Found {
    if text.starts_with('&') {
        reference(text)
    } else {
        unicode(text)
    }
}

/// Reads `\u002b`. A JSON text that is quoted in another has more backslashes before it.
fn unicode(text: &str) -> Found {
    let (unit, length) = match unit(text) {
        Unit::Whole(unit, length) => (unit, length),
        Unit::Cut => return Found::Cut,
        Unit::None => return Found::Nothing,
    };
    if let Some(c) = char::from_u32(unit.into()) {
        return Found::Escape(c, length);
    }
    // Beyond the first 65536 characters one is written as two halves.
    match self::unit(text.get(length..).unwrap_or_default()) {
        Unit::Whole(second, more) => match char::decode_utf16([unit, second]).next() {
            Some(Ok(c)) => Found::Escape(c, length.saturating_add(more)),
            _ => Found::Nothing,
        },
        Unit::Cut => Found::Cut,
        Unit::None if text.len() == length => Found::Cut,
        Unit::None => Found::Nothing,
    }
}

enum Unit {
    Whole(u16, usize),
    Cut,
    None,
}

fn unit(text: &str) -> Unit {
    let run = text.bytes().take(MAX_BACKSLASHES.saturating_add(1));
    let backslashes = run.take_while(|b| *b == b'\\').count();
    if backslashes == 0 || backslashes > MAX_BACKSLASHES {
        return Unit::None;
    }
    let after = text.get(backslashes..).unwrap_or_default();
    let Some(digits) = after.strip_prefix('u') else {
        // What is written with one backslash is among the forms of a value.
        return match after.chars().next() {
            None => Unit::Cut,
            Some(_) => Unit::None,
        };
    };
    let hex = digits
        .bytes()
        .take(4)
        .take_while(u8::is_ascii_hexdigit)
        .count();
    let value = digits.get(..hex).unwrap_or_default();
    match u16::from_str_radix(value, 16) {
        Ok(unit) if hex == 4 => Unit::Whole(unit, backslashes.saturating_add(5)),
        _ if hex == digits.len() => Unit::Cut,
        _ => Unit::None,
    }
}

/// Reads `&amp;`, `&#43;` and `&#x2b;`.
fn reference(text: &str) -> Found {
    let inner = text.strip_prefix('&').unwrap_or_default();
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || *b == b'#';
    let length = inner.bytes().take_while(is_plain).count();
    if length > MAX_REFERENCE {
        return Found::Nothing;
    }
    let name = inner.get(..length).unwrap_or_default();
    match inner.as_bytes().get(length) {
        Some(b';') => match referred(name) {
            Some(c) => Found::Escape(c, length.saturating_add(2)),
            None => Found::Nothing,
        },
        Some(_) => Found::Nothing,
        None => Found::Cut,
    }
}

fn referred(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return NAMES
            .into_iter()
            .find(|(of, _)| *of == name)
            .map(|(_, c)| c);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    char::from_u32(code.ok()?)
}
