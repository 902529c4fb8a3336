//! Recording what somebody decided.

use super::note::{Row as Request, event_at};
use crate::approvals::{Answer, ApprovalId};
use crate::events::audit::AuditEntry;
use crate::events::change::Change;
use crate::events::error::StoreError;
use crate::events::store::EventStore;
use crate::events::transaction::{Outcome, Row, Tx, Work};
use crate::events::{NewEvent, SessionEvent};
use crate::ids::{CallId, RunId};
use crate::session_key::SessionKey;

/// A request that is to be closed.
#[derive(Debug)]
pub(in crate::events) struct Decide {
    approval: ApprovalId,
    /// None when nobody answered.
    answer: Option<Answer>,
    by: String,
}

/// A standing answer that is to be taken back.
#[derive(Debug)]
pub(in crate::events) struct Withdraw {
    digest: String,
    by: String,
}

impl EventStore {
    /// Records what somebody decided about a request, in the session of the request.
    ///
    /// Of several decisions, in whatever process, the first counts and the others fail with
    /// [`StoreError::AlreadyDecided`]; a request that has expired takes no answer any more.
    pub async fn decide(
        &self,
        approval: &ApprovalId,
        answer: Answer,
        by: &str,
    ) -> Result<SessionEvent, StoreError> {
        self.close_request(approval, Some(answer), by).await
    }

    /// Records that nobody will answer a request any more, which counts as a denial.
    ///
    /// `why` is what stands in the place of who decided: that the time was up, or that the run
    /// was stopped.
    pub async fn lapse(
        &self,
        approval: &ApprovalId,
        why: &str,
    ) -> Result<SessionEvent, StoreError> {
        self.close_request(approval, None, why).await
    }

    /// Takes back a standing answer: calls of that shape are asked for again.
    pub async fn withdraw_grant(&self, digest: &str, by: &str) -> Result<SessionEvent, StoreError> {
        let withdraw = Withdraw {
            digest: digest.to_owned(),
            by: by.to_owned(),
        };
        self.one_event(Work::Withdraw(withdraw)).await
    }

    async fn close_request(
        &self,
        approval: &ApprovalId,
        answer: Option<Answer>,
        by: &str,
    ) -> Result<SessionEvent, StoreError> {
        let decide = Decide {
            approval: approval.clone(),
            answer,
            by: by.to_owned(),
        };
        self.one_event(Work::Decide(decide)).await
    }

    async fn one_event(&self, work: Work) -> Result<SessionEvent, StoreError> {
        let outcome = self.submit(work).await?;
        outcome.events.into_iter().next().ok_or(StoreError::Closed)
    }
}

impl Tx<'_> {
    /// Records a decision, unless there is one.
    pub(in crate::events) fn decide(&mut self, decide: Decide) -> Result<Outcome, StoreError> {
        let Decide {
            approval,
            answer,
            by,
        } = decide;
        let unknown = || StoreError::NoApproval(approval.clone());
        let request = Request::find(self.connection, &approval)?.ok_or_else(unknown)?;
        request.admit(self.connection, &approval, answer.map(|_| self.now))?;
        let session = self.key_of(request.session_id)?;
        let mut row = Row::find(self.connection, &session)?.ok_or_else(unknown)?;
        let asked = event_at(self.connection, request.session_id, request.requested)?
            .ok_or_else(unknown)?;
        let call_id = CallId(asked.record.call_id.unwrap_or_default());
        let change = Change::ApprovalDecided {
            approval: Some(approval.clone()),
            call_id: call_id.clone(),
            allowed: answer.is_some_and(Answer::allows),
            answer,
            by,
        };
        let event = NewEvent {
            cause: Some(request.requested),
            run_id: asked.record.run_id.map(RunId),
            step: asked.record.step.and_then(|step| u32::try_from(step).ok()),
            ..change.to_event()?.about_call(&call_id)
        };
        row.admit(&event.kind, &session)?;
        let event = self.record(&mut row, &session, event.masked())?;
        self.audit_event(&event)?;
        row.store(self.connection)?;
        Ok(Outcome {
            events: vec![event],
            ..Outcome::default()
        })
    }

    /// Takes back a standing answer, and puts that on record.
    pub(in crate::events) fn withdraw(
        &mut self,
        withdraw: Withdraw,
    ) -> Result<Outcome, StoreError> {
        let Withdraw { digest, by } = withdraw;
        let gone = self
            .connection
            .prepare_cached("DELETE FROM grants WHERE digest = ?1")
            .and_then(|mut statement| statement.execute([&digest]))
            .map_err(StoreError::write)?;
        if gone == 0 {
            return Err(StoreError::NoGrant(digest));
        }
        let entry = AuditEntry::GrantWithdrawn { digest, by };
        Ok(Outcome {
            events: vec![self.audit(&entry)?],
            ..Outcome::default()
        })
    }

    fn key_of(&self, session_id: i64) -> Result<SessionKey, StoreError> {
        self.connection
            .prepare_cached("SELECT key FROM sessions WHERE id = ?1")
            .and_then(|mut statement| {
                statement.query_row([session_id], |row| {
                    crate::events::rows::column_text(row, 0, SessionKey::parse)
                })
            })
            .map_err(StoreError::read)
    }
}
