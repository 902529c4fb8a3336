//! By which means an agent's commands run, beside the policy that they run under.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openclaw_core::SessionKey;
use openclaw_sandbox::{Limits, Reach, Sandbox};

use crate::tools::MAX_RESULT_BYTES;

/// By which means an agent's commands run, and what each may use up.
#[derive(Clone, Debug)]
pub struct Means {
    /// The sandbox of this machine.
    pub sandbox: Sandbox,
    /// How far the commands of a session get into the network, if that depends on the session.
    pub reach: Option<ReachOf>,
    /// What a command may use up: its time is the most that it may ask for, and of its output so
    /// much is kept in a result.
    pub limits: Limits,
    /// How long a call waits for its command unless it says something else; then the command goes
    /// on in the background.
    pub patience: Duration,
    /// How long a command may take that does not say so; the longest that it may ask for, if not
    /// set.
    pub usual: Option<Duration>,
    /// Variables that every command gets.
    pub env: Vec<(String, String)>,
    /// Paths of the workspace that file tools do not write, beside the usual ones.
    pub protected: Vec<PathBuf>,
}

/// Says how far the commands of a session get into the network.
#[derive(Clone)]
pub struct ReachOf(Arc<dyn Fn(&SessionKey) -> Reach + Send + Sync>);

impl Means {
    /// The longest that a command may ask for, unless something else is said.
    pub const LONGEST: Duration = Duration::from_mins(30);

    /// How long a call waits for its command, unless something else is said.
    pub const PATIENCE: Duration = Duration::from_secs(10);

    /// Returns the means of one session.
    pub(crate) fn of_session(&self, session: &SessionKey) -> Self {
        let mut means = self.clone();
        if let Some(ReachOf(reach)) = &self.reach {
            means.sandbox = means.sandbox.with_reach(reach(session));
        }
        means
    }
}

/// The sandbox of this process's environment, with the usual limits.
impl Default for Means {
    fn default() -> Self {
        Self {
            sandbox: Sandbox::from_environment(),
            reach: None,
            limits: Limits {
                wall_time: Some(Self::LONGEST),
                kept_bytes: MAX_RESULT_BYTES,
                ..Limits::default()
            },
            patience: Self::PATIENCE,
            usual: None,
            env: Vec::new(),
            protected: Vec::new(),
        }
    }
}

impl ReachOf {
    /// Makes it from a function.
    pub fn new(reach: impl Fn(&SessionKey) -> Reach + Send + Sync + 'static) -> Self {
        Self(Arc::new(reach))
    }
}

impl fmt::Debug for ReachOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReachOf")
    }
}
