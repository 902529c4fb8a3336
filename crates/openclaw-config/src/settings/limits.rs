//! `rateLimit`: how many calls and messages a minute may bring; a setting of this program's own.
//!
//! It stands in `openclaw-rs.json5`, or as `gateway.rateLimit` in `openclaw.json`, from where
//! [`crate::migration`] takes it before OpenClaw's rules are asked.

use std::num::NonZeroU32;

use serde_json::Value;

use crate::problem::{KeyPath, Problem};

/// The key, in either file.
pub(crate) const KEY: &str = "rateLimit";
/// How many calls a client may make in a minute.
const REQUESTS: &str = "requestsPerMinute";
/// How many messages a session takes in a minute.
const MESSAGES: &str = "messagesPerMinute";
/// The most that either may be set to.
const MOST: u32 = 10_000_000;

/// How many calls and messages a minute may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Calls of one client (`requestsPerMinute`).
    pub requests_per_minute: NonZeroU32,
    /// Messages to one session (`messagesPerMinute`).
    pub messages_per_minute: NonZeroU32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        let per_minute = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            requests_per_minute: per_minute(60),
            messages_per_minute: per_minute(30),
        }
    }
}

impl LimitSettings {
    /// Returns these limits with those that a `rateLimit` sets; one that was not judged sets none.
    pub(super) fn overlaid(self, rate_limit: Option<&Value>) -> Self {
        let set = |key| rate_limit?.get(key).and_then(per_minute);
        Self {
            requests_per_minute: set(REQUESTS).unwrap_or(self.requests_per_minute),
            messages_per_minute: set(MESSAGES).unwrap_or(self.messages_per_minute),
        }
    }
}

/// Tells whether a `rateLimit` is meant as this program's: nobody else's has one of its members.
pub(crate) fn is_ours(rate_limit: &Value) -> bool {
    [REQUESTS, MESSAGES]
        .iter()
        .any(|key| rate_limit.get(key).is_some())
}

/// Returns everything that is wrong with a `rateLimit` at this place.
pub(crate) fn problems(path: &KeyPath, rate_limit: &Value) -> Vec<Problem> {
    let Some(members) = rate_limit.as_object() else {
        return vec![Problem::new(path.clone(), "expected an object")];
    };
    let problem = |(key, value): (&String, &Value)| {
        let at = path.key(key);
        if ![REQUESTS, MESSAGES].contains(&key.as_str()) {
            let mut problem = Problem::new(at, format!("Unrecognized key: \"{key}\""));
            problem.allowed = [REQUESTS, MESSAGES].map(str::to_owned).to_vec();
            return Some(problem);
        }
        let message = format!("expected a whole number from 1 to {MOST}");
        per_minute(value)
            .is_none()
            .then(|| Problem::new(at, message))
    };
    members.iter().filter_map(problem).collect()
}

fn per_minute(value: &Value) -> Option<NonZeroU32> {
    let number = super::reader::whole_number(value)?;
    let number = u32::try_from(number).ok().filter(|n| *n <= MOST)?;
    NonZeroU32::new(number)
}
