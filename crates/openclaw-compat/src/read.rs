//! A transcript as lines of JSON.
//!
//! Lines are read one at a time and within bounds, so that neither a huge line nor a file without
//! line ends takes more memory than one entry may.

use std::io::{self, BufRead};
use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::entry::{Entry, EntryKind};
use crate::json;
use crate::trouble::{Fault, KNOWN_TRANSCRIPT, Spot, Trouble};

/// The largest entry that is kept: it and what is made of it has to fit into one event.
pub(crate) const MAX_KEPT: usize = 64 * 1024 * 1024;
/// The largest entry that is understood; its texts are recorded beside its JSON, some of them twice.
pub(crate) const MAX_READ: usize = 24 * 1024 * 1024;

/// What a transcript has.
#[derive(Debug, Default)]
pub struct Transcript {
    /// Its entries, in the order in which they were written.
    pub entries: Vec<Entry>,
    /// What is wrong with it.
    pub troubles: Vec<Trouble>,
}

impl Transcript {
    /// Returns the version that the header says; 1 when it says none.
    pub fn version(&self) -> u64 {
        self.header()
            .and_then(|header| header.get("version").and_then(Value::as_u64))
            .unwrap_or(1)
    }

    /// Returns the id that the header says.
    pub fn session_id(&self) -> Option<String> {
        self.header()
            .and_then(|header| json::text(&header, "id").map(str::to_owned))
    }

    fn header(&self) -> Option<Value> {
        let header = self
            .entries
            .iter()
            .find(|entry| entry.kind == EntryKind::Session)?;
        json::parse(&header.raw).ok()
    }

    /// Takes in one entry's text.
    pub(crate) fn push(&mut self, file: &Path, spot: Spot, place: u64, raw: String) {
        match parse(&raw) {
            Ok(value) => self.entries.push(Entry::new(place, raw, &value)),
            Err(Unparsed::Valid(reason)) => {
                let fault = Fault::Unread { reason };
                self.troubles.push(Trouble::new(file, spot, fault));
                self.entries.push(Entry::unread(place, raw));
            }
            Err(Unparsed::Short(reason)) => {
                self.troubles
                    .push(Trouble::new(file, spot, Fault::CutShort { reason }));
            }
            Err(Unparsed::Invalid(reason)) => {
                self.troubles
                    .push(Trouble::new(file, spot, Fault::NotJson { reason }));
            }
        }
    }

    /// Says what is unusual about the transcript as a whole.
    pub(crate) fn finish(&mut self, file: &Path, spot: &Spot) {
        if self.entries.is_empty() {
            return;
        }
        let say = |fault| Trouble::new(file, spot.clone(), fault);
        if !self
            .entries
            .iter()
            .any(|entry| entry.kind == EntryKind::Session)
        {
            self.troubles.push(say(Fault::NoHeader));
        }
        let version = self.version();
        if version > KNOWN_TRANSCRIPT {
            self.troubles.push(say(Fault::TranscriptVersion(version)));
        }
        let mut kinds: Vec<(&str, u64, u64)> = Vec::new();
        for entry in &self.entries {
            if let EntryKind::Unknown(kind) = &entry.kind {
                match kinds.iter_mut().find(|(known, ..)| known == kind) {
                    Some((_, _, more)) => *more = more.saturating_add(1),
                    None => kinds.push((kind, entry.place, 0)),
                }
            }
        }
        let spot_of = |place| match spot {
            Spot::Session(session) => Spot::Row {
                session: session.clone(),
                seq: i64::try_from(place).unwrap_or(i64::MAX),
            },
            _ => Spot::Line(place),
        };
        let unknown: Vec<Trouble> = kinds
            .into_iter()
            .map(|(kind, place, more)| {
                let kind = kind.to_owned();
                Trouble::new(file, spot_of(place), Fault::UnknownType { kind, more })
            })
            .collect();
        self.troubles.extend(unknown);
    }
}

