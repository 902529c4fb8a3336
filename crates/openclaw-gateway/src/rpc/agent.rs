//! The methods about agents.

use openclaw_agents::Agent;
use openclaw_ipc::methods::{
    ActiveRun, AgentList, AgentListOutput, AgentState, AgentStatus, AgentStatusOutput,
    AgentStatusParams, AgentSummary, NoParams,
};
use openclaw_ipc::{Handle, RpcError};

use super::{CallCx, Rpc};

impl Handle<AgentList> for Rpc {
    async fn handle(&self, _cx: &CallCx, _params: NoParams) -> Result<AgentListOutput, RpcError> {
        Ok(AgentListOutput {
            agents: self
                .agents
                .all()
                .iter()
                .map(|agent| self.summary(agent))
                .collect(),
        })
    }
}

impl Handle<AgentStatus> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: AgentStatusParams,
    ) -> Result<AgentStatusOutput, RpcError> {
        let agent = self.agent(Some(&params.agent_id))?;
        let runs: Vec<ActiveRun> = self
            .engine
            .active()
            .into_iter()
            .filter(|(session, _)| session.agent() == agent.id)
            .map(|(session_key, run_id)| ActiveRun {
                run_id,
                session_key,
            })
            .collect();
        Ok(AgentStatusOutput {
            agent: self.summary(&agent),
            state: if runs.is_empty() {
                AgentState::Idle
            } else {
                AgentState::Running
            },
            runs,
            tools: self.tools.names().into_iter().map(str::to_owned).collect(),
        })
    }
}

impl Rpc {
    fn summary(&self, agent: &Agent) -> AgentSummary {
        let model = agent.model.as_ref().ok();
        let model = model.and_then(|model| model.model_ref());
        AgentSummary {
            agent_id: agent.id.clone(),
            model: model.map(|model| model.model.clone()),
            provider: model.map(|model| model.provider.clone()),
            default: self
                .agents
                .first()
                .is_some_and(|first| first.id == agent.id),
        }
    }
}
