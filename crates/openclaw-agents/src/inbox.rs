//! Recording an inbound message, the step before anything acts on it.

use openclaw_core::access::Inbound;
use openclaw_core::events::{Lease, NewEvent, StoreError};
use openclaw_core::session_key::Scope;
use openclaw_core::validation::{validate_attachments, validate_message};
use openclaw_core::{EventStore, RunId, SessionEventKind, SessionKey};

use crate::error::AgentError;

/// Whether a session's lane is free, so that the run can begin at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    /// It is free: the lease is taken with the message, in the same transaction.
    Free,
    /// Another run goes on.
    Taken,
}

/// A message that is on record.
#[derive(Debug)]
pub(crate) struct Received {
    /// Its sequence number.
    pub(crate) seq: u64,
    /// For [`Seat::Free`]: the lease on the session.
    pub(crate) lease: Option<Lease>,
}

/// Checks a message and records it in its session.
///
/// Only an agent's main session comes into being, or starts anew, by being written to.
pub(crate) async fn receive(
    store: &EventStore,
    session: &SessionKey,
    inbound: Inbound,
    run: &RunId,
    seat: Seat,
) -> Result<Received, AgentError> {
    validate_message(&inbound.text)?;
    validate_attachments(&inbound.attachments)?;
    let message = NewEvent::from(SessionEventKind::MessageReceived {
        content: inbound.text,
        attachments: inbound.attachments,
    })
    .in_run(run, None);
    match record(store, session, vec![message.clone()], seat).await {
        Err(StoreError::NoSession(_) | StoreError::SessionEnded(_))
            if session.scope() == Scope::Main =>
        {
            let start = NewEvent::from(SessionEventKind::SessionStarted {
                channel: inbound.channel,
                peer_id: inbound.peer,
            });
            match record(store, session, vec![start, message.clone()], seat).await {
                // Somebody else's first message was faster.
                Err(StoreError::SessionExists(_)) => {
                    Ok(record(store, session, vec![message], seat).await?)
                }
                other => Ok(other?),
            }
        }
        other => Ok(other?),
    }
}

async fn record(
    store: &EventStore,
    session: &SessionKey,
    events: Vec<NewEvent>,
    seat: Seat,
) -> Result<Received, StoreError> {
    let (recorded, lease) = match seat {
        Seat::Free => {
            let (recorded, lease) = store.append_and_lease(session, events).await?;
            (recorded, Some(lease))
        }
        Seat::Taken => (store.append(session, events).await?, None),
    };
    let seq = recorded
        .last()
        .map(|event| event.seq)
        .ok_or(StoreError::Closed)?;
    Ok(Received { seq, lease })
}
