//! Which tables and columns a database of an agent has.
//!
//! The agent's database exists since May 2026 (version 1), has transcripts since version 4, names
//! its tables `session_nodes` and `session_windows` since version 14, and compresses since 23.

use rusqlite::{Connection, OptionalExtension as _};

use crate::trouble::{Fault, KNOWN_SCHEMA};

/// The first version with transcripts.
const FIRST_WITH_TRANSCRIPTS: i64 = 4;

/// What a database has, as far as sessions are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The version that it says it has.
    pub(crate) version: i64,
    /// What the rows of transcripts look like.
    pub(crate) rows: Rows,
    /// The table of keys with the column of their current session.
    pub(crate) keys: Option<(&'static str, &'static str)>,
    /// The table of all sessions.
    pub(crate) windows: Option<&'static str>,
    /// Whether there are archives of reset and deleted sessions.
    pub(crate) archives: bool,
    /// Whether there are transcripts that were moved out.
    pub(crate) cold: bool,
}

/// What the rows of transcripts look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// There are none: transcripts are files.
    Absent,
    /// They are texts.
    Plain,
    /// They are texts, or compressed.
    Packed,
}

impl Layout {
    /// Looks at a database.
    pub(crate) fn of(connection: &Connection) -> Result<Self, Fault> {
        let version = version(connection)?;
        let has = |table: &str, columns: &[&str]| missing(connection, table, columns);
        let zstd = has("transcript_events", &["event_zstd", "event_utf8_bytes"])?;
        let lacking = has(
            "transcript_events",
            &["session_id", "seq", "event_json", "created_at"],
        )?;
        if let Some(missing) = &lacking
            && (version >= FIRST_WITH_TRANSCRIPTS || missing.contains('.'))
        {
            let missing = missing.clone();
            return Err(Fault::ForeignSchema { version, missing });
        }
        let nodes = has(
            "session_nodes",
            &[
                "session_key",
                "current_session_id",
                "entry_json",
                "updated_at",
            ],
        )?;
        let entries = has(
            "session_entries",
            &["session_key", "session_id", "entry_json", "updated_at"],
        )?;
        let keys = match (nodes, entries) {
            (None, _) => Some(("session_nodes", "current_session_id")),
            (_, None) => Some(("session_entries", "session_id")),
            _ => None,
        };
        let mut windows = None;
        for table in ["session_windows", "sessions"] {
            if windows.is_none()
                && has(table, &["session_id", "session_key", "updated_at"])?.is_none()
            {
                windows = Some(table);
            }
        }
        let archives = has(
            "session_transcript_archives",
            &[
                "session_id",
                "session_key",
                "reason",
                "encoding",
                "archive_blob",
                "archive_name",
            ],
        )?;
        let cold = has(
            "session_transcript_cold_archives",
            &[
                "session_id",
                "archive_name",
                "archive_sha256",
                "storage",
                "archive_blob",
            ],
        )?;
        Ok(Self {
            version,
            rows: match (lacking, zstd) {
                (Some(_), _) => Rows::Absent,
                (None, None) => Rows::Packed,
                (None, Some(_)) => Rows::Plain,
            },
            keys,
            windows,
            archives: archives.is_none(),
            cold: cold.is_none(),
        })
    }

    /// Returns what is to be said about the version, if anything is.
    pub(crate) fn remark(&self) -> Option<Fault> {
        (self.version > KNOWN_SCHEMA).then_some(Fault::NewerSchema(self.version))
    }
}

fn version(connection: &Connection) -> Result<i64, Fault> {
    let user: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if missing(connection, "schema_meta", &["schema_version"])?.is_some() {
        return Ok(user);
    }
    let meta: Option<Option<i64>> = connection
        .query_row("SELECT max(schema_version) FROM schema_meta", [], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(meta.flatten().unwrap_or_default().max(user))
}

/// Returns which of the columns a table lacks, or that there is no such table.
fn missing(
    connection: &Connection,
    table: &str,
    columns: &[&str],
) -> Result<Option<String>, Fault> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let found: Vec<String> = statement
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Ok(Some(table.to_owned()));
    }
    Ok(columns
        .iter()
        .find(|column| !found.iter().any(|name| name == *column))
        .map(|column| format!("{table}.{column}")))
}
