//! The characters of a JSON5 text: blanks, comments, strings, numbers and names.

use std::ops::Range;

use super::letters::{is_blank, is_line_end, is_name_part, is_name_start, shown};
use super::number;
use super::tree::{Key, NodeKind};

/// What is wrong at a byte of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

/// What a value begins with.
pub(super) enum Begin {
    Scalar(Range<usize>, NodeKind),
    Object,
    Array,
}

/// A place in a text that moves forward only.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes the next character if it is this one; returns where it stood.
    pub(super) fn take(&mut self, wanted: char) -> Option<usize> {
        let at = self.at;
        (self.peek() == Some(wanted)).then(|| {
            self.bump(wanted);
            at
        })
    }

    /// Says that what comes next cannot stand here.
    pub(super) fn unexpected(&self) -> Fault {
        let message = self.peek().map_or_else(
            || "invalid end of input".to_owned(),
            |found| format!("invalid character '{}'", shown(found)),
        );
        self.fault(self.at, message)
    }

    /// Passes over blanks and comments.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        while let Some(next) = self.peek() {
            if is_blank(next) {
                self.bump(next);
            } else if next == '/' {
                self.comment()?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Reads a scalar, or the bracket that a container begins with.
    pub(super) fn value(&mut self) -> Result<Begin, Fault> {
        let start = self.at;
        let kind = match self.peek() {
            Some('{') => {
                self.bump('{');
                return Ok(Begin::Object);
            }
            Some('[') => {
                self.bump('[');
                return Ok(Begin::Array);
            }
            Some('n') => self.word("null", NodeKind::Null)?,
            Some('t') => self.word("true", NodeKind::Bool(true))?,
            Some('f') => self.word("false", NodeKind::Bool(false))?,
            Some(quote @ ('"' | '\'')) => NodeKind::String(self.string(quote)?),
            _ => NodeKind::Number(self.number()?),
        };
        Ok(Begin::Scalar(start..self.at, kind))
    }

    /// Reads a member's key.
    pub(super) fn key(&mut self) -> Result<Key, Fault> {
        let start = self.at;
        let name = match self.peek() {
            Some(quote @ ('"' | '\'')) => self.string(quote)?,
            _ => self.name()?,
        };
        Ok(Key {
            span: start..self.at,
            name,
        })
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn bump(&mut self, passed: char) {
        self.at = self.at.saturating_add(passed.len_utf8());
    }

    fn fault(&self, at: usize, message: impl Into<String>) -> Fault {
        Fault {
            at: at.min(self.text.len()),
            message: message.into(),
        }
    }

    fn comment(&mut self) -> Result<(), Fault> {
        self.bump('/');
        match self.peek() {
            Some('/') => {
                let rest = self.rest();
                let length = rest.find(is_line_end).unwrap_or(rest.len());
                self.at = self.at.saturating_add(length);
                Ok(())
            }
            Some('*') => {
                self.bump('*');
                if let Some(length) = self.rest().find("*/") {
                    self.at = self.at.saturating_add(length).saturating_add(2);
                    Ok(())
                } else {
                    self.at = self.text.len();
                    Err(self.unexpected())
                }
            }
            _ => Err(self.unexpected()),
        }
    }

    fn word(&mut self, word: &str, kind: NodeKind) -> Result<NodeKind, Fault> {
        for letter in word.chars() {
            self.take(letter).ok_or_else(|| self.unexpected())?;
        }
        Ok(kind)
    }

    fn number(&mut self) -> Result<f64, Fault> {
        let sign = match self.peek() {
            Some(sign @ ('+' | '-')) => {
                self.bump(sign);
                if sign == '-' { -1.0 } else { 1.0 }
            }
            _ => 1.0,
        };
        let start = self.at;
        let number = match self.peek() {
            Some('I') => {
                self.word("Infinity", NodeKind::Null)?;
                f64::INFINITY
            }
            Some('N') => {
                self.word("NaN", NodeKind::Null)?;
                f64::NAN
            }
            Some('0') => {
                self.bump('0');
                if self.take('x').or_else(|| self.take('X')).is_some() {
                    let digits = self.digits(16)?;
                    number::hexadecimal(self.text.get(digits).unwrap_or_default())
                } else {
                    self.fraction()?;
                    self.decimal(start)
                }
            }
            Some('1'..='9') => {
                self.digits(10)?;
                self.fraction()?;
                self.decimal(start)
            }
            Some('.') => {
                self.bump('.');
                self.digits(10)?;
                self.exponent()?;
                self.decimal(start)
            }
            _ => return Err(self.unexpected()),
        };
        Ok(sign * number)
    }

    fn fraction(&mut self) -> Result<(), Fault> {
        if self.take('.').is_some() && self.peek().is_some_and(|next| next.is_ascii_digit()) {
            self.digits(10)?;
        }
        self.exponent()
    }

    fn exponent(&mut self) -> Result<(), Fault> {
        if self.take('e').or_else(|| self.take('E')).is_some() {
            if self.take('+').is_none() {
                self.take('-');
            }
            self.digits(10)?;
        }
        Ok(())
    }

    /// Passes over at least one digit; returns where they stand.
    fn digits(&mut self, radix: u32) -> Result<Range<usize>, Fault> {
        let rest = self.rest();
        let length = rest
            .find(|next: char| !next.is_digit(radix))
            .unwrap_or(rest.len());
        if length == 0 {
            return Err(self.unexpected());
        }
        let start = self.at;
        self.at = start.saturating_add(length);
        Ok(start..self.at)
    }

    fn decimal(&self, start: usize) -> f64 {
        let text = self.text.get(start..self.at).unwrap_or_default();
        text.parse().unwrap_or(f64::NAN)
    }

    fn string(&mut self, quote: char) -> Result<String, Fault> {
        self.bump(quote);
        let mut string = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find([quote, '\\', '\n', '\r']).unwrap_or(rest.len());
            string.push_str(rest.get(..plain).unwrap_or_default());
            self.at = self.at.saturating_add(plain);
            match self.peek() {
                Some('\\') => self.escape(&mut string)?,
                Some(end) if end == quote => {
                    self.bump(quote);
                    return Ok(string);
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn escape(&mut self, string: &mut String) -> Result<(), Fault> {
        self.bump('\\');
        let Some(escaped) = self.peek() else {
            return Err(self.unexpected());
        };
        if escaped.is_ascii_digit() && escaped != '0' {
            return Err(self.unexpected());
        }
        self.bump(escaped);
        match escaped {
            'b' => string.push('\u{8}'),
            'f' => string.push('\u{c}'),
            'n' => string.push('\n'),
            'r' => string.push('\r'),
            't' => string.push('\t'),
            'v' => string.push('\u{b}'),
            '0' if self.peek().is_some_and(|next| next.is_ascii_digit()) => {
                return Err(self.unexpected());
            }
            '0' => string.push('\0'),
            'x' => {
                let code = self.hex(2)?;
                string.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            'u' => {
                let unit = self.hex(4)?;
                let character = self.paired(unit);
                string.push(character);
            }
            '\r' => {
                self.take('\n');
            }
            '\n' | '\u{2028}' | '\u{2029}' => {}
            other => string.push(other),
        }
        Ok(())
    }

    /// Reads exactly so many hexadecimal digits.
    fn hex(&mut self, count: usize) -> Result<u32, Fault> {
        let mut code = 0_u32;
        for _ in 0..count {
            let digit = self.peek().and_then(|next| next.to_digit(16));
            let (Some(digit), Some(passed)) = (digit, self.peek()) else {
                return Err(self.unexpected());
            };
            self.bump(passed);
            code = code.saturating_mul(16).saturating_add(digit);
        }
        Ok(code)
    }

    /// Joins a UTF-16 unit with its other half, if that follows.
    ///
    /// Half a pair is a character that no Rust string can hold, and becomes U+FFFD.
    fn paired(&mut self, unit: u32) -> char {
        if let Some(character) = char::from_u32(unit) {
            return character;
        }
        let before = self.at;
        if (0xd800..0xdc00).contains(&unit)
            && self.rest().starts_with("\\u")
            && let Some(after) = before.checked_add(2)
        {
            self.at = after;
            if let Ok(low @ 0xdc00..=0xdfff) = self.hex(4) {
                let high = unit.saturating_sub(0xd800).saturating_mul(0x400);
                let code = high
                    .saturating_add(low.saturating_sub(0xdc00))
                    .saturating_add(0x1_0000);
                return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
            self.at = before;
        }
        char::REPLACEMENT_CHARACTER
    }

    fn name(&mut self) -> Result<String, Fault> {
        let mut name = String::new();
        loop {
            let allowed = if name.is_empty() {
                is_name_start
            } else {
                is_name_part
            };
            match self.peek() {
                Some('\\') => {
                    let backslash = self.at;
                    self.bump('\\');
                    self.take('u').ok_or_else(|| self.unexpected())?;
                    let code = self.hex(4)?;
                    let character = char::from_u32(code).filter(|found| allowed(*found));
                    name.push(
                        character
                            .ok_or_else(|| self.fault(backslash, "invalid identifier character"))?,
                    );
                }
                Some(next) if allowed(next) => {
                    self.bump(next);
                    name.push(next);
                }
                _ if name.is_empty() => return Err(self.unexpected()),
                _ => return Ok(name),
            }
        }
    }
}
