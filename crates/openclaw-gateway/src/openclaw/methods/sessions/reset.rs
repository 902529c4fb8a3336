//! `sessions.reset`: the conversation begins anew under the same key.
//!
//! What was said before stays in the log; the model does not see it any more, and neither does
//! whoever asks for the conversation.

use openclaw_core::events::{EndReason, NewEvent};
use openclaw_core::{SessionEventKind, SessionKey};
use openclaw_ipc::RpcError;
use serde_json::Value;

use super::keys;
use super::write::{begin, shown, start_of};
use crate::openclaw::methods::given::Given;
use crate::rpc::{CallCx, Rpc, store_error};

/// `sessions.reset`.
pub(crate) async fn reset(rpc: &Rpc, cx: &CallCx, mut given: Given) -> Result<Value, RpcError> {
    let key = given.needed_text("key")?;
    let agent = given.text("agentId");
    let reason = given.one_of("reason", &["new", "reset"]).unwrap_or("reset");
    given.done()?;
    let key = keys::read(rpc, &key, agent.as_deref())?;
    // A session that has not begun, or has ended, begins; one that goes on has to end before.
    if !begin(rpc, cx, &key).await? {
        anew(rpc, cx, &key, reason).await?;
    }
    shown(rpc, &key).await
}

async fn anew(rpc: &Rpc, cx: &CallCx, key: &SessionKey, reason: &str) -> Result<(), RpcError> {
    rpc.engine.stop(key).await;
    let reason = EndReason::Other(reason.to_owned());
    let end = NewEvent::from(SessionEventKind::SessionEnded { reason });
    // Both at once, so that no message finds the session ended.
    let recorded = rpc.store.append(key, vec![end, start_of(cx, key)]).await;
    let recorded = recorded.map_err(|err| store_error(&err))?;
    let end = recorded.first().map(|event| event.seq).unwrap_or_default();
    rpc.tell_end(key, end);
    rpc.tell_start(key);
    Ok(())
}
