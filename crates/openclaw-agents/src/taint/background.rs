//! What commands leave behind while others run: they write whenever they like, and each call that
//! comes later, or ends, looks first what that was. What a process left unsettled that died is
//! looked for in the same way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use openclaw_core::events::{Change, OpenWatch, StoreError};
use openclaw_core::provenance::{Mark, Trust};
use openclaw_core::{EventStore, SessionKey};
use tokio::sync::{Mutex, MutexGuard};

use super::written::{add_all, is_vague};
use super::{Changed, TaintRules, WrittenFiles};

/// The workspaces in which commands run that something untrusted may have gone into, or go in the
/// background.
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
    /// What is on record of it.
    open: Vec<OpenWatch>,
}

/// A look at one workspace; another one waits until what this one found is recorded.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    watches: MutexGuard<'a, BTreeMap<PathBuf, Watch>>,
}

impl Watches {
    /// Begins to watch the workspace of a command, once that is on record.
    pub(crate) async fn begin(&self, session: &SessionKey, changed: Changed, open: OpenWatch) {
        let mut watches = self.0.lock().await;
        let workspace = changed.workspace().to_owned();
        let marks = open.marks.clone();
        if let Some(watch) = watches.get_mut(&workspace) {
            add_all(&mut watch.marks, marks);
            watch.sessions.insert(session.clone());
            watch.open.push(open);
            return;
        }
        let watch = Watch {
            begun: changed.since(),
            changed: changed.with_folders().await,
            marks,
            sessions: BTreeSet::from([session.clone()]),
            open: vec![open],
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
    /// Returns what commands have written since the last look, as it is to be recorded, in a
    /// workspace, those that lie in it and those that it lies in; `running` tells whether one
    /// still runs in a workspace.
    pub(crate) async fn left(
        &mut self,
        (rules, store): (&TaintRules, &EventStore),
        (workspace, session): (&Path, &SessionKey),
        running: impl Fn(&Path) -> Still,
    ) -> Result<Vec<Change>, StoreError> {
        let watched = self.watches.keys();
        let near: Vec<PathBuf> = watched
            .filter(|watched| overlap(watched, workspace))
            .cloned()
            .collect();
        let mut left = Vec::new();
        for workspace in near {
            // One that ends from here on is looked after once more.
            let still = running(&workspace);
            let Some(watch) = self.watches.get_mut(&workspace) else {
                continue;
            };
            watch.sessions.insert(session.clone());
            left.extend(watch.left((rules, store), &workspace).await?);
            if still == Still::Ended
                && let Some(watch) = self.watches.remove(&workspace)
            {
                left.extend(watch.open.iter().map(OpenWatch::settled));
            }
        }
        Ok(left)
    }
}

impl Watch {
    async fn left(
        &mut self,
        (rules, store): (&TaintRules, &EventStore),
        workspace: &Path,
    ) -> Result<Vec<Change>, StoreError> {
        let mut marks = self.marks.clone();
        let written = WrittenFiles::of(store, workspace).await?;
        add_all(&mut marks, written.marks(rules));
        for session in &self.sessions {
            add_all(&mut marks, strange(store, session, self.begun).await?);
        }
        let next = Changed::from_now(workspace).with_folders().await;
        let changed = std::mem::replace(&mut self.changed, next);
        if marks.is_empty() {
            return Ok(Vec::new());
        }
        let paths = changed.paths().await;
        let news = paths
            .into_iter()
            .filter(|path| !written.carries(path, &marks));
        Ok(news
            .map(|path| Change::file_written(workspace, &path, marks.clone()))
            .collect())
    }
}

/// Returns what is to be recorded of a workspace that a process watched which died: whatever has
/// changed there since, it may have been one of its commands that did it.
pub(crate) async fn settled(
    (rules, store): (&TaintRules, &EventStore),
    (open, session): &(OpenWatch, Option<SessionKey>),
) -> Result<Vec<Change>, StoreError> {
    let workspace = &open.workspace;
    let mut marks = open.marks.clone();
    let written = WrittenFiles::of(store, workspace).await?;
    add_all(&mut marks, written.marks(rules));
    if let Some(session) = session {
        add_all(&mut marks, strange(store, session, open.since).await?);
    }
    let mut left = Vec::new();
    if !marks.is_empty() {
        let paths = if is_vague(workspace) {
            vec![PathBuf::new()]
        } else {
            Changed::since_then(workspace, open.since).paths().await
        };
        let written = |path: PathBuf| Change::file_written(workspace, &path, marks.clone());
        left.extend(paths.into_iter().map(written));
    }
    left.push(open.settled());
    Ok(left)
}

/// Returns the marks of what nobody vouches for that came into a session since a moment.
async fn strange(
    store: &EventStore,
    session: &SessionKey,
    since: Timestamp,
) -> Result<Vec<Mark>, StoreError> {
    let events = store.read(session, 1..=u64::MAX).await?;
    let recorded = events.into_iter().filter(|event| event.time >= since);
    let recorded = recorded.filter_map(|event| event.payload);
    let recorded = recorded.flat_map(|payload| payload.marks);
    let mut marks = Vec::new();
    add_all(
        &mut marks,
        recorded
            .filter(|mark| mark.trust == Trust::Untrusted)
            .collect(),
    );
    Ok(marks)
}

/// Tells whether one of two workspaces lies in the other.
pub(crate) fn overlap(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Whether a command still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Still {
    Runs,
    Ended,
}
