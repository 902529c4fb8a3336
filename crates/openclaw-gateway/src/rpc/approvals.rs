//! The methods about what waits for somebody's consent, and about what has it for good.
//!
//! # Security
//! A decision is made by whoever was admitted with the scope for it: a person at the machine, or
//! the holder of a token that was given it. Nothing of a run leads here: a tool has no admission,
//! and a guest's message is a turn and no call.

use std::path::Path;

use openclaw_agents::taint;
use openclaw_core::approvals::{ApprovalId, Pending};
use openclaw_core::events::{Change, NewEvent, StoreError};
use openclaw_core::{Clock, Kind, SessionEvent, SessionEventKind};
use openclaw_ipc::methods::{
    ApprovalsFiles, ApprovalsFilesOutput, ApprovalsFilesParams, ApprovalsGrants,
    ApprovalsGrantsOutput, ApprovalsList, ApprovalsListOutput, ApprovalsResolve,
    ApprovalsResolveOutput, ApprovalsResolveParams, ApprovalsVouch, ApprovalsVouchOutput,
    ApprovalsVouchParams, ApprovalsWithdraw, ApprovalsWithdrawOutput, ApprovalsWithdrawParams,
    MarkedFile, NoParams,
};
use openclaw_ipc::{Handle, RpcError};

use super::{CallCx, Rpc, store_error};

/// Who is said to have decided about a call whose run is over.
const CUT_OFF: &str = "the end of the run";

impl Handle<ApprovalsList> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        _params: NoParams,
    ) -> Result<ApprovalsListOutput, RpcError> {
        let mut approvals = Vec::new();
        for pending in self.pending().await? {
            if self.is_over(&pending).await? {
                self.lapse(&pending.id).await?;
            } else {
                approvals.push(pending);
            }
        }
        Ok(ApprovalsListOutput { approvals })
    }
}

impl Handle<ApprovalsResolve> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: ApprovalsResolveParams,
    ) -> Result<ApprovalsResolveOutput, RpcError> {
        let ApprovalsResolveParams { id, decision } = params;
        let found = self.store.approval(&id).await;
        let (pending, decided) = found
            .map_err(|err| refusal(&err))?
            .ok_or_else(|| refusal(&StoreError::NoApproval(id.clone())))?;
        if decided.is_none() && self.is_over(&pending).await? {
            self.lapse(&id).await?;
            let message = "the run that asked is over; nothing waits for this answer any more";
            return Err(RpcError::new(Kind::Conflict, message)
                .with_field("id")
                .with_hint("say it to the agent again"));
        }
        let by = cx.admitted.principal().to_string();
        let recorded = self.store.decide(&id, decision, &by).await;
        recorded.map_err(|err| refusal(&err))?;
        Ok(ApprovalsResolveOutput {
            id,
            decision,
            allowed: decision.allows(),
        })
    }
}

impl Handle<ApprovalsGrants> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        _params: NoParams,
    ) -> Result<ApprovalsGrantsOutput, RpcError> {
        let grants = self.store.grants().await;
        Ok(ApprovalsGrantsOutput {
            grants: grants.map_err(|err| store_error(&err))?,
        })
    }
}

impl Handle<ApprovalsWithdraw> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: ApprovalsWithdrawParams,
    ) -> Result<ApprovalsWithdrawOutput, RpcError> {
        let by = cx.admitted.principal().to_string();
        let withdrawn = self.store.withdraw_grant(&params.digest, &by).await;
        withdrawn.map_err(|err| refusal(&err))?;
        Ok(ApprovalsWithdrawOutput { withdrawn: true })
    }
}

impl Handle<ApprovalsFiles> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: ApprovalsFilesParams,
    ) -> Result<ApprovalsFilesOutput, RpcError> {
        let agent = self.agent(params.agent_id.as_ref())?;
        let written = self.store.written(&agent.workspace).await;
        let files = written
            .map_err(|err| store_error(&err))?
            .into_iter()
            .map(|(path, marks)| MarkedFile {
                path: shown(&path),
                sources: marks.iter().map(|mark| taint::name(&mark.source)).collect(),
            });
        Ok(ApprovalsFilesOutput {
            workspace: agent.workspace.display().to_string(),
            files: files.collect(),
        })
    }
}

impl Handle<ApprovalsVouch> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: ApprovalsVouchParams,
    ) -> Result<ApprovalsVouchOutput, RpcError> {
        let agent = self.agent(params.agent_id.as_ref())?;
        let path = Path::new(&params.path);
        let before = self.store.written(&agent.workspace).await;
        let before = before.map_err(|err| store_error(&err))?.len();
        let session = self.session_of_call(cx).await?;
        let cleared = Change::file_cleared(&agent.workspace, path).to_event();
        let cleared: NewEvent = cleared.map_err(|err| store_error(&err))?;
        let recorded = self.store.append(&session, vec![cleared]).await;
        recorded.map_err(|err| store_error(&err))?;
        let after = self.store.written(&agent.workspace).await;
        let after = after.map_err(|err| store_error(&err))?.len();
        Ok(ApprovalsVouchOutput {
            cleared: u64::try_from(before.saturating_sub(after)).unwrap_or(u64::MAX),
        })
    }
}

impl Rpc {
    async fn pending(&self) -> Result<Vec<Pending>, RpcError> {
        let pending = self.store.pending_approvals(Clock::system().now()).await;
        pending.map_err(|err| store_error(&err))
    }

    /// Tells whether the call has its result, or its run its end, so that nobody waits for an
    /// answer: the process that asked may have died.
    async fn is_over(&self, pending: &Pending) -> Result<bool, RpcError> {
        let events = self.store.read(&pending.session, 1..=u64::MAX).await;
        let events = events.map_err(|err| store_error(&err))?;
        Ok(events
            .iter()
            .rev()
            .take_while(|event| event.time >= pending.asked)
            .filter(|event| event.run_id.as_ref() == Some(&pending.run_id))
            .any(|event| ends(event, pending)))
    }

    async fn lapse(&self, id: &ApprovalId) -> Result<(), RpcError> {
        match self.store.lapse(id, CUT_OFF).await {
            Ok(_) | Err(StoreError::AlreadyDecided { .. }) => Ok(()),
            Err(err) => Err(store_error(&err)),
        }
    }
}

/// Returns what the caller may see of a failure, with what to do about it.
fn refusal(err: &StoreError) -> RpcError {
    let public = store_error(err);
    match err {
        StoreError::NoApproval(_) => public
            .with_field("id")
            .with_hint("see what waits with `openclaw approvals list`"),
        StoreError::AlreadyDecided { .. } => public
            .with_field("id")
            .with_hint("see what still waits with `openclaw approvals list`"),
        StoreError::ApprovalExpired(_) => public
            .with_field("id")
            .with_hint("say it to the agent again, which asks anew"),
        StoreError::NoGrant(_) => public
            .with_field("digest")
            .with_hint("see what may run with `openclaw approvals grants`"),
        _ => public,
    }
}

fn ends(event: &SessionEvent, pending: &Pending) -> bool {
    match &event.kind {
        SessionEventKind::ToolResult { .. } => event.call_id.as_ref() == Some(&pending.call_id),
        SessionEventKind::AgentResponse { .. } | SessionEventKind::SessionEnded { .. } => true,
        SessionEventKind::StateChanged { .. } => matches!(
            Change::of(event),
            Some(Change::RunFailed { .. } | Change::RunCutOff { .. })
        ),
        _ => false,
    }
}

fn shown(path: &Path) -> String {
    if path.as_os_str().is_empty() {
        return ".".to_owned();
    }
    path.display().to_string()
}
