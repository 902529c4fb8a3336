//! One output stream of a command while it runs.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use crate::{Chunk, Limits, Stream, output::Kept};

/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// How long a pipe may stay silent, and how much it may still carry, after the command has ended.
///
/// Inside a sandbox nothing is left that could hold the pipe; at level None a process that moved
/// to another group may be.
const SILENCE: Duration = Duration::from_millis(500);
const LEFTOVER: usize = 1024 * 1024;

/// How much of the beginning of standard error is held however little the caller wants to keep: a
/// sandbox that cannot be set up says there why.
const COMPLAINT: usize = 4 * 1024;

/// One output stream on its way from the pipe to the caller and into the output.
pub(super) struct Channel<'a> {
    stream: Stream,
    pub(super) kept: Kept,
    /// The first [`COMPLAINT`] bytes.
    pub(super) opening: Vec<u8>,
    /// How much may still be forwarded.
    open: usize,
    chunks: &'a mpsc::Sender<Chunk>,
    ended: &'a CancellationToken,
}

impl<'a> Channel<'a> {
    pub(super) fn new(
        stream: Stream,
        limits: &Limits,
        chunks: &'a mpsc::Sender<Chunk>,
        ended: &'a CancellationToken,
    ) -> Self {
        Self {
            stream,
            kept: Kept::new(limits.kept_bytes),
            opening: Vec::new(),
            open: limits.forwarded_bytes,
            chunks,
            ended,
        }
    }

    /// Reads until the pipe ends, or is silent although the command has ended.
    pub(super) async fn pump(&mut self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        let mut buffer = vec![0; CHUNK];
        let mut leftover = LEFTOVER;
        while leftover > 0 {
            let read = tokio::select! {
                biased;
                read = pipe.read(&mut buffer) => read,
                () = silence(self.ended) => return,
            };
            // A pipe that cannot be read has nothing more to give.
            let Some(bytes) = read.ok().and_then(|n| buffer.get(..n)) else {
                return;
            };
            if bytes.is_empty() {
                return;
            }
            self.take(bytes);
            self.forward(bytes).await;
            if self.ended.is_cancelled() {
                leftover = leftover.saturating_sub(bytes.len());
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let room = COMPLAINT.saturating_sub(self.opening.len());
        self.opening.extend(bytes.iter().take(room));
        self.kept.push(bytes);
    }

    async fn forward(&mut self, bytes: &[u8]) {
        let (bytes, _) = bytes.split_at(bytes.len().min(self.open));
        if bytes.is_empty() {
            return;
        }
        self.open -= bytes.len();
        let chunk = Chunk {
            stream: self.stream,
            bytes: bytes.to_vec(),
        };
        // Nobody listens: from now on the output is only kept.
        if self.chunks.send(chunk).await.is_err() {
            self.open = 0;
        }
    }
}

async fn silence(ended: &CancellationToken) {
    ended.cancelled().await;
    tokio::time::sleep(SILENCE).await;
}
