//! Looking at a log without opening it for writing: nothing is made, migrated or repaired.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags, ffi};

use super::Position;
use super::anchors::{Access, Anchors};
use super::error::StoreError;
use super::report::Report;
use super::rows::last_position;
use super::schema::{self, check_version};
use super::verify::{failed, last_confirmed, verify};

/// What can be seen of a log at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Whether the next start of this program brings the file to its own version.
    pub outdated: bool,
    /// The last position that the log has.
    pub last: Position,
    /// The last position that the anchors say was recorded; none when the anchors are missing.
    pub anchored: Option<Position>,
}

/// Returns the path of the anchors of the log at `log`.
pub fn anchors_path(log: &Path) -> PathBuf {
    Anchors::path(log)
}

/// Looks at the log at `log`, which has to exist.
pub fn inspect(log: &Path) -> Result<Inspection, StoreError> {
    looking(log, |connection, anchors| {
        // Before the events, so that what is appended meanwhile does not count as missing.
        let anchored = anchors
            .map(last_confirmed)
            .transpose()
            .map_err(|err| failed(&Anchors::path(log), err))?;
        Ok(Inspection {
            outdated: check_version(connection, log)? < schema::VERSION,
            last: if schema::has_events(connection)? {
                last_position(connection)?
            } else {
                0
            },
            anchored,
        })
    })
}

/// Checks every page of the file, and every event as [`EventStore::verify`] does.
///
/// Returns nothing for a log of an earlier version, which has no hashes yet.
///
/// [`EventStore::verify`]: super::EventStore::verify
pub fn inspect_deep(
    log: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<Option<Report>, StoreError> {
    looking(log, |connection, anchors| {
        if check_version(connection, log)? < schema::VERSION {
            return Ok(None);
        }
        let verdict: String = connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(StoreError::read)?;
        if verdict != "ok" {
            let code = ffi::Error::new(ffi::SQLITE_CORRUPT);
            return Err(StoreError::Corrupt {
                path: log.to_owned(),
                source: Arc::new(rusqlite::Error::SqliteFailure(code, Some(verdict))),
            });
        }
        verify(connection, anchors, &mut progress).map(Some)
    })
}

/// Opens the log for reading; a log that nobody has open is read as it lies there.
fn looking<T>(
    log: &Path,
    mut look: impl FnMut(&Connection, Option<&Anchors>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let anchors_path = Anchors::path(log);
    let anchors =
        Anchors::open(&anchors_path, Access::Read).map_err(|err| failed(&anchors_path, err))?;
    let mut wal = log.as_os_str().to_owned();
    wal.push("-wal");
    let wal = PathBuf::from(wal);
    if !wal.exists() {
        let found = open(&at_rest(log), log)
            .and_then(|connection| look(&connection, anchors.as_ref()))
            .map_err(|err| err.at(log));
        // Somebody who opened it meanwhile may have changed what was being read.
        if !wal.exists() {
            return found;
        }
    }
    open(log, log)
        .and_then(|connection| look(&connection, anchors.as_ref()))
        .map_err(|err| err.at(log))
}

fn open(name: &Path, log: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection =
        Connection::open_with_flags(name, flags).map_err(|err| StoreError::open(log, err))?;
    connection
        .busy_timeout(schema::BUSY_TIMEOUT)
        .map_err(|err| StoreError::open(log, err))?;
    Ok(connection)
}

/// Returns the name under which SQLite reads a file without making any beside it
/// (<https://sqlite.org/uri.html>).
fn at_rest(log: &Path) -> PathBuf {
    let Some(text) = log.to_str() else {
        return log.to_owned();
    };
    let mut name = OsString::from("file:");
    for c in text.chars() {
        match c {
            '%' => name.push("%25"),
            '?' => name.push("%3f"),
            '#' => name.push("%23"),
            c => name.push(c.encode_utf8(&mut [0; 4])),
        }
    }
    name.push("?immutable=1");
    PathBuf::from(name)
}
