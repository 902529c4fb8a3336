//! `logs.tail`: the lines of the log file, from a place in it on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use openclaw_core::Kind;
use openclaw_core::log_files::lines_from;
use openclaw_ipc::RpcError;
use serde::Serialize;
use serde_json::{Value, json};

use super::given::Given;
use crate::rpc::Rpc;

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
    let wanted = Wanted {
        cursor,
        lines: usize::try_from(lines).unwrap_or(usize::MAX),
        bytes,
    };
    let files = rpc.log_files()?;
    let read = move || {
        let newest = files.existing()?.pop();
        newest.map(|file| piece(&file, wanted)).transpose()
    };
    match rpc.read_log(read).await? {
        Some(piece) => Ok(json!(piece)),
        None => Err(RpcError::new(Kind::Unavailable, "there is no log file yet")),
    }
}

fn piece(path: &Path, wanted: Wanted) -> io::Result<Piece> {
    let size = fs::metadata(path)?.len();
    let reset = wanted.cursor.is_some_and(|cursor| cursor > size);
    let cursor = wanted.cursor.filter(|_| !reset);
    let earliest = size.saturating_sub(wanted.bytes);
    let start = cursor.unwrap_or(earliest).max(earliest);
    // A place that no cursor stands for may be in the midst of a line.
    let whole = start == 0 || cursor == Some(start);
    let read = lines_from(path, start, size.saturating_sub(start))?.lines;
    let end = read.last().map_or(start, |(_, end)| *end);
    let mut lines: Vec<String> = read.into_iter().map(|(line, _)| line).collect();
    if !whole && !lines.is_empty() {
        lines.remove(0);
    }
    let left_out = lines.len().saturating_sub(wanted.lines);
    lines.drain(..left_out);
    Ok(Piece {
        file: path.to_owned(),
        cursor: end,
        size,
        lines,
        truncated: left_out > 0 || !whole,
        reset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, cursor: Option<u64>, lines: usize, bytes: u64) -> Piece {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, text).unwrap();
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
