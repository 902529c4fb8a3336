//! Telling a turn that goes round in circles from one that gets somewhere.

/// When a turn goes round in circles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoopRules {}
