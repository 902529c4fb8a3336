//! What clients are told unasked: facts from the event log, and pieces of what is going on.

use std::future;

use openclaw_agents::bus::{self, Bus, OutputStream, Part};
use openclaw_core::approvals::Pending;
use openclaw_core::events::{Change, StoreError, Subscription};
use openclaw_core::{EventStore, SessionEvent};
use openclaw_ipc::notifications::{
    ApprovalRequestedParams, DeltaChannel, OutputStream as WireStream, SessionDeltaParams,
    SessionEventParams, StreamLaggedParams, ToolOutputParams,
};
use openclaw_ipc::{Event, Notification};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// A listener's place in what happens.
#[derive(Debug)]
pub struct Live {
    facts: Subscription,
    pieces: Option<Receiver<bus::Live>>,
    /// Whether the listener was told that facts wait for it.
    told: bool,
    /// What follows from the last fact.
    next: Option<Notification>,
}

/// How many facts may wait for a listener before it is told.
const BEHIND: u64 = 1024;

impl Live {
    pub(crate) fn new(store: &EventStore, bus: &Bus) -> Self {
        Self {
            facts: store.subscribe(store.position()),
            pieces: Some(bus.listen()),
            told: false,
            next: None,
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
        if let Some(next) = self.next.take() {
            return Ok(next);
        }
        let behind = self.facts.behind();
        if behind > BEHIND && !self.told {
            self.told = true;
            let dropped = 0;
            return Ok(Notification::StreamLagged(StreamLaggedParams {
                dropped,
                behind,
            }));
        }
        self.told = self.told && behind > 0;
        tokio::select! {
            // Pieces come before the fact that they add up to.
            biased;
            piece = next_piece(&mut self.pieces) => Ok(piece),
            fact = self.facts.next() => {
                let fact = fact?;
                self.next = question(&fact);
                let event = Box::new(Event::from(fact));
                Ok(Notification::SessionEvent(SessionEventParams { event }))
            }
        }
    }
}

/// Returns what a fact says to those who can give their consent.
fn question(fact: &SessionEvent) -> Option<Notification> {
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
    let approval = Box::new(Pending {
        id: approval,
        session: fact.session.clone(),
        run_id: fact.run_id.clone()?,
        call_id,
        shape,
        reasons,
        asked: fact.time,
        expires,
    });
    Some(Notification::ApprovalRequested(ApprovalRequestedParams {
        approval,
    }))
}

async fn next_piece(pieces: &mut Option<Receiver<bus::Live>>) -> Notification {
    let received = match pieces {
        Some(receiver) => receiver.recv().await,
        None => future::pending().await,
    };
    match received {
        Ok(piece) => notification(piece),
        Err(RecvError::Lagged(dropped)) => {
            Notification::StreamLagged(StreamLaggedParams { dropped, behind: 0 })
        }
        Err(RecvError::Closed) => {
            *pieces = None;
            future::pending().await
        }
    }
}

fn notification(piece: bus::Live) -> Notification {
    match piece {
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
