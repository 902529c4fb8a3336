//! The one place that starts processes.
//!
//! Everything is started from one thread that lives as long as this process: the signal that tells
//! a child of its parent's death follows the thread that started the child, and the threads of a
//! runtime come and go.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
};

use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

#[cfg(windows)]
use crate::job_objects::start;
use crate::tree::Tree;

/// How many commands may wait for the thread; it starts one in about a millisecond.
const WAITING: usize = 64;

/// Returns a command for [`spawn`], with nothing of our environment and its own process group.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that starts processes"
)]
pub(crate) fn command(program: &std::path::Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// Starts `command` on the long-lived thread.
///
/// # Cancel safety
/// A process that nobody waits for any more is killed.
pub(crate) async fn spawn(command: Command) -> io::Result<Tree> {
    let (reply, answer) = oneshot::channel();
    let request = Request {
        command,
        runtime: Handle::current(),
        reply,
    };
    // When the queue is full the caller waits; nothing is refused and nothing grows.
    queue()?.send(request).await.map_err(io::Error::other)?;
    answer.await.map_err(io::Error::other)?
}

#[derive(Debug)]
struct Request {
    command: Command,
    runtime: Handle,
    reply: oneshot::Sender<io::Result<Tree>>,
}

fn queue() -> io::Result<&'static mpsc::Sender<Request>> {
    static QUEUE: OnceLock<mpsc::Sender<Request>> = OnceLock::new();
    if let Some(queue) = QUEUE.get() {
        return Ok(queue);
    }
    let (tx, rx) = mpsc::channel(WAITING);
    let thread = thread::Builder::new().name("sandbox-launcher".to_owned());
    drop(thread.spawn(move || serve(rx))?);
    // If another caller was faster, this sender is dropped here and its thread ends.
    Ok(QUEUE.get_or_init(|| tx))
}

fn serve(mut requests: mpsc::Receiver<Request>) {
    while let Some(Request {
        command,
        runtime,
        reply,
    }) = requests.blocking_recv()
    {
        if reply.is_closed() {
            continue;
        }
        let _context = runtime.enter();
        // Starting a process in a runtime that is shutting down may panic, and this thread serves
        // every runtime.
        let start = AssertUnwindSafe(|| start(command));
        let child = catch_unwind(start)
            .unwrap_or_else(|_| Err(io::Error::other("the runtime is shutting down")));
        // A tree that nobody takes is dropped within the runtime's context, and so killed.
        drop(reply.send(child.map(Tree::new)));
    }
}

#[cfg(not(windows))]
fn start(command: Command) -> io::Result<tokio::process::Child> {
    tokio::process::Command::from(command).spawn()
}
