//! Puts tool calls together whose pieces servers label in different ways.
//!
//! OpenAI gives every piece an index and the first one an id and a name. Others leave the index
//! out, give 0 to every call, repeat id and name in every piece, leave the id out or send the
//! arguments as an object in one piece.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::Value;

use crate::event::StreamEvent;
use crate::fold::{MAX_CALLS, MAX_COMPLETION};
use crate::ids::CallIds;
use crate::wire::{Fault, written};

/// A piece of a tool call as it comes in.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Piece {
    index: Option<u64>,
    id: Option<String>,
    function: Option<FunctionPiece>,
}

impl Piece {
    /// Makes it the piece of the only call that there is.
    pub(super) fn only(function: FunctionPiece) -> Self {
        Self {
            index: Some(0),
            id: None,
            function: Some(function),
        }
    }
}

/// What is new of the function that a call is of.
#[derive(Debug, Default, Deserialize)]
pub(super) struct FunctionPiece {
    name: Option<String>,
    arguments: Option<Value>,
}

/// The tool calls of one answer.
#[derive(Debug)]
pub(super) struct Calls {
    ids: CallIds,
    calls: Vec<Call>,
}

#[derive(Debug, Default)]
struct Call {
    index: u32,
    wire_index: Option<u64>,
    wire_id: String,
    name: String,
    /// Arguments that came before the name, and so before the call could be announced.
    held: String,
}

