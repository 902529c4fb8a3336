//! What commands in the background leave behind: they write whenever they like, and each call
//! that comes later looks first what that was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use openclaw_core::events::{Change, StoreError};
use openclaw_core::provenance::{Mark, Trust};
use openclaw_core::{EventStore, SessionKey};
use tokio::sync::{Mutex, MutexGuard};

use super::written::add_all;
use super::{Changed, TaintRules, WrittenFiles};

/// The workspaces in which commands run in the background.
#[derive(Debug, Default)]
pub(crate) struct Watches(Mutex<BTreeMap<PathBuf, Watch>>);

/// What is known of the commands in one workspace.
#[derive(Debug)]
struct Watch {
    /// What has changed since the last look.
    changed: Changed,
    /// Since when the oldest of them runs.
    begun: Timestamp,
    /// What was in view when they were started.
    marks: Vec<Mark>,
    /// Where they were started.
    sessions: BTreeSet<SessionKey>,
}

/// A look at one workspace; another one waits until what this one found is recorded.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    watches: MutexGuard<'a, BTreeMap<PathBuf, Watch>>,
}

impl Watches {
    /// Begins to watch the workspace of a command that goes on in the background.
    pub(crate) async fn begin(&self, session: &SessionKey, changed: Changed, marks: Vec<Mark>) {
        let mut watches = self.0.lock().await;
        let workspace = changed.workspace().to_owned();
        if let Some(watch) = watches.get_mut(&workspace) {
            add_all(&mut watch.marks, marks);
            watch.sessions.insert(session.clone());
            return;
        }
        let watch = Watch {
            begun: changed.since(),
            changed: changed.with_folders().await,
            marks,
            sessions: BTreeSet::from([session.clone()]),
        };
        watches.insert(workspace, watch);
    }

    /// Waits for its turn to look.
    pub(crate) async fn look(&self) -> Look<'_> {
        Look {
            watches: self.0.lock().await,
        }
    }
}

impl Look<'_> {
    /// Returns what commands in the background have written since the last look, as it is to be
    /// recorded; `still` says whether one of them runs.
    pub(crate) async fn left(
        &mut self,
        (rules, store): (&TaintRules, &EventStore),
        (workspace, session): (&Path, &SessionKey),
        still: Still,
    ) -> Result<Vec<Change>, StoreError> {
        let Some(watch) = self.watches.get_mut(workspace) else {
            return Ok(Vec::new());
        };
        watch.sessions.insert(session.clone());
        let mut marks = watch.marks.clone();
        add_all(
            &mut marks,
            WrittenFiles::of(store, workspace).await?.marks(rules),
        );
        for session in &watch.sessions {
            let events = store.read(session, 1..=u64::MAX).await?;
            let recorded = events.into_iter().filter(|event| event.time >= watch.begun);
            let recorded = recorded.filter_map(|event| event.payload);
            let recorded = recorded.flat_map(|payload| payload.marks);
            let strange = recorded.filter(|mark| mark.trust == Trust::Untrusted);
            add_all(&mut marks, strange.collect());
        }
        let next = Changed::from_now(workspace).with_folders().await;
        let changed = std::mem::replace(&mut watch.changed, next);
        if still == Still::Ended {
            self.watches.remove(workspace);
        }
        if marks.is_empty() {
            return Ok(Vec::new());
        }
        let paths = changed.paths().await;
        let written = |path: PathBuf| Change::file_written(workspace, &path, marks.clone());
        Ok(paths.into_iter().map(written).collect())
    }
}

/// Whether a command still runs in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Still {
    Runs,
    Ended,
}
