//! Following the log: what is recorded first, then what is appended, without gap or repetition.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time;

use super::error::StoreError;
use super::store::EventStore;
use super::{Position, SessionEvent};

/// How many events a subscription reads ahead at most.
const PAGE: u32 = 256;

/// How many bytes of text are enough for a page; one event more than that is read at most.
const PAGE_BYTES: usize = 1 << 20;

/// How long events that another process appended may stay unnoticed.
const FOREIGN_APPENDS: Duration = Duration::from_millis(150);

/// A place in the log that moves on as events are taken.
///
/// A slow subscriber costs nobody anything: it holds one page, whose events have a mebibyte of text
/// together if none of them is larger, and reads the rest when it gets there.
#[derive(Debug)]
pub struct Subscription {
    store: EventStore,
    cursor: Position,
    head: watch::Receiver<Position>,
    page: VecDeque<SessionEvent>,
    which: Which,
    checked: bool,
}

/// Which events a subscription hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Those of conversations.
    Sessions,
    /// Those of the audit stream.
    Audit,
}

impl Subscription {
    pub(super) const fn new(
        store: EventStore,
        cursor: Position,
        head: watch::Receiver<Position>,
        which: Which,
    ) -> Self {
        Self {
            store,
            cursor,
            head,
            page: VecDeque::new(),
            which,
            checked: false,
        }
    }

    /// Returns the position of the last event that was taken; whoever comes back with it misses nothing.
    pub const fn cursor(&self) -> Position {
        self.cursor
    }

    /// Returns how many events of the whole log are recorded and not taken yet.
    pub fn behind(&self) -> u64 {
        self.head.borrow().saturating_sub(self.cursor)
    }

    /// Returns the next event, waiting for one to be recorded if need be.
    ///
    /// A cursor that the log has not reached is an error.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<SessionEvent, StoreError> {
        if !self.checked {
            self.check().await?;
        }
        loop {
            while let Some(event) = self.page.pop_front() {
                self.cursor = event.position;
                let wanted = match self.which {
                    Which::Sessions => !event.session.is_system(),
                    Which::Audit => event.session.is_system(),
                };
                if wanted {
                    return Ok(event);
                }
            }
            // Seen before the read, so that an append during the read ends the wait at once.
            let known = *self.head.borrow_and_update();
            if known > self.cursor {
                self.page = self
                    .store
                    .read_some_after(self.cursor, PAGE, PAGE_BYTES)
                    .await?
                    .into();
                if !self.page.is_empty() {
                    continue;
                }
                // What was there has been deleted.
                self.cursor = known;
            }
            match time::timeout(FOREIGN_APPENDS, self.head.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_closed)) => return Err(StoreError::Closed),
                Err(_elapsed) => self.store.look_for_foreign_appends(FOREIGN_APPENDS).await?,
            }
        }
    }

    async fn check(&mut self) -> Result<(), StoreError> {
        if self.cursor > *self.head.borrow() {
            self.store.look_for_foreign_appends(Duration::ZERO).await?;
            let last = *self.head.borrow();
            if self.cursor > last {
                return Err(StoreError::NoPosition {
                    cursor: self.cursor,
                    last,
                });
            }
        }
        self.checked = true;
        Ok(())
    }
}
