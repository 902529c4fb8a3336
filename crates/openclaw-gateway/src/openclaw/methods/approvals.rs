//! `exec.approval.*` and `plugin.approval.*`: what waits for somebody's consent.
//!
//! Here there is one kind of approval, about any tool call. A call that runs a command is shown as
//! OpenClaw shows commands, every other one as it shows what a plugin asks for; each is in one of the
//! two lists only.

use openclaw_core::Kind;
use openclaw_core::approvals::{Answer, ApprovalId, Pending};
use openclaw_ipc::methods::{
    ApprovalsList, ApprovalsListParams, ApprovalsResolve, ApprovalsResolveParams,
};
use openclaw_ipc::{Handle, RpcError};
use serde_json::{Value, json};

use super::given::Given;
use crate::rpc::{CallCx, Rpc};

/// What OpenClaw answers about an approval that does not wait, and its name for that.
const GONE: &str = "unknown or expired approval id";
const GONE_REASON: &str = "APPROVAL_NOT_FOUND";

/// The answers that somebody can give.
const DECISIONS: [&str; 3] = ["allow-once", "allow-always", "deny"];

/// In which of the two lists an approval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// It is about a command.
    Exec,
    /// It is about another tool.
    Plugin,
}

impl Sort {
    /// Returns the list that an approval is in.
    pub(crate) fn of(pending: &Pending) -> Self {
        if pending.shape.argv.is_empty() {
            Self::Plugin
        } else {
            Self::Exec
        }
    }

    /// Returns the event that says that it is asked for.
    pub(crate) const fn requested(self) -> &'static str {
        match self {
            Self::Exec => "exec.approval.requested",
            Self::Plugin => "plugin.approval.requested",
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Plugin => "plugin",
        }
    }
}

/// Returns an approval as it stands in its list, and in the event that says it is asked for.
pub(crate) fn shown(pending: &Pending) -> Value {
    let sort = Sort::of(pending);
    let request = match sort {
        Sort::Exec => command(pending),
        Sort::Plugin => call(pending),
    };
    json!({
        "id": pending.id,
        "approvalKind": sort.as_str(),
        "request": request,
        "createdAtMs": pending.asked.as_millisecond(),
        "expiresAtMs": pending.expires.as_millisecond(),
    })
}

/// `exec.approval.list` and `plugin.approval.list`.
pub(super) async fn list(
    rpc: &Rpc,
    cx: &CallCx,
    given: Given,
    sort: Sort,
) -> Result<Value, RpcError> {
    given.done()?;
    let waiting = waiting(rpc, cx).await?;
    let of_sort = waiting.iter().filter(|pending| Sort::of(pending) == sort);
    Ok(of_sort.map(shown).collect())
}

/// `exec.approval.get`.
pub(super) async fn get(rpc: &Rpc, cx: &CallCx, mut given: Given) -> Result<Value, RpcError> {
    let id = given.needed_text("id")?;
    given.done()?;
    let pending = find(rpc, cx, &id, Sort::Exec).await?;
    Ok(json!({
        "id": pending.id,
        "commandText": command_text(&pending),
        "commandPreview": null,
        "allowedDecisions": DECISIONS,
        "host": null,
        "nodeId": null,
        "agentId": pending.shape.agent,
        "expiresAtMs": pending.expires.as_millisecond(),
    }))
}

/// `exec.approval.resolve` and `plugin.approval.resolve`.
pub(super) async fn resolve(
    rpc: &Rpc,
    cx: &CallCx,
    mut given: Given,
    sort: Sort,
) -> Result<Value, RpcError> {
    let id = given.needed_text("id")?;
    let decision = given.needed_text("decision")?;
    // Who decided is who made the call; a grant here lasts until it is withdrawn.
    given.not_followed(&["reviewer", "grantExpiresInDays"]);
    given.done()?;
    let decision = match decision.as_str() {
        "allow-once" => Answer::AllowOnce,
        "allow-always" => Answer::AllowAlways,
        "deny" => Answer::Deny,
        _ => {
            let refusal = RpcError::new(Kind::Invalid, "invalid decision");
            return Err(refusal.with_field("decision"));
        }
    };
    let pending = find(rpc, cx, &id, sort).await?;
    let params = ApprovalsResolveParams {
        id: pending.id,
        decision,
    };
    Handle::<ApprovalsResolve>::handle(rpc, cx, params).await?;
    Ok(json!({ "ok": true }))
}

async fn waiting(rpc: &Rpc, cx: &CallCx) -> Result<Vec<Pending>, RpcError> {
    let list = Handle::<ApprovalsList>::handle(rpc, cx, ApprovalsListParams::default()).await?;
    Ok(list.approvals)
}

/// Returns the approval that waits under an id, or under the one id that begins so.
async fn find(rpc: &Rpc, cx: &CallCx, id: &str, sort: Sort) -> Result<Pending, RpcError> {
    let mut waiting = waiting(rpc, cx).await?;
    waiting.retain(|pending| Sort::of(pending) == sort);
    let asked = ApprovalId(id.to_owned());
    if let Some(place) = waiting.iter().position(|pending| pending.id == asked) {
        return Ok(waiting.swap_remove(place));
    }
    waiting.retain(|pending| pending.id.0.starts_with(id));
    match (waiting.pop(), waiting.is_empty()) {
        (Some(found), true) => Ok(found),
        (Some(_), false) => {
            let message = "ambiguous approval id prefix; use the full id";
            Err(RpcError::new(Kind::Invalid, message).with_field("id"))
        }
        (None, _) => Err(RpcError::new(Kind::NotFound, GONE)
            .with_field("id")
            .with_reason(GONE_REASON)),
    }
}

fn command(pending: &Pending) -> Value {
    let shape = &pending.shape;
    json!({
        "command": command_text(pending),
        "commandArgv": shape.argv,
        "cwd": shape.cwd,
        "envKeys": shape.env,
        "warningText": pending.reasons.join("\n"),
        "agentId": shape.agent,
        "sessionKey": pending.session,
        "runId": pending.run_id,
        "toolCallId": pending.call_id,
        "allowedDecisions": DECISIONS,
    })
}

fn call(pending: &Pending) -> Value {
    let shape = &pending.shape;
    let why = pending.reasons.join("\n");
    json!({
        "title": shape.subject(),
        "description": if why.is_empty() { shape.subject() } else { why },
        "detail": shape.arguments.to_string(),
        "severity": "warning",
        "toolName": shape.tool,
        "agentId": shape.agent,
        "sessionKey": pending.session,
        "runId": pending.run_id,
        "toolCallId": pending.call_id,
        "allowedDecisions": DECISIONS,
    })
}

/// Returns what a command runs: the shell's own text, where it runs in a shell.
fn command_text(pending: &Pending) -> String {
    match pending
        .shape
        .arguments
        .get("command")
        .and_then(Value::as_str)
    {
        Some(command) => command.to_owned(),
        None => pending.shape.argv.join(" "),
    }
}
