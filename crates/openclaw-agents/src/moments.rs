//! The moments of a run at which other code is called: see [`openclaw_core::hooks`].
//!
//! Where nobody has registered, nothing is made for anybody: each of these begins by asking. None
//! outlives the run: when that is told to stop, nobody is waited for any more.

use std::sync::Arc;
use std::time::Duration;

use openclaw_core::Usage;
use openclaw_core::access::Standing;
use openclaw_core::events::{CallOutcome, CallPayload};
use openclaw_core::hooks::{
    AgentEnd, AgentReply, BeforeAgentFinalize, BeforeAgentRun, BeforePromptBuild, Finalize, Hook,
    HookContext, LlmInput, LlmOutput, ModelCallEnded, ModelCallStarted, Observed, RunGate,
};
use openclaw_providers::{AssistantBlock, Completion, Message, StopReason, UserBlock};
use serde_json::{Value, json};

use crate::error::AgentError;
use crate::run::{Reply, Run};
use crate::step::{Brief, text_of};
use crate::tools::ToolRegistry;
use crate::transcript;

/// The provider that is named where a handler answered in the model's place.
const IN_ITS_PLACE: &str = "hook";

impl Run {
    pub(crate) fn hook_context(&self) -> HookContext {
        HookContext::new(&self.agent.id, self.lease.session()).in_run(&self.id, &self.sender)
    }

    fn wants(&self, hook: Hook) -> bool {
        self.world.hooks.wants(hook)
    }

