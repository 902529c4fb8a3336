//! Which tools may be called: one judgement for every door, with the rule that decided.

use openclaw_core::access::Sender;
use openclaw_core::{AgentId, ModelRef};
use openclaw_sandbox::SandboxLevel;
use serde_json::Value;

/// The rules about tools of one agent.
#[derive(Clone, Debug, Default)]
pub struct Policy {}

/// A call that is to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Whose call it is.
    pub agent: &'a AgentId,
    /// On whose behalf.
    pub sender: &'a Sender,
    /// The tool, by its own name.
    pub tool: &'a str,
    /// Its arguments; none when it is only asked whether the tool is there at all.
    pub arguments: Option<&'a Value>,
    /// The model that asked, where it was one.
    pub model: Option<&'a ModelRef>,
    /// How commands are confined.
    pub sandbox: SandboxLevel,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The call may run.
    Allow,
    /// It may run if somebody says so.
    Ask,
    /// It may not run.
    Deny,
}

/// A judgement, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What may be done.
    pub decision: Decision,
    /// The setting that decided, such as `tools.deny`.
    pub rule: String,
    /// What it says, as a sentence.
    pub reason: String,
}

impl Policy {
    /// Judges a call.
    pub fn judge(&self, _asking: &Asking<'_>) -> Verdict {
        Verdict {
            decision: Decision::Allow,
            rule: "default".to_owned(),
            reason: "no rule is about it".to_owned(),
        }
    }
}
