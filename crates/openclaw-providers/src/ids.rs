//! Ids of tool calls and names of tools, such that every API accepts them.
//!
//! Ids come from models and from servers that are careless with them, and a conversation may move
//! from one API to another. What comes in is made unique; what goes out is made legal.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use openclaw_core::CallId;

use crate::request::{AssistantBlock, Message, ToolCall};

/// The longest name of a tool that every API accepts.
const MAX_NAME: usize = 64;

/// The longest id of a call that every API accepts.
const MAX_ID: usize = 40;

/// Gives out ids for the calls of one answer.
#[derive(Debug)]
pub(crate) struct CallIds {
    taken: HashSet<String>,
    next: usize,
}

impl CallIds {
    /// Starts after the calls of a conversation.
    pub(crate) fn after(messages: &[Message]) -> Self {
        let taken = calls(messages).map(|call| call.id.0.clone());
        let taken = taken.collect::<HashSet<_>>();
        Self {
            next: taken.len(),
            taken,
        }
    }

    /// Returns the server's id if it gave one that is new here, else a fresh one.
    ///
    /// Some servers give none, and some give `call_0` in every answer.
    pub(crate) fn accept(&mut self, given: &str) -> CallId {
        if !given.is_empty() && self.taken.insert(given.to_owned()) {
            return CallId::from(given);
        }
        self.fresh()
    }

    /// Returns `call_1`, `call_2` and so on: the same for the same conversation.
    pub(crate) fn fresh(&mut self) -> CallId {
        loop {
            self.next = self.next.saturating_add(1);
            let id = format!("call_{}", self.next);
            if self.taken.insert(id.clone()) {
                return CallId(id);
            }
        }
    }
}

/// Returns whether an id has the form of [`CallIds::fresh`]: no server gave it.
pub(crate) fn is_made_up(id: &CallId) -> bool {
    let number = id.as_str().strip_prefix("call_");
    number.is_some_and(|digits| digits.parse::<usize>().is_ok())
}

/// The ids of a conversation as they are sent.
#[derive(Debug)]
pub(crate) struct WireIds<'a>(HashMap<&'a CallId, String>);

impl<'a> WireIds<'a> {
    /// Keeps the ids that are legal everywhere and replaces the others, each by one of its own.
    ///
    /// The replacement tells the place of the call, so that it stays the same as the conversation
    /// grows and the provider's cache keeps its worth.
    pub(crate) fn of(messages: &'a [Message]) -> Self {
        let mut taken = CallIds::after(messages).taken;
        let mut replaced = HashMap::new();
        for (place, call) in calls(messages).enumerate() {
            if is_legal(call.id.as_str(), MAX_ID) || replaced.contains_key(&call.id) {
                continue;
            }
            let mut id = format!("openclaw_{place}");
            while !taken.insert(id.clone()) {
                id.push('_');
            }
            replaced.insert(&call.id, id);
        }
        Self(replaced)
    }

    pub(crate) fn get<'b>(&'b self, id: &'b CallId) -> &'b str {
        self.0.get(id).map_or(id.as_str(), String::as_str)
    }
}

/// Returns a tool's name as it is sent; a model may have called a tool by a name that no API takes.
pub(crate) fn wire_name(name: &str) -> Cow<'_, str> {
    if is_legal(name, MAX_NAME) {
        return Cow::Borrowed(name);
    }
    if name.is_empty() {
        return Cow::Borrowed("unnamed");
    }
    let legal = name.chars().take(MAX_NAME);
    Cow::Owned(
        legal
            .map(|c| if is_legal_char(c) { c } else { '_' })
            .collect(),
    )
}

fn is_legal(text: &str, limit: usize) -> bool {
    !text.is_empty() && text.len() <= limit && text.chars().all(is_legal_char)
}

fn is_legal_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn calls(messages: &[Message]) -> impl Iterator<Item = &ToolCall> {
    messages
        .iter()
        .filter_map(|message| match message {
            Message::Assistant(blocks) => Some(blocks),
            Message::User(_) | Message::ToolResults(_) => None,
        })
        .flatten()
        .filter_map(|block| match block {
            AssistantBlock::ToolCall(call) => Some(call),
            AssistantBlock::Text(_) | AssistantBlock::Thinking(_) => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Arguments;

    fn conversation(ids: &[&str]) -> Vec<Message> {
        let call = |id: &&str| {
            AssistantBlock::ToolCall(ToolCall {
                id: CallId::from(*id),
                name: "ls".into(),
                arguments: Arguments::parse(""),
            })
        };
        vec![Message::Assistant(ids.iter().map(call).collect())]
    }

    #[test]
    fn ids_that_are_missing_or_taken_are_replaced_by_fresh_ones() {
        let mut ids = CallIds::after(&conversation(&["call_0", "call_3"]));
        let given = ["", "call_0", "toolu_1", "toolu_1"];
        assert_eq!(
            given.map(|id| ids.accept(id).0),
            ["call_4", "call_5", "toolu_1", "call_6"]
        );
    }

    #[test]
    fn ids_that_no_api_takes_are_replaced_by_the_same_ones_each_time() {
        let long = "x".repeat(41);
        let all = ["functions.exec:0", "call_1", &long, "functions.exec:1"];
        let expected = ["openclaw_0", "call_1", "openclaw_2", "openclaw_3"];
        for n in 1..=all.len() {
            let messages = conversation(&all[..n]);
            let ids = WireIds::of(&messages);
            let wire = all.map(|id| ids.get(&CallId::from(id)).to_owned());
            assert_eq!(wire[..n], expected[..n]);
        }
    }

    #[test]
    fn a_replacement_is_never_an_id_of_the_conversation() {
        let messages = conversation(&["a b", "openclaw_0"]);
        assert_eq!(
            WireIds::of(&messages).get(&CallId::from("a b")),
            "openclaw_0_"
        );
    }

    #[test]
    fn names_are_made_legal() {
        assert_eq!(wire_name("read_file"), "read_file");
        assert_eq!(wire_name("functions.exec ü"), "functions_exec__");
        assert_eq!(wire_name(""), "unnamed");
        assert_eq!(wire_name(&"x".repeat(65)).len(), 64);
    }
}
