//! The cache's place on disk: an SQLite database of its own, beside the log's.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, TransactionBehavior, params};

use crate::events::Position;
use crate::events::error::StoreError;
use crate::events::hash::EventHash;
use crate::events::rows::{hash, sql_integer, unsigned};
use crate::events::schema::{BUSY_TIMEOUT, CHECKPOINT, open_reader, use_wal};
use crate::events::store::restrict;
use crate::state_dir::private_file;

/// `application_id` of these files ("OCRC").
const APPLICATION_ID: i32 = 0x4f43_5243;

/// Counts the forms that the file has had, and what of an event it has held; a file of another
/// one is thrown away.
///
/// 2: what a model says with its tool calls can be found.
const VERSION: i32 = 2;

/// What there is for each event and session. `text` has the event's position as its rowid, and
/// the event's session and kind as words in `tags`, so that they narrow a search at no cost.
/// The sizes of columns would serve to rank what was found, which nobody does.
const TABLES: &str = "
    CREATE TABLE meta (
        id      INTEGER PRIMARY KEY CHECK (id = 1),
        cursor  INTEGER NOT NULL,  -- the last position of the log that was taken in
        hash    BLOB    NOT NULL,  -- of the event there: it tells one log from another
        purge   INTEGER NOT NULL   -- what has to be done after a deletion
    ) STRICT;
    CREATE VIRTUAL TABLE text USING fts5(
        tags, body, columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
    );
    CREATE TABLE snapshots (
        session_id  INTEGER PRIMARY KEY,
        seq         INTEGER NOT NULL,  -- the last event that it has taken in
        hash        BLOB    NOT NULL,  -- of that event, and so of all before it
        data        TEXT    NOT NULL
    ) STRICT;
";

/// Why something did not work; what is wrong with the cache can be mended by making it anew.
#[derive(Debug)]
pub(super) enum Failure {
    Cache(rusqlite::Error),
    Log(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(err: rusqlite::Error) -> Self {
        Self::Cache(err)
    }
}

impl From<StoreError> for Failure {
    fn from(err: StoreError) -> Self {
        Self::Log(err)
    }
}

/// The cache and the log, both open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) cache: Connection,
    pub(super) log: Connection,
    pub(super) used: Instant,
    file: Option<FileId>,
}

impl Open {
    pub(super) fn new(path: &Path, log: &Path) -> Result<Self, Failure> {
        let log = open_reader(log)?;
        let cache = open_cache(path)?;
        Ok(Self {
            cache,
            log,
            used: Instant::now(),
            file: file_id(path),
        })
    }

    /// Tells whether the file is still the one under that name.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        self.file.is_some() && self.file == file_id(path)
    }

    /// Closes a file that somebody has deleted, and leaves alone what has its name now.
    pub(super) fn abandon(self) {
        // SQLite would delete the write-ahead log of the new file in place of its own.
        let kept = self
            .cache
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        if let Err(err) = kept {
            tracing::warn!(%err, "a deleted cache of the event log cannot be left alone");
        }
    }
}

/// What tells a file from another one under the same name.
type FileId = (u64, u64);

fn file_id(path: &Path) -> Option<FileId> {
    fs::metadata(path).ok().map(|file| identity(&file))
}

#[cfg(unix)]
fn identity(file: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    (file.dev(), file.ino())
}

/// Elsewhere a file that is open cannot be deleted.
#[cfg(not(unix))]
const fn identity(_: &Metadata) -> FileId {
    (0, 0)
}

/// Returns the error of a file that is in order and of no use all the same.
pub(super) fn unfit(reason: &str) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    rusqlite::Error::SqliteFailure(code, Some(reason.to_owned()))
}

