//! What a tool call reaches beyond the workspace: the event log, other sessions, channels and the
//! web.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::access::Sender;
use openclaw_core::events::CallPayload;
use openclaw_core::hooks::{Hooks, NoHooks};
use openclaw_core::{AgentId, ChannelId, EventStore, PeerId, RunId, SessionKey};

use openclaw_providers::Meter;
use tokio_util::sync::CancellationToken;

use crate::jobs::Jobs;
use crate::tools::ToolError;

/// What all tool calls of a process share.
#[derive(Clone, Debug)]
pub struct World {
    /// The event log.
    pub store: EventStore,
    /// The ways out to others.
    pub doors: Arc<dyn Doors>,
    /// The commands that go on in the background.
    pub jobs: Jobs,
    /// Who else is called at certain moments, and may have a say.
    pub hooks: Arc<dyn Hooks>,
    /// What the run's own model calls are counted against; none outside of a run.
    pub meter: Option<Arc<dyn Meter>>,
}

impl World {
    /// Makes a world with no way out.
    pub fn closed(store: EventStore) -> Self {
        Self {
            store,
            doors: Arc::new(NoDoors),
            jobs: Jobs::default(),
            hooks: Arc::new(NoHooks),
            meter: None,
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

    /// Has a model that can see look at a picture, on behalf of `from`.
    async fn look(&self, from: &Caller, picture: Picture) -> Result<Looked, ToolError>;
}

/// A picture to look at.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Its media type, such as `image/png`.
    pub mime: String,
    /// Its bytes in standard Base64.
    pub base64: String,
    /// What is asked about it.
    pub prompt: String,
    /// What the call is counted against; the run's own meter, inside of a run.
    pub meter: Option<Arc<dyn Meter>>,
    /// Ends the call.
    pub stop: CancellationToken,
}

/// What a model saw.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    /// What it said.
    pub text: String,
    /// Which model, with its provider.
    pub model: String,
    /// Every call of a model that was made for it.
    pub calls: Vec<CallPayload>,
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

    async fn look(&self, _from: &Caller, _picture: Picture) -> Result<Looked, ToolError> {
        Err(ToolError::ForModel(
            "there is no model here that can see".to_owned(),
        ))
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
