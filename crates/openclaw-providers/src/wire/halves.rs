//! Characters that a server cut in two.
//!
//! Outside of the first 65,536 characters, JSON writes one as two escapes, `\ud83c\udf89`. A server
//! that cuts texts between the two sends each in a document of its own, which no reader of JSON
//! takes. Halves that meet again are joined; one that never meets another becomes U+FFFD.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};

use serde::de::DeserializeOwned;

use super::Fault;
use crate::event::StreamEvent;

/// The beginning of a half's stand-in; a text that comes from outside has no reason to have it.
const MARK: char = '\u{fdd0}';

/// The digits of an escape.
const DIGITS: usize = 4;

/// Reads a JSON document that nothing follows on.
pub(crate) fn read_whole<T: DeserializeOwned>(json: &str) -> serde_json::Result<T> {
    serde_json::from_str(json).or_else(|error| {
        let lone = char::REPLACEMENT_CHARACTER.to_string();
        let mended = rewrite(json, |_half| lone.clone());
        mended.map_or(Err(error), |json| serde_json::from_str(&json))
    })
}

/// The halves of an answer that wait for their other ones.
#[derive(Debug)]
pub(super) struct Halves {
    /// What a half's stand-in begins with. Nobody outside can know it, so nobody can write one.
    mark: String,
    open: BTreeMap<Place, u16>,
}

/// A text that comes in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Words,
    Thoughts,
    Call(u32),
}

impl Halves {
    /// Puts stand-ins for the halves of a document; `None` if there are none.
    pub(super) fn stand_in<'a>(this: &mut Option<Self>, json: &'a str) -> Cow<'a, str> {
        let mark = match this {
            Some(halves) => halves.mark.clone(),
            None => format!("{MARK}{:016x}", RandomState::new().hash_one(MARK)),
        };
        let Some(json) = rewrite(json, |half| format!("{mark}{half:04x}")) else {
            return Cow::Borrowed(json);
        };
        this.get_or_insert_with(|| Self {
            mark,
            open: BTreeMap::new(),
        });
        Cow::Owned(json)
    }

    /// Puts the characters back into an event; what it leaves behind comes first.
    pub(super) fn mend(&mut self, event: StreamEvent) -> Vec<StreamEvent> {
        let mut out = self.close(|place| ends(&event, place));
        let mended = match event {
            StreamEvent::Text(text) => self.piece(Place::Words, &text),
            StreamEvent::Thinking(text) => self.piece(Place::Thoughts, &text),
            StreamEvent::ToolCallArguments { index, json } => self.piece(Place::Call(index), &json),
            StreamEvent::ThinkingSignature(text) => {
                Some(StreamEvent::ThinkingSignature(self.plain(&text)))
            }
            StreamEvent::ToolCallStart { index, id, name } => Some(StreamEvent::ToolCallStart {
                index,
                id,
                name: self.plain(&name),
            }),
            StreamEvent::Started { model } => Some(StreamEvent::Started {
                model: self.plain(&model),
            }),
            other => Some(other),
        };
        out.extend(mended);
        out
    }

    /// Puts the characters back into what a decoder objects to.
    pub(super) fn mend_fault(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Sent { reason, message } => Fault::Sent {
                reason,
                message: self.plain(&message),
            },
            Fault::Malformed { what, data } => Fault::malformed(what, &self.plain(&data)),
            Fault::EndedEarly => Fault::EndedEarly,
        }
    }

    fn piece(&mut self, place: Place, text: &str) -> Option<StreamEvent> {
        let (text, open) = self.join(self.open.get(&place).copied(), text);
        match open {
            Some(half) => self.open.insert(place, half),
            None => self.open.remove(&place),
        };
        (!text.is_empty()).then(|| place.piece(text))
    }

    fn plain(&self, text: &str) -> String {
        let (mut text, open) = self.join(None, text);
        text.extend(open.map(|_half| char::REPLACEMENT_CHARACTER));
        text
    }

    /// Joins what meets; returns the half that the text ends with apart from it.
    fn join(&self, mut open: Option<u16>, text: &str) -> (String, Option<u16>) {
        let mut joined = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let (before, half, behind) = match rest.split_once(&self.mark) {
                Some((before, behind)) => match digits(behind) {
                    Some((half, behind)) => (before, Some(half), behind),
                    None => (before, None, behind),
                },
                None => (rest, None, ""),
            };
            if !before.is_empty() {
                joined.extend(open.take().map(|_half| char::REPLACEMENT_CHARACTER));
                joined.push_str(before);
            }
            if let Some(half) = half {
                let halves = open.take().into_iter().chain([half]);
                for character in char::decode_utf16(halves) {
                    // A first half may still meet its second.
                    match character {
                        Err(error) if is_first(error.unpaired_surrogate()) => {
                            joined.extend(
                                open.replace(error.unpaired_surrogate())
                                    .map(|_half| char::REPLACEMENT_CHARACTER),
                            );
                        }
                        character => {
                            joined.extend(open.take().map(|_half| char::REPLACEMENT_CHARACTER));
                            joined.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
                        }
                    }
                }
            }
            rest = behind;
        }
        (joined, open)
    }

    /// Gives up the halves of texts that have ended.
    fn close(&mut self, ended: impl Fn(Place) -> bool) -> Vec<StreamEvent> {
        let closed = self.open.extract_if(.., |place, _half| ended(*place));
        closed
            .map(|(place, _half)| place.piece(char::REPLACEMENT_CHARACTER.to_string()))
            .collect()
    }
}

