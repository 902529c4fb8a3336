//! `sessions.create`, `sessions.abort`, `sessions.compact` and `sessions.delete`.

use openclaw_core::events::{NewEvent, StoreError};
use openclaw_core::redaction::mask;
use openclaw_core::session_key::Scope;
use openclaw_core::{ChannelId, Clock, Kind, PeerId, SessionEventKind, SessionKey};
use openclaw_ipc::methods::{
    SessionCancel, SessionCancelParams, SessionCompact, SessionCompactParams,
};
use openclaw_ipc::{Handle, RpcError};
use serde_json::{Value, json};
use uuid::Uuid;

use super::glance::find;
use super::keys;
use crate::openclaw::methods::agents::{self, Defaults};
use crate::openclaw::methods::given::Given;
use crate::pipeline::RPC_CHANNEL;
use crate::retention::{self, CopyTo, RetentionError, archive_folder};
use crate::rpc::{CallCx, Rpc, logged, store_error};

/// What the key of a session without a name says after its agent, before an id.
const UNNAMED: &str = "dashboard";

/// Why a session is deleted, for the audit stream.
const ASKED_FOR: &str = "requested";

/// What a client may ask of a new session that sessions here do not have.
const NOT_HAD: [&str; 23] = [
    "label",
    "displayName",
    "category",
    "model",
    "contextWindow",
    "thinkingLevel",
    "fastMode",
    "permissionMode",
    "toolOverrides",
    "incognito",
    "catalogId",
    "fork",
    "forkFrom",
    "task",
    "message",
    "attachments",
    "projectId",
    "projectGitUrl",
    "worktree",
    "worktreeBaseRef",
    "worktreeName",
    "execNode",
    "cwd",
];

/// `sessions.create`: begins a session, or returns the one that has the key already.
pub(crate) async fn create(rpc: &Rpc, cx: &CallCx, mut given: Given) -> Result<Value, RpcError> {
    let key = given.text("key");
    let agent = given.text("agentId");
    // Which session a new one follows changes nothing in either.
    for name in ["parentSessionKey", "idempotencyKey"] {
        given.text(name);
    }
    for name in ["emitCommandHooks", "succeedsParent"] {
        given.flag(name);
    }
    given.integer("spawnDepth", 1..=u64::MAX);
    given.one_of("visibility", &["shared"]);
    given.not_followed(&NOT_HAD);
    given.done()?;
    let named = key.unwrap_or_else(|| format!("{UNNAMED}:{}", Uuid::new_v4()));
    let key = keys::read(rpc, &named, agent.as_deref())?;
    if mask(key.as_str()) != key.as_str() {
        let message = "a name must not have a secret in it";
        return Err(RpcError::new(Kind::Invalid, message).with_field("key"));
    }
    agents::find(rpc, Some(key.agent().as_str()))?;
    begin(rpc, cx, &key).await?;
    let mut answer = shown(rpc, &key).await?;
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("runStarted".to_owned(), false.into());
    }
    Ok(answer)
}

/// Returns how a session is shown to whoever has changed it.
pub(super) async fn shown(rpc: &Rpc, key: &SessionKey) -> Result<Value, RpcError> {
    let agent = agents::find(rpc, Some(key.agent().as_str()))?;
    let session = find(rpc, key).await?;
    let session = session.ok_or_else(|| keys::unknown(key))?;
    let defaults = Defaults::of(Some(&agent));
    Ok(json!({
        "ok": true,
        "key": key,
        "sessionId": session.id,
        "entry": {
            "sessionId": session.id,
            "createdAt": session.started.as_millisecond(),
            "updatedAt": session.updated.as_millisecond(),
            "sessionRoot": agent.workspace,
        },
        "resolved": { "modelProvider": defaults.model_provider, "model": defaults.model },
    }))
}

/// Returns the event by which a session begins.
pub(super) fn start_of(cx: &CallCx, key: &SessionKey) -> NewEvent {
    let (channel, peer_id) = match key.scope() {
        Scope::Direct { channel, peer } => (channel, peer),
        Scope::Main | Scope::Group { .. } | Scope::Other(_) => {
            let caller = PeerId(cx.admitted.principal().to_string());
            (ChannelId::from(RPC_CHANNEL), caller)
        }
    };
    NewEvent::from(SessionEventKind::SessionStarted { channel, peer_id })
}

/// Records the beginning of a session, unless it has begun; tells whether it was recorded.
pub(super) async fn begin(rpc: &Rpc, cx: &CallCx, key: &SessionKey) -> Result<bool, RpcError> {
    let adopted = rpc.takeover.adopt(&rpc.store, key).await;
    adopted.map_err(|err| store_error(&err))?;
    match rpc.store.append(key, vec![start_of(cx, key)]).await {
        Ok(_) => {
            rpc.tell_start(key);
            Ok(true)
        }
        Err(StoreError::SessionExists(_)) => Ok(false),
        Err(err) => Err(store_error(&err)),
    }
}

