//! The time that a turn spends waiting for people, which its bounds do not count, and in which it
//! takes up no place among those that work.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;

/// How long a turn has waited for people, over all of its calls.
#[derive(Clone, Debug, Default)]
pub struct Waits(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    sum: watch::Sender<Sum>,
    /// The turn's place among those that work; none where nobody counts them.
    desk: Option<Desk>,
}

#[derive(Debug)]
struct Desk {
    all: Arc<Semaphore>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    /// Held by the call that gets the turn a place again; one place is enough for all.
    coming: tokio::sync::Mutex<()>,
}

impl Desk {
    async fn take_place(&self) {
        let _only_one = self.coming.lock().await;
        if self.permit.lock().is_some() {
            return;
        }
        // The semaphore is never closed.
        let permit = Arc::clone(&self.all).acquire_owned().await.ok();
        *self.permit.lock() = permit;
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    /// How many calls are under way, those that wait among them.
    calls: usize,
    open: usize,
    /// When the first of those that are open began.
    since: Option<Instant>,
    ended: Duration,
}

/// One call of the turn; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Calling(Waits);

/// One wait; it ends when this is dropped.
#[derive(Debug)]
pub struct Waiting(Waits);

impl Waits {
    /// Begins to count for a turn that has a place among those that work.
    pub(crate) fn at(permit: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(Shared {
            sum: watch::Sender::default(),
            desk: Some(Desk {
                all: Arc::clone(permit.semaphore()),
                permit: Mutex::new(Some(permit)),
                coming: tokio::sync::Mutex::default(),
            }),
        }))
    }

    /// Begins a call.
    pub(crate) fn call(&self) -> Calling {
        let begin = |sum: &mut Sum| sum.calls = sum.calls.saturating_add(1);
        self.0.sum.send_modify(begin);
        Calling(self.clone())
    }

    /// Begins a wait. Waits side by side count once.
    ///
    /// Once all calls of the turn wait, somebody else has its place.
    pub fn begin(&self) -> Waiting {
        self.0.sum.send_modify(|sum| {
            sum.open = sum.open.saturating_add(1);
            sum.since.get_or_insert_with(Instant::now);
        });
        self.make_room();
        Waiting(self.clone())
    }

    /// Returns when so much time has passed from now on in which nobody was waited for.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped, but the next call counts anew.
    pub async fn worked(&self, limit: Duration) {
        let began = Instant::now();
        let mut changes = self.0.sum.subscribe();
        loop {
            let sum = *changes.borrow_and_update();
            let due = began.checked_add(limit.saturating_add(sum.ended));
            let passed = async {
                match due {
                    Some(due) if sum.open == 0 => time::sleep_until(due).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = passed => return,
                // The sender lives as long as `self` does.
                _ = changes.changed() => {}
            }
        }
    }

    fn make_room(&self) {
        let sum = *self.0.sum.borrow();
        if let Some(desk) = &self.0.desk
            && sum.open > 0
            && sum.open >= sum.calls
        {
            drop(desk.permit.lock().take());
        }
    }
}

impl Waiting {
    /// Ends the wait once the turn has a place again, or is told to stop, which needs none.
    ///
    /// # Cancel safety
    /// When the future is dropped, the wait has ended and the turn may have no place.
    pub async fn end(self, stop: &CancellationToken) {
        if let Some(desk) = &self.0.0.desk {
            tokio::select! {
                () = desk.take_place() => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        let end = |sum: &mut Sum| sum.calls = sum.calls.saturating_sub(1);
        self.0.0.sum.send_modify(end);
        self.0.make_room();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.sum.send_modify(|sum| {
            sum.open = sum.open.saturating_sub(1);
            if sum.open == 0 {
                let waited = sum.since.take().map(|since| since.elapsed());
                sum.ended = sum.ended.saturating_add(waited.unwrap_or_default());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_in_which_somebody_is_waited_for_is_not_counted() {
        let waits = Waits::default();
        let began = Instant::now();
        let waiting = async {
            time::sleep(Duration::from_secs(5)).await;
            let one = waits.begin();
            time::sleep(Duration::from_secs(100)).await;
            let other = waits.begin();
            drop(one);
            time::sleep(Duration::from_secs(100)).await;
            drop(other);
        };
        tokio::join!(waits.worked(Duration::from_secs(10)), waiting);
        assert_eq!(began.elapsed().as_secs(), 210);
    }

    #[tokio::test]
    async fn a_turn_has_no_place_once_all_of_its_calls_wait_and_one_place_when_any_goes_on() {
        let all = Arc::new(Semaphore::new(1));
        let waits = Waits::at(Arc::clone(&all).acquire_owned().await.unwrap());
        let stop = CancellationToken::new();
        let (_asks, _asks_too, works) = (waits.call(), waits.call(), waits.call());
        let one = waits.begin();
        let other = waits.begin();
        assert_eq!(all.available_permits(), 0);
        drop(works);
        assert_eq!(all.available_permits(), 1);
        // Both go on, with the one place that there is.
        tokio::join!(one.end(&stop), other.end(&stop));
        assert_eq!(all.available_permits(), 0);
    }

    #[tokio::test]
    async fn a_turn_goes_on_when_it_has_a_place_again_or_is_told_to_stop() {
        let all = Arc::new(Semaphore::new(1));
        let waits = Waits::at(Arc::clone(&all).acquire_owned().await.unwrap());
        let (stop, _call) = (CancellationToken::new(), waits.call());
        let wait = waits.begin();
        let somebody_else = Arc::clone(&all).acquire_owned().await.unwrap();
        {
            let mut goes_on = std::pin::pin!(wait.end(&stop));
            assert!(goes_on.as_mut().now_or_never().is_none());
            drop(somebody_else);
            assert!(goes_on.now_or_never().is_some());
        }
        let wait = waits.begin();
        let _somebody_else = Arc::clone(&all).acquire_owned().await.unwrap();
        stop.cancel();
        wait.end(&stop).await;
    }
}
