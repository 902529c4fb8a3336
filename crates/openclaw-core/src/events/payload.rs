//! What is known about an event beyond its kind, with room for what is not known yet.
//!
//! Together with the kinds, this is enough to rebuild the transcript of a session as the model
//! wrote it: the order of text, thinking and tool calls in each step, and the signatures that
//! some providers want back.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{CallId, ProviderId};
use crate::kind::Kind;
use crate::provenance::Mark;
use crate::usage::{Cost, Usage};

/// The extension of an event. Parts that this version does not know are kept as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    /// On the first event that a model's step gave rise to: what the model wrote in that step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepPayload>,
    /// Every call of a model that led to this event, the one that answered last. It stands beside
    /// `step`, and where a run failed: the sum over a session is what it took.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallPayload>,
    /// On a `ToolResult`: how the tool ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolPayload>,
    /// On what a model sees from outside: where it came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// Parts with other names.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a model wrote in one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepPayload {
    /// The provider that was asked.
    pub provider: ProviderId,
    /// The model that answered, as the provider names it.
    pub model: String,
    /// Why it stopped.
    pub stop: String,
    /// What it used.
    pub usage: Usage,
    /// What it wrote, in order.
    pub blocks: Vec<Block>,
}

/// A part of what a model wrote in one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Block {
    /// Text for the reader.
    Text(String),
    /// Reasoning.
    Thinking(Thinking),
    /// A tool call; its `ToolCalled` event has the rest.
    Call(CallId),
}

/// A model's reasoning, as its provider gave it and may want it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thinking {
    /// The readable part.
    pub text: String,
    /// The provider's signature over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The unreadable form, in place of text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted: Option<String>,
}

/// One call of a model, whether it answered or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallPayload {
    /// The provider that was asked.
    pub provider: ProviderId,
    /// The model that was asked, or that answered, as the provider names it.
    pub model: String,
    /// The name of the key that it was asked with, where a provider has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// How it ended.
    pub outcome: CallOutcome,
    /// The tokens that it took, as far as the provider told.
    #[serde(default)]
    pub usage: Usage,
    /// What it cost, in nano-USD; none if nobody knows the price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// How long it took to its end, in milliseconds.
    pub latency_ms: u64,
    /// How long it took to the first token, in milliseconds; none if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// How many events of the answer this program did not know.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: u32,
}

/// How a call of a model ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CallOutcome {
    /// With an answer.
    Ok,
    /// Without one, or without the end of one.
    Failed {
        /// What kind of failure it was.
        kind: Kind,
        /// What went wrong.
        message: String,
    },
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// How a tool ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolPayload {
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The sandbox level that a command ran at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<String>,
    /// What of that level this machine did not have, where that is allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<String>,
    /// The exit status of a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Why nothing ran at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_of_other_versions_survive_the_round_trip() {
        let stored =
            json!({"tool": {"durationMs": 5, "sandbox": "strict"}, "from.the.future": {"a": [1]}});
        let payload: Payload = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(serde_json::to_value(payload).unwrap(), stored);
    }
}