/// Tells whether the file has to be made anew.
pub(super) fn is_damage(err: &rusqlite::Error) -> bool {
    matches!(
        err.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Tells whether the tables may be others than when the file was opened.
pub(super) fn is_change(err: &rusqlite::Error) -> bool {
    matches!(
        err.sqlite_error_code(),
        Some(ErrorCode::Unknown | ErrorCode::SchemaChanged)
    )
}

fn open_cache(path: &Path) -> Result<Connection, Failure> {
    let in_folder = |source| StoreError::Folder {
        path: path.parent().unwrap_or(path).to_owned(),
        source: Arc::new(source),
    };
    // SQLite gives its files beside this one the same mode.
    match private_file(path) {
        Ok(_) => {}
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
        Err(err) => return Err(in_folder(err).into()),
    }
    restrict(path).map_err(in_folder)?;
    let mut connection = connect(path)?;
    match state(&connection)? {
        State::Ours => {}
        State::Empty => create(&mut connection)?,
        State::Other => return Err(unfit("it is of another version").into()),
    }
    Ok(connection)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    use_wal(&connection)?;
    // What a power loss takes is taken in again.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
    connection.pragma_update(None, "cache_size", -512)?;
    // What is deleted leaves no trace in the pages that become free.
    connection.pragma_update(None, "secure_delete", true)?;
    Ok(connection)
}

enum State {
    Ours,
    Empty,
    Other,
}

fn state(connection: &Connection) -> rusqlite::Result<State> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (pragma("application_id")?, pragma("user_version")?) {
        (APPLICATION_ID, VERSION) => State::Ours,
        (0, 0) if tables == 0 => State::Empty,
        _ => State::Other,
    })
}

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been first.
    if let State::Empty = state(&transaction)? {
        transaction.execute_batch(TABLES)?;
        Meta::default().insert(&transaction)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.commit()
}

/// Empties the file, whatever is in it.
///
/// The file is not deleted: another process may have it open, and would go on with a file that
/// nobody else sees.
pub(super) fn reset(path: &Path) -> Result<(), Failure> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, true)?;
    connection.execute_batch("VACUUM")?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, false)?;
    // What was in it may have been deleted from the log meanwhile.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// How far the cache is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) cursor: Position,
    pub(super) hash: EventHash,
    pub(super) purge: Purge,
}

/// What has to be done after a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purge {
    /// Nothing.
    Done,
    /// The index has to be written anew.
    Asked,
    /// That has begun.
    Begun,
}

impl Default for Meta {
    fn default() -> Self {
        Self {
            cursor: 0,
            hash: EventHash::START,
            purge: Purge::Done,
        }
    }
}

impl Meta {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        connection
            .prepare_cached("SELECT cursor, hash, purge FROM meta")?
            .query_row([], |row| {
                Ok(Self {
                    cursor: unsigned(row.get(0)?),
                    hash: hash(row, 1)?,
                    purge: match row.get::<_, i64>(2)? {
                        0 => Purge::Done,
                        1 => Purge::Asked,
                        _ => Purge::Begun,
                    },
                })
            })
    }

    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .execute(
                "INSERT INTO meta (id, cursor, hash, purge) VALUES (1, ?1, ?2, ?3)",
                params![sql_integer(self.cursor), self.hash.as_bytes(), self.purge()],
            )
            .map(drop)
    }

    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached("UPDATE meta SET cursor = ?1, hash = ?2, purge = ?3")?
            .execute(params![
                sql_integer(self.cursor),
                self.hash.as_bytes(),
                self.purge()
            ])
            .map(drop)
    }

    const fn purge(&self) -> i64 {
        match self.purge {
            Purge::Done => 0,
            Purge::Asked => 1,
            Purge::Begun => 2,
        }
    }

    /// Tells whether what was taken in comes from this log, as far as it goes.
    pub(super) fn is_of(&self, log: &Connection) -> Result<bool, StoreError> {
        Ok(self.cursor == 0 || hash_at(log, self.cursor)? == Some(self.hash))
    }
}

/// Returns the hash of the event at a position of the log.
pub(super) fn hash_at(
    log: &Connection,
    position: Position,
) -> Result<Option<EventHash>, StoreError> {
    log.prepare_cached("SELECT hash FROM events WHERE position = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([sql_integer(position)], |row| hash(row, 0))
                .optional()
        })
        .map_err(StoreError::read)
}
