//! The agents as the config has them now.

use std::sync::Arc;

use openclaw_agents::Agent;
use openclaw_core::AgentId;
use parking_lot::RwLock;

/// The agents, the default one first; a changed config exchanges them all at once.
///
/// A turn keeps the agent that it began with.
#[derive(Debug)]
pub(crate) struct Agents(RwLock<Arc<[Arc<Agent>]>>);

impl Agents {
    pub(crate) fn new(agents: Vec<Agent>) -> Self {
        Self(RwLock::new(shared(agents)))
    }

    /// Puts other agents in place of these.
    pub(crate) fn replace(&self, agents: Vec<Agent>) {
        *self.0.write() = shared(agents);
    }

    /// Returns all of them, the default one first.
    pub(crate) fn all(&self) -> Arc<[Arc<Agent>]> {
        Arc::clone(&self.0.read())
    }

    /// Returns the default agent.
    pub(crate) fn first(&self) -> Option<Arc<Agent>> {
        self.all().first().map(Arc::clone)
    }

    /// Returns the agent of that id.
    pub(crate) fn find(&self, id: &AgentId) -> Option<Arc<Agent>> {
        self.all().iter().find(|agent| agent.id == *id).cloned()
    }
}

fn shared(agents: Vec<Agent>) -> Arc<[Arc<Agent>]> {
    agents.into_iter().map(Arc::new).collect()
}
