//! What clients are told unasked: facts from the event log, and pieces of what is going on.
//!
//! A listener that does not take what is there costs one page of facts (a mebibyte of text, or one
//! event that is larger) and nothing else: further facts are read when it gets there, and pieces
//! wait in a queue that all listeners share, where the oldest make room.

use std::collections::BTreeSet;
use std::future;
use std::sync::Arc;

use openclaw_agents::bus::{self, Bus, OutputStream, Part};
use openclaw_core::approvals::Pending;
use openclaw_core::events::{Change, Position, StoreError, Subscription};
use openclaw_core::{EventStore, SessionEvent, SessionKey};
use openclaw_ipc::notifications::{
    ApprovalRequestedParams, DeltaChannel, OutputStream as WireStream, SessionDeltaParams,
    SessionEventParams, StreamLaggedParams, ToolOutputParams,
};
use openclaw_ipc::{Event, Notification};
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};

/// A listener's place in what happens.
#[derive(Debug)]
pub struct Live {
    facts: Subscription,
    pieces: Pieces,
    /// The sessions that it wants to hear of; all of them if it names none.
    sessions: Option<BTreeSet<SessionKey>>,
    /// Whether the listener was told that facts wait for it.
    told: bool,
    /// The fact that comes next, after as many pieces as there were before it.
    held: Option<Held>,
}

/// Where the pieces come from.
#[derive(Debug)]
enum Pieces {
    /// From nowhere before the log has been followed to this position: what they are pieces of is
    /// not known to the listener yet.
    After(Position, Bus),
    /// From those who make them.
    Now(Receiver<Arc<bus::Live>>),
    /// There are none any more.
    Ended,
}

/// A fact that has been taken from the log.
#[derive(Debug)]
struct Held {
    fact: Arc<SessionEvent>,
    /// What it says to those who can give their consent.
    question: Option<Notification>,
    /// How many pieces come before it.
    pieces: usize,
}

/// Something that is due to be told.
#[derive(Debug)]
pub(crate) enum Due {
    /// A fact of the log, which many may be told.
    Fact(Arc<SessionEvent>),
    /// A piece of what is going on, which many may be told.
    Piece(Arc<bus::Live>),
    /// What is for this listener.
    Own(Notification),
}

impl From<Due> for Notification {
    fn from(due: Due) -> Self {
        match due {
            Due::Fact(fact) => of_fact(&fact),
            Due::Piece(piece) => of_piece(&piece),
            Due::Own(notification) => notification,
        }
    }
}

/// How many facts may wait for a listener before it is told.
const BEHIND: u64 = 1024;

impl Live {
    pub(crate) fn new(store: &EventStore, bus: &Bus) -> Self {
        Self {
            pieces: Pieces::Now(bus.listen()),
            ..Self::after(store, bus, store.position(), None)
        }
    }

    /// Makes a listener that knows the log up to a position, and hears only of some sessions if it
    /// names them.
    pub(crate) fn after(
        store: &EventStore,
        bus: &Bus,
        position: Position,
        sessions: Option<BTreeSet<SessionKey>>,
    ) -> Self {
        Self {
            facts: store.subscribe(position),
            pieces: Pieces::After(store.position(), bus.clone()),
            sessions,
            told: false,
            held: None,
        }
    }

    /// Returns what happens next.
    ///
    /// A listener that is too slow loses pieces and is told how many; it never loses a fact, and
    /// is told once when many wait for it.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<Notification, StoreError> {
        Ok(self.due().await?.into())
    }

    /// As [`Live::next`], for one of many who are told the same.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn due(&mut self) -> Result<Due, StoreError> {
        loop {
            if let Some(next) = self.release() {
                return Ok(next);
            }
            let behind = self.facts.behind();
            if behind > BEHIND && !self.told {
                self.told = true;
                return Ok(lagged(0, behind));
            }
            self.told = self.told && behind > 0;
            self.pieces.begin(self.facts.cursor());
            tokio::select! {
                biased;
                fact = self.facts.next() => {
                    let fact = fact?;
                    if wanted(self.sessions.as_ref(), &fact.session) {
                        self.hold(fact);
                    }
                }
                piece = self.pieces.next(self.sessions.as_ref()) => return Ok(piece),
            }
        }
    }

    /// Keeps a fact until the pieces have been told that were there before it: they may be what it
    /// adds up to. Those that come later do not hold it up.
    fn hold(&mut self, fact: Arc<SessionEvent>) {
        self.held = Some(Held {
            question: question(&fact),
            fact,
            pieces: self.pieces.waiting(),
        });
    }

    /// Returns what is due now, if something is.
    fn release(&mut self) -> Option<Due> {
        let held = self.held.as_mut()?;
        while held.pieces > 0 {
            held.pieces = held.pieces.saturating_sub(1);
            if let Some(piece) = self.pieces.try_next(self.sessions.as_ref()) {
                return Some(piece);
            }
        }
        // Whoever has seen the fact and loses the connection does not see it again, and with it
        // would not have seen the question.
        if let Some(question) = held.question.take() {
            return Some(Due::Own(question));
        }
        let Held { fact, .. } = self.held.take()?;
        Some(Due::Fact(fact))
    }
}

