//! Asking a person before a call runs, and waiting for the answer.

use std::time::Duration;

/// How approvals are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRules {
    /// How long an answer is waited for; then it counts as a refusal.
    pub patience: Duration,
}

impl Default for ApprovalRules {
    fn default() -> Self {
        Self {
            patience: Duration::from_mins(30),
        }
    }
}
