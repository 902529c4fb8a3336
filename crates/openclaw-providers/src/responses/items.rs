//! The items of an answer, and what has been handed on of each.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use serde_json::Value;

use super::thoughts::Sealed;
use crate::event::StreamEvent;
use crate::ids::CallIds;
use crate::wire::{Fault, not_empty, written};

/// What stands between the parts of one thought.
const BETWEEN: &str = "\n\n";

/// The most items that one answer may have.
const MAX_ITEMS: usize = 4096;

/// An item as it is told.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Told {
    Message {
        content: Option<Vec<Part>>,
    },
    Reasoning {
        id: Option<String>,
        summary: Option<Vec<Part>>,
        content: Option<Vec<Part>>,
        encrypted_content: Option<String>,
    },
    FunctionCall {
        call_id: Option<String>,
        name: Option<String>,
        arguments: Option<Value>,
    },
    /// A tool of the provider's, or something newer than this program.
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Deserialize)]
pub(super) struct Part {
    text: Option<String>,
    refusal: Option<String>,
}

/// What a piece of an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text,
    Refusal,
    Thought,
}

/// The items of one answer by their places, and what was handed on of each.
///
/// A server may tell an item in pieces, as a whole, or both; it is handed on once.
#[derive(Debug)]
pub(super) struct Items {
    ids: CallIds,
    by_place: BTreeMap<u64, Item>,
    calls: u32,
    refused: bool,
}

#[derive(Debug, Default)]
struct Item {
    /// The call that it is.
    call: Option<u32>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Silent,
    /// A piece of it was handed on.
    Begun,
    Done,
}

impl Items {
    pub(super) const fn new(ids: CallIds) -> Self {
        Self {
            ids,
            by_place: BTreeMap::new(),
            calls: 0,
            refused: false,
        }
    }

    /// Returns whether there are calls that wait for results.
    pub(super) const fn has_calls(&self) -> bool {
        self.calls > 0
    }

    pub(super) const fn is_refusal(&self) -> bool {
        self.refused
    }

    /// Takes the beginning of an item.
    pub(super) fn begin(
        &mut self,
        at: u64,
        told: &Told,
        out: &mut VecDeque<StreamEvent>,
    ) -> Result<(), Fault> {
        self.item(at)?;
        if let Told::FunctionCall { call_id, name, .. } = told {
            self.call(at, call_id.as_deref(), name.as_deref(), out)?;
        }
        Ok(())
    }

    /// Takes further words or thoughts.
    pub(super) fn piece(
        &mut self,
        at: u64,
        piece: Piece,
        text: &str,
        out: &mut VecDeque<StreamEvent>,
    ) -> Result<(), Fault> {
        let item = self.item(at)?;
        if text.is_empty() {
            return Ok(());
        }
        item.stage = item.stage.max(Stage::Begun);
        self.hand_on(piece, text.to_owned(), out);
        Ok(())
    }

    /// Takes the beginning of a further part of thoughts.
    pub(super) fn part(&mut self, at: u64, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        if self.item(at)?.stage == Stage::Begun {
            out.push_back(StreamEvent::Thinking(BETWEEN.to_owned()));
        }
        Ok(())
    }

    /// Takes further arguments of a call.
    pub(super) fn arguments(
        &mut self,
        at: u64,
        json: &str,
        out: &mut VecDeque<StreamEvent>,
    ) -> Result<(), Fault> {
        let item = self.item(at)?;
        let Some(index) = item.call else {
            return Err(Fault::malformed("arguments of no function call", json));
        };
        if !json.is_empty() && item.stage != Stage::Done {
            item.stage = Stage::Begun;
            let json = json.to_owned();
            out.push_back(StreamEvent::ToolCallArguments { index, json });
        }
        Ok(())
    }

