//! Shortening what the model sees of a session, while the log keeps everything.

/// When, and to what, the model's view of a session is shortened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompactionRules {}
