//! What OpenClaw's `tools.exec` says about commands, in so far as it is about whether they run.

use super::list::Place;

/// How commands are allowed (`tools.exec.mode`, or `security` and `ask`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRule {
    /// The place that decided.
    pub place: Place,
    /// Which commands run.
    pub security: Security,
    /// When somebody is asked.
    pub ask: AskWhen,
}

/// Which commands run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// None.
    Deny,
    /// Those that a rule allows.
    Allowlist,
    /// All.
    #[default]
    Full,
}

/// When somebody is asked about a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AskWhen {
    /// Never.
    #[default]
    Off,
    /// When no rule allows it.
    OnMiss,
    /// Always.
    Always,
}
