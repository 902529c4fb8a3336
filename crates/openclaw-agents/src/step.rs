//! One step: what the model is asked, what it says and which calls it wants.
//!
//! The loop of a live turn and a replay of a recorded one take the same steps, so that a replay
//! shows what the model would have done. Running calls is left to [`crate::calls`].

use std::collections::HashSet;
use std::sync::Arc;

use openclaw_core::events::CallPayload;
use openclaw_core::hooks::PromptParts;
use openclaw_core::redaction::{StreamMask, mask_value, masked};
use openclaw_core::{CallId, ModelRef, SessionKey};
use openclaw_providers::{
    Arguments, AssistantBlock, Completion, Message, Meter, ProviderError, Refused, Request, Route,
    StreamEvent, Thinking, ToolCall, ToolResult, ToolSpec, UserBlock,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use crate::bus::Part;
use crate::calls::Call;
use crate::error::AgentError;
use crate::prompt::{self, Scene, Section};
use crate::terms::Terms;
use crate::tools::ToolRegistry;

/// The name of the tool that is none.
const NO_TOOL: &str = "none";

/// What is the same in every step of a turn.
#[derive(Clone, Debug)]
pub(crate) struct Brief {
    route: Arc<Route>,
    primary: ModelRef,
    /// The sections of the system prompt.
    sections: Vec<Section>,
    system: String,
    tools: Vec<ToolSpec>,
    conversation: String,
    /// How many tokens every request has before its first message, at most.
    overhead: u64,
    /// The most tokens that the model may write, where whoever asks says so.
    max_tokens: Option<u32>,
    /// How freely it chooses its words, where whoever asks says so.
    temperature: Option<f64>,
}

/// What came of asking the model.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Its answer, or why there is none.
    pub(crate) answer: Result<Completion, AgentError>,
    /// Every call that was made for it, the one that answered last.
    pub(crate) calls: Vec<CallPayload>,
    /// Calls that were made for it and are on record already.
    pub(crate) recorded: Vec<CallPayload>,
}

impl Asked {
    /// Makes what comes of a question that could not be asked.
    pub(crate) const fn not(err: AgentError) -> Self {
        Self {
            answer: Err(err),
            calls: Vec::new(),
            recorded: Vec::new(),
        }
    }
}

impl Brief {
    /// Takes what an agent's model is told; an agent without a model cannot take a step.
    pub(crate) fn new(
        agent: &Agent,
        tools: &ToolRegistry,
        session: &SessionKey,
        scene: &Scene,
    ) -> Result<Self, AgentError> {
        let model = agent
            .model
            .clone()
            .map_err(|why| AgentError::no_model(&agent.id, why))?;
        let primary = model
            .model_ref()
            .cloned()
            .ok_or_else(|| AgentError::NoModel(agent.id.clone()))?;
        let brief = Self {
            route: model.route,
            primary,
            system: String::new(),
            sections: Vec::new(),
            tools: tools.specs(),
            conversation: conversation(session),
            overhead: 0,
            max_tokens: None,
            temperature: None,
        };
        Ok(brief.saying(prompt::sections(agent, tools, scene)))
    }

    /// Takes in what others add to the prompt, and leaves out the tools that are not in `tools`.
    pub(crate) fn with(mut self, parts: &PromptParts, tools: &ToolRegistry) -> Self {
        let left = tools.names();
        self.tools.retain(|tool| left.contains(&tool.name.as_str()));
        let sections = std::mem::take(&mut self.sections);
        self.saying(prompt::added(sections, parts))
    }

    /// Takes in what a program asks for: its own tools, and what the model is told beside them.
    pub(crate) fn on(mut self, terms: Option<&Terms>) -> Self {
        let Some(terms) = terms else { return self };
        self.tools.extend(terms.tools.iter().cloned());
        (self.max_tokens, self.temperature) = (terms.max_tokens, terms.temperature);
        let sections = std::mem::take(&mut self.sections);
        self.saying(prompt::instructed(sections, terms.instructions.as_deref()))
    }

    fn saying(mut self, sections: Vec<Section>) -> Self {
        let known = sections.into_iter().map(|section| Section {
            text: masked(section.text),
            ..section
        });
        self.sections = known.collect();
        self.system = prompt::joined(&self.sections);
        self.overhead = self.request(&[]).tokens_at_most();
        self
    }

    /// Returns who is asked.
    pub(crate) const fn route(&self) -> &Arc<Route> {
        &self.route
    }

    /// Returns how many tokens every request has before its first message, at most.
    pub(crate) const fn overhead(&self) -> u64 {
        self.overhead
    }

