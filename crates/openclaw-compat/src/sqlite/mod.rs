//! A database of OpenClaw's, looked at without leaving a trace.
//!
//! Opening a database in the ordinary way writes: even a reader of a database in WAL mode makes
//! the `-shm` file beside it, and the last one to close it may take the `-wal` file away. So a
//! database that nobody has open is read in place as SQLite's `immutable`, which touches nothing
//! beside it; if it changes meanwhile, what was read is thrown away. A database with a write-ahead
//! log or a rollback journal is copied with it into a private temporary folder and read there. The
//! copy is good when the log beside the original is the same after the copying as before: whatever
//! a checkpoint wrote into the database meanwhile is in that log too.

mod layout;
mod transcripts;
pub(crate) mod zstd;

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::trouble::Fault;

pub(crate) use transcripts::{
    Archive, Listing, Packed, StoredSession, archive_bytes, cold_bytes, hex,
};

/// How often a copy, or a reading in place, is tried while a writer is at work.
const TRIES: u32 = 20;

/// A database that can be read.
#[derive(Debug)]
pub(crate) struct Database {
    file: PathBuf,
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    connection: Connection,
    /// Of a database that is read in place: what it was when it was opened.
    print: Option<Print>,
    /// Of a copy: the folder that it is in, which goes with it.
    _folder: Option<TempDir>,
}

impl Database {
    /// Names a database; whether it can be read shows when it is read.
    pub(crate) fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            open: Mutex::new(None),
        }
    }

    /// Returns the file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the file and what SQLite may have beside it.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> {
        let logs = LOGS.iter().map(|end| beside(&self.file, end));
        std::iter::once(self.file.clone()).chain(logs)
    }

    /// Reads from one state of the database, which no writer changes meanwhile.
    pub(crate) fn read<T>(
        &self,
        work: impl Fn(&Connection) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut slot = self.open.lock();
        for _ in 0..TRIES {
            let open = match slot.take() {
                Some(open) => open,
                None => open(&self.file)?,
            };
            let answer = work(&open.connection);
            let changed = match &open.print {
                Some(print) => Print::of(&self.file)? != *print || has_log(&self.file),
                None => false,
            };
            if !changed {
                *slot = Some(open);
                return answer;
            }
        }
        Err(Fault::Restless)
    }
}

fn open(file: &Path) -> Result<Open, Fault> {
    regular(file)?;
    if !has_log(file) {
        let print = Print::of(file)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(immutable(file), flags)?;
        guard(&connection)?;
        return Ok(Open {
            connection,
            print: Some(print),
            _folder: None,
        });
    }
    let (folder, copy) = copied(file)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(copy, flags)?;
    guard(&connection)?;
    Ok(Open {
        connection,
        print: None,
        _folder: Some(folder),
    })
}

/// Keeps what a database says about itself from doing anything.
fn guard(connection: &Connection) -> Result<(), Fault> {
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(())
}

/// Writes a path as SQLite's URI that opens a file without looking at anything beside it.
fn immutable(file: &Path) -> PathBuf {
    let mut uri = String::from("file:");
    let text = file.to_string_lossy();
    for c in text.chars() {
        match c {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            c => uri.push(c),
        }
    }
    uri.push_str("?immutable=1");
    PathBuf::from(uri)
}

/// Copies a database with what belongs to it.
fn copied(file: &Path) -> Result<(TempDir, PathBuf), Fault> {
    let folder = tempfile::Builder::new().prefix("openclaw-rs-").tempdir()?;
    let copy = folder.path().join("copy.sqlite");
    for _ in 0..TRIES {
        let print = Print::of(file)?;
        let wal = copy_log(file, &copy, "-wal")?;
        let journal = copy_log(file, &copy, "-journal")?;
        copy_bytes(file, &copy)?;
        let same_logs = same_log(&beside(file, "-wal"), wal.as_deref())?
            && same_log(&beside(file, "-journal"), journal.as_deref())?;
        // Without a write-ahead log, whatever changes in the database is seen nowhere else.
        let same_file = Print::of(file)? == print;
        if same_logs && (same_file || wal.is_some()) {
            return Ok((folder, copy));
        }
    }
    Err(Fault::Restless)
}

/// What SQLite has beside a database while there is something in it that the database lacks.
const LOGS: [&str; 2] = ["-wal", "-journal"];

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn has_log(file: &Path) -> bool {
    LOGS.iter()
        .any(|end| fs::metadata(beside(file, end)).is_ok_and(|found| found.len() > 0))
}

/// Copies a log, if there is one, and returns the copy.
fn copy_log(file: &Path, copy: &Path, end: &str) -> io::Result<Option<PathBuf>> {
    let (from, to) = (beside(file, end), beside(copy, end));
    match copy_bytes(&from, &to) {
        Ok(()) => Ok(Some(to)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            // What an earlier try has copied is of no use any more.
            match fs::remove_file(&to) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
                _ => Ok(None),
            }
        }
        Err(err) => Err(err),
    }
}

/// Copies what a file has, and not its permissions: the copy has to be writable.
fn copy_bytes(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut target = File::create(to)?;
    io::copy(&mut source, &mut target).map(drop)
}

/// Tells whether a log is still what was copied of it.
fn same_log(log: &Path, copy: Option<&Path>) -> io::Result<bool> {
    match (File::open(log), copy) {
        (Ok(source), Some(copy)) => same_bytes(source, File::open(copy)?),
        (Ok(source), None) => Ok(source.metadata()?.len() == 0),
        (Err(err), _) if err.kind() == io::ErrorKind::NotFound => Ok(copy.is_none()),
        (Err(err), _) => Err(err),
    }
}

fn same_bytes(mut a: File, mut b: File) -> io::Result<bool> {
    if a.metadata()?.len() != b.metadata()?.len() {
        return Ok(false);
    }
    let (mut ours, mut theirs) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let count = a.read(&mut ours)?;
        let (Some(ours), Some(theirs)) = (ours.get(..count), theirs.get_mut(..count)) else {
            return Ok(false);
        };
        if count == 0 {
            return Ok(b.read(&mut [0])? == 0);
        }
        match b.read_exact(theirs) {
            Ok(()) if ours == theirs => {}
            Err(err) if err.kind() != io::ErrorKind::UnexpectedEof => return Err(err),
            _ => return Ok(false),
        }
    }
}

/// Tells whether a path is a file that can be read to its end; a pipe would never end.
pub(crate) fn regular(file: &Path) -> Result<(), Fault> {
    let found = fs::metadata(file)?;
    if found.is_file() {
        return Ok(());
    }
    Err(Fault::NotAFile(if found.is_dir() {
        "a folder"
    } else {
        "a device, a pipe or a socket"
    }))
}

/// What tells one state of a file from another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Print {
    length: u64,
    modified: Option<std::time::SystemTime>,
    /// SQLite counts changes of the file in its header.
    header: Vec<u8>,
}

impl Print {
    pub(crate) fn of(file: &Path) -> io::Result<Self> {
        let opened = File::open(file)?;
        let found = opened.metadata()?;
        let mut header = Vec::new();
        opened.take(100).read_to_end(&mut header)?;
        Ok(Self {
            length: found.len(),
            modified: found.modified().ok(),
            header,
        })
    }
}

#[cfg(test)]
mod tests;
