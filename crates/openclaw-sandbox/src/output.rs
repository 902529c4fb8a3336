//! What a command said and how it ended.

use std::{collections::VecDeque, time::Duration};

use serde::Serialize;

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

/// A limit that ended a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Exceeded {
    /// [`Limits::wall_time`](crate::Limits::wall_time).
    #[serde(rename = "wallSeconds")]
    WallTime,
    /// [`SandboxConfig::max_cpu_time`](crate::SandboxConfig::max_cpu_time).
    #[serde(rename = "cpuSeconds")]
    CpuTime,
    /// [`SandboxConfig::max_memory`](crate::SandboxConfig::max_memory).
    #[serde(rename = "memoryMb")]
    Memory,
    /// [`Limits::file_size`](crate::Limits::file_size).
    #[serde(rename = "fileSizeMb")]
    FileSize,
}

impl Exceeded {
    /// Returns the name of the setting.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WallTime => "wallSeconds",
            Self::CpuTime => "cpuSeconds",
            Self::Memory => "memoryMb",
            Self::FileSize => "fileSizeMb",
        }
    }
}

impl Output {
    /// The signals by which the system ends a process that is over a limit, on every system that
    /// has them: SIGXCPU and SIGXFSZ.
    const BY_SIGNAL: [(i32, Exceeded); 2] = [(24, Exceeded::CpuTime), (25, Exceeded::FileSize)];

    /// Returns the limit that ended the command, where the system says so.
    ///
    /// A command that is killed by a signal of its own, or says that it was, looks the same.
    pub fn ended_by(&self) -> Option<Exceeded> {
        if self.out_of_memory {
            return Some(Exceeded::Memory);
        }
        let signal = match self.status {
            // Bubblewrap and shells say it in this way.
            Status::Exited(code) => code.checked_sub(128)?,
            Status::Signaled(signal) => signal,
            Status::TimedOut => return Some(Exceeded::WallTime),
            Status::Cancelled => return None,
        };
        let mut known = Self::BY_SIGNAL.iter();
        known
            .find(|(number, _)| *number == signal)
            .map(|(_, exceeded)| *exceeded)
    }
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

    #[test]
    fn the_limit_that_ended_a_command_is_told_by_its_end() {
        let ended = |status, out_of_memory| {
            let output = Output {
                status,
                stdout: Vec::new(),
                stderr: Vec::new(),
                truncated: false,
                duration: Duration::ZERO,
                level: SandboxLevel::Strict,
                out_of_memory,
                degraded: Vec::new(),
            };
            output.ended_by().map(Exceeded::as_str)
        };
        assert_eq!(ended(Status::TimedOut, false), Some("wallSeconds"));
        assert_eq!(ended(Status::Signaled(24), false), Some("cpuSeconds"));
        assert_eq!(ended(Status::Exited(153), false), Some("fileSizeMb"));
        assert_eq!(ended(Status::Signaled(9), true), Some("memoryMb"));
        for status in [Status::Exited(0), Status::Signaled(9), Status::Cancelled] {
            assert_eq!(ended(status, false), None);
        }
    }

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
