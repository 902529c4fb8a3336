//! Having an agent take its turn, whoever still waits for it.

use std::future;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use openclaw_agents::lanes::QueueMode;
use openclaw_agents::{AgentError, Attended, Reply, Terms};
use openclaw_core::access::Inbound;
use openclaw_core::redaction::masked;
use openclaw_core::session_key::Scope;
use openclaw_core::{ChannelId, MessageId, PeerId, RunId, SessionKey};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time;

use super::memory::Waits;
use super::order::{Order, Told};
use super::refusal::Refusal;
use crate::builder::Gateway;
use crate::pipeline::{Asked, NotAccepted, Said, Speaker, WEBHOOK_CHANNEL};
use crate::rpc::{CallCx, public};

/// The most characters of an answer that another session is told.
const MAX_TOLD: usize = 16_000;

/// How long the beginning of a turn is waited for, and what then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It is given up after this.
    GivesUp(Duration),
    /// It goes on without anybody waiting.
    LetsGo(Duration),
}

/// A turn that has begun.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) run: RunId,
    pub(super) end: oneshot::Receiver<Ending>,
}

/// What is told of the end of a turn; nothing of what was said in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It has an answer.
    Answered,
    /// It has an empty one.
    Empty,
    /// It failed.
    Failed,
}

impl Ending {
    pub(super) fn told(self) -> Value {
        let disposition = match self {
            Self::Answered => "visible",
            Self::Empty | Self::Failed => "empty",
        };
        json!({ "status": self.status(), "replyDisposition": disposition })
    }

    const fn status(self) -> &'static str {
        match self {
            Self::Answered | Self::Empty => "ok",
            Self::Failed => "error",
        }
    }
}

/// Why a turn has not begun.
#[derive(Debug)]
pub(super) enum NotBegun {
    /// It never will.
    Refused(Refusal),
    /// It may still.
    Pending,
}

/// Has an order carried out, and waits until that has begun.
///
/// # Cancel safety
/// The turn goes on when the future is dropped: whoever hands something in seldom waits long.
pub(super) async fn begin(
    gateway: &Gateway,
    cx: &CallCx,
    order: Order,
    patience: Patience,
) -> Result<Begun, NotBegun> {
    let terms = Arc::new(Terms::default());
    let mut runs = terms.line.run();
    let (refuse, refused) = oneshot::channel();
    let (tell, end) = oneshot::channel();
    let work = Work {
        gateway: gateway.clone(),
        cx: cx.clone(),
        terms: Arc::clone(&terms),
    };
    let task = async move {
        match work.carry_out(order).await {
            Ok(ending) => drop(tell.send(ending)),
            Err(refusal) => drop(refuse.send(refusal)),
        }
    };
    drop(gateway.shared.rpc.scope.spawn("webhook", task));
    let (Patience::GivesUp(limit) | Patience::LetsGo(limit)) = patience;
    tokio::select! {
        biased;
        Ok(run) = runs.wait_for(Option::is_some) => match run.clone() {
            Some(run) => Ok(Begun { run, end }),
            None => Err(NotBegun::Pending),
        },
        Ok(refusal) = refused => Err(NotBegun::Refused(refusal)),
        () = time::sleep(limit) => Err(match patience {
            Patience::LetsGo(_) => NotBegun::Pending,
            Patience::GivesUp(_) => {
                terms.line.hang_up();
                let error = "the turn did not begin in time, and was given up";
                NotBegun::Refused(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error))
            }
        }),
        else => {
            let error = "the gateway stops";
            Err(NotBegun::Refused(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error)))
        }
    }
}

/// What an order is carried out with.
#[derive(Debug)]
struct Work {
    gateway: Gateway,
    cx: CallCx,
    terms: Arc<Terms>,
}

