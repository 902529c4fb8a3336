//! Recording an inbound message, the step before anything acts on it.

use openclaw_core::access::Inbound;
use openclaw_core::events::{Lease, NewEvent, Payload, StoreError};
use openclaw_core::provenance::Mark;
use openclaw_core::session_key::Scope;
use openclaw_core::validation::{ValidationError, validate_attachments, validate_message};
use openclaw_core::{EventStore, RunId, SessionEvent, SessionEventKind, SessionKey};

use crate::error::AgentError;
use crate::terms::Terms;

/// The part of a message's payload that has the sender's own name for it.
pub const MESSAGE_ID: &str = "messageId";

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
    /// Its event.
    pub(crate) event: SessionEvent,
    /// For [`Seat::Free`]: the lease on the session, unless the message was on record before.
    pub(crate) lease: Option<Lease>,
    /// The event that its session began with, if that was now.
    pub(crate) start: Option<SessionEvent>,
}

/// A message that is to be recorded.
#[derive(Debug)]
pub(crate) struct Delivery {
    message: NewEvent,
    /// Where a session of its own would begin.
    start: NewEvent,
    /// Under what name it is recorded once.
    once: Option<String>,
}

impl Delivery {
    /// Checks a message; `marks` say where it came from.
    pub(crate) fn new(inbound: Inbound, marks: Vec<Mark>) -> Result<Self, ValidationError> {
        validate_message(&inbound.text)?;
        validate_attachments(&inbound.attachments)?;
        let mut payload = Payload {
            marks,
            ..Payload::default()
        };
        if let Some(id) = &inbound.message_id {
            payload
                .other
                .insert(MESSAGE_ID.to_owned(), id.0.clone().into());
        }
        let once = inbound.message_id.map(|id| {
            once(
                inbound.channel.as_str(),
                inbound.peer.as_str(),
                &id.to_string(),
            )
        });
        let message = NewEvent::from(SessionEventKind::MessageReceived {
            content: inbound.text,
            attachments: inbound.attachments,
        })
        .with_payload(payload);
        let start = NewEvent::from(SessionEventKind::SessionStarted {
            channel: inbound.channel,
            peer_id: inbound.peer,
        });
        Ok(Self {
            message,
            start,
            once,
        })
    }

    /// Records what a program sent with it.
    pub(crate) fn comes_with(&mut self, terms: &Terms) {
        let payload = self.message.payload.get_or_insert_default();
        payload.other.extend(terms.on_record());
    }

    /// Lets it be recorded anew: the event that has its name was closed, and nothing done about it.
    pub(crate) fn is_sent_again_after(&mut self, seq: u64) {
        self.once = self.once.take().map(|once| format!("{once}:after:{seq}"));
    }
}

/// Returns the name under which a sender's message is recorded once.
///
/// # Security
/// Whoever chooses an id does not reach into another sender's names by it.
fn once(channel: &str, peer: &str, id: &str) -> String {
    let part = |text: &str| text.replace('%', "%25").replace(':', "%3A");
    format!("{}:{}:{id}", part(channel), part(peer))
}

/// Records a message in its session.
///
/// Only an agent's main session comes into being, or starts anew, by being written to. A message
/// that its channel has a name for is recorded once: when it comes again, the event is the old
/// one, of another run.
pub(crate) async fn receive(
    store: &EventStore,
    session: &SessionKey,
    delivery: &Delivery,
    run: &RunId,
    seat: Seat,
) -> Result<Received, AgentError> {
    let message = delivery.message.clone().in_run(run, None);
    let record = async |events| match &delivery.once {
        Some(key) => record_once(store, session, key, events, seat).await,
        None => record(store, session, events, seat).await,
    };
    match record(vec![message.clone()]).await {
        Err(StoreError::NoSession(_) | StoreError::SessionEnded(_))
            if session.scope() == Scope::Main =>
        {
            match record(vec![delivery.start.clone(), message.clone()]).await {
                // Somebody else's first message was faster.
                Err(StoreError::SessionExists(_)) => Ok(record(vec![message]).await?),
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
    received(recorded, lease)
}

async fn record_once(
    store: &EventStore,
    session: &SessionKey,
    key: &str,
    events: Vec<NewEvent>,
    seat: Seat,
) -> Result<Received, StoreError> {
    let (recorded, lease) = match seat {
        Seat::Free => store.append_once_and_lease(session, key, events).await?,
        Seat::Taken => (store.append_once(session, key, events).await?, None),
    };
    received(recorded, lease)
}

fn received(recorded: Vec<SessionEvent>, lease: Option<Lease>) -> Result<Received, StoreError> {
    let mut recorded = recorded.into_iter();
    let event = recorded.next_back().ok_or(StoreError::Closed)?;
    Ok(Received {
        event,
        lease,
        start: recorded.next(),
    })
}

#[cfg(test)]
mod tests {
    use super::once;

    #[test]
    fn no_two_senders_have_a_name_in_common() {
        assert_eq!(once("telegram", "4711", "a:b"), "telegram:4711:a:b");
        let names = [
            once("telegram", "x", "y:z"),
            once("telegram", "x:y", "z"),
            once("telegram:x", "y", "z"),
            once("telegram", "x%3Ay", "z"),
        ];
        for (at, name) in names.iter().enumerate() {
            assert!(
                !names.iter().skip(at + 1).any(|other| other == name),
                "{name}"
            );
        }
    }
}
