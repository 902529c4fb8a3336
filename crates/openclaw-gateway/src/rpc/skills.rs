//! The method about the skills of an agent.

use std::sync::Arc;

use openclaw_agents::Agent;
use openclaw_core::Kind;
use openclaw_ipc::methods::{SkillsList, SkillsListOutput, SkillsListParams};
use openclaw_ipc::{Handle, RpcError};
use tokio::task;

use super::{CallCx, Rpc, logged};
use crate::skills::Inventory;

impl Handle<SkillsList> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: SkillsListParams,
    ) -> Result<SkillsListOutput, RpcError> {
        let agent = self.agent_or_names(params.agent_id.as_ref())?;
        self.skills_of(&agent).await
    }
}

impl Rpc {
    /// Looks through the skills of an agent, off the async threads.
    pub(crate) async fn skills_of(&self, agent: &Arc<Agent>) -> Result<SkillsListOutput, RpcError> {
        let home = self.home_with("folder of skills")?;
        let id = agent.id.clone();
        let look = task::spawn_blocking(move || {
            Inventory::of(&home, &id).map(|inventory| inventory.report())
        });
        let report = look
            .await
            .map_err(|err| logged(&err, Kind::Internal, "the skills could not be looked at"))?;
        report.ok_or_else(|| {
            let message = format!("the config has no agent `{}` any more", agent.id);
            RpcError::new(Kind::NotFound, message).with_field("agentId")
        })
    }
}
