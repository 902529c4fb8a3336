//! What came of a message that was sent before: its answer is on record, or will be.

use openclaw_core::events::{Change, StoreError};
use openclaw_core::{EventStore, SessionEvent, SessionEventKind};
use openclaw_providers::StopReason;

use crate::agent::{Agent, AgentModel};
use crate::error::AgentError;
use crate::run::{Reply, Total, stand_in};

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
    agent: &Agent,
) -> Result<Reply, AgentError> {
    let run_id = message.run_id.as_ref().ok_or(AgentError::Defect)?;
    let primary = agent.model.as_ref().ok().and_then(AgentModel::model_ref);
    let mut total = Total::default();
    let mut log = store.subscribe(message.position);
    loop {
        let event = log.next().await?;
        if event.session != message.session || event.run_id.as_ref() != Some(run_id) {
            continue;
        }
        let payload = event.payload.as_ref();
        let step = payload.and_then(|payload| payload.step.as_ref());
        if let Some(step) = step {
            total.usage += step.usage;
        }
        let calls = payload.map_or(&[][..], |payload| &payload.calls);
        total.add(calls);
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
                    usage: total.usage,
                    stop,
                    steps: event.step.unwrap_or(1),
                    cost: total.cost(),
                    fallback: primary.and_then(|primary| stand_in(calls, primary)),
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
