//! Keeping the anchors in step with the log: announced before a commit, confirmed after it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::Position;
use super::anchors::{Access, Anchor, Anchors, Slot, State, WINDOW};
use super::error::StoreError;
use super::schema::anchors_after;
use super::verify::last_confirmed;

/// The writer's hand on the anchors.
#[derive(Debug)]
pub(super) struct Anchoring {
    path: PathBuf,
    /// Missing when somebody took the file away: then nothing is anchored any more, and every
    /// check of the log says so until the owner accepts it.
    anchors: Option<Anchors>,
}

impl Anchoring {
    /// Opens the anchors of the database at `path` and fills what a power loss emptied.
    ///
    /// Returns also how many slots were filled.
    pub(super) fn open(
        database: &Path,
        connection: &Connection,
        last: Position,
    ) -> Result<(Self, u64), StoreError> {
        let path = Anchors::path(database);
        let mut anchoring = Self {
            anchors: None,
            path,
        };
        anchoring.anchors =
            Anchors::open(&anchoring.path, Access::Write).map_err(|err| anchoring.failed(err))?;
        let filled = anchoring.fill(connection, last)?;
        if anchoring.anchors.is_none() {
            tracing::warn!(
                path = %anchoring.path.display(),
                "the anchors of the event log are missing; `openclaw audit verify` says more"
            );
        }
        Ok((anchoring, filled))
    }

    fn fill(&mut self, connection: &Connection, last: Position) -> Result<u64, StoreError> {
        let failed = |err| failure(&self.path, err);
        let Some(anchors) = &mut self.anchors else {
            return Ok(0);
        };
        if !anchors.restarted().map_err(failed)? {
            return Ok(0);
        }
        let before = last.saturating_sub(WINDOW);
        let recent = anchors_after(connection, before, u32::MAX)?;
        let slots = anchors
            .read(before.saturating_add(1), recent.len())
            .map_err(failed)?;
        let lost: Vec<Anchor> = recent
            .into_iter()
            .zip(slots)
            .filter(|(anchor, slot)| !slot.is_of(anchor) && !slot.is_confirmed())
            .map(|(anchor, _)| anchor)
            .collect();
        for anchor in &lost {
            anchors
                .write(std::slice::from_ref(anchor), State::Confirmed)
                .map_err(failed)?;
        }
        anchors.sync().map_err(failed)?;
        anchors.mark_boot().map_err(failed)?;
        Ok(u64::try_from(lost.len()).unwrap_or(u64::MAX))
    }

    /// Returns the first and the last position that are gone from the end of the log, if any are.
    pub(super) fn cut(&self, last: Position) -> Result<Option<(Position, Position)>, StoreError> {
        let Some(file) = &self.anchors else {
            return Ok(None);
        };
        let next = last.saturating_add(1);
        let after_end = file.read(next, 1).map_err(|err| self.failed(err))?;
        if !after_end.iter().any(Slot::is_confirmed) {
            return Ok(None);
        }
        let confirmed = last_confirmed(file).map_err(|err| self.failed(err))?;
        Ok(Some((next, confirmed)))
    }

    /// Takes away the slots of what is gone, after that was put on record.
    pub(super) fn forget_cut(&mut self, last: Position) {
        if let Some(file) = &self.anchors
            && let Err(err) = file.cut_after(last)
        {
            // It is put on record once more, which does no harm.
            tracing::warn!(%err, "the anchors of what is gone cannot be taken away");
        }
    }

    /// Writes the slots of a transaction that is about to be committed.
    pub(super) fn announce(&mut self, anchors: &[Anchor]) -> Result<(), StoreError> {
        match &mut self.anchors {
            Some(file) => file
                .write(anchors, State::Pending)
                .map_err(|err| failure(&self.path, err)),
            None => Ok(()),
        }
    }

    /// Notes that the commit succeeded.
    pub(super) fn confirm(&mut self, anchors: &[Anchor]) {
        if let Some(file) = &mut self.anchors
            && let Err(err) = file.write(anchors, State::Confirmed)
        {
            // The events are on disk and announced, which is enough for every check of them.
            tracing::warn!(%err, "the anchors of the event log cannot be confirmed");
        }
    }

    fn failed(&self, err: io::Error) -> StoreError {
        failure(&self.path, err)
    }
}

impl Drop for Anchoring {
    fn drop(&mut self) {
        if let Some(anchors) = &mut self.anchors
            && let Err(err) = anchors.sync()
        {
            tracing::warn!(%err, "the anchors of the event log cannot be synced");
        }
    }
}

fn failure(path: &Path, source: io::Error) -> StoreError {
    match StoreError::folder(path, path, source) {
        StoreError::Folder { path, source } => StoreError::Anchors { path, source },
        full_or_read_only => full_or_read_only,
    }
}