/// `sessions.abort`: stops the run that is under way in a session.
pub(crate) async fn abort(rpc: &Rpc, cx: &CallCx, mut given: Given) -> Result<Value, RpcError> {
    let key = given.text("key");
    let run = given.text("runId");
    let agent = given.text("agentId");
    given.flag("clearQueued");
    given.done()?;
    let active = rpc.engine.active();
    let asked = key
        .map(|key| keys::read(rpc, &key, agent.as_deref()))
        .transpose()?;
    if asked.is_none() && run.is_none() {
        let message = "invalid sessions.abort params: must have required property 'key'";
        return Err(RpcError::new(Kind::Invalid, message).with_field("key"));
    }
    let found = active.into_iter().find(|(session, id)| {
        asked.as_ref().is_none_or(|asked| asked == session)
            && run.as_deref().is_none_or(|run| id.as_str() == run)
    });
    let Some((session_key, id)) = found else {
        return Ok(json!({ "ok": true, "abortedRunId": null, "status": "no-active-run" }));
    };
    let params = SessionCancelParams { session_key };
    let stopped = Handle::<SessionCancel>::handle(rpc, cx, params)
        .await?
        .cancelled;
    Ok(json!({
        "ok": true,
        "abortedRunId": stopped.then_some(id),
        "status": if stopped { "aborted" } else { "no-active-run" },
    }))
}

/// `sessions.compact`: has the earlier part of a session summed up.
pub(crate) async fn compact(rpc: &Rpc, cx: &CallCx, mut given: Given) -> Result<Value, RpcError> {
    let key = given.needed_text("key")?;
    let agent = given.text("agentId");
    // Nothing is ever cut off a session here.
    given.not_followed(&["maxLines"]);
    given.done()?;
    let session_key = keys::read(rpc, &key, agent.as_deref())?;
    let params = SessionCompactParams {
        session_key: session_key.clone(),
        preview: None,
    };
    let done = Handle::<SessionCompact>::handle(rpc, cx, params).await?;
    let mut answer = json!({
        "ok": done.seq.is_some(),
        "key": session_key,
        "compacted": done.seq.is_some(),
        "result": { "tokensBefore": done.tokens_before, "tokensAfter": done.tokens_after },
    });
    if let (None, Some(answer)) = (done.seq, answer.as_object_mut()) {
        let reason = "Nothing to compact (session too small)";
        answer.insert("reason".to_owned(), reason.into());
    }
    Ok(answer)
}

/// `sessions.delete`: deletes a session; a copy of it stays in the archive.
pub(crate) async fn delete(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    let key = given.needed_text("key")?;
    let agent = given.text("agentId");
    let expected = given.text("expectedSessionId");
    given.flag("deleteTranscript");
    given.flag("emitLifecycleHooks");
    given.not_followed(&[
        "expectedLifecycleRevision",
        "expectedSessionUpdatedAt",
        "archivedOnly",
    ]);
    given.done()?;
    let key = keys::read(rpc, &key, agent.as_deref())?;
    if key.scope() == Scope::Main {
        let message = format!("Cannot delete the main session ({key}).");
        return Err(RpcError::new(Kind::Invalid, message).with_field("key"));
    }
    let Some(found) = keys::summary(rpc, &key).await? else {
        return Ok(json!({ "ok": true, "key": key, "deleted": false, "archived": [] }));
    };
    if expected.is_some_and(|id| id != keys::session_id(&key, found.started)) {
        let message = format!("session {key} is another one by now");
        return Err(RpcError::new(Kind::Conflict, message).with_field("expectedSessionId"));
    }
    rpc.engine.stop(&key).await;
    let session = keys::summary(rpc, &key).await?.unwrap_or(found);
    let folder = rpc.home.get().map(|home| archive_folder(&home.state));
    let copy_to = folder.map_or(CopyTo::Nowhere, CopyTo::Folder);
    let clock = Clock::system();
    let deleted = retention::delete(&rpc.store, &session, &copy_to, ASKED_FOR, &clock).await;
    let deleted = deleted.map_err(|err| refusal(&err))?;
    let archived: Vec<_> = deleted.copy.into_iter().map(|copy| copy.file).collect();
    Ok(json!({ "ok": true, "key": key, "deleted": true, "archived": archived }))
}

fn refusal(err: &RetentionError) -> RpcError {
    match err {
        RetentionError::Store(err) => store_error(err),
        RetentionError::File { .. } | RetentionError::Exists(_) => logged(
            err,
            err.kind(),
            "the copy of the session cannot be written, so it was not deleted",
        ),
        RetentionError::Changed(_) => RpcError::new(err.kind(), err.to_string()),
    }
}