impl Work {
    /// Carries an order out; the refusal of a turn that never began.
    async fn carry_out(&self, order: Order) -> Result<Ending, Refusal> {
        let memory = &self.gateway.shared.webhooks.memory;
        let line = order.place.line.as_ref().map(|key| memory.line(key));
        let _place = match &line {
            Some(line) => tokio::select! {
                place = line.lock() => Some(place),
                () = self.terms.line.gone().cancelled() => return Err(given_up()),
                () = self.gateway.shared.rpc.scope.stop().cancelled() => return Err(given_up()),
            },
            None => None,
        };
        let rpc = &self.gateway.shared.rpc;
        let (session, name) = (order.place.session.clone(), order.name.clone());
        let peer = PeerId::from(name.as_str());
        if session.scope() != Scope::Main {
            let channel = ChannelId::from(WEBHOOK_CHANNEL);
            rpc.begin(&session, channel, peer.clone()).await?;
        }
        let (agent, told) = (order.agent.id.clone(), order.told);
        let said = said(session.clone(), peer, order.text, order.once);
        let asked = Asked {
            terms: Arc::clone(&self.terms),
            instead: order.instead,
            within: order.within,
        };
        let outcome = tokio::select! {
            outcome = Box::pin(rpc.accept_on(&self.cx, said, asked)) => outcome,
            never = self.is_read(order.waits) => never,
        };
        let begun = self.terms.line.run().borrow().clone();
        let Some(run) = begun else {
            return match outcome {
                Err(err) => Err(Refusal::not_accepted(err)),
                // Its answer was on record before anybody could tell its run.
                Ok(_) => Ok(Ending::Answered),
            };
        };
        let ending = ending(&outcome);
        tracing::info!(%run, %session, hook = name, status = ending.status(), "a webhook's turn has ended");
        if self.terms.line.gone().is_cancelled() {
            return Ok(ending);
        }
        if let Some(text) = news(&name, told, outcome)
            && let Ok(main) = SessionKey::main(&agent)
            && main != session
        {
            self.tell(main, &run, name, text).await;
        }
        Ok(ending)
    }

    /// Forgets what waits as soon as it is read, and never ends.
    async fn is_read<T>(&self, waits: Option<Waits>) -> T {
        let mut runs = self.terms.line.run();
        drop(runs.wait_for(Option::is_some).await);
        drop(waits);
        future::pending().await
    }

    /// Has an agent's main session hear what came of a turn, once.
    async fn tell(&self, main: SessionKey, run: &RunId, name: String, text: String) {
        let rpc = &self.gateway.shared.rpc;
        let said = said(main, PeerId(name), text, Some(run.to_string()));
        let asked = Asked {
            terms: Arc::default(),
            instead: None,
            within: None,
        };
        if let Err(err) = Box::pin(rpc.accept_on(&self.cx, said, asked)).await {
            let err = match err {
                NotAccepted::Limited(wait) => wait.refusal("messages to this session"),
                NotAccepted::Agent(err) => public(&err),
            };
            tracing::warn!(%run, err = err.message, "what came of a webhook's turn could not be told");
        }
    }
}

fn given_up() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the turn was given up")
}

/// Makes the message of a webhook: nobody watches what comes of it, and it waits for its own turn.
fn said(session: SessionKey, peer: PeerId, text: String, once: Option<String>) -> Said {
    Said {
        session,
        inbound: Inbound {
            channel: ChannelId::from(WEBHOOK_CHANNEL),
            peer,
            message_id: once.map(MessageId),
            text,
            attachments: Vec::new(),
        },
        speaker: Speaker::Webhook,
        attended: Attended::No,
        queue: Some(QueueMode::Followup),
    }
}

fn ending(outcome: &Result<Reply, NotAccepted>) -> Ending {
    match outcome {
        Ok(reply) if reply.content.trim().is_empty() => Ending::Empty,
        Ok(_) => Ending::Answered,
        Err(_) => Ending::Failed,
    }
}

/// Returns what the main session is told of an outcome, if anything.
fn news(name: &str, told: Told, outcome: Result<Reply, NotAccepted>) -> Option<String> {
    let (label, text) = match (outcome, told) {
        (Ok(reply), Told::Main) => (format!("[Hook {name} has ended"), reply.content),
        // Whoever cancels a turn knows of it.
        (Ok(_), Told::Nobody)
        | (Err(NotAccepted::Agent(AgentError::Cancelled) | NotAccepted::Limited(_)), _) => {
            return None;
        }
        (Err(NotAccepted::Agent(err)), _) => {
            (format!("[Hook {name} has failed"), public(&err).message)
        }
    };
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let text: String = masked(text.to_owned()).chars().take(MAX_TOLD).collect();
    Some(format!("{label}; isUser=false]\n{text}"))
}
