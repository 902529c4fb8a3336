//! The end of the log in memory, for all who follow it: read once for each commit, handed out to
//! each of them, and looked at for what other processes append by one of them.
//!
//! Whoever is further behind than a page reads for itself and holds nobody up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio::time;

use super::error::StoreError;
use super::store::EventStore;
use super::{Position, SessionEvent};

/// How many events a page has at most.
pub(super) const PAGE: u32 = 256;

/// How many bytes of text are enough for a page; one event more than that is read at most.
pub(super) const PAGE_BYTES: usize = 1 << 20;

/// How long events that another process appended, or deleted, may stay unnoticed.
pub(super) const FOREIGN_APPENDS: Duration = Duration::from_millis(150);

/// What all who follow the log have in common.
#[derive(Debug)]
pub(super) struct SharedPage {
    page: Mutex<Option<Page>>,
    /// Whoever has it reads the next page.
    reading: Semaphore,
    /// Says that a page was read.
    read: Notify,
    /// Whoever has it looks for appends of other processes.
    looking: Semaphore,
}

/// Events that follow each other in the log.
#[derive(Debug)]
struct Page {
    /// The position after which it begins.
    after: Position,
    events: Vec<Arc<SessionEvent>>,
    /// The last position that was known before it was read.
    known: Position,
    read: Instant,
}

/// What follows a place in the log.
#[derive(Debug)]
pub(super) enum Next {
    /// An event.
    Event(Arc<SessionEvent>),
    /// Nothing up to this position: what was there has been deleted.
    Nothing(Position),
}

impl Default for SharedPage {
    fn default() -> Self {
        Self {
            page: Mutex::default(),
            reading: Semaphore::new(1),
            read: Notify::new(),
            looking: Semaphore::new(1),
        }
    }
}

impl SharedPage {
    /// Returns what follows a place, unless the page is of another one, or too old.
    fn after(&self, cursor: Position) -> Option<Next> {
        let page = self.page.lock();
        let fresh = |page: &&Page| page.after <= cursor && page.read.elapsed() < FOREIGN_APPENDS;
        let page = page.as_ref().filter(fresh)?;
        let next = page
            .events
            .partition_point(|event| event.position <= cursor);
        match page.events.get(next) {
            Some(event) => Some(Next::Event(Arc::clone(event))),
            None => {
                (page.events.is_empty() && page.known > cursor).then_some(Next::Nothing(page.known))
            }
        }
    }

    /// Takes the page away, so that nothing of a deleted session is handed out.
    pub(super) fn forget(&self) {
        *self.page.lock() = None;
    }
}

impl EventStore {
    /// Returns what follows a place near the end of the log, where something was recorded.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped; another follower reads then.
    pub(super) async fn next_shared(&self, cursor: Position) -> Result<Next, StoreError> {
        let shared = self.shared_page();
        loop {
            let mut read = std::pin::pin!(shared.read.notified());
            // Listened for before it is looked, so that no page is missed in between.
            read.as_mut().enable();
            if let Some(next) = shared.after(cursor) {
                return Ok(next);
            }
            tokio::select! {
                () = read => {}
                permit = shared.reading.acquire() => {
                    let _reads = permit.map_err(|_closed| StoreError::Closed)?;
                    if shared.after(cursor).is_none() {
                        self.read_page(cursor).await?;
                    }
                }
            }
        }
    }

    async fn read_page(&self, after: Position) -> Result<(), StoreError> {
        let known = self.position();
        let events = self.read_some_after(after, PAGE, PAGE_BYTES).await?;
        let shared = self.shared_page();
        *shared.page.lock() = Some(Page {
            after,
            events: events.into_iter().map(Arc::new).collect(),
            known,
            read: Instant::now(),
        });
        shared.read.notify_waiters();
        Ok(())
    }

    /// Looks for what other processes append, for ever, unless somebody else does so already.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped; another follower looks then.
    pub(super) async fn look_out(&self) -> Result<(), StoreError> {
        let looks = self.shared_page().looking.acquire().await;
        let _looks = looks.map_err(|_closed| StoreError::Closed)?;
        loop {
            time::sleep(FOREIGN_APPENDS).await;
            self.look_for_foreign_appends(FOREIGN_APPENDS).await?;
        }
    }
}
