//! What a connection is told unasked, in OpenClaw's events.
//!
//! Facts come from the event log: each connection has its own place in it, so a slow client costs
//! nobody anything and misses none. Pieces of what is being written come before the fact that they
//! add up to; whoever lags behind loses pieces, and is told the rest with the fact.
//! `pieces` tells what is being written, `facts` what is on record, `ends` how runs end; `shape` has
//! the payloads.

mod ends;
mod facts;
mod pieces;
mod shape;

use std::collections::{HashMap, VecDeque};
use std::future;
use std::sync::Arc;

use openclaw_agents::bus;
use openclaw_core::access::devices::Right;
use openclaw_core::clock::Clock;
use openclaw_core::events::{Change, Position, StoreError, Subscription};
use openclaw_core::{RunId, SessionEvent, SessionEventKind, SessionKey};
use openclaw_ipc::openclaw::EventFrame;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{self, Instant};

use super::Client;
use super::floor::{Settled, Shout};
use super::messages::{self, Context};
use super::runs::Running;
use crate::builder::Gateway;

/// Every event that a client may be sent.
pub(super) const EVENTS: &[&str] = &[
    "connect.challenge",
    "agent",
    "chat",
    "session.message",
    "sessions.changed",
    "presence",
    "tick",
    "shutdown",
    "health",
    "device.pair.requested",
    "device.pair.resolved",
    "exec.approval.requested",
    "exec.approval.resolved",
    "plugin.approval.requested",
    "plugin.approval.resolved",
];

/// How far back the message is looked for that began a run.
const BACK: u64 = 512;

/// A connection's place in what happens.
#[derive(Debug)]
pub(super) struct Feed<'a> {
    gateway: &'a Gateway,
    client: &'a Client,
    facts: Subscription,
    pieces: Option<Receiver<Arc<bus::Live>>>,
    shouts: Receiver<Shout>,
    runs: HashMap<RunId, Running>,
    ended: VecDeque<String>,
    /// What waits for the log to come as far.
    settled: Vec<Arc<Settled>>,
    /// The last event of the log when the connection began.
    joined: Position,
    /// The last event of the log that was taken.
    seen: Position,
    /// What was taken and not been told yet.
    item: Option<Item>,
    out: VecDeque<EventFrame>,
    seq: u64,
    /// When what was written is told next.
    due: Option<Instant>,
}

#[derive(Debug)]
enum Item {
    Fact(Arc<SessionEvent>),
    Piece(Arc<bus::Live>),
}

impl<'a> Feed<'a> {
    pub(super) fn new(gateway: &'a Gateway, client: &'a Client) -> Self {
        let rpc = &gateway.shared.rpc;
        let seen = rpc.store.position();
        Self {
            gateway,
            client,
            facts: rpc.store.subscribe(seen),
            pieces: Some(rpc.bus.listen()),
            shouts: rpc.floor.listen(),
            runs: HashMap::new(),
            ended: VecDeque::new(),
            settled: Vec::new(),
            joined: seen,
            seen,
            item: None,
            out: VecDeque::new(),
            seq: 0,
            due: None,
        }
    }

    /// Adds an event of the connection itself.
    pub(super) fn add(&mut self, event: &str, payload: Value) {
        self.out.push_back(EventFrame::new(event, payload));
    }

    /// Returns the next event as text.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped: what was taken is kept until it was told.
    pub(super) async fn next(&mut self) -> Result<String, StoreError> {
        loop {
            if let Some(mut frame) = self.out.pop_front() {
                self.seq = self.seq.saturating_add(1);
                frame.seq = Some(self.seq);
                return Ok(frame.to_json());
            }
            if self.item.is_some() {
                self.tell_item().await?;
                continue;
            }
            let due = self.due;
            let pace = async {
                match due {
                    Some(at) => time::sleep_until(at).await,
                    None => future::pending().await,
                }
            };
            tokio::select! {
                // Pieces come before the fact that they add up to.
                biased;
                () = pace => self.tell_written(),
                piece = next_piece(&mut self.pieces) => match piece {
                    Some(piece) => self.item = Some(Item::Piece(piece)),
                    None => self.runs.values_mut().for_each(Running::tear),
                },
                fact = self.facts.next() => self.item = Some(Item::Fact(fact?)),
                shout = self.shouts.recv() => match shout {
                    Ok(shout) => self.hear(shout),
                    // Who is connected is told whole each time, and a message that came to its end
                    // is in the log.
                    Err(RecvError::Lagged(_)) => self.tell_presence(),
                    Err(RecvError::Closed) => return Err(StoreError::Closed),
                },
            }
        }
    }

