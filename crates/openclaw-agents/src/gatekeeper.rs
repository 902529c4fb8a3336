//! Whether a call may run: policy first, then provenance, then a person.

use serde_json::Value;

use crate::calls::{Call, Gate};
use crate::policy::{Asking, Decision};
use crate::tools::ToolError;

impl Gate<'_> {
    /// Returns the arguments to run a call with, or why it may not run.
    pub(crate) async fn admit(&self, call: &Call) -> Result<Value, ToolError> {
        let verdict = self.agent.rules.policy.judge(&Asking {
            agent: &self.agent.id,
            sender: self.sender,
            tool: self.tools.own_name(&call.tool),
            arguments: Some(&call.params),
            model: self
                .agent
                .model
                .as_ref()
                .ok()
                .and_then(|model| model.model_ref()),
            sandbox: self.agent.sandbox.level,
        });
        match verdict.decision {
            Decision::Allow => Ok(call.params.clone()),
            Decision::Ask | Decision::Deny => Err(ToolError::Denied {
                tool: call.tool.clone(),
                rule: verdict.rule,
                reason: verdict.reason,
            }),
        }
    }
}
