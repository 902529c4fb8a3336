//! From an inbound message to the agent's turn: the one way, for every channel.

use openclaw_agents::{AgentError, Reply, Turn};
use openclaw_core::SessionKey;
use openclaw_core::access::{Admitted, Inbound};

use crate::rpc::Rpc;

impl Rpc {
    /// Hands a message of somebody who was admitted to its agent, and waits for the answer.
    pub(crate) async fn accept(
        &self,
        admitted: Admitted,
        session: SessionKey,
        inbound: Inbound,
    ) -> Result<Reply, AgentError> {
        let agent = self
            .find_agent(&session.agent())
            .ok_or_else(|| AgentError::NoAgent(session.agent()))?;
        // What was said under the key before has to be known before this is said.
        self.takeover.adopt(&self.store, &session).await?;
        self.engine
            .submit(Turn {
                admitted,
                agent,
                session,
                inbound,
            })
            .await
    }
}
