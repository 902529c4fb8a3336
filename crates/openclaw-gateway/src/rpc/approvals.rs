//! The methods about what waits for somebody's consent, and about what has it for good.
//!
//! # Security
//! A decision is made by whoever was admitted with the scope for it: a person at the machine, or
//! the holder of a token that was given it. Nothing of a run leads here: a tool has no admission,
//! and a guest's message is a turn and no call.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use openclaw_agents::taint;
use openclaw_core::approvals::{ApprovalId, Pending};
use openclaw_core::events::{Change, StoreError};
use openclaw_core::{Clock, EventStore, Kind, SessionEvent, SessionEventKind};
use openclaw_ipc::methods::{
    ApprovalsFiles, ApprovalsFilesOutput, ApprovalsFilesParams, ApprovalsGrants,
    ApprovalsGrantsOutput, ApprovalsList, ApprovalsListOutput, ApprovalsListParams,
    ApprovalsResolve, ApprovalsResolveOutput, ApprovalsResolveParams, ApprovalsVouch,
    ApprovalsVouchOutput, ApprovalsVouchParams, ApprovalsWithdraw, ApprovalsWithdrawOutput,
    ApprovalsWithdrawParams, ClosedApproval, MarkedFile, NoParams,
};
use openclaw_ipc::{Handle, RpcError};

use super::{CallCx, Rpc, store_error};

/// Who is said to have decided about a call whose run is over.
const CUT_OFF: &str = "the end of the run";

/// How many requests are listed that wait no more.
const MOST_CLOSED: u32 = 100;

impl Handle<ApprovalsList> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: ApprovalsListParams,
    ) -> Result<ApprovalsListOutput, RpcError> {
        let mut approvals = Vec::new();
        let mut since = HashMap::new();
        for pending in self.pending().await? {
            let session = pending.session.clone();
            // The first of a session is its oldest: one look serves them all.
            let events = match since.entry(session) {
                Entry::Occupied(read) => read.into_mut(),
                Entry::Vacant(unread) => unread.insert(self.since(&pending).await?),
            };
            if is_over(events, &pending) {
                self.lapse(&pending.id).await?;
            } else {
                approvals.push(pending);
            }
        }
        let closed = if params.all {
            Some(self.closed(&approvals).await?)
        } else {
            None
        };
        Ok(ApprovalsListOutput { approvals, closed })
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
        if decided.is_none() && is_over(&self.since(&pending).await?, &pending) {
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
            shape: pending.shape,
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
        let agent = self.agent_or_names(params.agent_id.as_ref())?;
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
        let agent = self.agent_or_names(params.agent_id.as_ref())?;
        let path = Path::new(&params.path);
        let cleared = Change::file_cleared(&agent.workspace, path);
        let written = self.store.written(&agent.workspace).await;
        let marked: Vec<PathBuf> = written
            .map_err(|err| store_error(&err))?
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        let path = EventStore::marked_path(&agent.workspace, path);
        let vouched_for = vouched_for(&marked, &path)?;
        let session = self.session_of_call(cx).await?;
        let cleared = cleared.to_event().map_err(|err| store_error(&err))?;
        let recorded = self.store.append(&session, vec![cleared]).await;
        recorded.map_err(|err| store_error(&err))?;
        Ok(ApprovalsVouchOutput {
            cleared: vouched_for,
        })
    }
}

impl Rpc {
    async fn pending(&self) -> Result<Vec<Pending>, RpcError> {
        let pending = self.store.pending_approvals(Clock::system().now()).await;
        pending.map_err(|err| store_error(&err))
    }

    /// Returns the newest requests that wait no more, those left out that do.
    async fn closed(&self, waiting: &[Pending]) -> Result<Vec<ClosedApproval>, RpcError> {
        let history = self.store.approval_history(MOST_CLOSED).await;
        let history = history.map_err(|err| store_error(&err))?;
        let closed = history
            .into_iter()
            .filter(|(request, _)| !waiting.iter().any(|pending| pending.id == request.id))
            .map(|(request, decision)| ClosedApproval { request, decision });
        Ok(closed.collect())
    }

    /// Returns what was recorded in the session of a request since that stands there.
    async fn since(&self, pending: &Pending) -> Result<Vec<SessionEvent>, RpcError> {
        let asked = self.store.asked_at(&pending.id).await;
        let asked = asked.map_err(|err| store_error(&err))?.unwrap_or(1);
        let events = self.store.read(&pending.session, asked..=u64::MAX).await;
        events.map_err(|err| store_error(&err))
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

/// Returns how many marks go when somebody vouches for a path; when none would, it is said why.
fn vouched_for(marked: &[PathBuf], path: &Path) -> Result<u64, RpcError> {
    let count = marked.iter().filter(|file| file.starts_with(path)).count();
    if count > 0 {
        return Ok(u64::try_from(count).unwrap_or(u64::MAX));
    }
    let name = shown(path);
    let error = match marked.iter().find(|folder| path.starts_with(folder)) {
        Some(folder) => {
            let folder = shown(folder);
            RpcError::new(
                Kind::NotFound,
                format!("`{name}` has no mark of its own: all of `{folder}` has one"),
            )
            .with_hint(format!(
                "vouch for `{folder}`, if all that is in it is good"
            ))
        }
        None => RpcError::new(
            Kind::NotFound,
            format!("no file of the workspace carries a mark by the name `{name}`"),
        )
        .with_hint("see which do with `openclaw approvals files`"),
    };
    Err(error.with_field("path"))
}

/// Tells whether the call has its result, or its run its end, so that nobody waits for an answer:
/// the process that asked may have died.
fn is_over(events: &[SessionEvent], pending: &Pending) -> bool {
    events
        .iter()
        .rev()
        .take_while(|event| event.time >= pending.asked)
        .filter(|event| event.run_id.as_ref() == Some(&pending.run_id))
        .any(|event| ends(event, pending))
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
