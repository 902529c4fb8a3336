//! What came of a message that was sent before: its answer is on record, or will be.

use openclaw_core::events::{Change, StoreError};
use openclaw_core::{EventStore, SessionEvent, SessionEventKind, Usage};
use openclaw_providers::StopReason;

use crate::error::AgentError;
use crate::run::Reply;

/// Tells whether the run of a recorded message has come to its end.
pub(crate) async fn ends(store: &EventStore, message: &SessionEvent) -> Result<bool, StoreError> {
    let later = store
        .read(&message.session, message.seq.saturating_add(1)..=u64::MAX)
        .await?;
    Ok(later.iter().any(|event| is_end(event, message)))
}

/// Returns what the run of a recorded message came to, waiting for its end if need be.
pub(crate) async fn outcome(
    store: &EventStore,
    message: &SessionEvent,
) -> Result<Reply, AgentError> {
    let run_id = message.run_id.as_ref().ok_or(AgentError::Defect)?;
    let mut usage = Usage::default();
    let mut log = store.subscribe(message.position);
    loop {
        let event = log.next().await?;
        if event.session != message.session || event.run_id.as_ref() != Some(run_id) {
            continue;
        }
        let step = event
            .payload
            .as_ref()
            .and_then(|payload| payload.step.as_ref());
        if let Some(step) = step {
            usage += step.usage;
        }
        match (&event.kind, Change::of(&event)) {
            (SessionEventKind::AgentResponse { content, model, .. }, _) => {
                let (provider, stop) = step.map_or_else(
                    || ("unknown".into(), StopReason::EndTurn),
                    |step| (step.provider.clone(), StopReason::named(&step.stop)),
                );
                return Ok(Reply {
                    run_id: run_id.clone(),
                    content: content.clone(),
                    provider,
                    model: model.clone(),
                    usage,
                    stop,
                    steps: event.step.unwrap_or(1),
                });
            }
            (_, Some(Change::RunFailed { kind, message, .. })) => {
                return Err(AgentError::FailedBefore { kind, message });
            }
            _ => {}
        }
    }
}

fn is_end(event: &SessionEvent, message: &SessionEvent) -> bool {
    event.run_id == message.run_id
        && (matches!(event.kind, SessionEventKind::AgentResponse { .. })
            || matches!(Change::of(event), Some(Change::RunFailed { .. })))
}