impl Place {
    const fn piece(self, text: String) -> StreamEvent {
        match self {
            Self::Words => StreamEvent::Text(text),
            Self::Thoughts => StreamEvent::Thinking(text),
            Self::Call(index) => StreamEvent::ToolCallArguments { index, json: text },
        }
    }
}

/// Tells whether nothing can be added any more to the text at a place after an event.
fn ends(event: &StreamEvent, place: Place) -> bool {
    match (event, place) {
        (StreamEvent::Stop(_), _)
        | (StreamEvent::Text(_), Place::Thoughts)
        | (StreamEvent::Thinking(_), Place::Words)
        | (
            StreamEvent::ThinkingSignature(_)
            | StreamEvent::RedactedThinking(_)
            | StreamEvent::ToolCallStart { .. },
            Place::Words | Place::Thoughts,
        ) => true,
        (StreamEvent::ToolCallEnd { index }, Place::Call(call)) => *index == call,
        _ => false,
    }
}

/// Puts something else for every half of a document that stands alone; `None` if there is none.
fn rewrite(json: &str, stand_in: impl Fn(u16) -> String) -> Option<String> {
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return None;
    }
    let mut rewritten = String::with_capacity(json.len());
    let mut is_other = false;
    let mut rest = json;
    while let Some((before, escape)) = rest.split_once('\\') {
        rewritten.push_str(before);
        let Some((half, behind)) = escaped(escape) else {
            // The character after it is skipped too: of two backslashes, the second begins nothing.
            let mut chars = escape.chars();
            rewritten.push('\\');
            rewritten.extend(chars.next());
            rest = chars.as_str();
            continue;
        };
        let next = behind.strip_prefix('\\').and_then(escaped);
        let whole = next.and_then(|(second, behind)| {
            let mut halves = char::decode_utf16([half, second]);
            Some((halves.next()?.ok()?, behind))
        });
        if let Some((character, behind)) = whole {
            rewritten.push(character);
            rest = behind;
        } else {
            is_other = true;
            rewritten.push_str(&stand_in(half));
            rest = behind;
        }
    }
    rewritten.push_str(rest);
    is_other.then_some(rewritten)
}

/// Reads the half that an escape stands for, behind its backslash, and returns what follows.
fn escaped(escape: &str) -> Option<(u16, &str)> {
    let (unit, behind) = digits(escape.strip_prefix('u')?)?;
    (0xd800..=0xdfff).contains(&unit).then_some((unit, behind))
}

