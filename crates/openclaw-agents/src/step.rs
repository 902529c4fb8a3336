//! One step: what the model is asked, what it says and which calls it wants.
//!
//! The loop of a live turn and a replay of a recorded one take the same steps, so that a replay
//! shows what the model would have done. Running calls is left to [`crate::calls`].

use std::collections::HashSet;

use futures_util::StreamExt as _;
use openclaw_core::CallId;
use openclaw_providers::{
    AssistantBlock, Completion, Fold, Message, Request, StreamEvent, ToolSpec,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::agent::{Agent, AgentModel};
use crate::bus::Part;
use crate::calls::Call;
use crate::error::AgentError;
use crate::prompt::{self, Scene};
use crate::tools::ToolRegistry;

/// What is the same in every step of a turn.
#[derive(Clone, Debug)]
pub(crate) struct Brief {
    model: AgentModel,
    system: String,
    tools: Vec<ToolSpec>,
    max_calls: usize,
}

impl Brief {
    /// Takes what an agent's model is told; an agent without a model cannot take a step.
    pub(crate) fn new(
        agent: &Agent,
        tools: &ToolRegistry,
        scene: &Scene,
    ) -> Result<Self, AgentError> {
        let model = agent
            .model
            .clone()
            .map_err(|why| AgentError::no_model(&agent.id, why))?;
        Ok(Self {
            model,
            system: prompt::system(agent, tools, scene),
            tools: tools.specs(),
            max_calls: agent.limits.max_calls_per_step,
        })
    }

    /// Returns the model that is asked.
    pub(crate) const fn model(&self) -> &AgentModel {
        &self.model
    }

    /// Returns what the model is asked in this state of the conversation.
    pub(crate) fn request(&self, messages: &[Message]) -> Request {
        Request {
            model: self.model.model.clone(),
            system: self.system.clone(),
            messages: messages.to_vec(),
            tools: self.tools.clone(),
            max_tokens: self.model.max_tokens,
        }
    }

    /// Asks the model once and hands its text on while it is being written.
    pub(crate) async fn ask(
        &self,
        messages: &[Message],
        stop: &CancellationToken,
        mut hear: impl FnMut(Part, String),
    ) -> Result<Completion, AgentError> {
        let cancelled = || stop.is_cancelled().then_some(AgentError::Cancelled);
        let provider = &self.model.provider;
        let opened = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(AgentError::Cancelled),
            opened = provider.stream(self.request(messages), stop.clone()) => opened,
        };
        let mut stream = opened.map_err(|err| cancelled().unwrap_or(AgentError::Provider(err)))?;
        let mut fold = Fold::new(provider.id().clone());
        loop {
            let event = tokio::select! {
                biased;
                () = stop.cancelled() => return Err(AgentError::Cancelled),
                event = stream.next() => event,
            };
            let Some(event) = event else { break };
            let event = event.map_err(|err| cancelled().unwrap_or(AgentError::Provider(err)))?;
            fold.push(&event)?;
            match event {
                StreamEvent::Text(text) => hear(Part::Text, text),
                StreamEvent::Thinking(text) => hear(Part::Thinking, text),
                _ => {}
            }
        }
        Ok(fold.finish()?)
    }

    /// Returns the tool calls of a completion; ids are made unique, and surplus calls cut off.
    pub(crate) fn calls(&self, mut completion: Completion) -> (Completion, Vec<Call>) {
        let mut seen: HashSet<CallId> = HashSet::new();
        let mut calls = Vec::new();
        completion.content.retain_mut(|block| {
            let AssistantBlock::ToolCall(call) = block else {
                return true;
            };
            if calls.len() >= self.max_calls {
                return false;
            }
            let given = call.id.clone();
            let mut n = 2_u32;
            while !seen.insert(call.id.clone()) {
                call.id = CallId(format!("{given}-{n}"));
                n = n.saturating_add(1);
            }
            calls.push(Call {
                id: call.id.clone(),
                tool: call.name.clone(),
                params: Value::Object(call.arguments.to_object()),
            });
            true
        });
        (completion, calls)
    }
}

/// Returns what the model wrote for the reader.
pub(crate) fn text_of(blocks: &[AssistantBlock]) -> String {
    blocks
        .iter()
        .filter_map(|block| match block {
            AssistantBlock::Text(text) => Some(text.as_str()),
            AssistantBlock::Thinking(_) | AssistantBlock::ToolCall(_) => None,
        })
        .collect()
}
