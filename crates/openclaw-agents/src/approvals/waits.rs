//! The time that a turn spends waiting for people, which its bounds do not count.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{self, Instant};

/// How long a turn has waited for people, over all of its calls.
#[derive(Clone, Debug, Default)]
pub struct Waits(Arc<watch::Sender<Sum>>);

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    open: usize,
    /// When the first of those that are open began.
    since: Option<Instant>,
    ended: Duration,
}

/// One wait; it ends when this is dropped.
#[derive(Debug)]
pub struct Waiting(Waits);

impl Waits {
    /// Begins a wait. Waits side by side count once.
    pub fn begin(&self) -> Waiting {
        self.0.send_modify(|sum| {
            sum.open = sum.open.saturating_add(1);
            sum.since.get_or_insert_with(Instant::now);
        });
        Waiting(self.clone())
    }

    /// Returns when so much time has passed from now on in which nobody was waited for.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped, but the next call counts anew.
    pub async fn worked(&self, limit: Duration) {
        let began = Instant::now();
        let mut changes = self.0.subscribe();
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
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.send_modify(|sum| {
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
}
