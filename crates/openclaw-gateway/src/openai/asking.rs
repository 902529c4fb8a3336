//! Having the turn of a request, and what comes of it.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use openclaw_agents::lanes::QueueMode;
use openclaw_agents::terms::{ClientCall, Line, Words};
use openclaw_agents::{Attended, Reply, Terms};
use openclaw_core::access::Inbound;
use openclaw_core::redaction::{mask, masked};
use openclaw_core::session_key::Scope as KeyScope;
use openclaw_core::validation::Attachment;
use openclaw_core::{Clock, PeerId, SessionKey, Usage};
use openclaw_ipc::openai::ApiError;
use openclaw_providers::StopReason;
use serde_json::Value;
use uuid::Uuid;

use super::door::{Entered, Failure};
use super::sources::{Source, Takes, gather};
use super::talk::{Conversation, Has};
use super::target::{Kept, Says, Target};
use super::threads::Threads;
use super::tools::{ClientTools, Wanted};
use crate::builder::Gateway;
use crate::pipeline::{Asked, NotAccepted, Said, Speaker};
use crate::rpc::{CallCx, Rpc, public, store_error};

/// A request of either dialect, before anybody is asked anything.
#[derive(Debug)]
pub(super) struct Wish<'a> {
    pub(super) says: Says<'a>,
    pub(super) conversation: Conversation,
    pub(super) tools: Option<&'a [Value]>,
    pub(super) choice: Option<&'a Value>,
    pub(super) sources: Vec<Source>,
    pub(super) takes: Takes<'a>,
    pub(super) max_tokens: Option<u32>,
    pub(super) temperature: Option<f64>,
    /// What the id of the answer begins with.
    pub(super) prefix: &'static str,
    /// The member of the request that is said to be empty where nobody says anything.
    pub(super) spoken: &'static str,
}

/// A request that can have its turn.
#[derive(Debug)]
pub(super) struct Asking {
    /// The id of the answer.
    pub(super) id: String,
    /// When it was asked for, in seconds.
    pub(super) created: i64,
    pub(super) target: Target,
    pub(super) terms: Arc<Terms>,
    pub(super) wanted: Wanted,
    cx: CallCx,
    text: String,
    attachments: Vec<Attachment>,
}

/// What came of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What the model wrote for the reader, in all of its steps.
    pub(super) text: String,
    /// The calls that the client is to run.
    pub(super) calls: Vec<ClientCall>,
    pub(super) end: End,
    pub(super) usage: Usage,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is whole.
    Whole,
    /// It is as long as it may be.
    Length,
    /// The model, or its provider, declined.
    Declined,
    /// The client is to run calls.
    Calls,
}

impl Asking {
    /// Finds out whom a request is for, gets its files and puts it into one message.
    pub(super) async fn of(
        gateway: &Gateway,
        entered: &Entered,
        headers: &HeaderMap,
        wish: Wish<'_>,
        threads: &Threads,
    ) -> Result<Self, Failure> {
        let rpc = &gateway.shared.rpc;
        let mut target = Target::of(gateway, &entered.cx, headers, wish.says, threads).await?;
        let tools = ClientTools::read(wish.tools, wish.choice, &rpc.tools)?;
        if let Some(call) = wish.conversation.answered_twice() {
            let message = format!("there are two results of the call `{}`", mask(call));
            return Err(Failure::invalid(message).about(wish.spoken));
        }
        let results = wish.conversation.results();
        let calls = results.iter().map(|result| result.call.as_str());
        let has = goes_on(&mut target, calls, &entered.cx, threads);
        let Some(message) = wish.conversation.message(has) else {
            let message = format!("Missing user message in `{}`.", wish.spoken);
            return Err(Failure::invalid(message).about(wish.spoken));
        };
        let mut attachments = message.attachments;
        attachments.extend(gather(rpc, wish.sources, wish.takes).await?);
        let mut instructions = wish.conversation.instructions;
        instructions.extend(tools.instruction);
        let instructions = instructions.join("\n\n");
        Ok(Self {
            id: format!("{}_{}", wish.prefix, Uuid::new_v4()),
            created: Clock::system().now().as_second(),
            terms: Arc::new(Terms {
                instructions: (!instructions.is_empty()).then_some(instructions),
                tools: tools.offered,
                words: match target.kept {
                    // In a session that goes by a name, they are told as results where they can be.
                    Kept::Named if only_results(&wish.conversation.lines) => Words::Results,
                    Kept::Named | Kept::New => message.words,
                },
                results,
                max_tokens: wish.max_tokens,
                temperature: wish.temperature,
                line: Line::default(),
            }),
            target,
            wanted: tools.wanted,
            cx: entered.cx.clone(),
            text: message.text,
            attachments,
        })
    }

