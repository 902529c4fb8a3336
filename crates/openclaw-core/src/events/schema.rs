//! The event log's place on disk: an SQLite database in WAL mode.
//!
//! `PRAGMA user_version` counts the migrations that a file has seen. Rows of `events` are never
//! changed, but for a deletion, which empties them; `sessions` holds each session's head and
//! lease, and changes in the same transaction.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};

use super::Position;
use super::anchors::{Anchor, Anchors, State};
use super::error::StoreError;
use super::gate;
use super::hash::EventHash;
use super::rows::{COLUMNS, Stored, hash, sql_integer, unsigned};
use super::spending;
use super::verify::failed;

/// `application_id` of our files, so that a foreign database is never written to ("OCRS").
const APPLICATION_ID: i32 = 0x4f43_5253;

/// How long a statement waits for another process that is writing.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// After how many pages the write-ahead log is taken into the database (16 MB). An append that
/// does that is slow in a large log, and with fewer pages it would be more than one in a hundred.
pub(super) const CHECKPOINT: u32 = 4000;

/// How long it pauses between two tries where SQLite does not wait.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// How many events are anchored at a time when all are.
const ANCHOR_PAGE: u32 = 1024;

/// A step from one version of a file to the next.
struct Migration {
    statements: &'static str,
    /// What SQL alone cannot do.
    then: Option<Rebuild>,
}

type Rebuild = fn(&Connection, &Path) -> Result<(), StoreError>;

/// Each entry brings a file from the version of its index to the next.
const MIGRATIONS: &[Migration] = &[
    Migration {
        statements: "
    CREATE TABLE sessions (
        id          INTEGER PRIMARY KEY,
        key         TEXT    NOT NULL UNIQUE,
        head        INTEGER NOT NULL,
        started_ms  INTEGER NOT NULL,
        updated_ms  INTEGER NOT NULL,
        ended       INTEGER NOT NULL DEFAULT 0,
        owner       TEXT,
        fence       INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX sessions_updated ON sessions (updated_ms DESC, id DESC);
    CREATE TABLE events (
        position    INTEGER PRIMARY KEY AUTOINCREMENT, -- over all sessions, without gaps
        session_id  INTEGER NOT NULL REFERENCES sessions (id),
        seq         INTEGER NOT NULL,                  -- in the session, without gaps
        time_ms     INTEGER NOT NULL,
        cause       INTEGER,
        run_id      TEXT,
        step        INTEGER,
        call_id     TEXT,
        kind        TEXT    NOT NULL,                  -- empty when the event was deleted
        data        TEXT    NOT NULL,
        payload     TEXT,
        raw         TEXT,
        hash        BLOB,                              -- over the fields and the hash before
        UNIQUE (session_id, seq)
    ) STRICT;
",
        then: None,
    },
    Migration {
        statements: "
    CREATE TABLE sessions_2 (
        id          INTEGER PRIMARY KEY,
        key         TEXT    NOT NULL,
        head        INTEGER NOT NULL,           -- seq of the last event, 0 when there is none
        head_hash   BLOB    NOT NULL DEFAULT (zeroblob(32)),
        started_ms  INTEGER NOT NULL,
        updated_ms  INTEGER NOT NULL,
        ended       INTEGER NOT NULL DEFAULT 0, -- 1 when the last SessionEnded has no later start
        owner       TEXT,                       -- lease: who runs the session now
        fence       INTEGER NOT NULL DEFAULT 0, -- lease: counts the owners
        parent      INTEGER REFERENCES sessions (id), -- whose first events it shares
        parent_seq  INTEGER NOT NULL DEFAULT 0, -- how many they are
        deleted     INTEGER NOT NULL DEFAULT 0, -- 1 when it is gone and its key is free
        system      INTEGER NOT NULL DEFAULT 0  -- 1 when it belongs to the log itself
    ) STRICT;
    INSERT INTO sessions_2 (id, key, head, started_ms, updated_ms, ended, owner, fence)
        SELECT id, key, head, started_ms, updated_ms, ended, owner, fence FROM sessions;
    DROP TABLE sessions;
    ALTER TABLE sessions_2 RENAME TO sessions;
    CREATE UNIQUE INDEX sessions_key ON sessions (key) WHERE deleted = 0;
    CREATE INDEX sessions_updated ON sessions (updated_ms DESC, id DESC) WHERE deleted = 0 AND system = 0;
    CREATE INDEX sessions_parent ON sessions (parent) WHERE parent IS NOT NULL;
    CREATE TABLE idempotency (
        session_id  INTEGER NOT NULL REFERENCES sessions (id),
        key         TEXT    NOT NULL,
        first       INTEGER NOT NULL,           -- seq of the first event that was recorded under it
        last        INTEGER NOT NULL,
        digest      BLOB    NOT NULL,           -- over what was asked to be recorded
        PRIMARY KEY (session_id, key)
    ) STRICT, WITHOUT ROWID;
",
        then: Some(chain),
    },
    Migration {
        statements: spending::TABLES,
        then: Some(sum_up),
    },
    Migration {
        statements: spending::SPENT,
        then: None,
    },
    Migration {
        statements: gate::TABLES,
        then: Some(take_in),
    },
    Migration {
        statements: gate::WATCHES,
        then: None,
    },
];

/// The version that this program brings every file to.
pub(super) const VERSION: usize = MIGRATIONS.len();

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
        .and_then(|()| keep_plans(&connection))
        .map_err(|err| StoreError::open(path, err))?;
    Ok(connection)
}

