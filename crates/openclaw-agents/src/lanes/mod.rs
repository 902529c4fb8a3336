//! What becomes of a message that arrives while its session has a run.

/// What becomes of a message that arrives during a turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueRules {}