/// Reads a transcript that is a file of lines.
///
/// It reads whatever it is given to its end: a line that is no entry becomes a trouble, and the
/// lines after it are read.
pub fn read_jsonl(input: impl BufRead, file: &Path) -> Transcript {
    let mut transcript = Transcript::default();
    each_line(input, |number, line| {
        let spot = Spot::Line(number);
        match line {
            Ok((text, replaced)) => {
                if let Some(at) = replaced {
                    let fault = Fault::NotText { at };
                    transcript
                        .troubles
                        .push(Trouble::new(file, spot.clone(), fault));
                }
                transcript.push(file, spot, number, text);
            }
            Err(fault) => transcript.troubles.push(Trouble::new(file, spot, fault)),
        }
    });
    // JSON that ends too early is a line that was cut short only where nothing comes after it.
    let last = transcript.troubles.len();
    let end = transcript.entries.last().map_or(0, |entry| entry.place);
    for (at, trouble) in transcript.troubles.iter_mut().enumerate() {
        let later =
            matches!(trouble.spot, Spot::Line(line) if line < end) || at.saturating_add(1) < last;
        if let (true, Fault::CutShort { reason }) = (later, &trouble.fault) {
            trouble.fault = Fault::NotJson {
                reason: reason.clone(),
            };
        }
    }
    transcript.finish(file, &Spot::Whole);
    transcript
}

/// Calls `take` with the number and the text of each line that is not blank.
///
/// The text comes with the place of the first byte that was not UTF-8, if there was one.
pub(crate) fn each_line(
    mut input: impl BufRead,
    mut take: impl FnMut(u64, Result<(String, Option<usize>), Fault>),
) {
    let mut number = 0_u64;
    let mut line = Vec::new();
    loop {
        line.clear();
        number = number.saturating_add(1);
        match next_line(&mut input, &mut line) {
            Ok(Some(0)) => {}
            Ok(Some(lost)) => {
                let kept = u64::try_from(line.len()).unwrap_or(u64::MAX);
                let limit = u64::try_from(MAX_KEPT).unwrap_or(u64::MAX);
                let size = kept.saturating_add(lost);
                take(number, Err(Fault::TooLarge { size, limit }));
                continue;
            }
            Ok(None) => return,
            Err(err) => {
                take(number, Err(Fault::from(err)));
                return;
            }
        }
        let (text, replaced) = match std::str::from_utf8(&line) {
            Ok(text) => (text.to_owned(), None),
            Err(err) => {
                let text = String::from_utf8_lossy(&line).into_owned();
                (text, Some(err.valid_up_to()))
            }
        };
        let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if trimmed.is_empty() {
            continue;
        }
        let text = if trimmed.len() == text.len() {
            text
        } else {
            trimmed.to_owned()
        };
        take(number, Ok((text, replaced)));
    }
}

/// Reads one line into `line`; returns how many bytes of it did not fit, or nothing at the end.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<u64>> {
    let (mut lost, mut any) = (0_u64, false);
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            Err(err) => return Err(err),
        };
        if buffer.is_empty() {
            return Ok(any.then_some(lost));
        }
        any = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.unwrap_or(buffer.len());
        let room = MAX_KEPT.saturating_sub(line.len()).min(length);
        line.extend(buffer.iter().take(room));
        let over = length.saturating_sub(room);
        lost = lost.saturating_add(u64::try_from(over).unwrap_or(u64::MAX));
        let used = length.saturating_add(usize::from(end.is_some()));
        input.consume(used);
        if end.is_some() {
            return Ok(Some(lost));
        }
    }
}

/// Why a text gives no value.
enum Unparsed {
    /// It is JSON, but too large or too deep to be read.
    Valid(String),
    /// It is the beginning of JSON.
    Short(String),
    /// It is something else.
    Invalid(String),
}

fn parse(raw: &str) -> Result<Value, Unparsed> {
    let invalid = |err: &serde_json::Error| {
        if err.is_eof() {
            Unparsed::Short(err.to_string())
        } else {
            Unparsed::Invalid(err.to_string())
        }
    };
    if raw.len() > MAX_READ {
        serde_json::from_str::<IgnoredAny>(raw).map_err(|err| invalid(&err))?;
        let size = raw.len();
        return Err(Unparsed::Valid(format!(
            "{size} bytes, at most {MAX_READ} are read"
        )));
    }
    json::parse(raw).map_err(|err| {
        // What is too deep for values, or has a number that is too large, can be passed over still.
        match serde_json::from_str::<IgnoredAny>(raw) {
            Ok(_) => Unparsed::Valid(err.to_string()),
            Err(err) => invalid(&err),
        }
    })
}