/// How many statements a connection keeps prepared: more than there are, since one that has to make
/// room for another is prepared anew each time, which costs more than to run it.
const STATEMENTS: usize = 128;

/// Lets a statement be prepared once, and planned once: otherwise SQLite plans it again for each
/// value that is bound in a range, which costs more than most of our queries.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(|_on| ())
}

fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let open = |err| StoreError::open(path, err);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(open)?;
    keep_plans(connection).map_err(open)?;
    let version = check_version(connection, path)?;
    use_wal(connection).map_err(open)?;
    // FULL syncs the WAL at every commit: what append has acknowledged survives a power loss.
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(open)?;
    connection
        .pragma_update(None, "cache_size", -1024)
        .map_err(open)?;
    connection
        .pragma_update(None, "wal_autocheckpoint", CHECKPOINT)
        .map_err(open)?;
    // What is deleted leaves no trace in the pages that become free.
    connection
        .pragma_update(None, "secure_delete", true)
        .map_err(open)?;
    // A migration rebuilds tables that others refer to.
    connection
        .pragma_update(None, "foreign_keys", false)
        .map_err(open)?;
    if version < MIGRATIONS.len() {
        migrate(connection, path)?;
    }
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(open)
}

/// Switches a new file to WAL; SQLite does not wait by itself when others do the same right now.
pub(super) fn use_wal(connection: &Connection) -> rusqlite::Result<()> {
    let until = Instant::now() + BUSY_TIMEOUT;
    loop {
        let switched = connection.pragma_update(None, "journal_mode", "WAL");
        let busy = switched
            .as_ref()
            .is_err_and(|err| err.sqlite_error_code() == Some(ErrorCode::DatabaseBusy));
        if !busy || Instant::now() >= until {
            return switched;
        }
        thread::park_timeout(BUSY_PAUSE);
    }
}

