//! The eight kinds of events. There are no others: richer facts are typed payloads, or state
//! changes under a key of [`Change`](super::Change).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{ChannelId, MessageId, PeerId};
use crate::validation::Attachment;

/// What happened.
///
/// ```
/// use openclaw_core::SessionEventKind;
/// use openclaw_core::events::EndReason;
/// use serde_json::json;
///
/// let kinds = [
///     SessionEventKind::SessionStarted { channel: "telegram".into(), peer_id: "4711".into() },
///     SessionEventKind::MessageReceived { content: "hi".into(), attachments: vec![] },
///     SessionEventKind::MessageSent { content: "hello".into(), message_id: "1".into() },
///     SessionEventKind::ToolCalled { tool: "exec".into(), params: json!({"command": "ls"}) },
///     SessionEventKind::ToolResult { tool: "exec".into(), result: json!("a.txt"), success: true },
///     SessionEventKind::AgentResponse { content: "hello".into(), model: "m".into(), tokens: 12 },
///     SessionEventKind::SessionEnded { reason: EndReason::Requested },
///     SessionEventKind::StateChanged { key: "mood".into(), value: json!("good") },
/// ];
/// # assert_eq!(kinds.len(), 8);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data")]
pub enum SessionEventKind {
    /// A conversation began.
    SessionStarted {
        /// The channel that it is on.
        channel: ChannelId,
        /// Whom it is with.
        peer_id: PeerId,
    },
    /// Somebody wrote to the agent.
    MessageReceived {
        /// The text.
        content: String,
        /// The files that came with it.
        attachments: Vec<Attachment>,
    },
    /// A messenger took a reply.
    MessageSent {
        /// The text as it was sent.
        content: String,
        /// The messenger's name for it.
        message_id: MessageId,
    },
    /// The model, or a client, asked for a tool.
    ToolCalled {
        /// The tool's name.
        tool: String,
        /// Its arguments.
        params: Value,
    },
    /// A tool call ended.
    ToolResult {
        /// The tool's name.
        tool: String,
        /// What it answered.
        result: Value,
        /// Whether it did what was asked.
        success: bool,
    },
    /// The agent answered.
    AgentResponse {
        /// The text.
        content: String,
        /// The model that wrote it.
        model: String,
        /// All tokens that the run used, in and out.
        tokens: u64,
    },
    /// The conversation ended.
    SessionEnded {
        /// Why.
        reason: EndReason,
    },
    /// A named piece of the session's state has a new value.
    StateChanged {
        /// Its name: that of a [`Change`](super::Change), or one of the embedding program's.
        key: String,
        /// Its value from now on.
        value: Value,
    },
}

impl SessionEventKind {
    /// Returns the kind's name, as it is stored and sent.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SessionStarted { .. } => "SessionStarted",
            Self::MessageReceived { .. } => "MessageReceived",
            Self::MessageSent { .. } => "MessageSent",
            Self::ToolCalled { .. } => "ToolCalled",
            Self::ToolResult { .. } => "ToolResult",
            Self::AgentResponse { .. } => "AgentResponse",
            Self::SessionEnded { .. } => "SessionEnded",
            Self::StateChanged { .. } => "StateChanged",
        }
    }
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// Somebody asked for it.
    Requested,
    /// Somebody asked for it and said why.
    Other(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_stored_form_carries_the_kinds_own_name() {
        let kind = SessionEventKind::ToolCalled {
            tool: "exec".into(),
            params: json!({"command": "ls"}),
        };
        let stored = serde_json::to_value(&kind).unwrap();
        assert_eq!(
            stored,
            json!({"kind": kind.name(), "data": {"tool": "exec", "params": {"command": "ls"}}})
        );
        assert_eq!(
            serde_json::from_value::<SessionEventKind>(stored).unwrap(),
            kind
        );
    }
}
