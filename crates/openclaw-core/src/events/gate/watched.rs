//! Workspaces in which files may change while something untrusted is in view.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::note::Place;
use super::written::workspace_text;
use crate::events::change::Change;
use crate::events::error::StoreError;
use crate::events::rows::{column_json, column_text, timestamp};
use crate::events::store::EventStore;
use crate::provenance::Mark;
use crate::session_key::SessionKey;

/// A workspace in which files may change, until what has changed there is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWatch {
    /// Its id.
    pub id: String,
    /// The workspace, as it is recorded: without secrets.
    pub workspace: PathBuf,
    /// Since when files may have changed.
    pub since: Timestamp,
    /// What they carry then.
    pub marks: Vec<Mark>,
}

impl OpenWatch {
    /// Says that what had changed is on record.
    pub fn settled(&self) -> Change {
        Change::FilesSettled {
            watch: self.id.clone(),
        }
    }
}

impl EventStore {
    /// Makes a watch over a workspace, and the change that says so: it is this process that will
    /// settle it.
    pub fn watch(
        &self,
        workspace: &Path,
        since: Timestamp,
        marks: Vec<Mark>,
    ) -> Result<(OpenWatch, Change), StoreError> {
        self.register()?;
        let workspace = workspace_text(workspace);
        let open = OpenWatch {
            id: Uuid::now_v7().to_string(),
            workspace: PathBuf::from(&workspace),
            since,
            marks: marks.clone(),
        };
        let change = Change::FilesWatched {
            watch: open.id.clone(),
            workspace,
            since,
            owner: self.owner().to_owned(),
            marks,
        };
        Ok((open, change))
    }

    /// Returns what processes left unsettled that died, and the session that each was recorded
    /// in, unless that is gone.
    pub async fn unsettled(&self) -> Result<Vec<(OpenWatch, Option<SessionKey>)>, StoreError> {
        let open: Vec<(OpenWatch, Option<SessionKey>, String)> = self
            .query(|connection| {
                connection
                    .prepare_cached(
                        "SELECT w.id, w.workspace, w.since_ms, w.marks, w.owner, s.key
                         FROM watches w
                         LEFT JOIN sessions s ON s.id = w.session_id AND s.deleted = 0
                         ORDER BY w.id",
                    )
                    .and_then(|mut statement| statement.query_map([], read)?.collect())
                    .map_err(StoreError::read)
            })
            .await?;
        Ok(open
            .into_iter()
            .filter(|(_, _, owner)| !self.lives(owner))
            .map(|(watch, session, _)| (watch, session))
            .collect())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<(OpenWatch, Option<SessionKey>, String)> {
    let workspace: String = row.get(1)?;
    let has_session = row.get::<_, Option<String>>(5)?.is_some();
    let watch = OpenWatch {
        id: row.get(0)?,
        workspace: PathBuf::from(workspace),
        since: timestamp(row.get(2)?),
        marks: column_json(row, 3)?,
    };
    let session = if has_session {
        Some(column_text(row, 5, SessionKey::parse)?)
    } else {
        None
    };
    Ok((watch, session, row.get(4)?))
}

/// Takes in that a workspace is watched.
pub(super) fn open(
    connection: &Connection,
    place: Place,
    watch: &OpenWatch,
    owner: &str,
) -> Result<(), StoreError> {
    let workspace = watch.workspace.to_string_lossy();
    // Marks were read from JSON a moment ago.
    let marks = serde_json::to_string(&watch.marks).unwrap_or_default();
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO watches (id, session_id, workspace, since_ms, owner, marks)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                watch.id,
                place.session_id,
                workspace,
                watch.since.as_millisecond(),
                owner,
                marks
            ])
        })
        .map(drop)
        .map_err(StoreError::write)
}

/// Takes in that what changed there is on record.
pub(super) fn settle(connection: &Connection, id: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM watches WHERE id = ?1")
        .and_then(|mut statement| statement.execute([id]))
        .map(drop)
        .map_err(StoreError::write)
}
