//! From an inbound message to the agent's turn: the one way, for every channel.

use openclaw_agents::{AgentError, Reply, Turn, inbox};
use openclaw_core::access::{Admitted, Inbound};
use openclaw_core::{RunId, SessionKey};

use crate::rpc::Rpc;

impl Rpc {
    /// Records a message of somebody who was admitted, and waits for the agent's answer to it.
    pub(crate) async fn accept(
        &self,
        admitted: Admitted,
        session: SessionKey,
        inbound: Inbound,
    ) -> Result<Reply, AgentError> {
        let agent = self
            .find_agent(&session.agent())
            .ok_or_else(|| AgentError::NoAgent(session.agent()))?;
        let run_id = RunId::generate();
        let message = inbox::receive(&self.store, &session, inbound, &run_id)
            .await?
            .seq;
        self.engine
            .submit(Turn {
                admitted,
                agent,
                session,
                run_id,
                message,
            })
            .await
    }
}
