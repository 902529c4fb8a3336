//! Files of workspaces that carry a stranger's words.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::events::error::StoreError;
use crate::events::rows::column_json;
use crate::events::store::EventStore;
use crate::provenance::{Mark, Trust};
use crate::redaction::masked;

/// How many marks a file keeps; what it says it carries is clear long before that.
const MOST_MARKS: usize = 32;

impl EventStore {
    /// Returns the files of a workspace that carry a stranger's words, with what is known of
    /// where those came from, in the order of their paths.
    ///
    /// A folder stands for all that is in it, and the empty path for the whole workspace. Paths
    /// are as they were recorded: secrets in them are masked, and what is no text in them is not
    /// there, so that a path need not name a file.
    ///
    /// Workspaces may lie in each other: a file that was marked in one is marked in every one that
    /// has it.
    pub async fn written(&self, workspace: &Path) -> Result<Vec<(PathBuf, Vec<Mark>)>, StoreError> {
        let workspace = PathBuf::from(workspace_text(workspace));
        self.query(move |connection| {
            let mut found: BTreeMap<PathBuf, Vec<Mark>> = BTreeMap::new();
            for (path, marks) in rows(connection, &workspace).map_err(StoreError::read)? {
                let inside = match path.strip_prefix(&workspace) {
                    Ok(inside) => inside.to_owned(),
                    Err(_beside) if workspace.starts_with(&path) => PathBuf::new(),
                    Err(_beside) => continue,
                };
                merge(found.entry(inside).or_default(), marks);
            }
            Ok(found.into_iter().collect())
        })
        .await
    }

    /// Returns a path in a workspace as it is recorded where it carries marks; see
    /// [`written`](Self::written).
    pub fn marked_path(workspace: &Path, path: &Path) -> PathBuf {
        PathBuf::from(path_text(workspace, path))
    }
}

/// Returns a workspace's path as it is recorded.
///
/// A secret may be part of a path; it is asked for as it is recorded.
pub(in crate::events) fn workspace_text(workspace: &Path) -> String {
    masked(workspace.to_string_lossy().into_owned())
}

/// Returns the path of a file in a workspace as it is recorded: without dots, and with `/`
/// between its parts; empty for the workspace itself.
///
/// Paths that are not text, or have a secret in them, may come to share one.
pub(in crate::events) fn path_text(workspace: &Path, path: &Path) -> String {
    let inner = path.strip_prefix(workspace).unwrap_or(path);
    let mut parts = Vec::new();
    for component in inner.components() {
        match component {
            Component::Normal(name) => parts.push(name.to_string_lossy()),
            Component::ParentDir => drop(parts.pop()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    masked(parts.join("/"))
}

/// Returns what is marked in a workspace, in those that lie in it and in those that it lies in, by
/// whole paths.
fn rows(connection: &Connection, workspace: &Path) -> rusqlite::Result<Vec<(PathBuf, Vec<Mark>)>> {
    let row = |row: &Row<'_>| {
        let (workspace, path): (String, String) = (row.get(0)?, row.get(1)?);
        Ok((PathBuf::from(workspace).join(path), column_json(row, 2)?))
    };
    let mut all = Vec::new();
    let mut around = connection
        .prepare_cached("SELECT workspace, path, marks FROM written WHERE workspace = ?1")?;
    for root in workspace.ancestors() {
        let found = around.query_map([root.to_string_lossy()], row)?;
        all.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    // The sign after `/` ends the range of what begins with it.
    let mut within = connection.prepare_cached(
        "SELECT workspace, path, marks FROM written
         WHERE workspace > ?1 || '/' AND workspace < ?1 || '0'",
    )?;
    let text = workspace.to_string_lossy();
    let found = within.query_map([text.trim_end_matches('/')], row)?;
    all.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
    Ok(all)
}

/// Adds marks to those that a file has.
pub(super) fn add(
    connection: &Connection,
    workspace: &str,
    path: &str,
    marks_of_it: &[Mark],
) -> Result<(), StoreError> {
    let mut all = marks(connection, workspace, path)?.unwrap_or_default();
    merge(&mut all, marks_of_it.to_vec());
    if all.is_empty() {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO written (workspace, path, marks) VALUES (?1, ?2, ?3)",
        )
        .and_then(|mut statement| {
            // Marks were read from JSON a moment ago.
            let text = serde_json::to_string(&all).unwrap_or_default();
            statement.execute(params![workspace, path, text])
        })
        .map(drop)
        .map_err(StoreError::write)
}

/// Forgets the marks of a file, or of a folder and all that is in it, in whatever workspace they
/// were recorded.
pub(super) fn clear(
    connection: &Connection,
    workspace: &str,
    path: &str,
) -> Result<(), StoreError> {
    let whole = Path::new(workspace).join(path);
    let whole = whole.to_string_lossy();
    connection
        .prepare_cached(
            "DELETE FROM written
             WHERE rtrim(rtrim(workspace, '/') || '/' || path, '/') = ?1
             OR substr(rtrim(workspace, '/') || '/' || path, 1, length(?1) + 1) = ?1 || '/'",
        )
        .and_then(|mut statement| statement.execute([whole.trim_end_matches('/')]))
        .map(drop)
        .map_err(StoreError::write)
}

fn marks(
    connection: &Connection,
    workspace: &str,
    path: &str,
) -> Result<Option<Vec<Mark>>, StoreError> {
    connection
        .prepare_cached("SELECT marks FROM written WHERE workspace = ?1 AND path = ?2")
        .and_then(|mut statement| {
            statement
                .query_row([workspace, path], |row| column_json(row, 0))
                .optional()
        })
        .map_err(StoreError::read)
}

/// Adds what is not there yet, of what nobody vouches for: nothing else matters in a file.
fn merge(all: &mut Vec<Mark>, more: Vec<Mark>) {
    for mark in more {
        let matters = mark.trust == Trust::Untrusted && !all.contains(&mark);
        if matters && all.len() < MOST_MARKS {
            all.push(mark);
        }
    }
}
