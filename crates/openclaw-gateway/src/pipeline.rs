//! From an inbound message to the agent's turn: the one way, for every channel.

use openclaw_agents::lanes::QueueMode;
use openclaw_agents::{AgentError, Attended, Reply, Turn};
use openclaw_core::access::{Inbound, Scope, Sender, Standing};
use openclaw_core::{ChannelId, PeerId, SessionKey};

use crate::limits::Wait;
use crate::rpc::{CallCx, Rpc};

/// The channel of those who call over RPC.
pub(crate) const RPC_CHANNEL: &str = "rpc";

/// Why a message got no answer.
#[derive(Debug)]
pub(crate) enum NotAccepted {
    /// The session has had too many messages; nothing of this one is kept.
    Limited(Wait),
    /// The turn failed.
    Agent(AgentError),
}

/// A message for an agent, and who wrote it.
#[derive(Debug)]
pub(crate) struct Said {
    /// The session that it belongs to.
    pub(crate) session: SessionKey,
    /// The message.
    pub(crate) inbound: Inbound,
    /// Who wrote it.
    pub(crate) speaker: Speaker,
    /// Whether anybody waits for the answer.
    pub(crate) attended: Attended,
    /// What is to become of it if the session has a run, where the sender says so.
    pub(crate) queue: Option<QueueMode>,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// Whoever made the call.
    Caller,
    /// Somebody whose message the caller passes on: a guest, unless they are listed as an owner.
    Relayed,
}

/// Returns the sender that the caller is: a principal, if they may give agents work.
pub(crate) fn caller(cx: &CallCx) -> Sender {
    Sender {
        channel: ChannelId::from(RPC_CHANNEL),
        peer: PeerId(cx.admitted.principal().to_string()),
        standing: if cx.admitted.may(Scope::Write) {
            Standing::Principal
        } else {
            Standing::Guest
        },
    }
}

impl<E: Into<AgentError>> From<E> for NotAccepted {
    fn from(err: E) -> Self {
        Self::Agent(err.into())
    }
}

impl Rpc {
    /// Hands a message of somebody who was admitted to its agent, and waits for the answer.
    pub(crate) async fn accept(&self, cx: &CallCx, message: Said) -> Result<Reply, NotAccepted> {
        let Said {
            session,
            inbound,
            speaker,
            attended,
            queue,
        } = message;
        let principal = cx.admitted.principal();
        self.limits.message(principal, &session).map_err(|wait| {
            NotAccepted::Limited(self.limited(principal, "messages", cx.from, wait))
        })?;
        let agent = self
            .find_agent(&session.agent())
            .ok_or_else(|| AgentError::NoAgent(session.agent()))?;
        let sender = match speaker {
            Speaker::Caller => caller(cx),
            Speaker::Relayed => agent
                .rules
                .policy
                .sender(inbound.channel.clone(), inbound.peer.clone()),
        };
        // What was said under the key before has to be known before this is said.
        self.takeover.adopt(&self.store, &session).await?;
        let reply = self
            .engine
            .submit(Turn {
                admitted: cx.admitted.clone(),
                agent,
                session,
                sender,
                inbound,
                attended,
                queue,
            })
            .await?;
        Ok(reply)
    }
}
