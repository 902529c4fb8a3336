//! Routes over models that answer as they are told to, on a clock that is moved by hand.

mod failover;
mod keys;
mod money;
mod requests;
mod silence;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use openclaw_core::events::{CallOutcome, CallPayload};
use openclaw_core::{ApiKey, Clock, ProviderId, Usage};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::error::{ProviderError, Reason};
use crate::event::{EventStream, StopReason, StreamEvent};
use crate::fold::Completion;
use crate::identity::Identity;
use crate::meter::Unmetered;
use crate::provider::Provider;
use crate::request::Request;

/// What a model does when it is asked.
#[derive(Clone, Debug)]
enum Act {
    /// Answers with these words.
    Say(&'static str),
    /// Sends these events and ends.
    Send(Vec<StreamEvent>),
    /// Sends these events and falls silent.
    Hang(Vec<StreamEvent>),
    /// Sends these events and breaks the answer off with an error of this sort.
    Break(Vec<StreamEvent>, Reason),
    /// Refuses with this status, and asks to be left alone for so many seconds.
    Refuse(u16, Option<u64>),
}

/// A model that does one thing after the other, and the last one for ever.
#[derive(Debug)]
struct Actor {
    id: ProviderId,
    identity: Identity,
    acts: Mutex<VecDeque<Act>>,
    asked: Mutex<Vec<Request>>,
}

impl Actor {
    fn new(id: &str, acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        Self::at("", "", id, acts)
    }

    /// Makes one that is at an address and asked with a key.
    fn at(address: &str, key: &str, id: &str, acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        let key = Arc::new(ApiKey::new(key.to_owned()));
        Arc::new(Self {
            id: id.into(),
            identity: Identity::of(address, [&key]),
            acts: Mutex::new(acts.into_iter().collect()),
            asked: Mutex::default(),
        })
    }

    fn asked(&self) -> usize {
        self.asked.lock().len()
    }
}

fn started() -> StreamEvent {
    StreamEvent::Started {
        model: "as-it-says".to_owned(),
    }
}

fn said(text: &str) -> StreamEvent {
    StreamEvent::Text(text.to_owned())
}

fn used(input: u64, output: u64) -> StreamEvent {
    StreamEvent::Usage(Usage {
        input,
        output,
        ..Usage::default()
    })
}

fn ended() -> StreamEvent {
    StreamEvent::Stop(StopReason::EndTurn)
}

#[async_trait]
impl Provider for Actor {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn identity(&self) -> Identity {
        self.identity
    }

    async fn stream(
        &self,
        request: Request,
        _stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        self.asked.lock().push(request);
        let act = {
            let mut acts = self.acts.lock();
            if acts.len() > 1 {
                acts.pop_front().unwrap()
            } else {
                acts.front().unwrap().clone()
            }
        };
        let provider = self.id.clone();
        let ok = |events: Vec<StreamEvent>| stream::iter(events.into_iter().map(Ok));
        Ok(match act {
            Act::Say(text) => Box::pin(ok(vec![started(), said(text), used(10, 2), ended()])),
            Act::Send(events) => Box::pin(ok(events)),
            Act::Hang(events) => Box::pin(ok(events).chain(stream::pending())),
            Act::Break(events, reason) => {
                let error = ProviderError::Sent {
                    provider,
                    reason,
                    message: String::new(),
                };
                Box::pin(ok(events).chain(stream::iter([Err(error)])))
            }
            Act::Refuse(status, seconds) => {
                return Err(ProviderError::Status {
                    provider,
                    status,
                    reason: Reason::of_status(status.into()),
                    message: String::new(),
                    retry_after: seconds.map(Duration::from_secs),
                });
            }
        })
    }
}

/// Routes that share their health, and the clock of it.
struct Stage {
    clock: Clock,
    health: Arc<Health>,
}

impl Stage {
    fn new() -> Self {
        let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
        Self {
            health: Arc::new(Health::new(clock.clone())),
            clock,
        }
    }

    fn pass(&self, seconds: i64) {
        let later = self.clock.now() + SignedDuration::from_secs(seconds);
        self.clock.set(later);
    }

    fn route(&self, actors: &[&Arc<Actor>]) -> Route {
        let candidates = actors.iter().map(|actor| candidate(actor)).collect();
        self.of(candidates)
    }

    fn of(&self, candidates: Vec<Candidate>) -> Route {
        Route::new(candidates, Arc::clone(&self.health), Policy::default())
    }
}

fn candidate(actor: &Arc<Actor>) -> Candidate {
    Candidate::new(Arc::<Actor>::clone(actor), "m")
}

/// A candidate with several keys, each of which is an actor.
fn with_keys(actors: &[(&str, &Arc<Actor>)]) -> Candidate {
    let (_, first) = actors.first().unwrap();
    let mut candidate = candidate(first);
    candidate.credentials = actors
        .iter()
        .map(|(name, actor)| Credential {
            name: (*name).to_owned(),
            provider: Arc::<Actor>::clone(actor),
        })
        .collect();
    candidate
}

async fn ask(route: &Route) -> (Result<Completion, ProviderError>, Vec<CallPayload>) {
    let stop = CancellationToken::new();
    match route.ask(&Request::default(), &Unmetered, &stop).await {
        Ok(mut answer) => {
            while answer.next().await.is_some() {}
            answer.finish()
        }
        Err(Refused { error, calls }) => (Err(error), calls),
    }
}

async fn words(route: &Route) -> String {
    match ask(route).await.0 {
        Ok(completion) => format!("{}: {:?}", completion.provider, completion.content),
        Err(error) => error.to_string(),
    }
}

/// Shows calls as `provider/key: outcome`.
fn shown(calls: &[CallPayload]) -> Vec<String> {
    calls
        .iter()
        .map(|call| {
            let key = call.credential.as_deref().unwrap_or("-");
            let outcome = match &call.outcome {
                CallOutcome::Ok => "ok",
                CallOutcome::Failed { message, .. } => message,
            };
            format!("{}/{key}: {outcome}", call.provider)
        })
        .collect()
}
