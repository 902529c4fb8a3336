//! In what conversation something happens, as handlers are told.

use serde::Serialize;

use crate::access::{Sender, Standing};
use crate::ids::{AgentId, ChannelId, PeerId, RunId};
use crate::session_key::SessionKey;

/// In what conversation something happens, and on whose behalf.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HookContext {
    agent_id: AgentId,
    pub(super) session_key: SessionKey,
    /// Sessions have no second name here.
    session_id: SessionKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requester: Option<Requester>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Requester {
    channel: ChannelId,
    sender_id: PeerId,
    sender_is_owner: bool,
}

impl HookContext {
    /// Names the conversation.
    pub fn new(agent: &AgentId, session: &SessionKey) -> Self {
        Self {
            agent_id: agent.clone(),
            session_key: session.clone(),
            session_id: session.clone(),
            run_id: None,
            requester: None,
        }
    }

    /// Adds the run, and whoever wrote the message that set it off.
    #[must_use]
    pub fn in_run(mut self, run: &RunId, sender: &Sender) -> Self {
        self.run_id = Some(run.clone());
        self.requester = Some(Requester {
            channel: sender.channel.clone(),
            sender_id: sender.peer.clone(),
            sender_is_owner: sender.standing == Standing::Principal,
        });
        self
    }
}
