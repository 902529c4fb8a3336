//! Whoever wants to know what this process records, without reading it again.

use std::fmt::Debug;
use std::time::Duration;

use super::SessionEvent;

/// Sees what this process records; what others append to the same log is not shown.
///
/// It is called where everybody waits for it, so it counts or hands on and never waits itself.
pub trait Witness: Debug + Send + Sync {
    /// Sees an event that is on disk, in the order of the log.
    fn recorded(&self, event: &SessionEvent);

    /// Hears how long somebody waited for the log to have taken in what they recorded.
    fn waited(&self, took: Duration);
}