    /// Takes a whole item and hands on what was not handed on yet.
    pub(super) fn end(
        &mut self,
        at: u64,
        told: Told,
        out: &mut VecDeque<StreamEvent>,
    ) -> Result<(), Fault> {
        let before = std::mem::replace(&mut self.item(at)?.stage, Stage::Done);
        match told {
            _ if before == Stage::Done => {}
            Told::Message { content } => {
                let parts = content.into_iter().flatten();
                for part in parts.filter(|_| before == Stage::Silent) {
                    let refusal = part.refusal.and_then(not_empty);
                    let piece = refusal.map(|text| (Piece::Refusal, text));
                    let text = part.text.and_then(not_empty);
                    let text = text.map(|text| (Piece::Text, text));
                    for (piece, text) in text.into_iter().chain(piece) {
                        self.hand_on(piece, text, out);
                    }
                }
            }
            Told::Reasoning {
                id,
                summary,
                content,
                encrypted_content,
            } => {
                let parts = summary.filter(|parts| !parts.is_empty()).or(content);
                let texts = parts.into_iter().flatten().filter_map(|part| part.text);
                let text = texts.collect::<Vec<_>>().join(BETWEEN);
                let text = not_empty(text).filter(|_| before == Stage::Silent);
                out.extend(text.map(StreamEvent::Thinking));
                let sealed = encrypted_content
                    .and_then(not_empty)
                    .map(|encrypted| Sealed {
                        reasoning_id: id,
                        encrypted,
                    });
                let signature = sealed.and_then(|sealed| sealed.to_signature());
                out.extend(signature.map(StreamEvent::ThinkingSignature));
            }
            Told::FunctionCall {
                call_id,
                name,
                arguments,
            } => {
                let index = self.call(at, call_id.as_deref(), name.as_deref(), out)?;
                let json = arguments.map(written).and_then(not_empty);
                let json = json.filter(|_| before == Stage::Silent);
                out.extend(json.map(|json| StreamEvent::ToolCallArguments { index, json }));
                out.push_back(StreamEvent::ToolCallEnd { index });
            }
            Told::Unknown => {}
        }
        Ok(())
    }

    /// Takes a whole item that nothing can be made of; returns whether it is the first time.
    pub(super) fn pass_by(&mut self, at: u64) -> Result<bool, Fault> {
        let before = std::mem::replace(&mut self.item(at)?.stage, Stage::Done);
        Ok(before != Stage::Done)
    }

    /// Ends the calls that nothing ended.
    pub(super) fn end_calls(&mut self, out: &mut VecDeque<StreamEvent>) {
        for item in self.by_place.values_mut() {
            if item.stage != Stage::Done
                && let Some(index) = item.call
            {
                item.stage = Stage::Done;
                out.push_back(StreamEvent::ToolCallEnd { index });
            }
        }
    }

    fn hand_on(&mut self, piece: Piece, text: String, out: &mut VecDeque<StreamEvent>) {
        self.refused |= piece == Piece::Refusal;
        out.push_back(match piece {
            Piece::Text | Piece::Refusal => StreamEvent::Text(text),
            Piece::Thought => StreamEvent::Thinking(text),
        });
    }

    /// Announces a call unless it was announced before; returns its number.
    fn call(
        &mut self,
        at: u64,
        id: Option<&str>,
        name: Option<&str>,
        out: &mut VecDeque<StreamEvent>,
    ) -> Result<u32, Fault> {
        if let Some(index) = self.item(at)?.call {
            return Ok(index);
        }
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Err(Fault::malformed("a function call without a name", ""));
        };
        let index = self.calls;
        self.calls = index.saturating_add(1);
        self.item(at)?.call = Some(index);
        out.push_back(StreamEvent::ToolCallStart {
            index,
            id: self.ids.accept(id.unwrap_or_default()),
            name: name.to_owned(),
        });
        Ok(index)
    }

    /// Finds an item, or makes room for it.
    fn item(&mut self, at: u64) -> Result<&mut Item, Fault> {
        if self.by_place.len() >= MAX_ITEMS && !self.by_place.contains_key(&at) {
            return Err(Fault::malformed("items without end", ""));
        }
        Ok(self.by_place.entry(at).or_default())
    }
}
