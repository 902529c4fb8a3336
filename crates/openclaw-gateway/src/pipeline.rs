//! From an inbound message to the agent's turn: the one way, for every channel.

use std::sync::Arc;
use std::time::Duration;

use openclaw_agents::lanes::QueueMode;
use openclaw_agents::{Agent, AgentError, AgentModel, Attended, Reply, Terms, Turn};
use openclaw_core::access::{Inbound, Scope, Sender, Standing};
use openclaw_core::events::{NewEvent, StoreError};
use openclaw_core::{ChannelId, PeerId, SessionEventKind, SessionKey};

use crate::limits::Wait;
use crate::rpc::{CallCx, Rpc};

/// The channel of those who call over RPC.
pub(crate) const RPC_CHANNEL: &str = "rpc";

/// The channel of what comes by webhooks.
pub(crate) const WEBHOOK_CHANNEL: &str = "webhook";

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

/// What a program asks for beside its message.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What its turn is taken on.
    pub(crate) terms: Arc<Terms>,
    /// The model that answers in place of the agent's own.
    pub(crate) instead: Option<AgentModel>,
    /// The longest that the turn may take, in place of what the agent's turns may.
    pub(crate) within: Option<Duration>,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// Whoever made the call.
    Caller,
    /// Somebody whose message the caller passes on: a guest, unless they are listed as an owner.
    Relayed,
    /// A webhook, by the name that it gives itself.
    Webhook,
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

/// Returns the sender that a webhook is, whoever is listed under its name as an owner.
pub(crate) fn webhook(peer: PeerId) -> Sender {
    Sender {
        channel: ChannelId::from(WEBHOOK_CHANNEL),
        peer,
        standing: Standing::Webhook,
    }
}

impl<E: Into<AgentError>> From<E> for NotAccepted {
    fn from(err: E) -> Self {
        Self::Agent(err.into())
    }
}

impl Asked {
    /// Returns the agent as it is asked, and the terms on which it is.
    fn of(self, agent: Arc<Agent>) -> (Arc<Agent>, Option<Arc<Terms>>) {
        if self.instead.is_none() && self.within.is_none() {
            return (agent, Some(self.terms));
        }
        let mut asked = Agent::clone(&agent);
        if let Some(model) = self.instead {
            asked.model = Ok(model);
        }
        if let Some(within) = self.within {
            asked.limits.max_wall_time = within;
        }
        (Arc::new(asked), Some(self.terms))
    }
}

impl Rpc {
    /// Has a session begin, unless it has.
    pub(crate) async fn begin(
        &self,
        session: &SessionKey,
        channel: ChannelId,
        peer_id: PeerId,
    ) -> Result<(), StoreError> {
        self.takeover.adopt(&self.store, session).await?;
        let start = NewEvent::from(SessionEventKind::SessionStarted { channel, peer_id });
        match self.store.append(session, vec![start]).await {
            Ok(_) => {
                self.tell_start(session);
                Ok(())
            }
            Err(StoreError::SessionExists(_)) => Ok(()),
            Err(err) => Err(err),
        }
    }

    /// Hands a message of somebody who was admitted to its agent, and waits for the answer.
    pub(crate) async fn accept(&self, cx: &CallCx, message: Said) -> Result<Reply, NotAccepted> {
        self.hand_in(cx, message, None).await
    }

    /// As [`Rpc::accept`], with what a program asks for beside its message.
    pub(crate) async fn accept_on(
        &self,
        cx: &CallCx,
        message: Said,
        asked: Asked,
    ) -> Result<Reply, NotAccepted> {
        self.hand_in(cx, message, Some(asked)).await
    }

    async fn hand_in(
        &self,
        cx: &CallCx,
        message: Said,
        asked: Option<Asked>,
    ) -> Result<Reply, NotAccepted> {
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
        let (agent, terms) = match asked {
            Some(asked) => asked.of(agent),
            None => (agent, None),
        };
        let sender = match speaker {
            Speaker::Caller => caller(cx),
            Speaker::Webhook => webhook(inbound.peer.clone()),
            Speaker::Relayed => agent
                .rules
                .policy
                .sender(inbound.channel.clone(), inbound.peer.clone()),
        };
        let first = self.arrivals.first(&session).await;
        // What was said under the key before has to be known before this is said.
        self.takeover.adopt(&self.store, &session).await?;
        let turn = Turn {
            admitted: cx.admitted.clone(),
            agent,
            session,
            sender,
            inbound,
            attended,
            queue,
        };
        Ok(first.begin(self.engine.submit_on(turn, terms)).await?)
    }
}
