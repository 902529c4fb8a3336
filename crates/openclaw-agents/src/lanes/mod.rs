//! Lanes: one run per session at a time, and what becomes of messages that arrive meanwhile.
//!
//! `rules` is how that is configured, `job` a message that waits, `queue` the lanes and who may
//! steer or end whose turn, `place` what a run sees of its lane. Running the jobs is
//! [`crate::engine`]'s; closing what a crash cut off is `recovery`'s.

mod job;
mod place;
mod queue;
mod recovery;
mod rules;

pub(crate) use job::{Job, Party, excerpt};
pub(crate) use place::Place;
pub(crate) use queue::{Coming, Entered, Lanes, Next, Room};
pub(crate) use recovery::{closing, is_closed_unheard};
pub use rules::{Overflow, QueueMode, QueueRules};
