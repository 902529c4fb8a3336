//! Which tools a model is told of.

use openclaw_core::SessionKey;
use openclaw_core::access::Sender;

use super::{Asking, Decision, Policy};
use crate::agent::Agent;
use crate::tools::{Needs, ToolRegistry};

impl Policy {
    /// Returns those of the tools that some call of this sender's could reach.
    ///
    /// `asking` is about no tool in particular: its own and its arguments do not count.
    pub fn offered(&self, tools: &ToolRegistry, asking: &Asking<'_>) -> ToolRegistry {
        tools.only(|tool| {
            let asked = Asking {
                tool,
                arguments: None,
                ..*asking
            };
            self.judge(&asked).decision != Decision::Deny
        })
    }
}

impl Agent {
    /// Returns the tools that the model is told of while it works for a sender: those that policy
    /// leaves it, and that the agent has what it takes for.
    pub fn offered(
        &self,
        tools: &ToolRegistry,
        session: Option<&SessionKey>,
        sender: &Sender,
    ) -> ToolRegistry {
        let model = self.model.as_ref().ok();
        let asking = Asking {
            agent: &self.id,
            sender,
            session,
            tool: "",
            arguments: None,
            model: model.and_then(|model| model.model_ref()),
            sandbox: self.sandbox.level,
        };
        self.rules.policy.offered(&self.of_use(tools), &asking)
    }

    /// Returns those of the tools that the agent has what it takes for.
    pub fn of_use(&self, tools: &ToolRegistry) -> ToolRegistry {
        let model = self.model.as_ref().ok();
        let sees = model.is_some_and(|model| model.eyes().is_some());
        tools.only(|name| sees || tools.needs(name) != Some(Needs::Eyes))
    }
}
