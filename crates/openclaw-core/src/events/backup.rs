//! The whole log in one file, made while others write to it.
//!
//! A backup is the database itself, copied at one moment, with the anchors in a table of it in the
//! form of SQLite's own archives (`sqlar`), so that any SQLite tool can open and unpack it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use uuid::Uuid;

use super::Position;
use super::anchors::{Access, Anchors};
use super::audit::AuditEntry;
use super::error::StoreError;
use super::report::Report;
use super::rows::last_position;
use super::schema::{self, anchor_all};
use super::store::EventStore;
use super::verify::{failed, verify};
use crate::state_dir::{private_file, publish, sync_folder};

/// The name of the anchors in a backup.
const ANCHORS: &str = "anchors";

/// The endings of the files that make up a log.
const PARTS: [&str; 7] = [
    "",
    "-wal",
    "-shm",
    "-anchors",
    "-cache",
    "-cache-wal",
    "-cache-shm",
];

/// What a backup has in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupSummary {
    /// The file.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The last position of the log that it has.
    pub position: Position,
    /// What the check of it came to.
    pub report: Report,
}

/// Why there is no backup, or none that could be put back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be used.
    #[error("cannot use `{path}`: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Arc<io::Error>,
    },
    /// There is a file of that name.
    #[error("`{0}` exists already; name another file")]
    Exists(PathBuf),
    /// The file is a log, but not a backup of one.
    #[error("`{0}` is no backup")]
    NoBackup(PathBuf),
    /// The backup is not what was backed up.
    #[error("the backup `{path}` was changed{}", first_of(report))]
    Changed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        report: Box<Report>,
    },
    /// Somebody uses the log that is to be replaced.
    #[error("the event log `{0}` is in use; stop the gateway first")]
    InUse(PathBuf),
    /// The log itself is in the way.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BackupError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> crate::kind::Kind {
        use crate::kind::Kind;
        match self {
            Self::File { .. } => Kind::Unavailable,
            Self::Exists(_) => Kind::Conflict,
            Self::NoBackup(_) | Self::Changed { .. } => Kind::Invalid,
            Self::InUse(_) => Kind::Busy,
            Self::Store(err) => err.kind(),
        }
    }
}

impl EventStore {
    /// Writes a backup to `file`, which must not exist, and checks it.
    ///
    /// It has what was recorded when the call began; others go on writing meanwhile.
    pub async fn backup(&self, file: &Path) -> Result<BackupSummary, BackupError> {
        if file.exists() {
            return Err(BackupError::Exists(file.to_owned()));
        }
        let draft = format!(".{}.partial", Uuid::new_v4());
        let (log, partial) = (self.path().to_owned(), beside(file, &draft));
        let made = {
            let partial = partial.clone();
            self.query(move |connection| Ok(write(connection, &log, &partial)))
                .await?
        };
        if let Err(err) = made {
            // Half a backup is none.
            drop(fs::remove_file(&partial));
            return Err(err);
        }
        let summary = {
            let (partial, file) = (partial.clone(), file.to_owned());
            self.query(move |_| Ok(finish(&partial, &file))).await?
        };
        let summary = match summary {
            Ok(summary) => summary,
            Err(err) => {
                drop(fs::remove_file(&partial));
                return Err(err);
            }
        };
        self.audit(AuditEntry::BackupCreated {
            file: file.to_owned(),
            position: summary.position,
        })
        .await?;
        Ok(summary)
    }
}

fn write(connection: &Connection, log: &Path, partial: &Path) -> Result<(), BackupError> {
    let io = |source| file_error(partial, source);
    // Made by us first, so that nobody else can read it at any time.
    private_file(partial).map_err(io)?;
    let name = partial.to_str().ok_or_else(|| {
        io(io::Error::new(
            io::ErrorKind::InvalidFilename,
            "the name is not UTF-8",
        ))
    })?;
    connection
        .execute("VACUUM INTO ?1", [name])
        .map_err(|err| StoreError::read(err).at(partial))?;
    let copy = Connection::open(partial).map_err(|err| StoreError::open(partial, err))?;
    let anchors_path = Anchors::path(log);
    let anchors = Anchors::open(&anchors_path, Access::Read)
        .and_then(|anchors| {
            let last = last_position(&copy).map_err(io::Error::other)?;
            anchors.map(|anchors| anchors.copy(last)).transpose()
        })
        .map_err(|err| failed(&anchors_path, err))?;
    let archive = |err| StoreError::write(err).at(partial);
    copy.execute_batch(
        "CREATE TABLE sqlar (name TEXT PRIMARY KEY, mode INT, mtime INT, sz INT, data BLOB)",
    )
    .map_err(archive)?;
    if let Some(anchors) = anchors {
        let size = i64::try_from(anchors.len()).unwrap_or(i64::MAX);
        copy.execute(
            "INSERT INTO sqlar VALUES (?1, 384, unixepoch(), ?2, ?3)",
            params![ANCHORS, size, anchors],
        )
        .map_err(archive)?;
    }
    drop(copy);
    sync(partial).map_err(io)
}

fn finish(partial: &Path, file: &Path) -> Result<BackupSummary, BackupError> {
    let mut summary = verify_backup(partial, |_, _| {})?;
    // Never over a file that somebody made meanwhile.
    publish(partial, file).map_err(|err| file_error(file, err))?;
    file.clone_into(&mut summary.file);
    Ok(summary)
}

