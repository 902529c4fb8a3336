//! What was read a short while ago.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Keeps values for a while: so many, so large together, the oldest going first.
#[derive(Debug)]
pub(in crate::tools) struct Kept<K, V> {
    for_how_long: Duration,
    values: Mutex<VecDeque<One<K, V>>>,
}

#[derive(Debug)]
struct One<K, V> {
    key: K,
    value: V,
    bytes: usize,
    until: Instant,
}

/// The most values, and the most bytes of them together.
const MAX_VALUES: usize = 64;
const MAX_BYTES: usize = 16 * 1024 * 1024;

impl<K: PartialEq, V: Clone> Kept<K, V> {
    /// Keeps values for this long; nothing, if it is no time.
    pub(in crate::tools) const fn new(for_how_long: Duration) -> Self {
        Self {
            for_how_long,
            values: Mutex::new(VecDeque::new()),
        }
    }

    pub(in crate::tools) fn get(&self, key: &K) -> Option<V> {
        let mut values = self.values.lock();
        let now = Instant::now();
        values.retain(|one| one.until > now);
        let found = values.iter().find(|one| one.key == *key)?;
        Some(found.value.clone())
    }

    pub(in crate::tools) fn put(&self, key: K, value: V, bytes: usize) {
        let until = Instant::now().checked_add(self.for_how_long);
        let (Some(until), false) = (until, self.for_how_long.is_zero()) else {
            return;
        };
        let mut values = self.values.lock();
        values.retain(|one| one.key != key);
        values.push_back(One {
            key,
            value,
            bytes,
            until,
        });
        let mut total: usize = values.iter().map(|one| one.bytes).sum();
        while values.len() > MAX_VALUES || total > MAX_BYTES {
            let Some(oldest) = values.pop_front() else {
                return;
            };
            total = total.saturating_sub(oldest.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn values_go_after_their_time_and_the_oldest_when_there_are_too_many() {
        let kept = Kept::new(Duration::from_mins(15));
        for n in 0..=MAX_VALUES {
            kept.put(n, n, 1);
        }
        assert_eq!((kept.get(&0), kept.get(&1)), (None, Some(1)));
        tokio::time::advance(Duration::from_mins(16)).await;
        assert_eq!(kept.get(&1), None);
        kept.put(7, 7, MAX_BYTES + 1);
        assert_eq!(
            kept.get(&7),
            None,
            "it is larger than everything together may be"
        );
        let nothing = Kept::new(Duration::ZERO);
        nothing.put(1, 1, 1);
        assert_eq!(nothing.get(&1), None);
    }
}