    /// Returns the sections of the system prompt.
    pub(crate) fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Returns the tools that the model is told of.
    pub(crate) fn tools(&self) -> &[ToolSpec] {
        &self.tools
    }

    /// Returns the model that is asked first.
    pub(crate) const fn model(&self) -> &ModelRef {
        &self.primary
    }

    /// Returns what every model is asked in this state of the conversation.
    ///
    /// Between the steps of a turn only messages are added: the beginning stays the same, byte for
    /// byte, so that the provider finds it in its cache.
    fn request(&self, messages: &[Message]) -> Request {
        Request {
            model: self.primary.model.clone(),
            system: self.system.clone(),
            messages: messages.iter().map(for_model).collect(),
            tools: self.offered(messages),
            conversation: Some(self.conversation.clone()),
            max_tokens: self.max_tokens,
            temperature: self.temperature,
            ..Request::default()
        }
    }

    /// Returns the tools of a request. No API takes a conversation with calls in it and no tool:
    /// whoever may call none, in a session where others did, gets one that is none.
    fn offered(&self, messages: &[Message]) -> Vec<ToolSpec> {
        let called = |message: &Message| match message {
            Message::Assistant(blocks) => blocks
                .iter()
                .any(|block| matches!(block, AssistantBlock::ToolCall(_))),
            Message::User(_) | Message::ToolResults(_) => false,
        };
        if self.tools.is_empty() && messages.iter().any(called) {
            return vec![ToolSpec {
                name: NO_TOOL.to_owned(),
                description: "Does nothing: no tool may be called here.".to_owned(),
                parameters: Arc::new(json!({ "type": "object", "properties": {} })),
            }];
        }
        self.tools.clone()
    }

    /// Returns what the model is asked, with what is configured for it filled in.
    pub(crate) fn fitted(&self, messages: &[Message]) -> Request {
        let request = self.request(messages);
        self.route.fitted(&request).unwrap_or(request)
    }

    /// Asks the model, or one that stands in for it, and hands its text on while it is being
    /// written.
    pub(crate) async fn ask(
        &self,
        messages: &[Message],
        meter: &dyn Meter,
        stop: &CancellationToken,
        mut hear: impl FnMut(Part, String),
    ) -> Asked {
        let failed = |error| match error {
            ProviderError::Cancelled => AgentError::Cancelled,
            error => AgentError::Provider(error),
        };
        let mut answer = match self.route.ask(&self.request(messages), meter, stop).await {
            Ok(answer) => answer,
            Err(Refused { error, calls }) => {
                return Asked {
                    answer: Err(failed(error)),
                    calls,
                    recorded: Vec::new(),
                };
            }
        };
        let mut heard = Heard::default();
        while let Some(event) = answer.next().await {
            match event {
                StreamEvent::Text(text) => heard.take(Part::Text, &text, &mut hear),
                StreamEvent::Thinking(text) => heard.take(Part::Thinking, &text, &mut hear),
                _ => {}
            }
        }
        let (answer, calls) = answer.finish();
        // What was held back as the possible beginning of a secret cannot become one any more.
        heard.end(&mut hear);
        Asked {
            answer: answer.map_err(failed),
            calls,
            recorded: Vec::new(),
        }
    }

    /// Returns the tool calls of a completion, with ids that are made unique.
    pub(crate) fn calls(mut completion: Completion) -> (Completion, Vec<Call>) {
        let mut seen: HashSet<CallId> = HashSet::new();
        let mut calls = Vec::new();
        for block in &mut completion.content {
            let AssistantBlock::ToolCall(call) = block else {
                continue;
            };
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
        }
        (completion, calls)
    }
}

