//! The events that our own code tells, and to which nothing is answered.
//!
//! Fields are OpenClaw's, so that its plugins understand them.

use serde::Serialize;
use serde_json::Value;

use super::catalog::Hook;
use crate::ids::{CallId, PeerId, ProviderId, RunId};
use crate::session_key::SessionKey;
use crate::usage::Usage;

/// An event that is told, and to which nothing is answered.
pub trait Observed: Serialize + Send + Sync {
    /// The hook that it is told at.
    const HOOK: Hook;
}

/// Makes the type of an event that is told.
macro_rules! observed {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($(#[$of])* pub $field: $type,)*
        }

        impl Observed for $name {
            const HOOK: Hook = Hook::$name;
        }
    };
}

observed!(
    /// A tool ran, or failed.
    AfterToolCall {
        /// The tool, by its own name.
        tool_name: String,
        /// The arguments that it ran with.
        params: Value,
        /// The run.
        run_id: RunId,
        /// The call.
        tool_call_id: CallId,
        /// What it answered, if it did what was asked.
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<Value>,
        /// Why it did not.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// How long it took.
        duration_ms: u64,
    }
);

observed!(
    /// A run ended.
    AgentEnd {
        /// The run.
        run_id: RunId,
        /// The conversation as the model saw it, with the answer.
        messages: Vec<Value>,
        /// Whether it answered.
        success: bool,
        /// Why it did not.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// How long it took.
        duration_ms: u64,
    }
);

observed!(
    /// A conversation is about to be summed up.
    BeforeCompaction {
        /// How many messages the model sees.
        message_count: u64,
        /// How many of them a summary is to replace.
        compacting_count: u64,
        /// How many tokens they all have.
        token_count: u64,
    }
);

observed!(
    /// A conversation was summed up.
    AfterCompaction {
        /// How many messages the model sees now.
        message_count: u64,
        /// How many tokens they have.
        token_count: u64,
        /// How many messages the summary replaces.
        compacted_count: u64,
    }
);

observed!(
    /// A session began.
    SessionStart {
        /// The session.
        session_id: SessionKey,
        /// The session.
        session_key: SessionKey,
        /// The session that it goes on from.
        #[serde(skip_serializing_if = "Option::is_none")]
        resumed_from: Option<SessionKey>,
    }
);

observed!(
    /// A session ended.
    SessionEnd {
        /// The session.
        session_id: SessionKey,
        /// The session.
        session_key: SessionKey,
        /// How many messages it had.
        message_count: u64,
        /// Why: one of OpenClaw's words, such as `reset`, `deleted` or `unknown`.
        reason: &'static str,
    }
);

observed!(
    /// A message was let in.
    MessageReceived {
        /// Who wrote it.
        from: PeerId,
        /// Its text.
        content: String,
        /// Who wrote it.
        sender_id: PeerId,
        /// The session that it goes to.
        session_key: SessionKey,
        /// The run that it sets off.
        #[serde(skip_serializing_if = "Option::is_none")]
        run_id: Option<RunId>,
    }
);

observed!(
    /// A model was asked.
    ModelCallStarted {
        /// The run.
        run_id: RunId,
        /// Which call of the run it is.
        call_id: String,
        /// Who was asked.
        provider: ProviderId,
        /// The model.
        model: String,
    }
);

observed!(
    /// A call of a model ended.
    ModelCallEnded {
        /// The run.
        run_id: RunId,
        /// Which call of the run it was.
        call_id: String,
        /// Who was asked.
        provider: ProviderId,
        /// The model.
        model: String,
        /// How long it took.
        duration_ms: u64,
        /// `completed` or `error`.
        outcome: &'static str,
        /// What kind of failure it was.
        #[serde(skip_serializing_if = "Option::is_none")]
        error_category: Option<String>,
    }
);

observed!(
    /// What a model is given.
    LlmInput {
        /// The run.
        run_id: RunId,
        /// The session.
        session_id: SessionKey,
        /// Who is asked.
        provider: ProviderId,
        /// The model.
        model: String,
        /// The system prompt.
        system_prompt: String,
        /// The message that set the run off.
        prompt: String,
        /// The conversation before it.
        history_messages: Vec<Value>,
        /// How many images are among it.
        images_count: u64,
    }
);

observed!(
    /// What a model answered.
    LlmOutput {
        /// The run.
        run_id: RunId,
        /// The session.
        session_id: SessionKey,
        /// Who was asked.
        provider: ProviderId,
        /// The model.
        model: String,
        /// The texts that it wrote.
        assistant_texts: Vec<String>,
        /// The tokens that it took.
        usage: Usage,
    }
);

observed!(
    /// The gateway serves.
    GatewayStart {
        /// The port.
        port: u16,
    }
);

observed!(
    /// The gateway is about to end.
    GatewayStop {
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
);
