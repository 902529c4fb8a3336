//! What a client asks to be told of sessions.

use openclaw_ipc::RpcError;
use serde_json::{Value, json};

use super::Client;
use super::methods::given::Given;
use super::methods::sessions::keys;
use crate::builder::Gateway;

/// Whether a client wants to be told of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    On,
    Off,
}

/// `sessions.subscribe` and `sessions.unsubscribe`.
pub(super) fn follow_sessions(
    client: &Client,
    given: Given,
    follow: Follow,
) -> Result<Value, RpcError> {
    given.done()?;
    let follows = follow == Follow::On;
    client.follows.lock().sessions = follows;
    Ok(json!({ "subscribed": follows }))
}

/// `sessions.messages.subscribe` and `sessions.messages.unsubscribe`.
pub(super) fn follow_messages(
    gateway: &Gateway,
    client: &Client,
    mut given: Given,
    follow: Follow,
) -> Result<Value, RpcError> {
    let follows = follow == Follow::On;
    let key = given.needed_text("key")?;
    let agent = given.text("agentId");
    given.passes_over(&["includeApprovals"]);
    given.done()?;
    let rpc = &gateway.shared.rpc;
    let session = keys::read(rpc, &key, agent.as_deref())?;
    let answer = json!({"subscribed": follows, "key": session});
    if follows {
        client.follows.lock().follow(session)?;
    } else {
        client.follows.lock().leave(&session);
    }
    Ok(answer)
}
