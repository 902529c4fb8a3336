//! Notifications that arrived while nobody asked for them.

use std::collections::VecDeque;

use crate::notifications::{Notification, StreamLaggedParams};

/// How many notifications are kept.
const CAPACITY: usize = 1024;

/// A bounded queue of notifications; when it is full, the oldest one makes room and is counted.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    queue: VecDeque<Notification>,
    dropped: u64,
}

impl Backlog {
    pub(super) fn push(&mut self, notification: Notification) {
        if self.is_full() {
            self.queue.pop_front();
            self.dropped = self.dropped.saturating_add(1);
        }
        self.queue.push_back(notification);
    }

    /// Tells whether the next one would push out another.
    pub(super) fn is_full(&self) -> bool {
        self.queue.len() >= CAPACITY
    }

    /// Returns the oldest notification, after the count of what stood before it and had to go.
    pub(super) fn pop(&mut self) -> Option<Notification> {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            return Some(Notification::StreamLagged(StreamLaggedParams {
                dropped,
                behind: 0,
            }));
        }
        self.queue.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_the_oldest_and_says_how_many() {
        let numbered =
            |dropped| Notification::StreamLagged(StreamLaggedParams { dropped, behind: 0 });
        let mut backlog = Backlog::default();
        for n in 0..1026 {
            backlog.push(numbered(n));
        }
        let seen: Vec<Notification> = std::iter::from_fn(|| backlog.pop()).collect();
        assert_eq!(seen.len(), 1025);
        assert_eq!(seen[..2], [numbered(2), numbered(2)]);
        assert_eq!(seen[1024], numbered(1025));
    }
}
