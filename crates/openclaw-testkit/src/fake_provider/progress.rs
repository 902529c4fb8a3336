//! How far the fake has come, for tests that wait for it.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

/// How long a test waits before it gives up.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, Default)]
pub(super) struct Stage {
    pub(super) requests: u64,
    /// How many answers fell silent so far.
    pub(super) holds: usize,
    /// How often the test let silent answers go on.
    releases: u64,
    pub(super) hang_ups: Vec<Instant>,
}

#[derive(Debug)]
pub(super) struct Progress(watch::Sender<Stage>);

impl Progress {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Stage::default()))
    }

    pub(super) fn now(&self) -> Stage {
        self.0.borrow().clone()
    }

    pub(super) fn seen(&self, requests: u64) {
        self.0.send_modify(|stage| stage.requests = requests);
    }

    pub(super) fn release(&self) {
        self.0.send_modify(|stage| stage.releases += 1);
    }

    pub(super) fn hung_up(&self) {
        self.0
            .send_modify(|stage| stage.hang_ups.push(Instant::now()));
    }

    /// Begins a silence; the future ends with the next release.
    pub(super) fn hold(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut stages = self.0.subscribe();
        let before = stages.borrow().releases;
        self.0.send_modify(|stage| stage.holds += 1);
        Box::pin(async move {
            // The provider is gone when this fails, and the connection goes with it.
            let released = stages.wait_for(|stage| stage.releases > before).await;
            drop(released);
        })
    }

    /// Waits until the stage is reached; `what` says it in words.
    pub(super) async fn reaches(&self, what: &str, reached: impl FnMut(&Stage) -> bool) {
        let mut stages = self.0.subscribe();
        let waited = timeout(PATIENCE, stages.wait_for(reached)).await;
        assert!(
            waited.is_ok_and(|stage| stage.is_ok()),
            "the fake provider waited {PATIENCE:?} in vain for {what}: {:?}",
            self.now()
        );
    }
}
