//! What our own code asks at hooks, with types: the methods of `dyn Hooks`.
//!
//! Fields are OpenClaw's, so that its plugins understand them.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::catalog::Hook;
use super::context::HookContext;
use super::told::Observed;
use super::{Hooks, Outcome};
use crate::ids::{CallId, ChannelId, PeerId, RunId};
use crate::session_key::SessionKey;

/// A tool is about to run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BeforeToolCall {
    /// The tool, by its own name.
    pub tool_name: String,
    /// Its arguments.
    pub params: Value,
    /// The run.
    pub run_id: RunId,
    /// The call.
    pub tool_call_id: CallId,
    /// The files that it will touch, as far as its arguments tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub derived_paths: Vec<String>,
}

/// What becomes of a tool call.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolGate {
    /// It goes on with these arguments, which have to be checked as the model's own are.
    Go(Value),
    /// As [`ToolGate::Go`], and somebody has to be asked first.
    Ask {
        /// The arguments.
        params: Value,
        /// Why, in a sentence.
        reason: String,
    },
    /// It does not run.
    Block {
        /// Whose handler says so.
        by: String,
        /// Why.
        reason: String,
    },
}

/// A run is about to ask a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BeforeAgentRun {
    /// The message that set it off.
    pub prompt: String,
    /// The conversation before it.
    pub messages: Vec<Value>,
    /// The system prompt.
    pub system_prompt: String,
    /// The channel of the message.
    pub channel_id: ChannelId,
    /// Who wrote it.
    pub sender_id: PeerId,
    /// Whether the agent works for them.
    pub sender_is_owner: bool,
}

/// Whether a run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunGate {
    /// It does.
    Go,
    /// It ends.
    Block {
        /// Whose handler says so.
        by: String,
        /// What the person is told; the reason itself is for nobody.
        message: Option<String>,
    },
}

/// The prompt of a run is put together.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BeforePromptBuild {
    /// The message that set it off.
    pub prompt: String,
    /// The conversation before it.
    pub messages: Vec<Value>,
}

/// What is added to a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PromptParts {
    /// It takes the system prompt's place.
    pub system_prompt: Option<String>,
    /// It goes before the system prompt.
    pub prepend_system_context: Option<String>,
    /// It goes after the system prompt.
    pub append_system_context: Option<String>,
    /// It is told after the message, which is on record as it was written, and before the other.
    pub prepend_context: Option<String>,
    /// It is told after the message.
    pub append_context: Option<String>,
    /// The only tools that the model may see and call of those that it would.
    pub tools_allow: Option<Vec<String>>,
}

/// What a handler answers in the model's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentReply {
    /// Nothing: the model is asked.
    None,
    /// This; an empty text says nothing to anybody.
    Text(String),
}

/// A model gave an answer that would be the last.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BeforeAgentFinalize {
    /// The run.
    pub run_id: RunId,
    /// The session.
    pub session_id: SessionKey,
    /// The session.
    pub session_key: SessionKey,
    /// Whether it is an answer to a request for another pass.
    pub stop_hook_active: bool,
    /// The answer.
    pub last_assistant_message: String,
}

/// Whether an answer is the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finalize {
    /// It is.
    Accept,
    /// The model is asked once more, with this.
    Revise(String),
}