    /// Tells what was taken; what has to be looked up comes first, and changes nothing.
    async fn tell_item(&mut self) -> Result<(), StoreError> {
        let (session, run) = match &self.item {
            Some(Item::Fact(event)) => (event.session.clone(), event.run_id.clone()),
            Some(Item::Piece(piece)) => match &**piece {
                bus::Live::Delta { session, run, .. }
                | bus::Live::ToolOutput { session, run, .. } => {
                    (session.clone(), Some(run.clone()))
                }
            },
            None => return Ok(()),
        };
        let looks = match (&run, &self.item) {
            (Some(run), item) if !self.runs.contains_key(run) => match item {
                Some(Item::Fact(event)) => is_of_run(event),
                _ => true,
            },
            _ => false,
        };
        let found = match &run {
            Some(run) if looks => Some(self.look_up(&session, run).await?),
            _ => None,
        };
        let message = match &self.item {
            Some(Item::Fact(event)) if self.client.follows.lock().messages_of(&session) => {
                self.message(event).await?
            }
            _ => None,
        };
        let now = Clock::system().now().as_millisecond();
        if let (Some(run), Some((name, began))) = (&run, found) {
            let mut running = Running::new(run, name, session, now);
            if began.is_none_or(|began| began <= self.joined) {
                running.join();
            }
            self.runs.insert(run.clone(), running);
        }
        match self.item.take() {
            Some(Item::Fact(event)) => self.tell_fact(&event, message, now),
            Some(Item::Piece(piece)) => self.take_piece(&piece),
            None => {}
        }
        Ok(())
    }

    /// Returns the name that clients know a run by, which began before this connection knew of it,
    /// and the message that began it.
    async fn look_up(
        &self,
        session: &SessionKey,
        run: &RunId,
    ) -> Result<(Option<String>, Option<Position>), StoreError> {
        let store = &self.gateway.shared.rpc.store;
        let Some(summary) = store.session(session).await? else {
            return Ok((None, None));
        };
        let from = summary.head.saturating_sub(BACK).max(1);
        let events = store.read(session, from..=summary.head).await?;
        let began = events.iter().find(|event| {
            let is_message = matches!(event.kind, SessionEventKind::MessageReceived { .. });
            is_message && event.run_id.as_ref() == Some(run)
        });
        let name = began.and_then(messages::own_name).map(str::to_owned);
        Ok((name, began.map(|message| message.position)))
    }

    /// Returns the message that a fact stands for, for a client that follows its session.
    async fn message(&self, event: &SessionEvent) -> Result<Option<Value>, StoreError> {
        let step = event
            .payload
            .as_ref()
            .and_then(|payload| payload.step.as_ref());
        let calls = step.map_or(0, |step| step.blocks.len());
        let calls = u64::try_from(calls).unwrap_or_default();
        let mut context = Context::default();
        if calls > 1 {
            let store = &self.gateway.shared.rpc.store;
            let range = event.seq..=event.seq.saturating_add(calls);
            for event in store.read(&event.session, range).await? {
                context.learn(&event);
            }
        }
        context.learn(event);
        Ok(context.message(event))
    }

    fn hear(&mut self, shout: Shout) {
        match shout {
            Shout::Presence => self.tell_presence(),
            Shout::Health(health) => self.tell_state("health", Value::clone(&health)),
            Shout::Device(event, payload) => {
                if self.client.rights.include(Right::Pairing) {
                    self.add(event, payload);
                }
            }
            Shout::Settled(settled) => {
                self.settled.push(settled);
                self.tell_settled(Clock::system().now().as_millisecond());
            }
        }
    }

    fn tell_presence(&mut self) {
        let floor = &self.gateway.shared.rpc.floor;
        let presence = floor.presence(Clock::system().now().as_millisecond());
        self.tell_state("presence", json!({"presence": presence}));
    }

    /// Tells something that everybody sees.
    fn tell_state(&mut self, event: &str, payload: Value) {
        let mut frame = EventFrame::new(event, payload);
        frame.state_version = Some(self.gateway.shared.rpc.floor.version());
        self.out.push_back(frame);
    }
}

/// Tells whether a fact is part of a run that goes on.
fn is_of_run(event: &SessionEvent) -> bool {
    match &event.kind {
        SessionEventKind::ToolCalled { .. }
        | SessionEventKind::ToolResult { .. }
        | SessionEventKind::AgentResponse { .. } => true,
        SessionEventKind::StateChanged { .. } => matches!(
            Change::of(event),
            Some(Change::RunFailed { .. } | Change::RunCutOff { .. })
        ),
        SessionEventKind::SessionStarted { .. }
        | SessionEventKind::MessageReceived { .. }
        | SessionEventKind::MessageSent { .. }
        | SessionEventKind::SessionEnded { .. } => false,
    }
}

/// Returns the next piece; none says that some were lost.
///
/// # Cancel safety
/// Nothing is lost when the future is dropped.
async fn next_piece(pieces: &mut Option<Receiver<Arc<bus::Live>>>) -> Option<Arc<bus::Live>> {
    let received = match pieces {
        Some(receiver) => receiver.recv().await,
        None => future::pending().await,
    };
    match received {
        Ok(piece) => Some(piece),
        Err(RecvError::Lagged(_)) => None,
        Err(RecvError::Closed) => {
            *pieces = None;
            None
        }
    }
}
