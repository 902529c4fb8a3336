//! `logs.tail`: the lines of the log file, from a place in it on.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use openclaw_core::Kind;
use openclaw_core::log_files::LogFiles;
use openclaw_ipc::RpcError;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task;

use super::given::Given;
use crate::rpc::{Rpc, logged};

/// How many lines and bytes an answer has unless asked otherwise, and at most.
const LINES: u64 = 500;
const MOST_LINES: u64 = 5000;
const BYTES: u64 = 250_000;
const MOST_BYTES: u64 = 1_000_000;

/// What somebody asks for.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    /// The place after which lines are new; the end of the file counts back without one.
    cursor: Option<u64>,
    lines: usize,
    bytes: u64,
}

/// A piece of a log file.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Piece {
    file: PathBuf,
    cursor: u64,
    size: u64,
    lines: Vec<String>,
    /// Whether lines were left out before the first one.
    truncated: bool,
    /// Whether the cursor was none of this file, so that the piece begins anew.
    reset: bool,
}

/// `logs.tail`.
pub(super) async fn tail(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    let cursor = given.integer("cursor", 0..=u64::MAX);
    let lines = given.integer("limit", 1..=MOST_LINES).unwrap_or(LINES);
    let bytes = given.integer("maxBytes", 1..=MOST_BYTES).unwrap_or(BYTES);
    given.done()?;
    let Some(home) = rpc.home.get() else {
        let message = "this gateway has no log file: a program composed it";
        return Err(RpcError::new(Kind::Unavailable, message));
    };
    let wanted = Wanted {
        cursor,
        lines: usize::try_from(lines).unwrap_or(usize::MAX),
        bytes,
    };
    let files = match &home.config.logging.file {
        Some(file) => LogFiles::at(file),
        None => LogFiles::of(&home.state),
    };
    let read = task::spawn_blocking(move || {
        let newest = files.existing()?.pop();
        newest.map(|file| piece(&file, wanted)).transpose()
    });
    let failed = |err: io::Error| logged(&err, Kind::Unavailable, "the log cannot be read");
    let piece = read.await.map_err(|err| failed(io::Error::other(err)))?;
    match piece.map_err(failed)? {
        Some(piece) => Ok(json!(piece)),
        None => Err(RpcError::new(Kind::Unavailable, "there is no log file yet")),
    }
}

fn piece(path: &Path, wanted: Wanted) -> io::Result<Piece> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let reset = wanted.cursor.is_some_and(|cursor| cursor > size);
    let cursor = wanted.cursor.filter(|_| !reset);
    let earliest = size.saturating_sub(wanted.bytes);
    let start = cursor.unwrap_or(earliest).max(earliest);
    // A place that no cursor stands for may be in the midst of a line.
    let whole = start == 0 || cursor == Some(start);
    file.seek(SeekFrom::Start(start))?;
    let mut read = Vec::new();
    file.take(size.saturating_sub(start))
        .read_to_end(&mut read)?;
    // The end of the last line may not be written yet; it comes the next time.
    let end = read
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at.saturating_add(1));
    let text = String::from_utf8_lossy(read.get(..end).unwrap_or_default());
    let skipped = usize::from(!whole);
    let all: Vec<&str> = text.lines().skip(skipped).collect();
    let left_out = all.len().saturating_sub(wanted.lines);
    let lines = all.into_iter().skip(left_out).map(str::to_owned).collect();
    let read = u64::try_from(end).unwrap_or_default();
    Ok(Piece {
        file: path.to_owned(),
        cursor: start.saturating_add(read),
        size,
        lines,
        truncated: left_out > 0 || (start > 0 && cursor != Some(start)),
        reset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, cursor: Option<u64>, lines: usize, bytes: u64) -> Piece {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, text).unwrap();
        let wanted = Wanted {
            cursor,
            lines,
            bytes,
        };
        piece(&path, wanted).unwrap()
    }

    #[test]
    fn the_last_lines_come_whole_and_then_the_new_ones() {
        let text = "one\ntwo\nthree\nfou";
        let last = read(text, None, 2, 100);
        assert_eq!(last.lines, ["two", "three"]);
        assert_eq!((last.cursor, last.truncated, last.reset), (14, true, false));
        let new = read("one\ntwo\nthree\nfour\n", Some(last.cursor), 10, 100);
        assert_eq!(new.lines, ["four"]);
        assert_eq!((new.cursor, new.truncated), (19, false));
    }

    #[test]
    fn a_piece_that_begins_within_a_line_leaves_it_out() {
        let cut = read("one\ntwo\nthree\n", None, 10, 8);
        assert_eq!((cut.lines, cut.truncated), (vec!["three".to_owned()], true));
        let far_behind = read("one\ntwo\nthree\n", Some(0), 10, 8);
        assert_eq!(
            (far_behind.lines, far_behind.truncated),
            (vec!["three".to_owned()], true)
        );
    }

    #[test]
    fn a_cursor_behind_the_end_begins_anew() {
        let anew = read("one\n", Some(99), 10, 100);
        assert_eq!((anew.lines, anew.reset), (vec!["one".to_owned()], true));
    }
}