impl Pieces {
    /// Begins to listen, once the log has been caught up with.
    fn begin(&mut self, known: Position) {
        if let Self::After(position, bus) = self
            && known >= *position
        {
            *self = Self::Now(bus.listen());
        }
    }

    /// Returns how many are there.
    fn waiting(&self) -> usize {
        match self {
            Self::Now(receiver) => receiver.len(),
            Self::After(..) | Self::Ended => 0,
        }
    }

    /// Returns the next one that is there, if it is of interest.
    fn try_next(&mut self, sessions: Option<&BTreeSet<SessionKey>>) -> Option<Due> {
        let Self::Now(receiver) = self else {
            return None;
        };
        match receiver.try_recv() {
            Ok(piece) => wanted(sessions, session_of(&piece)).then_some(Due::Piece(piece)),
            Err(TryRecvError::Lagged(dropped)) => Some(lagged(dropped, 0)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }

    /// Waits for the next one that is of interest.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    async fn next(&mut self, sessions: Option<&BTreeSet<SessionKey>>) -> Due {
        loop {
            let received = match self {
                Self::Now(receiver) => receiver.recv().await,
                Self::After(..) | Self::Ended => future::pending().await,
            };
            match received {
                Ok(piece) if wanted(sessions, session_of(&piece)) => return Due::Piece(piece),
                Ok(_) => {}
                Err(RecvError::Lagged(dropped)) => return lagged(dropped, 0),
                Err(RecvError::Closed) => *self = Self::Ended,
            }
        }
    }
}

fn wanted(sessions: Option<&BTreeSet<SessionKey>>, session: &SessionKey) -> bool {
    sessions.is_none_or(|sessions| sessions.contains(session))
}

const fn lagged(dropped: u64, behind: u64) -> Due {
    Due::Own(Notification::StreamLagged(StreamLaggedParams {
        dropped,
        behind,
    }))
}

/// Returns what a fact says to those who can give their consent.
fn question(fact: &SessionEvent) -> Option<Notification> {
    let approval = Box::new(pending(fact)?);
    Some(Notification::ApprovalRequested(ApprovalRequestedParams {
        approval,
    }))
}

/// Returns the question that a fact puts to those who can give their consent.
pub(crate) fn pending(fact: &SessionEvent) -> Option<Pending> {
    let Change::ApprovalRequested {
        approval,
        call_id,
        shape,
        reasons,
        expires,
        ..
    } = Change::of(fact)?
    else {
        return None;
    };
    Some(Pending {
        id: approval,
        session: fact.session.clone(),
        run_id: fact.run_id.clone()?,
        call_id,
        shape,
        reasons,
        asked: fact.time,
        expires,
    })
}

const fn session_of(piece: &bus::Live) -> &SessionKey {
    match piece {
        bus::Live::Delta { session, .. } | bus::Live::ToolOutput { session, .. } => session,
    }
}

/// Returns what a fact is told as.
pub(crate) fn of_fact(fact: &SessionEvent) -> Notification {
    let event = Event::from(fact.clone());
    Notification::SessionEvent(SessionEventParams::from(event))
}

/// Returns what a piece is told as.
pub(crate) fn of_piece(piece: &bus::Live) -> Notification {
    match piece.clone() {
        bus::Live::Delta {
            session,
            run,
            step,
            part,
            text,
        } => Notification::SessionDelta(SessionDeltaParams {
            session_key: session,
            run_id: run,
            step,
            channel: match part {
                Part::Text => DeltaChannel::Text,
                Part::Thinking => DeltaChannel::Thinking,
            },
            text,
        }),
        bus::Live::ToolOutput {
            session,
            run,
            call,
            stream,
            text,
        } => Notification::ToolOutput(ToolOutputParams {
            session_key: session,
            run_id: Some(run),
            call_id: call,
            stream: match stream {
                OutputStream::Stdout => WireStream::Stdout,
                OutputStream::Stderr => WireStream::Stderr,
            },
            text,
        }),
    }
}
