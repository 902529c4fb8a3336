//! The sessions of an agent's database.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use sha2::{Digest as _, Sha256};

use super::layout::{Layout, Rows};
use super::{Database, zstd};
use crate::read::Transcript;
use crate::trouble::{Fault, Spot, Trouble};

/// What a database has to offer.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Every session with a transcript, and every key with its current session.
    pub(crate) sessions: Vec<Listed>,
    /// The archives of sessions that are no longer among them.
    pub(crate) archives: Vec<Archive>,
    /// What is to be said about the database.
    pub(crate) remark: Option<Fault>,
}

/// A session in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) session_id: String,
    /// The key that it belongs to, where that is known.
    pub(crate) key: Option<String>,
    /// What the store says about the key, if the session is its current one.
    pub(crate) entry: Option<String>,
    pub(crate) updated: Option<Timestamp>,
    /// How many rows its transcript has.
    pub(crate) rows: u64,
    /// Where its transcript is when it has no rows.
    pub(crate) cold: Option<Packed>,
}

/// A session whose rows are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Archive {
    pub(crate) session_id: String,
    pub(crate) key: String,
    pub(crate) deleted: bool,
    pub(crate) name: String,
    pub(crate) at: Option<Timestamp>,
}

/// A transcript that was moved out of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) name: String,
    pub(crate) sha256: String,
    /// Whether the database has it; else it is a file.
    pub(crate) inside: bool,
}

/// A session that is read from its rows.
#[derive(Debug)]
pub(crate) struct StoredSession<'a> {
    pub(crate) database: &'a Database,
    pub(crate) session_id: &'a str,
}

impl Listing {
    /// Reads the list.
    pub(crate) fn of(database: &Database) -> Result<Self, Fault> {
        database.read(|connection| {
            let layout = Layout::of(connection)?;
            if layout.rows == Rows::Absent {
                return Ok(Self::default());
            }
            Ok(Self {
                sessions: sessions(connection, &layout)?,
                archives: archives(connection, &layout)?,
                remark: layout.remark(),
            })
        })
    }
}

fn sessions(connection: &Connection, layout: &Layout) -> Result<Vec<Listed>, Fault> {
    let mut found: BTreeMap<String, Listed> = BTreeMap::new();
    let blank = |session_id: &str| Listed {
        session_id: session_id.to_owned(),
        key: None,
        entry: None,
        updated: None,
        rows: 0,
        cold: None,
    };
    each(
        connection,
        "SELECT session_id, count(*) FROM transcript_events GROUP BY session_id",
        |row| {
            let id = text(row, 0);
            let rows = row.get::<_, i64>(1)?;
            found.entry(id.clone()).or_insert_with(|| blank(&id)).rows =
                u64::try_from(rows).unwrap_or_default();
            Ok(())
        },
    )?;
    if let Some(table) = layout.windows {
        let sql = format!("SELECT session_id, session_key, updated_at FROM {table}");
        each(connection, &sql, |row| {
            let id = text(row, 0);
            let session = found.entry(id.clone()).or_insert_with(|| blank(&id));
            session.key = Some(text(row, 1));
            session.updated = millis(row, 2);
            Ok(())
        })?;
    }
    if let Some((table, column)) = layout.keys {
        let sql = format!("SELECT session_key, {column}, entry_json, updated_at FROM {table}");
        each(connection, &sql, |row| {
            let id = text(row, 1);
            let session = found.entry(id.clone()).or_insert_with(|| blank(&id));
            session.key = Some(text(row, 0));
            session.entry = Some(text(row, 2));
            session.updated = session.updated.max(millis(row, 3));
            Ok(())
        })?;
    }
    if layout.cold {
        let sql = "SELECT session_id, archive_name, archive_sha256, storage, event_count
                   FROM session_transcript_cold_archives";
        each(connection, sql, |row| {
            let id = text(row, 0);
            let session = found.entry(id.clone()).or_insert_with(|| blank(&id));
            if session.rows == 0 {
                session.rows = row
                    .get::<_, i64>(4)
                    .ok()
                    .and_then(|rows| u64::try_from(rows).ok())
                    .unwrap_or_default();
                session.cold = Some(Packed {
                    name: text(row, 1),
                    sha256: text(row, 2),
                    inside: text(row, 3) == "sqlite",
                });
            }
            Ok(())
        })?;
    }
    Ok(found.into_values().collect())
}

fn archives(connection: &Connection, layout: &Layout) -> Result<Vec<Archive>, Fault> {
    let mut found = Vec::new();
    if layout.archives {
        let sql = "SELECT session_id, session_key, reason, archive_name, created_at
                   FROM session_transcript_archives ORDER BY created_at, session_id";
        each(connection, sql, |row| {
            found.push(Archive {
                session_id: text(row, 0),
                key: text(row, 1),
                deleted: text(row, 2) == "deleted",
                name: text(row, 3),
                at: millis(row, 4),
            });
            Ok(())
        })?;
    }
    Ok(found)
}

