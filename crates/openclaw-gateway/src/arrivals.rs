//! The order in which messages come to a session.
//!
//! Calls of one client run side by side, and each has a few things to wait for before its message
//! stands in its session's lane. Here messages to the same session wait for each other, in the
//! order in which their calls began.

use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::pin;
use std::task::Poll;

use openclaw_core::SessionKey;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task;

/// How many queues there are; sessions share them by hash.
const QUEUES: usize = 64;

/// A queue for each session.
#[derive(Debug)]
pub(crate) struct Arrivals([Mutex<()>; QUEUES]);

/// The first place in a queue, until it is dropped.
#[derive(Debug)]
pub(crate) struct First<'a>(#[expect(dead_code, reason = "it is held")] MutexGuard<'a, ()>);

impl Default for Arrivals {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Arrivals {
    /// Takes the next place in the session's queue, and waits until it is the first.
    ///
    /// The place is taken when the future is first polled: tokio's own budget, by which a busy task
    /// may be made to wait at any point, does not count here.
    #[expect(clippy::indexing_slicing, reason = "a remainder is below its divisor")]
    pub(crate) async fn first(&self, session: &SessionKey) -> First<'_> {
        let mut hasher = DefaultHasher::new();
        session.hash(&mut hasher);
        let hash = usize::try_from(hasher.finish() >> 32).unwrap_or_default();
        First(task::unconstrained(self.0[hash % QUEUES].lock()).await)
    }
}

impl First<'_> {
    /// Has the next step begin, and lets the one behind go on as soon as it has.
    pub(crate) async fn begin<T>(self, step: impl Future<Output = T>) -> T {
        let mut step = pin!(step);
        let begun = poll_fn(|cx| Poll::Ready(step.as_mut().poll(cx)));
        let begun = task::unconstrained(begun).await;
        drop(self);
        match begun {
            Poll::Ready(done) => done,
            Poll::Pending => step.await,
        }
    }
}
