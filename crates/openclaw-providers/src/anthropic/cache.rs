//! Where a prompt is to be kept for the next request.
//!
//! Up to four places can be marked, and everything before a place is kept: the tools, the system
//! prompt, and the conversation up to its last message and up to the user's message before that,
//! which is where the request before ended.

use serde::Serialize;

use crate::request::CacheRetention;

/// A mark behind what is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Mark {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl Mark {
    /// Returns the mark for a retention; five minutes need not be named.
    pub(super) const fn of(retention: CacheRetention) -> Option<Self> {
        let ttl = match retention {
            CacheRetention::None => return None,
            CacheRetention::Short => None,
            CacheRetention::Long => Some("1h"),
        };
        Some(Self {
            kind: "ephemeral",
            ttl,
        })
    }
}
