//! What the gateway adds to the audit stream: who was let in and who was not, who asked too often,
//! where commands went, which secrets it read, and whether its config has changed.
//!
//! Nobody waits for these entries: what happens is counted at once and written by one task, in
//! entries that say how often (`ledger`). So neither a flood nor a busy client turns into a flood
//! of syncs, and an event log that cannot be written does not keep anybody from the gateway.
//!
//! # Security
//! Everything written here fails open: a caller is admitted or refused by the token alone, and a
//! failure to put that on record is logged, the count kept, and the entry written when the log can
//! be written again. What changes anything fails closed: tool calls, deletions, branches and
//! imports get their entries from the event log itself, in the transaction that records them, so
//! that without the entry there is no call. A caller who was let in while the log cannot be written
//! can read, and do nothing else.

mod config;
mod entries;
mod ledger;
mod verdict;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use openclaw_agents::TaskScope;
use openclaw_core::EventStore;
use openclaw_core::events::{AuditEntry, StoreError};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{self, Instant};

pub use config::record_config_changes;
pub use entries::{is_about, latest, row};
pub(crate) use ledger::{Door, Occasion, Passage, Reason, Transport};
use ledger::{Due, Ledger};
pub use verdict::{advice, first_finding, gone, is_about_anchors, verdict};

/// Where decisions are put on record.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: EventStore,
    ledger: Mutex<Ledger>,
    config: Mutex<Option<(Vec<PathBuf>, &'static str)>>,
    wake: Arc<Notify>,
    started: AtomicBool,
}

impl Trail {
    /// Makes a trail that writes nothing before [`Trail::start`]; `entries` are the first to be written.
    pub(crate) fn new(store: EventStore, entries: Vec<AuditEntry>) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                ledger: Mutex::new(Ledger::new(entries)),
                config: Mutex::default(),
                wake: Arc::default(),
                started: AtomicBool::new(false),
            }),
        }
    }

    /// Counts an occasion; it never waits.
    pub(crate) fn count(&self, occasion: Occasion) {
        let first = self
            .shared
            .ledger
            .lock()
            .count(occasion, Instant::now().into_std());
        if first {
            self.shared.wake.notify_one();
        }
    }

    /// Has a config's files compared with what is on record of them; `by` is what noticed a change.
    pub(crate) fn look_at_config(&self, files: Vec<PathBuf>, by: &'static str) {
        *self.shared.config.lock() = Some((files, by));
        self.shared.wake.notify_one();
    }

    /// Puts entries on record in their turn.
    pub(crate) fn enter(&self, entries: impl IntoIterator<Item = AuditEntry>) {
        self.shared.ledger.lock().enter(entries);
        self.shared.wake.notify_one();
    }

    /// Starts to write, in a task of the scope; a second call does nothing.
    pub(crate) fn start(&self, scope: &TaskScope) {
        if self.shared.started.swap(true, Ordering::Relaxed) {
            return;
        }
        let (shared, wake) = (Arc::downgrade(&self.shared), Arc::clone(&self.shared.wake));
        let stop = scope.stop().clone();
        let task = async move {
            // The task alone keeps no event log open that everybody else has closed.
            while let Some(shared) = shared.upgrade() {
                shared.check_config().await;
                let due = shared.ledger.lock().due(Instant::now().into_std());
                shared.write(due).await;
                let next = shared.ledger.lock().next();
                drop(shared);
                let next_due = async {
                    match next {
                        Some(at) => time::sleep_until(at.into()).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = wake.notified() => {}
                    () = next_due => {}
                }
            }
        };
        drop(scope.spawn("audit", task));
    }

    /// Writes what has been counted and not been written yet.
    pub(crate) async fn flush(&self) {
        let rest = self.shared.ledger.lock().rest(Instant::now().into_std());
        self.shared.write(rest).await;
    }
}

impl Shared {
    async fn write(&self, due: Vec<Due>) {
        // Asked for together, so that they share one commit.
        let outcomes = join_all(
            due.iter()
                .map(|due| self.store.audit(due.entry()))
                .collect::<Vec<_>>(),
        )
        .await;
        let mut failure: Option<(StoreError, usize)> = None;
        for (due, outcome) in due.into_iter().zip(outcomes) {
            if let Err(err) = outcome {
                self.ledger.lock().put_back(due, Instant::now().into_std());
                failure = Some((err, failure.map_or(1, |(_, n)| n.saturating_add(1))));
            }
        }
        if let Some((err, entries)) = failure {
            tracing::error!(%err, entries, "the audit stream cannot be written; it is tried again");
        }
    }

    async fn check_config(&self) {
        let Some((files, by)) = self.config.lock().take() else {
            return;
        };
        // The next start compares again, so nothing is lost for good.
        if let Err(err) = record_config_changes(&self.store, &files, by).await {
            tracing::error!(%err, "whether the config has changed cannot be put on record");
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.wake.notify_one();
    }
}
