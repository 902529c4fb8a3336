//! One question: recorded, waited for, and closed whatever happens.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use openclaw_core::approvals::{ApprovalId, Shape};
use openclaw_core::events::{
    Change, Lease, NewEvent, Position, SessionEvent, StoreError, Subscription,
};
use openclaw_core::{CallId, Clock};
use tokio::time;

use super::Unattended;
use crate::calls::Gate;
use crate::meters::Attended;
use crate::tools::ToolError;

/// Who is said to have decided when nobody did.
const EXPIRY: &str = "expiry";
const CANCELLED: &str = "cancelled";
const UNATTENDED: &str = "unattended";
const NEWER: &str = "a newer message";

/// The rule that a refusal names.
const RULE: &str = "approvals";

/// What is asked.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) call: &'a CallId,
    /// The event of the call.
    pub(crate) cause: u64,
    pub(crate) shape: &'a Shape,
    /// Why, a sentence each.
    pub(crate) reasons: Vec<String>,
}

/// How a question ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ending {
    allowed: bool,
    by: String,
}

impl Gate<'_> {
    /// Asks whether a call may run, and waits until somebody has decided or nobody will.
    ///
    /// Every way out leaves a decision on record: when the run is told to stop, when a message
    /// came in that the model is to read first, and when the time is up, it is a refusal.
    pub(crate) async fn ask(&self, lease: &Lease, question: Question<'_>) -> Result<(), ToolError> {
        let rules = &self.agent.rules.approvals;
        let (tool, subject) = (question.shape.tool.clone(), question.shape.subject());
        let denied = |reason: String| ToolError::Denied {
            tool: tool.clone(),
            rule: RULE.to_owned(),
            reason,
        };
        let unknown = |err: StoreError| {
            if let StoreError::TooManyAsked { .. } = err {
                return denied(format!("{err}; they have to be answered first"));
            }
            tracing::error!(%err, "a question could not be asked");
            denied("the question could not be put on record".to_owned())
        };
        let approval = ApprovalId::generate();
        let reasons = question.reasons.join("; ");
        let requested = self
            .requested(&approval, &question, rules.patience)
            .map_err(unknown)?;
        if self.attended == Attended::No && rules.unattended == Unattended::Deny {
            let closed = self.decided(&approval, &question).map_err(unknown)?;
            lease
                .append(vec![requested, closed])
                .await
                .map_err(unknown)?;
            return Err(denied(format!(
                "somebody has to consent to {subject} ({reasons}), and nobody watches this run; \
                 the owner can set `approvals.unattended` to \"wait\", or allow exactly this call always \
                 when it is asked for in a run that is watched"
            )));
        }
        if self.steered.is_cancelled() {
            return Err(ToolError::PassedOver);
        }
        let recorded = lease.append(vec![requested]).await.map_err(unknown)?;
        let position = recorded.last().map_or(0, |event| event.position);
        let waiting = self.waits.begin();
        let ending = self.answer(&approval, position, rules.patience).await;
        waiting.end(self.stop).await;
        let ending = ending.map_err(unknown)?;
        if ending.allowed {
            return Ok(());
        }
        match ending.by.as_str() {
            CANCELLED => Err(ToolError::Cancelled),
            NEWER => Err(ToolError::PassedOver),
            EXPIRY => Err(denied(format!(
                "nobody answered within {} s whether {subject} may run ({reasons})",
                rules.patience.as_secs()
            ))),
            by => Err(denied(format!("{by} said no to {subject}"))),
        }
    }

    /// Waits for the decision; makes one when nobody waits for it any more.
    async fn answer(
        &self,
        approval: &ApprovalId,
        since: Position,
        patience: Duration,
    ) -> Result<Ending, StoreError> {
        let store = &self.world.store;
        let mut log = store.subscribe(since);
        let why = tokio::select! {
            biased;
            ending = decision(&mut log, approval) => return ending,
            () = self.stop.cancelled() => CANCELLED,
            () = self.steered.cancelled() => NEWER,
            () = time::sleep(patience) => EXPIRY,
        };
        match store.lapse(approval, why).await {
            Ok(_closed) => Ok(Ending {
                allowed: false,
                by: why.to_owned(),
            }),
            // Somebody was faster; a run that is told to stop runs nothing more all the same.
            Err(StoreError::AlreadyDecided { allowed, by, .. }) => Ok(Ending {
                allowed: allowed && why != CANCELLED,
                by: if why == CANCELLED { why.to_owned() } else { by },
            }),
            Err(err) => Err(err),
        }
    }

    fn requested(
        &self,
        approval: &ApprovalId,
        question: &Question<'_>,
        patience: Duration,
    ) -> Result<NewEvent, StoreError> {
        let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
        let now = Clock::system().now();
        let change = Change::ApprovalRequested {
            approval: approval.clone(),
            call_id: question.call.clone(),
            shape: question.shape.clone(),
            digest: question.shape.digest(),
            reasons: question.reasons.clone(),
            expires: now.checked_add(patience).unwrap_or(Timestamp::MAX),
        };
        Ok(self.placed(change.to_event()?, question))
    }

    fn decided(
        &self,
        approval: &ApprovalId,
        question: &Question<'_>,
    ) -> Result<NewEvent, StoreError> {
        let change = Change::ApprovalDecided {
            approval: Some(approval.clone()),
            call_id: question.call.clone(),
            allowed: false,
            answer: None,
            by: UNATTENDED.to_owned(),
        };
        Ok(self.placed(change.to_event()?, question))
    }

    fn placed(&self, event: NewEvent, question: &Question<'_>) -> NewEvent {
        let mut event = event
            .in_run(self.run, Some(question.cause))
            .about_call(question.call);
        event.step = self.step;
        event
    }
}

/// Follows the log, to which any process may append, until a decision is in it.
///
/// # Cancel safety
/// Nothing is lost when the future is dropped.
async fn decision(log: &mut Subscription, approval: &ApprovalId) -> Result<Ending, StoreError> {
    loop {
        if let Some(ending) = ending_of(&*log.next().await?, approval) {
            return Ok(ending);
        }
    }
}

fn ending_of(event: &SessionEvent, approval: &ApprovalId) -> Option<Ending> {
    match Change::of(event)? {
        Change::ApprovalDecided {
            approval: Some(decided),
            allowed,
            by,
            ..
        } if decided == *approval => Some(Ending { allowed, by }),
        _ => None,
    }
}