impl StoredSession<'_> {
    /// Reads the rows.
    pub(crate) fn read(&self) -> Result<Transcript, Fault> {
        self.database.read(|connection| {
            let layout = Layout::of(connection)?;
            let packed = match layout.rows {
                Rows::Packed => "event_zstd, event_utf8_bytes",
                Rows::Plain | Rows::Absent => "NULL, NULL",
            };
            let sql = format!(
                "SELECT seq, event_json, created_at, {packed} FROM transcript_events
                 WHERE session_id = ?1 ORDER BY seq"
            );
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([self.session_id])?;
            let mut transcript = Transcript::default();
            while let Some(row) = rows.next()? {
                self.take(&mut transcript, row)?;
            }
            let spot = Spot::Session(self.session_id.to_owned());
            transcript.finish(self.database.file(), &spot);
            Ok(transcript)
        })
    }

    fn take(&self, transcript: &mut Transcript, row: &Row<'_>) -> Result<(), Fault> {
        let seq: i64 = row.get(0)?;
        let spot = Spot::Row {
            session: self.session_id.to_owned(),
            seq,
        };
        let file = self.database.file();
        let bytes = match (row.get_ref(1)?, row.get_ref(3)?) {
            (ValueRef::Text(plain) | ValueRef::Blob(plain), _) => Ok(plain.to_vec()),
            (_, ValueRef::Blob(packed)) => {
                let size = row.get::<_, i64>(4).unwrap_or_default();
                zstd::row(packed, u64::try_from(size).unwrap_or_default())
            }
            _ => Err(Fault::NoContent),
        };
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(fault) => {
                transcript.troubles.push(Trouble::new(file, spot, fault));
                return Ok(());
            }
        };
        let raw = String::from_utf8(bytes).unwrap_or_else(|err| {
            let at = err.utf8_error().valid_up_to();
            let fault = Fault::NotText { at };
            transcript
                .troubles
                .push(Trouble::new(file, spot.clone(), fault));
            String::from_utf8_lossy(err.as_bytes()).into_owned()
        });
        let place = u64::try_from(seq).unwrap_or_default();
        let before = transcript.entries.len();
        transcript.push(file, spot, place, raw);
        if let Some(entry) = transcript.entries.get_mut(before) {
            entry.time = entry.time.or_else(|| millis(row, 2));
        }
        Ok(())
    }
}

/// Returns the bytes of an archive that the database has.
pub(crate) fn archive_bytes(
    database: &Database,
    archive: &Archive,
) -> Result<(Vec<u8>, bool), Fault> {
    database.read(|connection| {
        let sql = "SELECT archive_blob, encoding FROM session_transcript_archives
                   WHERE session_id = ?1 AND archive_name = ?2";
        let found = connection.query_row(sql, [&archive.session_id, &archive.name], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?))
        })?;
        Ok((found.0, found.1 == "zstd"))
    })
}

/// Returns the bytes of a transcript that was moved out, after comparing them with their hash.
pub(crate) fn cold_bytes(
    database: &Database,
    session_id: &str,
    packed: &Packed,
    folder: &Path,
) -> Result<Vec<u8>, Fault> {
    let bytes = if packed.inside {
        database.read(|connection| {
            let sql =
                "SELECT archive_blob FROM session_transcript_cold_archives WHERE session_id = ?1";
            Ok(connection.query_row(sql, [session_id], |row| row.get::<_, Vec<u8>>(0))?)
        })?
    } else {
        let plain = packed
            .name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '.');
        if !plain {
            let reason = format!("`{}` is no name of an archive", packed.name);
            return Err(Fault::Form { reason });
        }
        let file = folder.join("cold").join(&packed.name);
        super::regular(&file)?;
        std::fs::read(&file)?
    };
    let found = hex(&Sha256::digest(&bytes));
    if found != packed.sha256 {
        let expected = packed.sha256.clone();
        return Err(Fault::WrongHash { found, expected });
    }
    Ok(bytes)
}

/// Writes bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn each(
    connection: &Connection,
    sql: &str,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> Result<(), Fault> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

/// Returns a column as text, whatever it has.
fn text(row: &Row<'_>, column: usize) -> String {
    match row.get_ref(column) {
        Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        Ok(ValueRef::Integer(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn millis(row: &Row<'_>, column: usize) -> Option<Timestamp> {
    let ms = row.get::<_, i64>(column).ok()?;
    Timestamp::from_millisecond(ms).ok()
}
