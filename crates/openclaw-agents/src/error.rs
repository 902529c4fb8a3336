//! Why a turn has no answer.

use std::time::Duration;

use openclaw_core::events::StoreError;
use openclaw_core::validation::ValidationError;
use openclaw_core::{AgentId, Kind, SessionKey};
use openclaw_providers::ProviderError;

use crate::agent::NoModel;

/// Why a turn, or a tool call of a client, did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The message is not acceptable.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// There is no such agent.
    #[error("there is no agent `{0}`")]
    NoAgent(AgentId),
    /// The agent has no model.
    #[error("no model is configured for the agent `{0}`")]
    NoModel(AgentId),
    /// The agent's model cannot be asked.
    #[error("the agent `{agent}` cannot answer: {message}")]
    UnusableModel {
        /// The agent.
        agent: AgentId,
        /// What kind of failure it is.
        kind: Kind,
        /// What is wrong with its model.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The model's provider failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The event log failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many messages wait for their turn.
    #[error("{waiting} messages wait already in the session `{session}`")]
    LaneFull {
        /// The session.
        session: SessionKey,
        /// How many wait.
        waiting: usize,
    },
    /// The model asks for tools without end.
    #[error("the turn was stopped after {0} model calls")]
    TooManySteps(u32),
    /// The turn takes too long.
    #[error("the turn was stopped after {} s", .0.as_secs())]
    TimedOut(Duration),
    /// Somebody stopped the turn, or the gateway is shutting down.
    #[error("the turn was cancelled")]
    Cancelled,
    /// A newer message ended the turn, or came before it.
    #[error("a newer message ended the turn")]
    Superseded,
    /// Too many messages waited, and newer ones took this one's place.
    #[error("too many messages waited, and this one got no turn of its own")]
    Displaced,
    /// The turn that answered several messages together failed.
    #[error("the turn that took the message in failed: {message}")]
    FailedTogether {
        /// What kind of failure it was.
        kind: Kind,
        /// What went wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The model goes round in circles.
    #[error(
        "the turn was stopped: `{tool}` was called {times} times with the same arguments and came \
         to the same result each time"
    )]
    Circles {
        /// The tool.
        tool: String,
        /// How often it was called.
        times: u32,
    },
    /// Somebody who is called before runs does not let it go on.
    #[error("{}", .message.as_deref().unwrap_or("the message was not let through"))]
    Blocked {
        /// Who.
        by: String,
        /// What the person is told.
        message: Option<String>,
    },
    /// The model wrote nothing, and nothing again when it was asked to answer.
    #[error("the model answered nothing, twice")]
    NoAnswer,
    /// The message was sent before, and its turn failed then.
    #[error("the message was sent before, and its turn failed: {message}")]
    FailedBefore {
        /// What kind of failure it was.
        kind: Kind,
        /// What went wrong.
        message: String,
    },
    /// The session's earlier part could not be summed up; nothing has changed.
    #[error("the session could not be summed up: {message}")]
    NoSummary {
        /// What kind of failure it was.
        kind: Kind,
        /// What went wrong.
        message: String,
    },
    /// The program has a defect; the log has the place.
    #[error("the turn was ended by a defect of this program")]
    Defect,
}

impl AgentError {
    /// Makes the failure of an agent that has no model to think with.
    pub fn no_model(agent: &AgentId, why: NoModel) -> Self {
        match why {
            NoModel::NotConfigured => Self::NoModel(agent.clone()),
            NoModel::Unusable {
                kind,
                message,
                hint,
            } => Self::UnusableModel {
                agent: agent.clone(),
                kind,
                message,
                hint,
            },
        }
    }

    /// Returns the kind of this failure.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Invalid(err) => err.kind(),
            Self::NoAgent(_) => Kind::NotFound,
            Self::NoModel(_) => Kind::Config,
            Self::UnusableModel { kind, .. }
            | Self::FailedBefore { kind, .. }
            | Self::NoSummary { kind, .. }
            | Self::FailedTogether { kind, .. } => *kind,
            Self::Provider(err) => err.kind(),
            Self::Store(err) => err.kind(),
            Self::LaneFull { .. } => Kind::Busy,
            Self::TooManySteps(_) | Self::TimedOut(_) | Self::Circles { .. } => Kind::Limited,
            Self::NoAnswer => Kind::Unavailable,
            Self::Blocked { .. } => Kind::Denied,
            Self::Cancelled | Self::Superseded | Self::Displaced => Kind::Cancelled,
            Self::Defect => Kind::Internal,
        }
    }

    /// Returns what the caller can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoModel(_) => Some(
                "run `openclaw onboard`, or set agents.defaults.model.primary in the config"
                    .to_owned(),
            ),
            Self::UnusableModel { hint, .. } | Self::FailedTogether { hint, .. } => hint.clone(),
            Self::Provider(err) => err.hint(),
            Self::NoAnswer => Some("send it again, or try another model".to_owned()),
            Self::Circles { .. } => {
                Some("say what is in the way, or what else it could try".to_owned())
            }
            Self::Displaced => Some("send it again once the others are answered".to_owned()),
            Self::TooManySteps(_) => Some("ask it to go on, or for less at a time".to_owned()),
            Self::Store(StoreError::Leased(_)) => {
                Some("wait until that run has ended, or stop it, and try again".to_owned())
            }
            Self::Invalid(_)
            | Self::NoAgent(_)
            | Self::Store(_)
            | Self::LaneFull { .. }
            | Self::TimedOut(_)
            | Self::Cancelled
            | Self::Superseded
            | Self::Blocked { .. }
            | Self::FailedBefore { .. }
            | Self::NoSummary { .. }
            | Self::Defect => None,
        }
    }
}
