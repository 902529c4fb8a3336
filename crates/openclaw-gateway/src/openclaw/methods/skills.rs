//! `skills.status`: the skills of an agent, and what the others lack.

use openclaw_core::AgentId;
use openclaw_ipc::RpcError;
use serde_json::{Value, json};

use super::agents;
use super::given::Given;
use super::sessions::keys;
use crate::rpc::Rpc;

/// What OpenClaw does not tell, and its clients do not expect.
const OURS: &str = "broken";

/// `skills.status`.
pub(super) async fn status(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    let agent = given.text("agentId");
    let session = given.text("sessionKey");
    given.done()?;
    let session = session
        .map(|key| keys::read(rpc, &key, agent.as_deref()))
        .transpose()?;
    let of_session = session.map(|session| session.agent());
    let id = agent
        .as_deref()
        .or(of_session.as_ref().map(AgentId::as_str));
    let agent = agents::find(rpc, id)?;
    let mut report = json!(rpc.skills_of(&agent).await?);
    if let Some(members) = report.as_object_mut() {
        members.remove(OURS);
    }
    Ok(report)
}
