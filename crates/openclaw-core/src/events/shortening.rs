//! How a model's view of a session was shortened, beyond what every version of the log says of it.

use serde::{Deserialize, Serialize};

/// What is known of a compaction beside its summary and its boundary; all of it may be missing in
/// one that was imported, or recorded by an earlier version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shortening {
    /// How many tokens there were after it, by the same estimate as before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_after: Option<u64>,
    /// What set it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<CompactionTrigger>,
    /// The model that wrote the summary, as `provider/model`; none where no model did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why no model wrote it, where one should have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Messages before the boundary that the model sees all the same, as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pinned: Vec<u64>,
    /// Messages before the boundary whose turn comes after it: they had to wait.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<u64>,
    /// Results of tools before this event are seen as one line each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results_cut_before: Option<u64>,
    /// The most bytes of one text, be it a message or the result of a tool, that are seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest: Option<u64>,
}

/// What sets a compaction off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CompactionTrigger {
    /// The next request would have come too near the end of the model's window.
    Threshold,
    /// The provider refused a request as too long.
    Overflow,
    /// Somebody asked for it.
    Manual,
}

impl CompactionTrigger {
    /// Returns its name in the event log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Threshold => "threshold",
            Self::Overflow => "overflow",
            Self::Manual => "manual",
        }
    }
}
