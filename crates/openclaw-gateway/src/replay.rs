//! Setting up a recorded turn to be run again, as a home's config describes its agent.
//!
//! Nothing is started and nothing written: a replay needs an agent, its provider and what its
//! model is told of the tools.

use openclaw_agents::AgentError;
use openclaw_agents::replay::{RecordedTurn, Replay};
use openclaw_core::ModelRef;
use openclaw_core::events::AuditEntry;
use openclaw_core::{AgentId, Kind};

use crate::compose;
use crate::error::GatewayError;
use crate::home::Home;

/// Why a recorded turn cannot be run again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayRefused {
    /// There is no such agent any more, or no model to ask.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The model that was asked for cannot be asked.
    #[error(transparent)]
    Model(#[from] GatewayError),
    /// The model that is recorded cannot be asked any more.
    #[error("the recorded model `{model}` cannot be asked: {source}")]
    RecordedModel {
        /// The model.
        model: ModelRef,
        /// The reason.
        source: Box<GatewayError>,
    },
}

impl ReplayRefused {
    /// Returns the kind of this failure.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Agent(err) => err.kind(),
            Self::Model(err) => err.kind(),
            Self::RecordedModel { source, .. } => source.kind(),
        }
    }

    /// Returns what the caller can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Agent(err) => err.hint(),
            Self::Model(err) => err.hint(),
            Self::RecordedModel { source, .. } => Some(match source.hint() {
                Some(hint) => {
                    format!("choose another model with --model provider/model, or {hint}")
                }
                None => "choose another model with --model provider/model".to_owned(),
            }),
        }
    }
}

/// Prepares to take `model`, the recorded model or the agent's own, in this order, through a turn
/// of the agent `id`; returns also what the audit stream has to have of the secrets that were read.
pub fn replay(
    home: &Home,
    id: &AgentId,
    turn: RecordedTurn,
    model: Option<&ModelRef>,
) -> Result<(Replay, Vec<AuditEntry>), ReplayRefused> {
    let no_agent = || AgentError::NoAgent(id.clone());
    let own = home.config.agent(id).and_then(|agent| agent.model.as_ref());
    let agent = match (model, turn.model(), own) {
        (Some(asked), _, _) | (None, None, Some(asked)) => {
            compose::agent_with_model(home, id, asked)?
        }
        (None, Some(recorded), _) => {
            compose::agent_with_model(home, id, recorded).map_err(|source| {
                ReplayRefused::RecordedModel {
                    model: recorded.clone(),
                    source: Box::new(source),
                }
            })?
        }
        (None, None, None) => return Err(AgentError::NoModel(id.clone()).into()),
    };
    let (agent, keys_read) = agent.ok_or_else(no_agent)?;
    Ok((
        Replay::new(turn, &agent, &compose::tools(home)?)?,
        keys_read,
    ))
}
