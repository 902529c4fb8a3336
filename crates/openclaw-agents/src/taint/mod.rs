//! Whether something untrusted has come into view since the principal last spoke.

/// What counts as untrusted, and what that leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaintRules {}
