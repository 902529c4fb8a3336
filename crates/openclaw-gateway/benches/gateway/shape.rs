//! What a turn leaves in the gateway's log: how many events, in which commits.
//!
//! It is read from the write-ahead log, whose frames say where each commit ends: cut off behind a
//! commit, the log is what it was then.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

/// The sizes of the file's header, and of the header of a frame (sqlite.org/fileformat2.html).
const HEADER: usize = 32;
const FRAME: usize = 24;

/// Returns the position of the last event.
pub(crate) fn last_position(log: &Path) -> u64 {
    let connection = Connection::open(log).unwrap();
    last_of(&connection)
}

/// Returns how many events each commit has recorded since a position; those without any are left
/// out.
pub(crate) fn commits_after(log: &Path, position: u64) -> Vec<u64> {
    let (database, wal) = (fs::read(log).unwrap(), fs::read(wal_of(log)).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.sqlite");
    let mut positions = Vec::new();
    for end in commits(&wal).into_iter().rev() {
        fs::write(&copy, &database).unwrap();
        fs::write(wal_of(&copy), &wal[..end]).unwrap();
        let last = last_of(&Connection::open(&copy).unwrap());
        positions.push(last);
        if last <= position {
            break;
        }
    }
    positions.reverse();
    assert_eq!(
        positions.first(),
        Some(&position),
        "the turn begins in an earlier file"
    );
    let steps = positions.iter().zip(positions.iter().skip(1));
    steps
        .map(|(before, after)| after - before)
        .filter(|events| *events > 0)
        .collect()
}

fn last_of(connection: &Connection) -> u64 {
    let last: i64 = connection
        .query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| {
            row.get(0)
        })
        .unwrap();
    last.try_into().unwrap()
}

fn wal_of(log: &Path) -> std::path::PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Returns where each commit of a write-ahead log ends.
fn commits(wal: &[u8]) -> Vec<usize> {
    let number = |at: usize| u32::from_be_bytes(*wal[at..].first_chunk().unwrap());
    let page = usize::try_from(number(8)).unwrap();
    let salt = &wal[16..24];
    let mut ends = Vec::new();
    let mut at = HEADER;
    while at + FRAME + page <= wal.len() {
        // What comes after the last frame is of an earlier round.
        if &wal[at + 8..at + 16] != salt {
            break;
        }
        let pages_then = number(at + 4);
        at += FRAME + page;
        if pages_then > 0 {
            ends.push(at);
        }
    }
    ends
}