    async fn observe<E: Observed>(&self, event: &E) {
        let cx = self.hook_context();
        tokio::select! {
            () = self.world.hooks.observe(event, &cx) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Asks for additions to the prompt; returns it with them, and the tools that may be called.
    pub(crate) async fn before_prompt(
        &self,
        brief: Brief,
        messages: &mut Vec<Message>,
    ) -> Result<(Brief, Arc<ToolRegistry>), AgentError> {
        if !self.wants(Hook::BeforePromptBuild) {
            return Ok((brief, Arc::clone(&self.tools)));
        }
        let event = BeforePromptBuild {
            prompt: last_said(messages),
            messages: spoken(before_last(messages)),
        };
        let cx = self.hook_context();
        let parts = tokio::select! {
            parts = self.world.hooks.before_prompt_build(&event, &cx) => parts,
            () = self.stop.cancelled() => return Err(AgentError::Cancelled),
        };
        let tools = match &parts.tools_allow {
            None => Arc::clone(&self.tools),
            Some(allowed) => {
                let allowed: Vec<&str> = allowed
                    .iter()
                    .map(|name| self.tools.own_name(name))
                    .collect();
                Arc::new(self.tools.only(|name| allowed.contains(&name)))
            }
        };
        for text in [&parts.prepend_context, &parts.append_context] {
            if let Some(text) = text.as_ref().filter(|text| !text.trim().is_empty()) {
                self.tell(messages, text.clone()).await?;
            }
        }
        Ok((brief.with(&parts, &tools), tools))
    }

    /// Asks whether the run may ask a model, and whether somebody answers in its place.
    pub(crate) async fn before_run(
        &self,
        brief: &Brief,
        messages: &[Message],
    ) -> Result<Option<Completion>, AgentError> {
        let cx = self.hook_context();
        let hooks = &self.world.hooks;
        if self.wants(Hook::BeforeAgentRun) {
            let event = BeforeAgentRun {
                prompt: last_said(messages),
                messages: spoken(before_last(messages)),
                system_prompt: brief.fitted(messages).system,
                channel_id: self.sender.channel.clone(),
                sender_id: self.sender.peer.clone(),
                sender_is_owner: self.sender.standing == Standing::Principal,
            };
            let gate = tokio::select! {
                gate = hooks.before_agent_run(&event, &cx) => gate,
                () = self.stop.cancelled() => return Err(AgentError::Cancelled),
            };
            if let RunGate::Block { by, message } = gate {
                return Err(AgentError::Blocked { by, message });
            }
        }
        if !self.wants(Hook::BeforeAgentReply) {
            return Ok(None);
        }
        let message = last_said(messages);
        let reply = tokio::select! {
            reply = hooks.before_agent_reply(&message, &cx) => reply,
            () = self.stop.cancelled() => return Err(AgentError::Cancelled),
        };
        Ok(match reply {
            AgentReply::None => None,
            AgentReply::Text(text) => Some(Completion {
                provider: IN_ITS_PLACE.into(),
                model: Hook::BeforeAgentReply.name().to_owned(),
                content: vec![AssistantBlock::Text(text)],
                stop: StopReason::EndTurn,
                usage: Usage::default(),
                skipped: 0,
            }),
        })
    }

    /// Tells that a model is asked, and what.
    pub(crate) async fn before_call(&self, brief: &Brief, messages: &[Message], step: u32) {
        let model = brief.model();
        if self.wants(Hook::ModelCallStarted) {
            self.observe(&ModelCallStarted {
                run_id: self.id.clone(),
                call_id: self.call_name(step),
                provider: model.provider.clone(),
                model: model.model.clone(),
            })
            .await;
        }
        if self.wants(Hook::LlmInput) {
            self.observe(&LlmInput {
                run_id: self.id.clone(),
                session_id: self.lease.session().clone(),
                provider: model.provider.clone(),
                model: model.model.clone(),
                system_prompt: brief.fitted(messages).system,
                prompt: last_said(messages),
                history_messages: spoken(before_last(messages)),
                images_count: images(messages),
            })
            .await;
        }
    }

    /// Tells how the calls of a step ended, and what a model answered.
    pub(crate) async fn after_call(
        &self,
        calls: &[CallPayload],
        answer: Result<&Completion, &AgentError>,
        step: u32,
    ) {
        if self.wants(Hook::ModelCallEnded) {
            for call in calls {
                let failed = call.outcome != CallOutcome::Ok;
                let kind = answer.err().map(|err| err.kind().as_str().to_owned());
                self.observe(&ModelCallEnded {
                    run_id: self.id.clone(),
                    call_id: self.call_name(step),
                    provider: call.provider.clone(),
                    model: call.model.clone(),
                    duration_ms: call.latency_ms,
                    outcome: if failed { "error" } else { "completed" },
                    error_category: kind.filter(|_| failed),
                })
                .await;
            }
        }
        if let (true, Ok(completion)) = (self.wants(Hook::LlmOutput), answer) {
            self.observe(&LlmOutput {
                run_id: self.id.clone(),
                session_id: self.lease.session().clone(),
                provider: completion.provider.clone(),
                model: completion.model.clone(),
                assistant_texts: texts(&completion.content),
                usage: completion.usage,
            })
            .await;
        }
    }

    /// Asks whether an answer is the last; returns what the model is told if it is not.
    pub(crate) async fn before_answer(
        &self,
        completion: &Completion,
        revisions: u32,
    ) -> Option<String> {
        if !self.wants(Hook::BeforeAgentFinalize) {
            return None;
        }
        let answer = text_of(&completion.content);
        let event = BeforeAgentFinalize {
            run_id: self.id.clone(),
            session_id: self.lease.session().clone(),
            session_key: self.lease.session().clone(),
            stop_hook_active: revisions > 0,
            last_assistant_message: answer.clone(),
        };
        let cx = self.hook_context();
        let said = tokio::select! {
            said = self.world.hooks.before_agent_finalize(&event, &cx) => said,
            () = self.stop.cancelled() => Finalize::Accept,
        };
        match said {
            Finalize::Accept => None,
            Finalize::Revise(instruction) => Some(format!(
                "(Note of the program: this answer of yours was not sent.\n\n{answer}\n\nAnswer \
                 again: {instruction})"
            )),
        }
    }

    /// Tells how the run ended.
    pub(crate) async fn after_run(&self, outcome: &Result<Reply, AgentError>, took: Duration) {
        if !self.wants(Hook::AgentEnd) {
            return;
        }
        let (store, session) = (self.lease.store(), self.lease.session());
        let events = store.read(session, 1..=u64::MAX).await.unwrap_or_default();
        let event = AgentEnd {
            run_id: self.id.clone(),
            messages: spoken(&transcript::fold(&events, &self.id)),
            success: outcome.is_ok(),
            error: outcome.as_ref().err().map(ToString::to_string),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        };
        // A run that was stopped ends too.
        self.world.hooks.observe(&event, &self.hook_context()).await;
    }

    /// A step asks once, whoever answers in the end.
    fn call_name(&self, step: u32) -> String {
        format!("{}:{step}", self.id)
    }
}

/// Returns what was said last before the model is asked.
fn last_said(messages: &[Message]) -> String {
    let said = messages.iter().rev().find_map(|message| match message {
        Message::User(blocks) => blocks.iter().rev().find_map(|block| match block {
            UserBlock::Text(text) => Some(text.clone()),
            UserBlock::Image { .. } | UserBlock::Document { .. } => None,
        }),
        Message::Assistant(_) | Message::ToolResults(_) => None,
    });
    said.unwrap_or_default()
}

/// Returns the conversation before the message that was said last.
fn before_last(messages: &[Message]) -> &[Message] {
    let last = messages
        .iter()
        .rposition(|message| matches!(message, Message::User(_)));
    messages.get(..last.unwrap_or_default()).unwrap_or_default()
}

fn images(messages: &[Message]) -> u64 {
    let blocks = messages.iter().flat_map(|message| match message {
        Message::User(blocks) => blocks.as_slice(),
        Message::Assistant(_) | Message::ToolResults(_) => &[],
    });
    let images = blocks.filter(|block| matches!(block, UserBlock::Image { .. }));
    u64::try_from(images.count()).unwrap_or(u64::MAX)
}

fn texts(blocks: &[AssistantBlock]) -> Vec<String> {
    let texts = blocks.iter().filter_map(|block| match block {
        AssistantBlock::Text(text) => Some(text.clone()),
        AssistantBlock::Thinking(_) | AssistantBlock::ToolCall(_) => None,
    });
    texts.collect()
}

/// Returns a conversation in OpenClaw's words.
fn spoken(messages: &[Message]) -> Vec<Value> {
    let mut spoken = Vec::new();
    for message in messages {
        match message {
            Message::User(blocks) => {
                let content: Vec<Value> = blocks.iter().map(heard).collect();
                spoken.push(json!({ "role": "user", "content": content }));
            }
            Message::Assistant(blocks) => {
                let content: Vec<Value> = blocks.iter().map(wrote).collect();
                spoken.push(json!({ "role": "assistant", "content": content }));
            }
            Message::ToolResults(results) => spoken.extend(results.iter().map(|result| {
                json!({
                    "role": "toolResult", "toolCallId": result.call_id, "isError": result.is_error,
                    "content": [{ "type": "text", "text": result.content }],
                })
            })),
        }
    }
    spoken
}

fn heard(block: &UserBlock) -> Value {
    match block {
        UserBlock::Text(text) => json!({ "type": "text", "text": text }),
        UserBlock::Image { mime, .. } => json!({ "type": "image", "mimeType": mime }),
        UserBlock::Document { mime, name, .. } => {
            json!({ "type": "document", "mimeType": mime, "name": name })
        }
    }
}

fn wrote(block: &AssistantBlock) -> Value {
    match block {
        AssistantBlock::Text(text) => json!({ "type": "text", "text": text }),
        AssistantBlock::Thinking(thinking) => {
            json!({ "type": "thinking", "thinking": thinking.text })
        }
        AssistantBlock::ToolCall(call) => json!({
            "type": "toolCall", "id": call.id, "name": call.name,
            "arguments": call.arguments.to_object(),
        }),
    }
}
