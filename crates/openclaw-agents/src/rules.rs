//! The rules that an agent works under, beside the sandbox.

use std::sync::Arc;

use crate::approvals::ApprovalRules;
use crate::compaction::CompactionRules;
use crate::lanes::QueueRules;
use crate::loops::LoopRules;
use crate::policy::Policy;
use crate::taint::TaintRules;

/// The rules of one agent.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Which tools may be called, by whom.
    pub policy: Arc<Policy>,
    /// How approvals are asked for.
    pub approvals: ApprovalRules,
    /// What counts as untrusted, and what that leads to.
    pub taint: TaintRules,
    /// What becomes of a message that arrives during a turn.
    pub queue: QueueRules,
    /// When a turn goes round in circles.
    pub loops: LoopRules,
    /// When, and to what, the model's view of a session is shortened.
    pub compaction: CompactionRules,
}
