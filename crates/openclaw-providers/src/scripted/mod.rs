//! The offline model: no intelligence, no network, one fixed script, for demos and tests.
//!
//! It is never mistaken for a model: it is provider [`ID`] and model [`MODEL`] in the metadata of
//! every answer, and says what it is when it does not understand. Its answer is a function of the
//! request and of nothing else: the same conversation gives the same events, call ids included.
//!
//! What it understands, in the last message of the user and in any case of letters:
//!
//! | message | what it does |
//! |---|---|
//! | `list the files here`, `list files in DIR` | calls `ls`, then shows what came back |
//! | ``run `CMD` ``, ``run `A` and `B` ``, `run: CMD` | calls `exec` once for each command, all in one step, then reports each |
//! | `remember TEXT` | calls `read` on `notes.md`, then `write` with the line added, then confirms |
//! | `what do you remember` | calls `read` on `notes.md`, then shows it |
//! | `read FILE` | calls `read`, then shows it |
//! | `write FILE: TEXT` | calls `write`, then confirms |
//! | anything else | says what it is, repeats what was said, lists the above |
//!
//! Results are quoted, at most 2000 characters of each, and never interpreted; a failed tool is
//! reported as failed. The arguments are `command` for `exec`, `path`
//! for the others and `content` for `write`. A tool that the request does not offer is not called.
//!
//! Its usage counts words, not tokens: `input` is all words of the request, `output` all words of
//! the answer.

mod script;
mod wish;

use std::collections::VecDeque;

use async_trait::async_trait;
use futures_util::stream;
use openclaw_core::{ProviderId, Usage};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::error::ProviderError;
use crate::event::{EventStream, StopReason, StreamEvent};
use crate::ids::CallIds;
use crate::provider::Provider;
use crate::request::{AssistantBlock, Message, Request, UserBlock};
use crate::scripted::script::Reply;

/// The name of the provider.
pub const ID: &str = "scripted";

/// The name of its API in configurations.
pub const API: &str = "scripted";

/// The name of its one model.
pub const MODEL: &str = "offline-1";

/// The offline model.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use openclaw_providers::{Message, Provider, Request, ScriptedProvider, UserBlock};
///
/// let provider = ScriptedProvider::new();
/// let request = Request {
///     messages: vec![Message::User(vec![UserBlock::Text("hello".into())])],
///     ..Request::default()
/// };
/// let answer = provider.complete(request, Default::default()).await?;
/// assert_eq!((answer.provider.as_str(), answer.model.as_str()), ("scripted", "offline-1"));
/// # Ok::<(), openclaw_providers::ProviderError>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedProvider {
    id: ProviderId,
}

impl ScriptedProvider {
    /// Makes the provider [`ID`].
    pub fn new() -> Self {
        Self::named(ProviderId::from(ID))
    }

    pub(crate) fn named(id: ProviderId) -> Self {
        Self { id }
    }
}

impl Default for ScriptedProvider {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Provider for ScriptedProvider {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    async fn stream(
        &self,
        request: Request,
        stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        let events = VecDeque::from(answer(&request));
        Ok(Box::pin(stream::unfold(Some(events), move |events| {
            let next = events.and_then(|mut events| {
                if stop.is_cancelled() {
                    return Some((Err(ProviderError::Cancelled), None));
                }
                events.pop_front().map(|event| (Ok(event), Some(events)))
            });
            std::future::ready(next)
        })))
    }
}

/// Returns the whole answer in the pieces in which it is streamed: word by word.
fn answer(request: &Request) -> Vec<StreamEvent> {
    let Reply { text, calls } = script::reply(request);
    let mut events = vec![StreamEvent::Started {
        model: MODEL.to_owned(),
    }];
    events.extend(pieces(&text).map(StreamEvent::Text));
    let mut written = words(&text);
    let mut ids = CallIds::after(&request.messages);
    let stop = if calls.is_empty() {
        StopReason::EndTurn
    } else {
        StopReason::ToolUse
    };
    for (index, call) in (0..).zip(calls) {
        let json = Value::Object(call.arguments).to_string();
        written = written.saturating_add(words(&json));
        events.push(StreamEvent::ToolCallStart {
            index,
            id: ids.fresh(),
            name: call.tool.to_owned(),
        });
        events.extend(pieces(&json).map(|json| StreamEvent::ToolCallArguments { index, json }));
        events.push(StreamEvent::ToolCallEnd { index });
    }
    events.push(StreamEvent::Usage(Usage {
        input: read_words(request),
        output: written,
        ..Usage::default()
    }));
    events.push(StreamEvent::Stop(stop));
    events
}

fn pieces(text: &str) -> impl Iterator<Item = String> {
    text.split_inclusive(char::is_whitespace).map(str::to_owned)
}

fn words(text: &str) -> u64 {
    u64::try_from(text.split_whitespace().count()).unwrap_or(u64::MAX)
}

fn read_words(request: &Request) -> u64 {
    let conversation = request.messages.iter().map(|message| match message {
        Message::User(blocks) => blocks.iter().map(user_words).sum::<u64>(),
        Message::Assistant(blocks) => blocks.iter().map(assistant_words).sum(),
        Message::ToolResults(results) => results.iter().map(|result| words(&result.content)).sum(),
    });
    conversation.fold(words(&request.system), u64::saturating_add)
}

fn user_words(block: &UserBlock) -> u64 {
    match block {
        UserBlock::Text(text) => words(text),
        UserBlock::Image { .. } | UserBlock::Document { .. } => 0,
    }
}

fn assistant_words(block: &AssistantBlock) -> u64 {
    match block {
        AssistantBlock::Text(text) => words(text),
        AssistantBlock::Thinking(thinking) => words(&thinking.text),
        AssistantBlock::ToolCall(call) => {
            words(&Value::Object(call.arguments.to_object()).to_string())
        }
    }
}
