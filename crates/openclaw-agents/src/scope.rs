//! The one place where tasks are started, and the one way to stop them all.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument as _;

/// A group of tasks that end together.
///
/// A task is told to stop by the scope's token; it is not aborted, so it can leave things in order.
#[derive(Clone, Debug, Default)]
pub struct TaskScope {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl TaskScope {
    /// Makes an empty scope.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task; `name` appears in the log lines that it writes, and what they belong to is what
    /// whoever starts it belongs to.
    pub fn spawn<T: Send + 'static>(
        &self,
        name: &'static str,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.tracker
            .spawn(task.instrument(tracing::error_span!("task", task = name)))
    }

    /// Keeps [`TaskScope::close`] waiting until this is dropped, for a task that is about to start.
    pub fn hold(&self) -> TaskTrackerToken {
        self.tracker.token()
    }

    /// Returns the token that tells the tasks to stop.
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Tells every task to stop and waits for them, at most for `grace`.
    ///
    /// Returns how many are still running then.
    pub async fn close(&self, grace: Duration) -> usize {
        self.stop.cancel();
        self.tracker.close();
        match time::timeout(grace, self.tracker.wait()).await {
            Ok(()) => 0,
            Err(_elapsed) => self.tracker.len(),
        }
    }
}
