//! What a command said and how it ended.

use std::{collections::VecDeque, time::Duration};

use crate::{Guard, SandboxLevel};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It exited with this code; 127 if there was no such program.
    Exited(i32),
    /// It was ended by this signal.
    ///
    /// Bubblewrap reports such a death as code 128 plus the signal, as shells do, so a sandboxed
    /// command that exits with such a code by itself looks the same.
    Signaled(i32),
    /// It was killed because its time was up.
    TimedOut,
    /// It was killed because the caller wished so.
    Cancelled,
}

impl Status {
    /// Says whether the command exited with code 0.
    pub const fn success(self) -> bool {
        matches!(self, Self::Exited(0))
    }
}

/// One of the two output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of output, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Where it was written.
    pub stream: Stream,
    /// What was written; cut anywhere, even within a character.
    pub bytes: Vec<u8>,
}

/// The whole of a command that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub status: Status,
    /// Its standard output, as far as it is kept, with one line about what was left out.
    pub stdout: Vec<u8>,
    /// Its standard error, likewise.
    pub stderr: Vec<u8>,
    /// Whether anything of either stream was left out.
    pub truncated: bool,
    /// How long it ran.
    pub duration: Duration,
    /// The level that was enforced.
    pub level: SandboxLevel,
    /// Whether something of it was killed because the memory of all of it was used up, as far as
    /// there was a control group to say so.
    pub out_of_memory: bool,
    /// What of that level this machine does not have, where that is allowed.
    pub degraded: Vec<Guard>,
}

/// Keeps the first and the last half of a limit's worth of bytes, so that memory stays flat.
#[derive(Debug)]
pub struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_limit: usize,
    tail_limit: usize,
    dropped: usize,
}

impl Kept {
    /// Keeps nothing yet, and this many bytes at most.
    pub fn new(limit: usize) -> Self {
        let tail_limit = limit / 2;
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            head_limit: limit - tail_limit,
            tail_limit,
            dropped: 0,
        }
    }

    /// Takes what comes next.
    pub fn push(&mut self, bytes: &[u8]) {
        let room = self.head_limit - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        // Only the end of a piece that is longer than the tail can stay in it.
        let (skipped, rest) = rest.split_at(rest.len().saturating_sub(self.tail_limit));
        let overflow = (self.tail.len() + rest.len()).saturating_sub(self.tail_limit);
        let overflow = if skipped.is_empty() {
            overflow
        } else {
            self.tail.len()
        };
        drop(self.tail.drain(..overflow));
        self.tail.extend(rest);
        self.dropped = self.dropped.saturating_add(skipped.len() + overflow);
    }

    /// Tells whether something was left out.
    pub fn truncated(&self) -> bool {
        self.dropped > 0
    }

    /// Returns what was kept, with a note in the place of what was not.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.head;
        if self.dropped > 0 {
            let note = format!("\n[... {} bytes left out ...]\n", self.dropped);
            bytes.extend_from_slice(note.as_bytes());
        }
        bytes.extend(self.tail);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(limit: usize, pieces: &[&str]) -> (String, bool) {
        let mut kept = Kept::new(limit);
        for piece in pieces {
            kept.push(piece.as_bytes());
        }
        let truncated = kept.truncated();
        (String::from_utf8(kept.into_bytes()).unwrap(), truncated)
    }

    #[test]
    fn keeps_everything_up_to_the_limit() {
        assert_eq!(kept(7, &["abc", "", "defg"]), ("abcdefg".into(), false));
        assert_eq!(kept(0, &[]), (String::new(), false));
    }

    #[test]
    fn keeps_the_beginning_and_the_end_of_more() {
        let note = |n| format!("\n[... {n} bytes left out ...]\n");
        assert_eq!(kept(4, &["abcdefgh"]), (format!("ab{}gh", note(4)), true));
        assert_eq!(
            kept(4, &["a", "bc", "d", "ef", "g", "h"]),
            (format!("ab{}gh", note(4)), true)
        );
        assert_eq!(
            kept(4, &["abcd", "efghij"]),
            (format!("ab{}ij", note(6)), true)
        );
        assert_eq!(kept(1, &["abc"]), (format!("a{}", note(2)), true));
        assert_eq!(kept(0, &["abc"]), (note(3), true));
    }
}