impl dyn Hooks + '_ {
    /// Tells an event to whoever wants to know.
    pub async fn observe<E: Observed>(&self, event: &E, context: &HookContext) {
        if self.wants(E::HOOK) {
            self.run(E::HOOK, written(event), written(context)).await;
        }
    }

    /// Asks what becomes of a tool call.
    pub async fn before_tool_call(&self, call: &BeforeToolCall, context: &HookContext) -> ToolGate {
        let own = || call.params.clone();
        match self.ask(Hook::BeforeToolCall, call, context).await {
            Outcome::Blocked { by, reason, .. } => ToolGate::Block { by, reason },
            Outcome::Goes(mut said) => {
                let params = said.remove("params").unwrap_or_else(own);
                match said.remove("requireApproval") {
                    Some(wanted) => ToolGate::Ask {
                        params,
                        reason: approval_reason(&wanted),
                    },
                    None => ToolGate::Go(params),
                }
            }
        }
    }

    /// Asks whether a run may ask a model.
    pub async fn before_agent_run(&self, run: &BeforeAgentRun, context: &HookContext) -> RunGate {
        match self.ask(Hook::BeforeAgentRun, run, context).await {
            Outcome::Goes(_) => RunGate::Go,
            Outcome::Blocked { by, message, .. } => RunGate::Block { by, message },
        }
    }

    /// Asks for additions to a prompt.
    pub async fn before_prompt_build(
        &self,
        prompt: &BeforePromptBuild,
        context: &HookContext,
    ) -> PromptParts {
        let said = self.ask(Hook::BeforePromptBuild, prompt, context).await;
        read(goes(said))
    }

    /// Asks whether somebody answers a message in the model's place.
    pub async fn before_agent_reply(&self, message: &str, context: &HookContext) -> AgentReply {
        let event = json!({ "cleanedBody": message });
        let said = goes(self.ask(Hook::BeforeAgentReply, &event, context).await);
        if said.is_empty() {
            return AgentReply::None;
        }
        let text = said.get("reply").and_then(|reply| reply.get("text"));
        AgentReply::Text(text.and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// Asks whether an answer is the last.
    pub async fn before_agent_finalize(
        &self,
        answer: &BeforeAgentFinalize,
        context: &HookContext,
    ) -> Finalize {
        let said = goes(self.ask(Hook::BeforeAgentFinalize, answer, context).await);
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        if text(said.get("action")).as_deref() != Some("revise") {
            return Finalize::Accept;
        }
        let instruction = said.get("retry").and_then(|retry| retry.get("instruction"));
        match text(instruction).or_else(|| text(said.get("reason"))) {
            Some(instruction) => Finalize::Revise(instruction),
            None => Finalize::Accept,
        }
    }

    /// Asks for variables of a command's environment; those that choose programs, or whom they
    /// trust, are not among them.
    pub async fn resolve_exec_env(
        &self,
        host: &str,
        context: &HookContext,
    ) -> BTreeMap<String, String> {
        let event = json!({ "sessionKey": context.session_key, "toolName": "exec", "host": host });
        read(goes(self.ask(Hook::ResolveExecEnv, &event, context).await))
    }

    /// Lets the result of a tool be rewritten before it is recorded.
    pub fn tool_result_persist(
        &self,
        tool: &str,
        call: &CallId,
        result: Value,
        context: &HookContext,
    ) -> Value {
        if !self.wants(Hook::ToolResultPersist) {
            return result;
        }
        let event = json!({ "toolName": tool, "toolCallId": call, "message": result });
        let said = self.run_sync(Hook::ToolResultPersist, event, &written(context));
        goes(said).remove("message").unwrap_or(result)
    }

    async fn ask(
        &self,
        hook: Hook,
        event: &(impl Serialize + Sync),
        context: &HookContext,
    ) -> Outcome {
        if !self.wants(hook) {
            return Outcome::default();
        }
        self.run(hook, written(event), written(context)).await
    }
}

/// Events are structs of plain fields, which JSON always has a form for.
fn written(event: &impl Serialize) -> Value {
    serde_json::to_value(event).unwrap_or_default()
}

fn read<T: Default + DeserializeOwned>(said: Map<String, Value>) -> T {
    serde_json::from_value(said.into()).unwrap_or_default()
}

fn goes(outcome: Outcome) -> Map<String, Value> {
    match outcome {
        Outcome::Goes(said) => said,
        Outcome::Blocked { .. } => Map::new(),
    }
}

fn approval_reason(wanted: &Value) -> String {
    let text = |name: &str| wanted.get(name).and_then(Value::as_str).unwrap_or_default();
    let by = text("pluginId");
    match (text("title"), text("description")) {
        ("", "") => format!("{by} wants somebody to be asked"),
        ("", text) | (text, "") => format!("{by}: {text}"),
        (title, description) => format!("{by}: {title}: {description}"),
    }
}
