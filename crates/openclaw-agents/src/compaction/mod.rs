//! Shortening what the model sees of a session, while the log keeps everything.
//!
//! A compaction is one event. It says from which event on the model sees the session as it is, what
//! stands in place of everything before that, and how long a text may be; the view follows from the
//! event and the log alone, and undoing is one event more. Reading order: `window` is the part that
//! is seen, `cut` a text that is shown in part, `plan` where to draw the line, `summary` what a
//! model is asked about the rest, `told` who hears of it, `room` when all of this happens in a turn,
//! [`manual`] the same on somebody's order.

mod cut;
pub mod manual;
mod plan;
mod room;
mod summary;
#[cfg(test)]
mod tests;
mod told;
mod window;

use std::sync::Arc;
use std::time::Duration;

use openclaw_providers::Route;

pub(crate) use room::{Gauge, Room, View, reported};
#[cfg(test)]
pub(crate) use window::introduced;
pub(crate) use window::{Window, read};

/// When, and to what, the model's view of a session is shortened.
#[derive(Clone, Debug)]
pub struct CompactionRules {
    /// Whether it is shortened before it is too long; one that the provider refuses always is.
    pub ahead: bool,
    /// How many tokens of the latest conversation stay as they are.
    pub keep_recent: u64,
    /// How many of the latest turns stay as they are, if there is room for them.
    pub keep_turns: usize,
    /// Who writes the summary; the agent's own models, if not set.
    pub route: Option<Arc<Route>>,
    /// How long that may take.
    pub timeout: Duration,
}

impl Default for CompactionRules {
    fn default() -> Self {
        Self {
            ahead: true,
            keep_recent: 20_000,
            keep_turns: 3,
            route: None,
            timeout: Duration::from_mins(3),
        }
    }
}

/// How much fits into the view of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// The model's window, if it is known.
    pub window: Option<u64>,
    /// The most tokens that a request is to have.
    pub limit: u64,
}

/// How large a window is taken to be that nobody knows, as in OpenClaw. A larger one is left
/// partly unused; a smaller one shows by a refusal, after which the view is shortened all the same.
const UNKNOWN: u64 = 200_000;

/// The most tokens that are left free for an answer.
const RESERVE: u64 = 20_000;

impl Space {
    /// Returns how much fits into a model's view.
    pub(crate) fn of(route: &Route) -> Self {
        let candidate = route.candidates().first();
        let window = candidate.and_then(|model| model.info.as_ref()?.context_window);
        let answer = candidate.and_then(|model| model.defaults.max_tokens);
        let whole = window.unwrap_or(UNKNOWN);
        let reserve = RESERVE.min(whole / 4).max(answer.map_or(0, u64::from));
        Self {
            window,
            limit: whole.saturating_sub(reserve.min(whole / 2)),
        }
    }
}
