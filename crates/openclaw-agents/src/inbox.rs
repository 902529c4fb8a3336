//! Recording an inbound message, the step before anything acts on it.

use openclaw_core::access::Inbound;
use openclaw_core::events::{NewEvent, StoreError};
use openclaw_core::session_key::Scope;
use openclaw_core::validation::{validate_attachments, validate_message};
use openclaw_core::{EventStore, RunId, SessionEvent, SessionEventKind, SessionKey};

use crate::error::AgentError;

/// Checks a message and records it in its session; returns it as recorded.
///
/// Only an agent's main session comes into being, or starts anew, by being written to.
pub(crate) async fn receive(
    store: &EventStore,
    session: &SessionKey,
    inbound: Inbound,
    run: &RunId,
) -> Result<SessionEvent, AgentError> {
    validate_message(&inbound.text)?;
    validate_attachments(&inbound.attachments)?;
    let message = NewEvent::from(SessionEventKind::MessageReceived {
        content: inbound.text,
        attachments: inbound.attachments,
    })
    .in_run(run, None);
    let recorded = match store.append(session, vec![message.clone()]).await {
        Err(StoreError::NoSession(_) | StoreError::SessionEnded(_))
            if session.scope() == Scope::Main =>
        {
            let start = SessionEventKind::SessionStarted {
                channel: inbound.channel,
                peer_id: inbound.peer,
            };
            match store
                .append(session, vec![start.into(), message.clone()])
                .await
            {
                // Somebody else's first message was faster.
                Err(StoreError::SessionExists(_)) => store.append(session, vec![message]).await?,
                other => other?,
            }
        }
        other => other?,
    };
    recorded
        .into_iter()
        .next_back()
        .ok_or(AgentError::Store(StoreError::Closed))
}