/// Returns a name for a session's requests by which a provider finds their common beginning, and
/// which tells it nothing about whom the agent talks to.
fn conversation(session: &SessionKey) -> String {
    let digest = Sha256::digest(session.as_str());
    let bytes = digest.first_chunk().copied().unwrap_or_default();
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// Hands pieces on with known secrets masked, also those that are spread over pieces.
#[derive(Default)]
struct Heard(Option<(Part, StreamMask)>);

impl Heard {
    fn take(&mut self, part: Part, piece: &str, hear: &mut impl FnMut(Part, String)) {
        if self.0.as_ref().is_some_and(|(last, _)| *last != part) {
            self.end(hear);
        }
        let (_, mask) = self.0.get_or_insert_with(|| (part, StreamMask::new()));
        let shown = mask.push(piece);
        if !shown.is_empty() {
            hear(part, shown);
        }
    }

    fn end(&mut self, hear: &mut impl FnMut(Part, String)) {
        if let Some((part, mask)) = self.0.take() {
            let shown = mask.finish();
            if !shown.is_empty() {
                hear(part, shown);
            }
        }
    }
}

/// Returns a message as the model gets it: with known secrets masked.
///
/// What was recorded as it happened is masked already; what was imported, or was recorded before a
/// secret became one, is not.
fn for_model(message: &Message) -> Message {
    match message.clone() {
        Message::User(blocks) => Message::User(blocks.into_iter().map(said).collect()),
        Message::Assistant(blocks) => Message::Assistant(blocks.into_iter().map(wrote).collect()),
        Message::ToolResults(results) => {
            let results = results.into_iter().map(|result| ToolResult {
                content: masked(result.content),
                ..result
            });
            Message::ToolResults(results.collect())
        }
    }
}

fn said(block: UserBlock) -> UserBlock {
    match block {
        UserBlock::Text(text) => UserBlock::Text(masked(text)),
        file @ (UserBlock::Image { .. } | UserBlock::Document { .. }) => file,
    }
}

fn wrote(block: AssistantBlock) -> AssistantBlock {
    match block {
        AssistantBlock::Text(text) => AssistantBlock::Text(masked(text)),
        AssistantBlock::Thinking(thinking) => {
            let text = masked(thinking.text.clone());
            // A signature holds for the words that it was made over and no others.
            let signature = thinking.signature.filter(|_| text == thinking.text);
            AssistantBlock::Thinking(Thinking {
                text,
                signature,
                redacted: thinking.redacted,
                by: thinking.by,
            })
        }
        AssistantBlock::ToolCall(call) => AssistantBlock::ToolCall(ToolCall {
            arguments: match call.arguments {
                Arguments::Object(object) => match mask_value(Value::Object(object)) {
                    Value::Object(object) => Arguments::Object(object),
                    other => Arguments::Malformed(other.to_string()),
                },
                Arguments::Malformed(text) => Arguments::Malformed(masked(text)),
            },
            ..call
        }),
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

#[cfg(test)]
mod tests {
    use openclaw_core::redaction::learn_text;

    use super::*;

    const SECRET: &str = "cnry-of-a-step-0123456789";

    fn said_so() -> String {
        format!("so {SECRET} there")
    }

    #[test]
    fn the_model_gets_no_secret_in_any_block() {
        learn_text(SECRET);
        let call = |arguments| {
            AssistantBlock::ToolCall(ToolCall {
                id: CallId("call-1".to_owned()),
                name: "exec".to_owned(),
                arguments,
            })
        };
        let Value::Object(object) = json!({ "command": [said_so()] }) else {
            panic!("no object");
        };
        let thinking = |text: &str| {
            AssistantBlock::Thinking(Thinking {
                text: text.to_owned(),
                signature: Some("over these words".to_owned()),
                redacted: None,
                by: None,
            })
        };
        let blocks = [
            AssistantBlock::Text(said_so()),
            thinking(&said_so()),
            call(Arguments::Object(object)),
            call(Arguments::Malformed(said_so())),
        ];
        let result = ToolResult {
            call_id: CallId("call-1".to_owned()),
            content: said_so(),
            is_error: false,
        };
        let messages = blocks
            .into_iter()
            .map(|block| Message::Assistant(vec![block]))
            .chain([
                Message::User(vec![UserBlock::Text(said_so())]),
                Message::ToolResults(vec![result]),
            ]);
        for message in messages {
            let sent = format!("{:?}", for_model(&message));
            assert!(sent.contains("[REDACTED]"), "{sent}");
            assert!(!sent.contains(SECRET), "{sent}");
            assert!(!sent.contains("over these words"), "{sent}");
        }
        let innocent = Message::Assistant(vec![thinking("of nothing")]);
        assert_eq!(for_model(&innocent), innocent);
    }

    #[test]
    fn a_secret_is_heard_masked_however_it_is_cut_into_pieces() {
        learn_text(SECRET);
        let mut shown = Vec::new();
        let mut hear = |part, text: String| shown.push((part, text));
        let mut heard = Heard::default();
        for part in [Part::Thinking, Part::Text] {
            for c in said_so().chars() {
                heard.take(part, &c.to_string(), &mut hear);
            }
        }
        heard.end(&mut hear);
        for part in [Part::Thinking, Part::Text] {
            let text: String = shown
                .iter()
                .filter(|(of, _)| *of == part)
                .map(|(_, text)| text.as_str())
                .collect();
            assert_eq!(text, "so [REDACTED] there");
        }
    }
}