impl Calls {
    pub(super) fn new(ids: CallIds) -> Self {
        Self {
            ids,
            calls: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(super) fn push(
        &mut self,
        piece: Piece,
        out: &mut VecDeque<StreamEvent>,
    ) -> Result<(), Fault> {
        let function = piece.function.unwrap_or_default();
        let id = piece.id.unwrap_or_default();
        let name = function.name.unwrap_or_default();
        let place = self.place(piece.index, &id, &name);
        let Self { ids, calls } = self;
        let Some(call) = calls.get_mut(place) else {
            return Ok(());
        };
        if call.wire_id.is_empty() {
            call.wire_id = id;
        }
        if call.name.is_empty() && !name.is_empty() {
            call.name = name;
            out.push_back(StreamEvent::ToolCallStart {
                index: call.index,
                id: ids.accept(&call.wire_id),
                name: call.name.clone(),
            });
        }
        let arguments = function.arguments.map(written);
        call.held.extend(arguments);
        if !call.name.is_empty() && !call.held.is_empty() {
            out.push_back(StreamEvent::ToolCallArguments {
                index: call.index,
                json: std::mem::take(&mut call.held),
            });
        }
        // What is announced is bounded where it is folded; what is held has to be bounded here.
        if call.held.len() > MAX_COMPLETION || place >= MAX_CALLS {
            return Err(Fault::malformed("tool calls without end", ""));
        }
        Ok(())
    }

    /// Ends every call; nothing if one of them never got a name.
    pub(super) fn end(&self) -> Option<impl Iterator<Item = StreamEvent>> {
        let named = self.calls.iter().all(|call| !call.name.is_empty());
        let ends = self.calls.iter();
        named.then(|| ends.map(|call| StreamEvent::ToolCallEnd { index: call.index }))
    }

    /// Finds the call that a piece belongs to, or makes room for a new one.
    fn place(&mut self, index: Option<u64>, id: &str, name: &str) -> usize {
        let calls = &mut self.calls;
        let known = match index {
            Some(_) => calls.iter().rposition(|call| call.wire_index == index),
            None if !id.is_empty() => calls.iter().rposition(|call| call.wire_id == id),
            None if name.is_empty() => calls.len().checked_sub(1),
            None => None,
        };
        let same = known.filter(|place| {
            calls
                .get(*place)
                .is_some_and(|call| !call.is_another(id, name))
        });
        same.unwrap_or_else(|| {
            calls.push(Call {
                index: u32::try_from(calls.len()).unwrap_or(u32::MAX),
                wire_index: index,
                ..Call::default()
            });
            calls.len().saturating_sub(1)
        })
    }
}

impl Call {
    /// Tells whether a piece with this id and name begins another call under the same index.
    fn is_another(&self, id: &str, name: &str) -> bool {
        let other_id = !id.is_empty() && !self.wire_id.is_empty() && id != self.wire_id;
        let other_name = !self.name.is_empty() && name != self.name;
        !name.is_empty() && (other_id || other_name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns for every call what it was announced as and its arguments.
    fn assemble(pieces: Value) -> Vec<(String, String, String)> {
        let pieces: Vec<Piece> = serde_json::from_value(pieces).unwrap();
        let mut calls = Calls::new(CallIds::after(&[]));
        let mut out = VecDeque::new();
        for piece in pieces {
            calls.push(piece, &mut out).unwrap();
        }
        out.extend(calls.end().expect("every call has a name"));
        let mut assembled = Vec::new();
        let mut ended = 0;
        for event in out {
            match event {
                StreamEvent::ToolCallStart { index, id, name } => {
                    assert_eq!(usize::try_from(index), Ok(assembled.len()));
                    assembled.push((id.0, name, String::new()));
                }
                StreamEvent::ToolCallArguments { index, json } => {
                    assembled[usize::try_from(index).unwrap()].2.push_str(&json);
                }
                StreamEvent::ToolCallEnd { .. } => ended += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(ended, assembled.len());
        assembled
    }

    fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
        (id.into(), name.into(), arguments.into())
    }

    #[test]
    fn pieces_are_told_apart_by_their_index() {
        assert_eq!(
            assemble(json!([
                {"index": 0, "id": "a", "type": "function", "function": {"name": "ls", "arguments": ""}},
                {"index": 1, "id": "b", "type": "function", "function": {"name": "exec", "arguments": ""}},
                {"index": 0, "function": {"arguments": "{\"path\""}},
                {"index": 1, "function": {"arguments": "{}"}},
                {"index": 0, "function": {"arguments": ":1}"}},
            ])),
            [call("a", "ls", r#"{"path":1}"#), call("b", "exec", "{}")]
        );
    }

    #[test]
    fn calls_under_one_index_are_told_apart_by_id_or_name() {
        assert_eq!(
            assemble(json!([
                {"index": 0, "id": "a", "function": {"name": "exec", "arguments": "{}"}},
                {"index": 0, "id": "b", "function": {"name": "exec", "arguments": "{}"}},
                {"index": 0, "function": {"name": "ls", "arguments": "{}"}},
            ])),
            [
                call("a", "exec", "{}"),
                call("b", "exec", "{}"),
                call("call_1", "ls", "{}")
            ]
        );
    }

    #[test]
    fn id_and_name_may_be_repeated_in_every_piece() {
        assert_eq!(
            assemble(json!([
                {"id": "a", "function": {"name": "exec", "arguments": "{"}},
                {"id": "a", "function": {"name": "exec", "arguments": "}"}},
                {"index": 1, "id": "b", "function": {"name": "ls", "arguments": "{"}},
                {"index": 1, "id": "b", "function": {"name": "ls", "arguments": "}"}},
            ])),
            [call("a", "exec", "{}"), call("b", "ls", "{}")]
        );
    }

    #[test]
    fn pieces_without_any_label_belong_to_the_last_call() {
        assert_eq!(
            assemble(json!([
                {"function": {"name": "exec", "arguments": "{"}},
                {"function": {"arguments": "}"}},
                {"id": "", "function": {"name": "exec", "arguments": {"command": "ls"}}},
            ])),
            [
                call("call_1", "exec", "{}"),
                call("call_2", "exec", r#"{"command":"ls"}"#)
            ]
        );
    }

    #[test]
    fn arguments_may_come_before_the_name() {
        assert_eq!(
            assemble(json!([
                {"index": 0, "id": "a", "function": {"name": null, "arguments": "{"}},
                {"index": 0, "function": {"name": "ls", "arguments": "}"}},
            ])),
            [call("a", "ls", "{}")]
        );
    }

    #[test]
    fn a_call_that_never_gets_a_name_has_no_end() {
        let mut calls = Calls::new(CallIds::after(&[]));
        calls.push(Piece::default(), &mut VecDeque::new()).unwrap();
        assert!(calls.end().is_none());
    }
}
