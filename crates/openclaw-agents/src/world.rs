//! What a tool call reaches beyond the workspace: the event log, other sessions, channels and the
//! web.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::access::Sender;
use openclaw_core::{AgentId, ChannelId, EventStore, PeerId, RunId, SessionKey};

use crate::tools::ToolError;

/// What all tool calls of a process share.
#[derive(Clone, Debug)]
pub struct World {
    /// The event log.
    pub store: EventStore,
    /// The ways out to others.
    pub doors: Arc<dyn Doors>,
}

impl World {
    /// Makes a world with no way out.
    pub fn closed(store: EventStore) -> Self {
        Self {
            store,
            doors: Arc::new(NoDoors),
        }
    }
}

/// Ways by which an agent's words get out of its own session.
#[async_trait]
pub trait Doors: fmt::Debug + Send + Sync {
    /// Says something to the agent of another session, on behalf of `from`, and returns its answer.
    async fn say_to(
        &self,
        from: &Caller,
        session: &SessionKey,
        text: &str,
    ) -> Result<String, ToolError>;

    /// Sends a message to somebody on a channel, and returns the channel's name for it.
    async fn send(
        &self,
        from: &Caller,
        channel: &ChannelId,
        peer: &PeerId,
        text: &str,
    ) -> Result<String, ToolError>;
}

/// No way out.
#[derive(Clone, Copy, Debug)]
pub struct NoDoors;

#[async_trait]
impl Doors for NoDoors {
    async fn say_to(
        &self,
        _from: &Caller,
        _session: &SessionKey,
        _text: &str,
    ) -> Result<String, ToolError> {
        Err(ToolError::ForModel(
            "there are no other sessions here".to_owned(),
        ))
    }

    async fn send(
        &self,
        _from: &Caller,
        _channel: &ChannelId,
        _peer: &PeerId,
        _text: &str,
    ) -> Result<String, ToolError> {
        Err(ToolError::ForModel("there is no channel here".to_owned()))
    }
}

/// On whose behalf a tool is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The agent.
    pub agent: AgentId,
    /// The session.
    pub session: SessionKey,
    /// The run.
    pub run: RunId,
    /// Whoever wrote the message that set the run off.
    pub sender: Sender,
}
