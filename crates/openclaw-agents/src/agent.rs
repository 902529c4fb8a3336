//! Who answers: a configured agent.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openclaw_core::{AgentId, Kind, ModelRef};
use openclaw_providers::Modality;
use openclaw_providers::dispatch::{Candidate, Route};
use openclaw_sandbox::SandboxConfig;

use crate::means::Means;
use crate::rules::Rules;
use crate::skills::Skills;
use crate::workspace::ContextFiles;

/// An agent, as the configuration describes it.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its id, the one in session keys.
    pub id: AgentId,
    /// The name that it goes by.
    pub name: String,
    /// The model that it thinks with; without one it can run tools for clients but not answer.
    pub model: Result<AgentModel, NoModel>,
    /// The folder that its tools work in.
    pub workspace: PathBuf,
    /// How its commands are confined.
    pub sandbox: SandboxConfig,
    /// By which means they run.
    pub means: Means,
    /// What one of its turns may take.
    pub limits: Limits,
    /// The rules that it works under.
    pub rules: Rules,
    /// The skills that it is told of; none by default.
    pub skills: Skills,
    /// The files of its workspace that it is given with every turn; none by default.
    pub context: ContextFiles,
    /// The time zone of the people it works for, by its IANA name; the machine's, if not set.
    pub time_zone: Option<String>,
}

/// Why an agent has no model to think with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoModel {
    /// The config names none.
    NotConfigured,
    /// The one that the config names cannot be asked.
    Unusable {
        /// What kind of failure that is.
        kind: Kind,
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

/// The model that an agent thinks with, and those that stand in for it.
#[derive(Clone, Debug)]
pub struct AgentModel {
    /// Who is asked, in order.
    pub route: Arc<Route>,
    /// Who is asked about pictures; those of the others that can see, if nobody is named.
    pub images: Option<Arc<Route>>,
}

impl AgentModel {
    /// Returns the model that is asked first.
    pub fn model_ref(&self) -> Option<&ModelRef> {
        self.route.primary()
    }

    /// Returns who can be asked about pictures, if anybody can.
    pub fn eyes(&self) -> Option<Route> {
        let route = self.images.as_ref().unwrap_or(&self.route);
        let sees = |candidate: &&Candidate| {
            let info = candidate.info.as_ref();
            info.is_some_and(|info| info.input.contains(&Modality::Image))
        };
        let seeing: Vec<Candidate> = route.candidates().iter().filter(sees).cloned().collect();
        if seeing.is_empty() {
            return None;
        }
        let (health, policy) = (Arc::clone(route.health()), *route.policy());
        Some(Route::new(seeing, health, policy))
    }
}

/// The bounds of one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most model calls in one turn.
    pub max_steps: u32,
    /// The longest that a turn takes.
    pub max_wall_time: Duration,
    /// The most tool calls that the model may ask for in one step.
    pub max_calls_per_step: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_steps: 40,
            max_wall_time: Duration::from_mins(10),
            max_calls_per_step: 32,
        }
    }
}