    /// Has the turn.
    ///
    /// # Cancel safety
    /// The turn goes on when the future is dropped, unless its line hangs up.
    pub(super) async fn answer(
        self,
        gateway: &Gateway,
        threads: &Threads,
    ) -> Result<Outcome, Failure> {
        let rpc = &gateway.shared.rpc;
        let (session, principal) = (self.target.session, self.cx.admitted.principal().clone());
        let peer = PeerId(principal.to_string());
        let inbound = Inbound {
            channel: self.target.channel,
            peer,
            message_id: None,
            text: self.text,
            attachments: self.attachments,
        };
        begin(rpc, &session, &inbound).await?;
        let said = Said {
            session: session.clone(),
            inbound,
            speaker: Speaker::Caller,
            attended: Attended::Yes,
            queue: Some(QueueMode::Followup),
        };
        let asked = Asked {
            terms: self.terms,
            instead: self.target.instead,
            within: None,
        };
        threads.remember(&self.id, &principal, &session);
        let reply = rpc.accept_on(&self.cx, said, asked).await;
        let reply = reply.map_err(|err| match err {
            NotAccepted::Limited(wait) => Failure::of(&wait.refusal("messages to this session"))
                .with_code("rate_limit_exceeded"),
            NotAccepted::Agent(err) => Failure::of(&public(&err)).of_turn(),
        })?;
        for call in &reply.calls {
            threads.remember(call.id.as_str(), &principal, &session);
        }
        Outcome::of(reply, &self.wanted)
    }
}

/// Finds out whether a request goes on from calls that are on record, and where.
fn goes_on<'a>(
    target: &mut Target,
    calls: impl Iterator<Item = &'a str>,
    cx: &CallCx,
    threads: &Threads,
) -> Has {
    let found: Option<Vec<SessionKey>> = calls
        .map(|call| threads.find(call, cx.admitted.principal()))
        .collect();
    let Some(Some(session)) = found.map(|found| {
        let first = found.first().cloned();
        first.filter(|first| found.iter().all(|other| other == first))
    }) else {
        return Has::Nothing;
    };
    if session == target.session {
        return Has::Everything;
    }
    if target.kept == Kept::Named || session.agent() != target.agent.id {
        return Has::Nothing;
    }
    target.session = session;
    target.kept = Kept::Named;
    Has::Everything
}

/// Tells whether the last thing said is what came of a call.
fn only_results(lines: &[super::talk::Line]) -> bool {
    let last = lines
        .iter()
        .rfind(|line| line.by != super::talk::By::Assistant);
    last.is_some_and(|line| matches!(line.by, super::talk::By::Tool(_)))
}

/// Has the session begin, unless it has.
async fn begin(rpc: &Rpc, session: &SessionKey, inbound: &Inbound) -> Result<(), Failure> {
    if session.scope() == KeyScope::Main {
        // It begins by being written to.
        return Ok(());
    }
    let (channel, peer) = (inbound.channel.clone(), inbound.peer.clone());
    let begun = rpc.begin(session, channel, peer).await;
    begun.map_err(|err| Failure::of(&store_error(&err)))
}

impl Outcome {
    fn of(reply: Reply, wanted: &Wanted) -> Result<Self, Failure> {
        if let Some(message) = wanted.missed(&reply.calls) {
            let error = ApiError::new("api_error", message).about("tool_choice");
            return Err(Failure::new(StatusCode::BAD_GATEWAY, error).of_turn());
        }
        let end = match reply.stop {
            _ if !reply.calls.is_empty() => End::Calls,
            StopReason::MaxTokens | StopReason::ContextLength => End::Length,
            StopReason::Refusal => End::Declined,
            StopReason::EndTurn
            | StopReason::ToolUse
            | StopReason::StopSequence
            | StopReason::Other(_) => End::Whole,
        };
        let mut texts = reply.before;
        texts.push(reply.content);
        texts.retain(|text| !text.trim().is_empty());
        Ok(Self {
            text: masked(texts.join(super::streamed::BETWEEN)),
            calls: reply
                .calls
                .into_iter()
                .map(|call| ClientCall {
                    arguments: masked(call.arguments),
                    ..call
                })
                .collect(),
            end,
            usage: reply.usage,
        })
    }
}