/// Checks a backup as [`EventStore::verify`] checks the log.
pub fn verify_backup(
    file: &Path,
    progress: impl FnMut(u64, u64),
) -> Result<BackupSummary, BackupError> {
    let bytes = fs::metadata(file)
        .map_err(|err| file_error(file, err))?
        .len();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(file, flags).map_err(|err| StoreError::open(file, err))?;
    schema::check_version(&connection, file)?;
    let anchors = anchors_of(&connection, file)?;
    let anchors = match anchors {
        Some(bytes) => Anchors::from_copy(bytes).map_err(|err| failed(file, err))?,
        None => None,
    };
    let report = verify(&connection, anchors.as_ref(), progress).map_err(|err| err.at(file))?;
    Ok(BackupSummary {
        file: file.to_owned(),
        bytes,
        position: last_position(&connection).map_err(|err| err.at(file))?,
        report,
    })
}

fn anchors_of(connection: &Connection, file: &Path) -> Result<Option<Vec<u8>>, BackupError> {
    let read = |err| StoreError::read(err).at(file);
    let archive: bool = connection
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'sqlar')",
            [],
            |row| row.get(0),
        )
        .map_err(read)?;
    if !archive {
        return Err(BackupError::NoBackup(file.to_owned()));
    }
    Ok(connection
        .query_row("SELECT data FROM sqlar WHERE name = ?1", [ANCHORS], |row| {
            row.get(0)
        })
        .optional()
        .map_err(read)?)
}

/// Puts a backup in the place of the log at `log`.
///
/// Only a backup without findings is put back. What was there is kept beside it under the name
/// that is returned, if there was anything.
pub async fn restore_backup(
    file: &Path,
    log: &Path,
) -> Result<(BackupSummary, Option<PathBuf>), BackupError> {
    let (summary, kept) = {
        let (file, log) = (file.to_owned(), log.to_owned());
        tokio::task::spawn_blocking(move || restore(&file, &log))
            .await
            .map_err(|_panicked| BackupError::Store(StoreError::Closed))??
    };
    let store = EventStore::open(log)?;
    store
        .audit(AuditEntry::BackupRestored {
            file: file.to_owned(),
            position: summary.position,
        })
        .await?;
    Ok((summary, kept))
}

fn restore(file: &Path, log: &Path) -> Result<(BackupSummary, Option<PathBuf>), BackupError> {
    let summary = verify_backup(file, |_, _| {})?;
    if !summary.report.intact {
        return Err(BackupError::Changed {
            path: file.to_owned(),
            report: Box::new(summary.report),
        });
    }
    let partial = beside(log, ".restored");
    let io = |source| file_error(&partial, source);
    if let Some(folder) = log.parent() {
        crate::state_dir::private_dir(folder).map_err(io)?;
    }
    let lock = lock_file(log).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(BackupError::InUse(log.to_owned())),
        Err(TryLockError::Error(err)) => return Err(io(err)),
    }
    drop(fs::remove_file(&partial));
    if let Err(err) = unpack(file, &partial) {
        // On a full disk, what is left of it would keep the disk full.
        drop(fs::remove_file(&partial));
        drop(fs::remove_file(Anchors::path(&partial)));
        return Err(err);
    }
    let kept = set_aside(log)?;
    let anchors = (Anchors::path(&partial), Anchors::path(log));
    fs::rename(&anchors.0, &anchors.1).map_err(io)?;
    fs::rename(&partial, log).map_err(io)?;
    sync_folder(log).map_err(io)?;
    Ok((summary, kept))
}

/// Writes the log that is in a backup to `partial`.
fn unpack(file: &Path, partial: &Path) -> Result<(), BackupError> {
    let io = |source| file_error(partial, source);
    let mut to = private_file(partial).map_err(io)?;
    let mut from = File::open(file).map_err(|err| file_error(file, err))?;
    io::copy(&mut from, &mut to).map_err(io)?;
    drop(to);
    let copy = Connection::open(partial).map_err(|err| StoreError::open(partial, err))?;
    copy.execute_batch("DROP TABLE sqlar")
        .map_err(|err| StoreError::write(err).at(partial))?;
    anchor_all(&copy, partial)?;
    drop(copy);
    sync(partial).map_err(io)
}

/// Moves the files of a log that nobody uses out of the way.
fn set_aside(log: &Path) -> Result<Option<PathBuf>, BackupError> {
    if !log.exists() {
        return Ok(None);
    }
    let name = (1..=u32::MAX)
        .map(|n| beside(log, &format!(".replaced-{n}")))
        .find(|name| !name.exists())
        .unwrap_or_else(|| beside(log, ".replaced"));
    for part in PARTS {
        let (from, to) = (beside(log, part), beside(&name, part));
        match fs::rename(&from, &to) {
            Ok(()) => {}
            Err(err) if err.kind() == io::ErrorKind::NotFound => {}
            Err(err) => return Err(file_error(&from, err)),
        }
    }
    Ok(Some(name))
}

/// Opens the file whose lock everybody shares who has the log open, and which a restore has alone.
pub(super) fn lock_file(log: &Path) -> io::Result<File> {
    let path = beside(log, "-lock");
    match private_file(&path) {
        Ok(file) => Ok(file),
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
            OpenOptions::new().write(true).open(&path)
        }
        Err(err) => Err(err),
    }
}

/// Says where the first finding is and what is wrong there.
fn first_of(report: &Report) -> String {
    report.findings.first().map_or_else(String::new, |first| {
        format!(", position {}: {}", first.position, first.what)
    })
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn sync(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.sync_all()
}

fn file_error(path: &Path, source: io::Error) -> BackupError {
    BackupError::File {
        path: path.to_owned(),
        source: Arc::new(source),
    }
}