/// Returns the file's version; refuses a foreign database and one from a later version of this program.
pub(super) fn check_version(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    // One look, because another process may be making the log just now.
    let (tables, application, version): (i64, i32, i32) = connection
        .query_row(
            "SELECT (SELECT count(*) FROM sqlite_schema),
                (SELECT application_id FROM pragma_application_id),
                (SELECT user_version FROM pragma_user_version)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
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

/// Tells whether the file has ever been a log; an empty one has not.
pub(super) fn has_events(connection: &Connection) -> Result<bool, StoreError> {
    connection
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'events')",
            [],
            |row| row.get(0),
        )
        .map_err(StoreError::read)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let open = |err| StoreError::open(path, err);
    // Two processes may start at once; the second finds the work done.
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(open)?;
    let done = check_version(&transaction, path)?;
    for (version, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        transaction
            .execute_batch(migration.statements)
            .map_err(open)?;
        if let Some(then) = migration.then {
            then(&transaction, path)?;
        }
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

/// Tells whether the file has the tables, indexes and nothing else that the migrations make which
/// it has seen; a backup may be of an earlier version.
pub(super) fn is_as_made(connection: &Connection) -> Result<bool, StoreError> {
    let made = Connection::open_in_memory().map_err(StoreError::read)?;
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(StoreError::read)?;
    let seen = usize::try_from(version).unwrap_or_default();
    for migration in MIGRATIONS.iter().take(seen) {
        made.execute_batch(migration.statements)
            .map_err(StoreError::read)?;
    }
    Ok(objects(&made)? == objects(connection)?)
}

/// Returns what a database has in it, but for the archive of a backup.
fn objects(connection: &Connection) -> Result<Vec<(String, String, Option<String>)>, StoreError> {
    connection
        .prepare(
            "SELECT type, name, sql FROM sqlite_schema
             WHERE tbl_name NOT IN ('sqlar', 'sqlite_sequence') ORDER BY type, name",
        )
        .and_then(|mut statement| {
            statement
                .query_map([], |row| {
                    let sql: Option<String> = row.get(2)?;
                    Ok((
                        row.get(0)?,
                        row.get(1)?,
                        sql.as_deref().map(without_comments),
                    ))
                })?
                .collect()
        })
        .map_err(StoreError::read)
}

/// Comments and line breaks may differ from version to version.
fn without_comments(sql: &str) -> String {
    let words = sql.lines().flat_map(|line| {
        line.split("--")
            .next()
            .unwrap_or_default()
            .split_whitespace()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Gives every event its hash and its anchor.
fn chain(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let open = |err| StoreError::open(path, err);
    let mut sessions = connection
        .prepare("SELECT id FROM sessions")
        .map_err(open)?;
    let ids: Vec<i64> = sessions
        .query_map([], |row| row.get(0))
        .and_then(Iterator::collect)
        .map_err(open)?;
    for id in ids {
        let mut hash = EventHash::START;
        let mut events = connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM events e WHERE e.session_id = ?1 ORDER BY e.seq"
            ))
            .map_err(open)?;
        let mut rows = events.query([id]).map_err(open)?;
        while let Some(row) = rows.next().map_err(open)? {
            let stored = Stored::of(row).map_err(open)?;
            hash = stored.record.hash(&hash);
            connection
                .prepare_cached("UPDATE events SET hash = ?2 WHERE position = ?1")
                .and_then(|mut update| {
                    update.execute(params![sql_integer(stored.position), hash.as_bytes()])
                })
                .map_err(open)?;
        }
        connection
            .execute(
                "UPDATE sessions SET head_hash = ?2 WHERE id = ?1",
                params![id, hash.as_bytes()],
            )
            .map_err(open)?;
    }
    anchor_all(connection, path)
}

/// Sums up what the calls of models took that are recorded.
fn sum_up(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    spending::rebuild(connection).map_err(|err| err.at(path))
}

/// Takes in what is recorded about approvals and files.
fn take_in(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    gate::rebuild(connection).map_err(|err| err.at(path))
}

/// Writes the anchors of all events.
///
/// Anchors of further events stay: they may be all that is left of them.
pub(super) fn anchor_all(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    write_anchors(connection, path).map(drop)
}

/// Writes the anchors of all events anew, and takes away those of further events.
pub(super) fn anchor_anew(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let (anchors, last) = write_anchors(connection, path)?;
    anchors
        .cut_after(last)
        .map_err(|err| failed(&Anchors::path(path), err))
}

fn write_anchors(connection: &Connection, path: &Path) -> Result<(Anchors, Position), StoreError> {
    let anchors_path = Anchors::path(path);
    let file = |source| StoreError::Anchors {
        path: anchors_path.clone(),
        source: Arc::new(source),
    };
    let mut anchors = Anchors::create(&anchors_path).map_err(file)?;
    let mut after = 0;
    loop {
        let page = anchors_after(connection, after, ANCHOR_PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.position;
        anchors.write(&page, State::Confirmed).map_err(file)?;
    }
    anchors.sync().map_err(file)?;
    Ok((anchors, after))
}

/// Returns what is to be anchored of the next events after a position.
pub(super) fn anchors_after(
    connection: &Connection,
    after: Position,
    limit: u32,
) -> Result<Vec<Anchor>, StoreError> {
    connection
        .prepare_cached(
            "SELECT e.position, s.key, e.seq, e.hash
             FROM events e JOIN sessions s ON s.id = e.session_id
             WHERE e.position > ?1 ORDER BY e.position LIMIT ?2",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![sql_integer(after), limit], |row| {
                    Ok(Anchor {
                        position: unsigned(row.get(0)?),
                        session: row.get(1)?,
                        seq: row.get(2)?,
                        hash: hash(row, 3)?,
                    })
                })?
                .collect()
        })
        .map_err(StoreError::read)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_log_that_another_process_is_making_is_not_taken_for_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.sqlite");
        let maker = Connection::open(&path).unwrap();
        maker
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")
            .unwrap();
        let make = format!(
            "BEGIN; CREATE TABLE t(a); PRAGMA user_version = 1; \
             PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
        );
        let unmake = "BEGIN; DROP TABLE t; PRAGMA user_version = 0; \
                      PRAGMA application_id = 0; COMMIT;";
        thread::scope(|threads| {
            let reader = threads.spawn(|| {
                let connection = Connection::open(&path).unwrap();
                for _ in 0..20_000 {
                    check_version(&connection, &path).unwrap();
                }
            });
            while !reader.is_finished() {
                maker.execute_batch(&make).unwrap();
                maker.execute_batch(unmake).unwrap();
            }
            reader.join().unwrap();
        });
    }
}
