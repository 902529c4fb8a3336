//! One job.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use openclaw_core::Clock;
use openclaw_core::access::Standing;
use openclaw_core::provenance::Mark;
use openclaw_sandbox::{CancellationToken, Output, Running, SandboxError, Stream, Typing};
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};
use tokio::time;
use uuid::Uuid;

use super::At;
use super::log::{Log, News, Page};
use crate::bus::OutputStream;
use crate::taint::add_all;
use crate::tools::LiveOutput;
use crate::world::Caller;

/// How long a command may not read what is written to it.
const PATIENCE: Duration = Duration::from_secs(5);

/// A command that goes on by itself.
pub(crate) struct Job {
    id: String,
    caller: Caller,
    command: String,
    workspace: PathBuf,
    at: At,
    begun: Instant,
    typing: tokio::sync::Mutex<Option<Typing>>,
    stop: CancellationToken,
    /// What was in view of whoever started it or wrote to it.
    marks: Mutex<Vec<Mark>>,
    log: Mutex<Log>,
    /// Counts the pieces of output.
    pieces: watch::Sender<u64>,
    fate: watch::Sender<Option<Fate>>,
}

/// How a job ended.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    /// When.
    pub(crate) at: Timestamp,
    /// What the sandbox says about it, or why it says nothing.
    pub(crate) output: Result<Output, String>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Job {
    pub(super) fn new(
        caller: &Caller,
        (command, workspace): (String, PathBuf),
        at: At,
        typing: Option<Typing>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            id: format!("job-{}", Uuid::now_v7().simple()),
            caller: caller.clone(),
            command,
            workspace,
            at,
            begun: Instant::now(),
            typing: tokio::sync::Mutex::new(typing),
            stop,
            marks: Mutex::default(),
            log: Mutex::default(),
            pieces: watch::Sender::new(0),
            fate: watch::Sender::new(None),
        }
    }

    /// Takes the command's output until it has ended.
    pub(super) async fn watch(
        self: std::sync::Arc<Self>,
        mut running: Running,
        live: LiveOutput,
        tell: oneshot::Sender<Result<Output, SandboxError>>,
    ) {
        while let Some(chunk) = running.next_output().await {
            let stream = match chunk.stream {
                Stream::Stdout => OutputStream::Stdout,
                Stream::Stderr => OutputStream::Stderr,
            };
            live.write(stream, &chunk.bytes);
            self.log.lock().push(stream, &chunk.bytes);
            self.pieces
                .send_modify(|pieces| *pieces = pieces.wrapping_add(1));
        }
        let output = running.wait().await;
        self.log.lock().end();
        drop(self.typing.lock().await.take());
        self.fate.send_replace(Some(Fate {
            at: Clock::system().now(),
            output: output
                .as_ref()
                .map(Output::clone)
                .map_err(ToString::to_string),
        }));
        // The call that started it may have gone on long ago.
        drop(tell.send(output));
    }

    /// Returns its name.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns what runs.
    pub(crate) fn command(&self) -> &str {
        &self.command
    }

    /// Returns the workspace that it may write to.
    pub(super) fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Returns what was in view of whoever started it or wrote to it: its command and its output
    /// may be in those words.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        self.marks.lock().clone()
    }

    /// Takes note of what is in view of whoever starts it or writes to it.
    pub(crate) fn marked(&self, more: &[Mark]) {
        add_all(&mut self.marks.lock(), more.to_vec());
    }

    /// Returns where its input and output are.
    pub(crate) const fn at(&self) -> At {
        self.at
    }

    /// Returns how long ago it began.
    pub(crate) fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Returns how it ended, if it has.
    pub(crate) fn fate(&self) -> Option<Fate> {
        self.fate.borrow().clone()
    }

    /// Tells whether a caller may know of it: the agent's principals, and the session that it began
    /// in.
    pub(super) fn is_seen_by(&self, caller: &Caller) -> bool {
        self.caller.agent == caller.agent
            && (caller.sender.standing == Standing::Principal
                || self.caller.session == caller.session)
    }

    /// Returns what it has said since the last look.
    pub(crate) fn news(&self) -> News {
        self.log.lock().news()
    }

    /// Returns some lines of what it has said.
    pub(crate) fn page(&self, offset: Option<usize>, limit: usize) -> Page {
        self.log.lock().page(offset, limit)
    }

    /// Waits until it says something more or ends, at most so long.
    pub(crate) async fn changed(&self, patience: Duration) {
        let (mut pieces, mut fate) = (self.pieces.subscribe(), self.fate.subscribe());
        if fate.borrow_and_update().is_some() {
            return;
        }
        pieces.borrow_and_update();
        let changed = async {
            tokio::select! {
                _ = pieces.changed() => {}
                _ = fate.changed() => {}
            }
        };
        drop(time::timeout(patience, changed).await);
    }

    /// Writes to its standard input.
    pub(crate) async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut typing = self.typing.lock().await;
        let typing = typing.as_mut().ok_or_else(closed)?;
        time::timeout(PATIENCE, typing.write(bytes))
            .await
            .unwrap_or_else(|_elapsed| Err(io::Error::other("the command does not read its input")))
    }

    /// Closes its standard input.
    pub(crate) async fn close(&self) -> io::Result<()> {
        let typing = self.typing.lock().await.take().ok_or_else(closed)?;
        typing.close().await
    }

    /// Tells it to end.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until nothing of it is left.
    pub(crate) async fn ended(&self) {
        let mut fate = self.fate.subscribe();
        // The sender lives as long as this does.
        drop(fate.wait_for(Option::is_some).await);
    }
}

fn closed() -> io::Error {
    io::Error::other("the command's input is closed")
}

impl Drop for Job {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
