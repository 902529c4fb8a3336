//! Thoughts that stand in tags at the beginning of the text.

use std::collections::VecDeque;

use crate::event::StreamEvent;
use crate::wire::not_empty;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// How much white space is held back before the first word.
const MAX_GAP: usize = 256;

/// Splits the thoughts off, in whatever pieces the text comes.
///
/// Only a tag that nothing but white space stands before counts: a model may write about tags.
#[derive(Debug, Default)]
pub(super) struct ThinkTags {
    place: Place,
    /// What may be the beginning of a tag, or white space that may stand before one.
    held: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Before,
    Inside,
    Gap,
    Text,
}

impl ThinkTags {
    pub(super) fn push(&mut self, text: &str, out: &mut VecDeque<StreamEvent>) {
        let mut text = std::mem::take(&mut self.held) + text;
        loop {
            match self.place {
                Place::Before => {
                    let words = text.trim_start();
                    if let Some(thoughts) = words.strip_prefix(OPEN) {
                        self.place = Place::Inside;
                        text = String::from(thoughts);
                    } else if OPEN.starts_with(words) && text.len() < MAX_GAP {
                        self.held = text;
                        return;
                    } else {
                        self.place = Place::Text;
                    }
                }
                Place::Inside => {
                    let Some((thoughts, words)) = text.split_once(CLOSE) else {
                        let (thoughts, held) = text.split_at(text.len() - overhang(&text));
                        out.extend(not_empty(thoughts.to_owned()).map(StreamEvent::Thinking));
                        self.held = String::from(held);
                        return;
                    };
                    out.extend(not_empty(thoughts.to_owned()).map(StreamEvent::Thinking));
                    self.place = Place::Gap;
                    text = String::from(words);
                }
                Place::Gap => {
                    text = String::from(text.trim_start());
                    if text.is_empty() {
                        return;
                    }
                    self.place = Place::Text;
                }
                Place::Text => {
                    out.extend(not_empty(text).map(StreamEvent::Text));
                    return;
                }
            }
        }
    }

    /// Gives out what was held back.
    pub(super) fn end(&mut self, out: &mut VecDeque<StreamEvent>) {
        let held = not_empty(std::mem::take(&mut self.held));
        out.extend(held.map(match self.place {
            Place::Inside => StreamEvent::Thinking,
            Place::Before | Place::Gap | Place::Text => StreamEvent::Text,
        }));
    }
}

/// Returns how many bytes at the end may be the beginning of the closing tag.
fn overhang(text: &str) -> usize {
    let longest = CLOSE.len().saturating_sub(1);
    (1..=longest)
        .rev()
        .find(|n| CLOSE.get(..*n).is_some_and(|start| text.ends_with(start)))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the thoughts and the words of a text that comes in these pieces.
    fn split<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, String) {
        let mut tags = ThinkTags::default();
        let mut out = VecDeque::new();
        for piece in pieces {
            tags.push(piece, &mut out);
        }
        tags.end(&mut out);
        let mut split = (String::new(), String::new());
        for event in out {
            match event {
                StreamEvent::Thinking(text) => split.0.push_str(&text),
                StreamEvent::Text(text) => split.1.push_str(&text),
                other => panic!("{other:?}"),
            }
        }
        split
    }

    #[test]
    fn thoughts_are_split_off_however_the_text_is_cut() {
        for (text, thoughts, words) in [
            (
                "<think>\nHm. </b> <</think>\n\nYes.",
                "\nHm. </b> <",
                "Yes.",
            ),
            (" \n<think>Hm.</think>Yes. <think>", "Hm.", "Yes. <think>"),
            ("<think></think>Yes.", "", "Yes."),
            ("Tags: <think>a</think>", "", "Tags: <think>a</think>"),
            ("<thin", "", "<thin"),
            ("<think>cut</thi", "cut</thi", ""),
            ("", "", ""),
        ] {
            let expected = (thoughts.to_owned(), words.to_owned());
            assert_eq!(split([text]), expected);
            for at in 0..=text.len() {
                let (head, tail) = text.split_at(at);
                assert_eq!(split([head, tail]), expected, "cut at {at}");
            }
            assert_eq!(split(text.split_inclusive(|_| true)), expected);
        }
    }
}
