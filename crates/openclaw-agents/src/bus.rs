//! What happens right now and is not kept: the pieces of a text as the model writes them, the
//! output of a tool while it runs.

use std::sync::Arc;

use openclaw_core::{CallId, RunId, SessionKey};
use tokio::sync::broadcast;

/// How many pieces a slow listener may lag behind before it loses the oldest.
const BACKLOG: usize = 1024;

/// A piece of something that is still going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Live {
    /// The model wrote a piece of text.
    Delta {
        /// The session.
        session: SessionKey,
        /// The run.
        run: RunId,
        /// The step of the run.
        step: u32,
        /// What the piece is part of.
        part: Part,
        /// The piece.
        text: String,
    },
    /// A tool wrote output.
    ToolOutput {
        /// The session.
        session: SessionKey,
        /// The run.
        run: RunId,
        /// The tool call.
        call: CallId,
        /// Where it wrote to.
        stream: OutputStream,
        /// What it wrote; bytes that are not UTF-8 are replaced.
        text: String,
    },
}

/// What a piece of text is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The answer.
    Text,
    /// The reasoning before it.
    Thinking,
}

/// Where a tool wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Hands pieces to whoever listens; without a listener they are dropped.
#[derive(Clone, Debug)]
pub struct Bus(broadcast::Sender<Arc<Live>>);

impl Default for Bus {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Bus {
    /// Hands a piece on; it is not even made when nobody listens.
    pub fn send(&self, piece: impl FnOnce() -> Live) {
        if self.0.receiver_count() > 0 {
            // A listener that left in between is no loss.
            drop(self.0.send(Arc::new(piece())));
        }
    }

    /// Listens from now on; all listeners share what they hear. A listener that lags behind is told how many pieces it lost.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Live>> {
        self.0.subscribe()
    }
}
