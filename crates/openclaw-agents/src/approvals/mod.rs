//! Asking a person before a call runs, and waiting for the answer.
//!
//! What is asked is an event of the run, and so is the answer, which any process may append:
//! `asking` records the one and follows the log for the other. An answer is bound to the `shape`
//! of the call that was shown; [`Waits`] keeps the time of the wait out of the turn's bounds, and
//! lets others have its place meanwhile.

mod asking;
mod shape;
mod waits;

use std::time::Duration;

pub(crate) use asking::Question;
pub(crate) use shape::{Shaped, shape};
pub use waits::{Waiting, Waits};

/// How approvals are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRules {
    /// How long an answer is waited for; then it counts as a refusal.
    pub patience: Duration,
    /// What becomes of a call that nobody is there to be asked about.
    pub unattended: Unattended,
}

/// What becomes of a call that would be asked for, in a run that nobody watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unattended {
    /// It is refused at once.
    #[default]
    Deny,
    /// It is asked for all the same, and waits.
    Wait,
}

impl Default for ApprovalRules {
    fn default() -> Self {
        Self {
            patience: Duration::from_mins(30),
            unattended: Unattended::Deny,
        }
    }
}