fn digits(text: &str) -> Option<(u16, &str)> {
    let (digits, behind) = text.split_at_checked(DIGITS)?;
    // The parser would take a sign.
    let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let unit = u16::from_str_radix(digits, 16).ok()?;
    hexadecimal.then_some((unit, behind))
}

const fn is_first(half: u16) -> bool {
    half < 0xdc00
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::event::StopReason;

    /// Returns the words that come of documents of one text each.
    fn words(documents: &[&str]) -> String {
        let mut halves = None;
        let mut words = String::new();
        let stop = StreamEvent::Stop(StopReason::EndTurn);
        let texts = documents.iter().map(|document| {
            let json = format!("\"{document}\"");
            let json = Halves::stand_in(&mut halves, &json).into_owned();
            StreamEvent::Text(serde_json::from_str(&json).unwrap())
        });
        let events = texts.collect::<Vec<_>>();
        for event in events.into_iter().chain([stop]) {
            let mended = match &mut halves {
                Some(halves) => halves.mend(event),
                None => vec![event],
            };
            for event in mended {
                if let StreamEvent::Text(text) = event {
                    words.push_str(&text);
                }
            }
        }
        words
    }

    #[test]
    fn halves_that_meet_are_one_character_and_others_are_none() {
        for (documents, expected) in [
            (&["a\\ud83c", "\\uDF89b"][..], "a🎉b"),
            (&["\\ud83c", "", "\\udf89"], "🎉"),
            (&["\\ud83c\\udf89\\ud83c", "\\udf89"], "🎉🎉"),
            (&["\\ud83c", "\\ud83c", "\\udf89"], "\u{fffd}🎉"),
            (&["\\ud83c", "x\\udf89"], "\u{fffd}x\u{fffd}"),
            (&["\\udf89", "\\ud83c"], "\u{fffd}\u{fffd}"),
            (&["\\udf89\\ud83cx", "y"], "\u{fffd}\u{fffd}xy"),
            (&["\\\\ud83c", "\\\\\\ud83c"], "\\ud83c\\\u{fffd}"),
            (&["\u{fdd0}d83c\\ud83c", "\\udf89"], "\u{fdd0}d83c🎉"),
            (&["\\uc138\\ud55c"], "세한"),
        ] {
            assert_eq!(words(documents), expected, "{documents:?}");
        }
    }

    #[test]
    fn the_halves_of_mixed_calls_meet_their_own() {
        let mut halves = None;
        let piece = |halves: &mut Option<Halves>, index, json: &str| {
            let text = Halves::stand_in(halves, json).into_owned();
            let json = serde_json::from_str(&text).unwrap();
            let event = StreamEvent::ToolCallArguments { index, json };
            halves.as_mut().unwrap().mend(event)
        };
        assert_eq!(piece(&mut halves, 0, r#""\ud83c""#), []);
        assert_eq!(piece(&mut halves, 1, r#""\ud83d""#), []);
        let arguments = |index, json: &str| StreamEvent::ToolCallArguments {
            index,
            json: json.into(),
        };
        assert_eq!(piece(&mut halves, 0, r#""\udf89""#), [arguments(0, "🎉")]);
        let end = StreamEvent::ToolCallEnd { index: 1 };
        assert_eq!(
            halves.unwrap().mend(end.clone()),
            [arguments(1, "\u{fffd}"), end]
        );
    }

    #[test]
    fn a_whole_document_is_read_with_what_is_left_of_it() {
        let read = |json| read_whole::<Value>(json).ok();
        assert_eq!(read(r#"["\ud83c"]"#), Some(json!(["\u{fffd}"])));
        assert_eq!(read(r#"["\ud83c\udf89"]"#), Some(json!(["🎉"])));
        assert_eq!(read(r#"["\ud8"]"#), None);
        assert_eq!(read(r#"["\ud+12"]"#), None);
    }
}
