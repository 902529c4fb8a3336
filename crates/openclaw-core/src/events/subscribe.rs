//! Following the log: what is recorded first, then what is appended, without gap or repetition.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::error::StoreError;
use super::shared_page::{Next, PAGE, PAGE_BYTES};
use super::store::EventStore;
use super::{Position, SessionEvent};

/// A place in the log that moves on as events are taken.
///
/// A slow subscriber costs nobody anything: it holds one page, whose events have a mebibyte of text
/// together if none of them is larger, and reads the rest when it gets there. Those who keep up
/// share what is read.
#[derive(Debug)]
pub struct Subscription {
    store: EventStore,
    cursor: Position,
    head: watch::Receiver<Position>,
    /// What was read for this one alone, because it is behind the others.
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
    pub async fn next(&mut self) -> Result<Arc<SessionEvent>, StoreError> {
        if !self.checked {
            self.check().await?;
        }
        loop {
            while let Some(event) = self.page.pop_front() {
                if let Some(event) = self.taken(Arc::new(event)) {
                    return Ok(event);
                }
            }
            // Seen before the read, so that an append during the read ends the wait at once.
            let known = *self.head.borrow_and_update();
            if known > self.cursor {
                if let Some(event) = self.read(known).await? {
                    return Ok(event);
                }
                continue;
            }
            tokio::select! {
                changed = self.head.changed() => changed.map_err(|_closed| StoreError::Closed)?,
                looked = self.store.look_out() => looked?,
            }
        }
    }

    /// Reads on towards the last event that is known; returns the next one that is wanted, if it
    /// came to one.
    async fn read(&mut self, known: Position) -> Result<Option<Arc<SessionEvent>>, StoreError> {
        if known.saturating_sub(self.cursor) <= u64::from(PAGE) {
            return Ok(match self.store.next_shared(self.cursor).await? {
                Next::Event(event) => self.taken(event),
                Next::Nothing(known) => {
                    self.cursor = known;
                    None
                }
            });
        }
        let read = self
            .store
            .read_some_after(self.cursor, PAGE, PAGE_BYTES)
            .await?;
        self.page = read.into();
        if self.page.is_empty() {
            // What was there has been deleted.
            self.cursor = known;
        }
        Ok(None)
    }

    /// Moves on behind an event, and returns it if it is wanted.
    fn taken(&mut self, event: Arc<SessionEvent>) -> Option<Arc<SessionEvent>> {
        self.cursor = event.position;
        let wanted = match self.which {
            Which::Sessions => !event.session.is_system(),
            Which::Audit => event.session.is_system(),
        };
        wanted.then_some(event)
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
