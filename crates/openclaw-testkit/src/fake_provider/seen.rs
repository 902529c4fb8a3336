//! A request as the fake saw it, with the conversation in it put the same for every wire format.

use serde_json::Value;

use super::wire::{WireFormat, google_model};

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenRequest {
    /// Counts the requests of this provider, from 1.
    pub number: u64,
    /// The HTTP method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// What stands after `?`.
    pub query: Option<String>,
    /// The headers, names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The wire format of the path, if it has one.
    pub wire: Option<WireFormat>,
    /// The body; `null` when it is no JSON.
    pub body: Value,
    /// The instructions above the conversation.
    pub system: Option<String>,
    /// The conversation.
    pub turns: Vec<Turn>,
}

/// One thing that was said, and where in the request it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// A path such as `messages[2].content[0]`.
    pub at: String,
    /// What was said.
    pub said: Said,
}

/// One thing that was said.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// By the user: texts and pictures as the wire format writes them.
    User(Vec<Value>),
    /// By the model.
    Assistant {
        /// Texts and thoughts as the wire format writes them.
        parts: Vec<Value>,
        /// Tool calls.
        calls: Vec<SeenCall>,
    },
    /// By a tool.
    Result(SeenResult),
}

/// A tool call in the history.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenCall {
    /// Its id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments; text that is no JSON stays text.
    pub arguments: Value,
}

/// A tool result in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenResult {
    /// The id of the call that it answers.
    pub call_id: String,
    /// What the model is told.
    pub content: String,
}

impl SeenRequest {
    /// Returns a header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns the model that is asked.
    pub fn model(&self) -> &str {
        let named = self.body.get("model").and_then(Value::as_str);
        let in_path = || google_model(&self.path).map(|(model, _)| model);
        named.or_else(in_path).unwrap_or_default()
    }

    /// Returns the names of the tools that the model may call.
    pub fn tools(&self) -> Vec<&str> {
        let tools = self.body.get("tools").and_then(Value::as_array);
        tools
            .into_iter()
            .flatten()
            .flat_map(|tool| match tool.get("functionDeclarations") {
                Some(functions) => functions.as_array().into_iter().flatten().collect(),
                None => vec![tool],
            })
            .filter_map(|tool| tool.get("name").or_else(|| tool.pointer("/function/name")))
            .filter_map(Value::as_str)
            .collect()
    }

    /// Returns every text that the user wrote, oldest first.
    pub fn user_texts(&self) -> Vec<&str> {
        self.turns
            .iter()
            .filter_map(|turn| match &turn.said {
                Said::User(parts) => Some(parts),
                Said::Assistant { .. } | Said::Result(_) => None,
            })
            .flatten()
            .filter_map(text_of)
            .collect()
    }

    /// Returns the last text that the user wrote, or nothing.
    pub fn last_user_text(&self) -> &str {
        self.user_texts().last().copied().unwrap_or_default()
    }

    /// Returns the tool calls in the history, oldest first.
    pub fn calls(&self) -> Vec<&SeenCall> {
        self.turns
            .iter()
            .filter_map(|turn| match &turn.said {
                Said::Assistant { calls, .. } => Some(calls),
                Said::User(_) | Said::Result(_) => None,
            })
            .flatten()
            .collect()
    }

    /// Returns the tool results in the history, oldest first.
    pub fn results(&self) -> Vec<&SeenResult> {
        self.turns
            .iter()
            .filter_map(|turn| match &turn.said {
                Said::Result(result) => Some(result),
                Said::User(_) | Said::Assistant { .. } => None,
            })
            .collect()
    }

    /// Tells whether the model is asked to go on from tool results.
    pub fn ends_with_results(&self) -> bool {
        matches!(
            self.turns.last().map(|turn| &turn.said),
            Some(Said::Result(_))
        )
    }
}

/// Returns the text of a part of a message: a plain text, or a block with a `text`.
pub(super) fn text_of(part: &Value) -> Option<&str> {
    part.as_str().or_else(|| part.get("text")?.as_str())
}
