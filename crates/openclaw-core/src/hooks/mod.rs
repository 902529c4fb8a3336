//! Hooks: moments at which other code is called, and may have a say.
//!
//! There are OpenClaw's 42 ([`Hook`]), with its names, its events (JSON, in its words) and its rules of
//! how several handlers come to one result ([`Merge`]), how long each has and what follows when
//! one fails. [`Dispatcher`] calls handlers by these rules; nothing here knows where they come
//! from. The eight of this program's first description are views of these ([`Lifecycle`]).
//!
//! A handler can only take away: what a hook lets pass is still judged by policy, taint and
//! approvals. Nothing is spawned: [`Hooks::run`] is done when every handler is, or its time is up,
//! and a caller that does not want to wait for observers has to run it in a task of its own.
//!
//! | hook | called |
//! |---|---|
//! | `before_prompt_build` | by the loop, when the conversation of a turn is read, before its first step |
//! | `before_agent_run`, `before_agent_reply` | by the loop, with the finished prompt, before the first call of a model |
//! | `model_call_started`, `llm_input`, `model_call_ended`, `llm_output` | by the loop, around each call of a model |
//! | `before_agent_finalize` | by the loop, when a step asks for no tool |
//! | `agent_end` | by the loop, when a run ended in whatever way |
//! | `before_tool_call` | by the gate, when the arguments fit the tool, before policy judges them |
//! | `resolve_exec_env` | by the gate, before a command runs |
//! | `after_tool_call`, `tool_result_persist` | by the gate, when a tool ran or failed, before its result is recorded |
//! | `message_received`, `session_start` | by the loop, when a message was recorded, and its session with it |
//! | `session_start`, `session_end`, `gateway_start`, `gateway_stop` | by the gateway |
//! | `before_compaction`, `after_compaction` | before a view is shortened, in a turn or on somebody's order, and when the shorter one is in force |
//! | `before_model_resolve`, `agent_turn_prepare`, `heartbeat_prompt_contribution` | where models are chosen and prompts put together; not called yet |
//! | `before_reset`, `before_message_write` | around new beginnings and records of messages; not called yet |
//! | `inbound_claim`, `channel_pairing_requested`, `before_dispatch`, `reply_dispatch`, `message_sending`, `reply_payload_sending`, `message_sent` | with channels; not called yet |
//! | `subagent_spawned`, `subagent_progress`, `subagent_ended`, `subagent_delivery_target` | with runs on behalf of others; not called yet |
//! | `cron_reconciled`, `cron_changed` | with the scheduler; not called yet |
//! | `before_install`, `skill_proposal_evaluate`, `skill_proposal_changed`, `skill_changed` | with what is installed while the gateway runs; not called yet |
//!
//! Reading order: `catalog` is the hooks there are, `lifecycle` the eight, `handler` what is
//! registered, `merge` how results come together, `dispatcher` calls, `told` and
//! `asked` are what our own code tells and asks, in `context`.

mod asked;
mod catalog;
mod context;
mod dispatcher;
mod environment;
mod handler;
mod lifecycle;
mod merge;
mod told;

#[cfg(test)]
mod tests;

use std::fmt;

use async_trait::async_trait;
use serde_json::{Map, Value};

pub use asked::{
    AgentReply, BeforeAgentFinalize, BeforeAgentRun, BeforePromptBuild, BeforeToolCall, Finalize,
    PromptParts, RunGate, ToolGate,
};
pub use catalog::{Failure, Hook, Merge};
pub use context::HookContext;
pub use dispatcher::Dispatcher;
pub use handler::{
    Handler, HookCall, HookError, MOST_TIME, RegisterError, Registration, SyncHandler,
};
pub use lifecycle::Lifecycle;
pub use told::{
    AfterCompaction, AfterToolCall, AgentEnd, BeforeCompaction, GatewayStart, GatewayStop,
    LlmInput, LlmOutput, MessageReceived, ModelCallEnded, ModelCallStarted, Observed, SessionEnd,
    SessionStart,
};

/// Whatever is called at hooks.
#[async_trait]
pub trait Hooks: fmt::Debug + Send + Sync {
    /// Tells whether anybody has registered for a hook; if not, its event need not be made.
    fn wants(&self, hook: Hook) -> bool;

    /// Calls the handlers of a hook and returns what they come to.
    ///
    /// # Cancel safety
    /// When the future is dropped, so are the handlers that still wait; the others have run.
    async fn run(&self, hook: Hook, event: Value, context: Value) -> Outcome;

    /// Calls the handlers of a hook that does not wait.
    fn run_sync(&self, hook: Hook, event: Value, context: &Value) -> Outcome;
}

/// What the handlers of a hook came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It goes on, with what they returned together; nothing when they had nothing to say.
    Goes(Map<String, Value>),
    /// One of them blocks it.
    Blocked {
        /// Which one.
        by: String,
        /// Why; it may be about more than the conversation should know.
        reason: String,
        /// What the person may be told.
        message: Option<String>,
    },
}

impl Default for Outcome {
    fn default() -> Self {
        Self::Goes(Map::new())
    }
}

/// Nobody is called.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHooks;

#[async_trait]
impl Hooks for NoHooks {
    fn wants(&self, _hook: Hook) -> bool {
        false
    }

    async fn run(&self, _hook: Hook, _event: Value, _context: Value) -> Outcome {
        Outcome::default()
    }

    fn run_sync(&self, _hook: Hook, _event: Value, _context: &Value) -> Outcome {
        Outcome::default()
    }
}
