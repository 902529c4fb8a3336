//! The eight hooks of this program's first description, each a view of one of the 42.

use serde_json::Value;

use super::catalog::Hook;

/// A moment in the life of a conversation.
///
/// A handler for it gets the event of the [`Hook`] behind it, under the rules of that hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lifecycle {
    /// Before the agent sees a message; it may be stopped.
    BeforeMessage,
    /// The agent is done with a message, in whatever way.
    AfterMessage,
    /// Before a tool runs; it may be stopped.
    BeforeToolCall,
    /// A tool ran, or failed.
    AfterToolCall,
    /// A session began.
    SessionStart,
    /// A session ended.
    SessionEnd,
    /// The agent answered.
    AgentResponse,
    /// A run failed.
    Error,
}

impl Lifecycle {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::BeforeMessage,
        Self::AfterMessage,
        Self::BeforeToolCall,
        Self::AfterToolCall,
        Self::SessionStart,
        Self::SessionEnd,
        Self::AgentResponse,
        Self::Error,
    ];

    /// Returns its name, as plugins write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeMessage => "BeforeMessage",
            Self::AfterMessage => "AfterMessage",
            Self::BeforeToolCall => "BeforeToolCall",
            Self::AfterToolCall => "AfterToolCall",
            Self::SessionStart => "SessionStart",
            Self::SessionEnd => "SessionEnd",
            Self::AgentResponse => "AgentResponse",
            Self::Error => "Error",
        }
    }

    /// Returns the hook behind it.
    pub const fn hook(self) -> Hook {
        match self {
            Self::BeforeMessage => Hook::BeforeAgentRun,
            Self::BeforeToolCall => Hook::BeforeToolCall,
            Self::AfterToolCall => Hook::AfterToolCall,
            Self::SessionStart => Hook::SessionStart,
            Self::SessionEnd => Hook::SessionEnd,
            Self::AfterMessage | Self::AgentResponse | Self::Error => Hook::AgentEnd,
        }
    }

    /// Tells whether an event of the hook is one of these: a run that ended either answered or failed.
    pub(super) fn is(self, event: &Value) -> bool {
        let answered = || event.get("success").and_then(Value::as_bool) == Some(true);
        match self {
            Self::AgentResponse => answered(),
            Self::Error => !answered(),
            Self::BeforeMessage
            | Self::AfterMessage
            | Self::BeforeToolCall
            | Self::AfterToolCall
            | Self::SessionStart
            | Self::SessionEnd => true,
        }
    }
}
