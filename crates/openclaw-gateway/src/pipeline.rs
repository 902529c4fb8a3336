//! From an inbound message to the agent's turn: the one way, for every channel.

use openclaw_agents::{AgentError, Attended, Reply, Turn};
use openclaw_core::SessionKey;
use openclaw_core::access::{Inbound, Sender, Standing};

use crate::limits::Wait;
use crate::rpc::{CallCx, Rpc};

/// Why a message got no answer.
#[derive(Debug)]
pub(crate) enum NotAccepted {
    /// The session has had too many messages; nothing of this one is kept.
    Limited(Wait),
    /// The turn failed.
    Agent(AgentError),
}

impl<E: Into<AgentError>> From<E> for NotAccepted {
    fn from(err: E) -> Self {
        Self::Agent(err.into())
    }
}

impl Rpc {
    /// Hands a message of somebody who was admitted to its agent, and waits for the answer.
    pub(crate) async fn accept(
        &self,
        cx: &CallCx,
        session: SessionKey,
        inbound: Inbound,
        attended: Attended,
    ) -> Result<Reply, NotAccepted> {
        let principal = cx.admitted.principal();
        self.limits.message(principal, &session).map_err(|wait| {
            NotAccepted::Limited(self.limited(principal, "messages", cx.from, wait))
        })?;
        let agent = self
            .find_agent(&session.agent())
            .ok_or_else(|| AgentError::NoAgent(session.agent()))?;
        // What was said under the key before has to be known before this is said.
        self.takeover.adopt(&self.store, &session).await?;
        let reply = self
            .engine
            .submit(Turn {
                admitted: cx.admitted.clone(),
                agent,
                session,
                sender: Sender {
                    channel: inbound.channel.clone(),
                    peer: inbound.peer.clone(),
                    standing: Standing::Principal,
                },
                inbound,
                attended,
            })
            .await?;
        Ok(reply)
    }
}
