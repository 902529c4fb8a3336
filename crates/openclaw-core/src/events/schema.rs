//! The event log's place on disk: an SQLite database in WAL mode.
//!
//! `PRAGMA user_version` counts the migrations that a file has seen. Rows of `events` are never
//! updated; `sessions` holds each session's head and lease, and changes in the same transaction.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::StoreError;

/// `application_id` of our files, so that a foreign database is never written to ("OCRS").
const APPLICATION_ID: i32 = 0x4f43_5253;

/// How long a statement waits for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Each entry brings a file from the version of its index to the next.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE sessions (
        id          INTEGER PRIMARY KEY,
        key         TEXT    NOT NULL UNIQUE,
        head        INTEGER NOT NULL,           -- seq of the last event, 0 when there is none
        started_ms  INTEGER NOT NULL,
        updated_ms  INTEGER NOT NULL,
        ended       INTEGER NOT NULL DEFAULT 0, -- 1 when the last SessionEnded has no later start
        owner       TEXT,                       -- lease: who runs the session now
        fence       INTEGER NOT NULL DEFAULT 0  -- lease: counts the owners
    ) STRICT;
    CREATE INDEX sessions_updated ON sessions (updated_ms DESC, id DESC);
    CREATE TABLE events (
        position    INTEGER PRIMARY KEY AUTOINCREMENT,
        session_id  INTEGER NOT NULL REFERENCES sessions (id),
        seq         INTEGER NOT NULL,
        time_ms     INTEGER NOT NULL,
        cause       INTEGER,
        run_id      TEXT,
        step        INTEGER,
        call_id     TEXT,
        kind        TEXT    NOT NULL,
        data        TEXT    NOT NULL,
        payload     TEXT,
        raw         TEXT,
        hash        BLOB,                       -- reserved for the chain of hashes
        UNIQUE (session_id, seq)
    ) STRICT;
"];

/// Opens the file for the writer, making or migrating it as needed.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path).map_err(|err| StoreError::open(path, err))?;
    prepare(&mut connection, path)?;
    Ok(connection)
}

/// Opens the file for reading only.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|err| StoreError::open(path, err))?;
    connection
        .busy_timeout(BUSY_TIMEOUT)
        .and_then(|()| connection.pragma_update(None, "cache_size", -512))
        .map_err(|err| StoreError::open(path, err))?;
    Ok(connection)
}

fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let open = |err| StoreError::open(path, err);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(open)?;
    let version = check_version(connection, path)?;
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .map_err(open)?;
    // FULL syncs the WAL at every commit: what append has acknowledged survives a power loss.
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(open)?;
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(open)?;
    connection
        .pragma_update(None, "cache_size", -1024)
        .map_err(open)?;
    if version < MIGRATIONS.len() {
        migrate(connection, path)?;
    }
    Ok(())
}

/// Returns the file's version; refuses a foreign database and one from a later version of this program.
fn check_version(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let pragma = |name: &str| -> Result<i32, StoreError> {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(|err| StoreError::open(path, err))
    };
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|err| StoreError::open(path, err))?;
    let ours = application == APPLICATION_ID || (application == 0 && version == 0 && tables == 0);
    if !ours {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
        });
    }
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > MIGRATIONS.len() {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: version,
            known: MIGRATIONS.len(),
        });
    }
    Ok(version)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let open = |err| StoreError::open(path, err);
    // Two processes may start at once; the second finds the work done.
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(open)?;
    let done = check_version(&transaction, path)?;
    for (version, statements) in MIGRATIONS.iter().enumerate().skip(done) {
        transaction.execute_batch(statements).map_err(open)?;
        let reached = i64::try_from(version.saturating_add(1)).unwrap_or(i64::MAX);
        transaction
            .pragma_update(None, "user_version", reached)
            .map_err(open)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(open)?;
    transaction.commit().map_err(open)
}
