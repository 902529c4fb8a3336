//! What came of a message that was sent before: its answer is on record, or will be.

use openclaw_core::events::{Change, StoreError};
use openclaw_core::{EventStore, RunId, SessionEvent, SessionEventKind};
use openclaw_providers::StopReason;

use crate::agent::{Agent, AgentModel};
use crate::ending::{Total, stand_in};
use crate::error::AgentError;
use crate::lanes::is_closed_unheard;
use crate::run::Reply;

/// What is on record about a message that comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was answered, or it failed, or a run took it in that will end.
    Known,
    /// A crash came before anything was done about it.
    Unheard,
    /// Nothing.
    Unknown,
}

/// Returns what became of a recorded message that stands in no lane.
pub(crate) async fn fate(store: &EventStore, message: &SessionEvent) -> Result<Fate, StoreError> {
    let later = store
        .read(&message.session, message.seq.saturating_add(1)..=u64::MAX)
        .await?;
    let taker = later.iter().find_map(|event| taken_by(event, message));
    let run = taker.or(message.run_id.as_ref());
    let of_run: Vec<&SessionEvent> = later
        .iter()
        .filter(|event| event.run_id.as_ref() == run)
        .collect();
    if is_closed_unheard(&of_run) {
        return Ok(Fate::Unheard);
    }
    if taker.is_some() || of_run.iter().any(|event| is_end(event)) {
        return Ok(Fate::Known);
    }
    Ok(Fate::Unknown)
}

/// Returns the run that took a message in, if the event says so.
fn taken_by<'a>(event: &'a SessionEvent, message: &SessionEvent) -> Option<&'a RunId> {
    match Change::of(event) {
        Some(Change::MessageTaken { message: taken }) if taken == message.seq => {
            event.run_id.as_ref()
        }
        _ => None,
    }
}

/// Returns what the run of a recorded message came to, waiting for its end if need be.
pub(crate) async fn outcome(
    store: &EventStore,
    message: &SessionEvent,
    agent: &Agent,
) -> Result<Reply, AgentError> {
    let mut run_id = message.run_id.clone().ok_or(AgentError::Defect)?;
    let primary = agent.model.as_ref().ok().and_then(AgentModel::model_ref);
    let mut total = Total::default();
    let mut log = store.subscribe(message.position);
    loop {
        let event = log.next().await?;
        if event.session != message.session {
            continue;
        }
        if let Some(taker) = taken_by(&event, message) {
            run_id = taker.clone();
        }
        if event.run_id.as_ref() != Some(&run_id) {
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
                    before: Vec::new(),
                    calls: Vec::new(),
                });
            }
            (_, Some(Change::RunFailed { kind, message, .. })) => {
                return Err(AgentError::FailedBefore { kind, message });
            }
            _ => {}
        }
    }
}

fn is_end(event: &SessionEvent) -> bool {
    matches!(event.kind, SessionEventKind::AgentResponse { .. })
        || matches!(Change::of(event), Some(Change::RunFailed { .. }))
}
