//! A command while it runs: its output as it comes, its limits, and its end.

mod channel;

use std::{process::ExitStatus, time::Duration};

#[cfg(not(target_os = "linux"))]
use tokio::{io::AsyncWriteExt as _, process::ChildStdin};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::channel::Channel;
#[cfg(target_os = "linux")]
use crate::linux::{Input, Terminal, feed};
#[cfg(any(target_os = "linux", target_os = "macos", windows))]
use crate::prepared::Means;
use crate::{
    Chunk, Guard, Limits, Output, SandboxError, SandboxLevel, Status, Stream, Typing, tree::Tree,
};

/// How many chunks wait for the caller. When they are full the command is not read from, and it
/// waits in turn; its time limit and its cancellation do not.
const WAITING: usize = 16;

/// How long to wait for the kernel to clear a killed sandbox away.
#[cfg(target_os = "linux")]
const CLEARED: Duration = Duration::from_secs(5);

/// A command that has been started.
///
/// Dropping it kills the command and everything that the command started.
#[derive(Debug)]
pub struct Running {
    chunks: mpsc::Receiver<Chunk>,
    run: JoinSet<Result<Output, SandboxError>>,
    /// Ends the run early.
    stop: CancellationToken,
    /// The command's standard input, where it was left open.
    typing: Option<Typing>,
}

/// What a started process needs to become an [`Output`].
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) tree: Tree,
    pub(crate) level: SandboxLevel,
    #[cfg(target_os = "linux")]
    pub(crate) input: Input,
    #[cfg(not(target_os = "linux"))]
    pub(crate) input: Option<Vec<u8>>,
    pub(crate) limits: Limits,
    /// What belongs to the run; dropped after the tree, which is killed before it.
    #[cfg(any(target_os = "linux", target_os = "macos", windows))]
    pub(crate) means: Option<Means>,
}

/// Why a run is over.
#[derive(Clone, Copy, Debug)]
enum Cause {
    Ended,
    TimedOut,
    Cancelled,
}

impl Running {
    /// Watches over a process that has been started.
    pub(crate) fn start(mut job: Job, stop: &CancellationToken) -> Result<Self, SandboxError> {
        let (tx, chunks) = mpsc::channel(WAITING);
        let stop = stop.child_token();
        let Ends { typing, screen } = job.ends().map_err(|source| SandboxError::Io {
            action: "opening the command's input",
            source,
        })?;
        let mut run = JoinSet::new();
        // What is logged of it belongs to the call that it was started for.
        drop(run.spawn(supervise(job, screen, stop.clone(), tx).in_current_span()));
        Ok(Self {
            chunks,
            run,
            stop,
            typing,
        })
    }

    /// Takes the command's standard input, if it was left open and nobody has taken it.
    ///
    /// Until it is taken and dropped, or the command has ended, the input does not end.
    pub const fn take_input(&mut self) -> Option<Typing> {
        self.typing.take()
    }

    /// Returns the next piece of output, and `None` when there will be no more.
    ///
    /// Of each stream the first [`Limits::forwarded_bytes`] come this way.
    /// While nobody takes them, the command waits as soon as the pipe and a small queue are full.
    ///
    /// # Cancel safety
    /// Dropping the future loses no output.
    pub async fn next_output(&mut self) -> Option<Chunk> {
        self.chunks.recv().await
    }

    /// Waits for the end and returns the output that was kept, whether or not it was handed out.
    ///
    /// When this returns, nothing that ran inside the sandbox is alive any more.
    pub async fn wait(mut self) -> Result<Output, SandboxError> {
        // Whoever only waits has nothing more to write.
        self.typing = None;
        // Without a receiver nothing waits to be forwarded.
        self.chunks.close();
        while self.chunks.try_recv().is_ok() {}
        match self.run.join_next().await {
            Some(Ok(result)) => result,
            Some(Err(_)) | None => Err(SandboxError::Lost {
                task: "the watch over a command",
            }),
        }
    }
}

impl Drop for Running {
    /// Cancels the run, whose task ends by itself: what was made on the host for the run may be
    /// taken away only when nothing of it is alive any more.
    fn drop(&mut self) {
        self.stop.cancel();
        self.run.detach_all();
    }
}

/// The ends of a command's input that are held while it runs.
struct Ends {
    typing: Option<Typing>,
    /// Where its output comes from in place of its pipes.
    screen: Option<Screen>,
}

#[cfg(target_os = "linux")]
type Screen = Terminal;
#[cfg(not(target_os = "linux"))]
type Screen = tokio::io::Empty;

async fn supervise(
    mut job: Job,
    screen: Option<Screen>,
    stop: CancellationToken,
    chunks: mpsc::Sender<Chunk>,
) -> Result<Output, SandboxError> {
    let began = Instant::now();
    let ended = CancellationToken::new();
    let mut stdout = Channel::new(Stream::Stdout, &job.limits, &chunks, &ended);
    let mut stderr = Channel::new(Stream::Stderr, &job.limits, &chunks, &ended);
    let (out, err) = (job.tree.take_stdout(), job.tree.take_stderr());
    let input = job.input();
    let proxy = job.proxy(ended.clone());

    let (cause, duration, exit) = {
        let flow = async {
            tokio::join!(
                async {
                    match screen {
                        Some(screen) => stdout.pump(Some(screen)).await,
                        None => stdout.pump(out).await,
                    }
                },
                stderr.pump(err),
                ended.run_until_cancelled(input),
                proxy,
            );
        };
        tokio::pin!(flow);
        let mut flowing = true;
        let cause = {
            let over = over(&mut job.tree, job.limits.wall_time, began, &stop);
            tokio::pin!(over);
            loop {
                tokio::select! {
                    cause = &mut over => break cause,
                    () = &mut flow, if flowing => flowing = false,
                }
            }
        };
        let duration = began.elapsed();
        // What the command left behind in its group ends with it.
        job.tree.kill();
        ended.cancel();
        let exit = job.tree.reap().await;
        if flowing {
            flow.await;
        }
        (cause, duration, exit)
    };
    let exit = exit.map_err(|source| SandboxError::Io {
        action: "waiting for the command",
        source,
    })?;

    let (status, degraded) = job.conclude(cause, exit, &stderr.opening).await?;
    let truncated = stdout.kept.truncated() || stderr.kept.truncated();
    tracing::debug!(level = %job.level, ?status, ?duration, truncated, "a command ended");
    Ok(Output {
        status,
        stdout: stdout.kept.into_bytes(),
        stderr: stderr.kept.into_bytes(),
        truncated,
        duration,
        level: job.level,
        out_of_memory: job.out_of_memory(),
        degraded,
    })
}

/// Waits for the first of the ways in which a run ends.
async fn over(
    tree: &mut Tree,
    limit: Option<Duration>,
    began: Instant,
    stop: &CancellationToken,
) -> Cause {
    let deadline = async {
        match limit.and_then(|limit| began.checked_add(limit)) {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => Cause::Cancelled,
        () = tree.leader_ended() => Cause::Ended,
        () = deadline => Cause::TimedOut,
    }
}

impl Job {
    /// Writes the command's input; a command that does not read it to the end is free not to.
    #[cfg(target_os = "linux")]
    fn input(&mut self) -> impl Future<Output = ()> + use<> {
        let input = std::mem::replace(&mut self.input, Input::Nothing);
        async move {
            if let Input::Bytes { pipe, bytes } = input {
                drop(feed(pipe, bytes).await);
            }
        }
    }

    /// Takes the ends that are held while the command runs.
    #[cfg(target_os = "linux")]
    fn ends(&mut self) -> std::io::Result<Ends> {
        let (mut typing, mut screen) = (None, None);
        match std::mem::replace(&mut self.input, Input::Nothing) {
            Input::Pipe(pipe) => typing = Some(Typing::pipe(pipe)?),
            Input::Terminal(ours) => {
                let terminal = Terminal::of(ours)?;
                typing = Some(Typing::terminal(terminal.clone()));
                screen = Some(terminal);
            }
            input @ (Input::Nothing | Input::Bytes { .. }) => self.input = input,
        }
        Ok(Ends { typing, screen })
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(
        clippy::unnecessary_wraps,
        reason = "on Linux there is something to open"
    )]
    fn ends(&mut self) -> std::io::Result<Ends> {
        let typing = match self.input {
            Some(_) => None,
            None => self.tree.take_stdin().map(Typing::pipe),
        };
        Ok(Ends {
            typing,
            screen: None,
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn input(&mut self) -> impl Future<Output = ()> + use<> {
        let pipe: Option<ChildStdin> = self.tree.take_stdin();
        let bytes = self.input.take().unwrap_or_default();
        async move {
            if let Some(mut pipe) = pipe {
                drop(pipe.write_all(&bytes).await);
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn out_of_memory(&self) -> bool {
        let group = self.means.as_ref().and_then(|means| means.group.as_ref());
        group.is_some_and(crate::cgroup::Group::ran_out)
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "on Linux there is something to ask")]
    fn out_of_memory(&self) -> bool {
        false
    }

    /// Serves the way out of the command's network until the run has ended.
    #[cfg(target_os = "linux")]
    fn proxy(&mut self, ended: CancellationToken) -> impl Future<Output = ()> + use<> {
        let proxy = self.means.as_mut().and_then(|means| means.proxy.take());
        async move {
            if let Some((socket, egress)) = proxy {
                egress.serve_from(socket, ended).await;
            }
        }
    }

    #[cfg(target_os = "macos")]
    fn proxy(&mut self, ended: CancellationToken) -> impl Future<Output = ()> + use<> {
        let proxy = self.means.as_mut().and_then(|means| means.proxy.take());
        async move {
            if let Some((listener, egress)) = proxy {
                egress.serve(listener, ended).await;
            }
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    fn proxy(&mut self, _ended: CancellationToken) -> impl Future<Output = ()> + use<> {
        std::future::ready(())
    }

    #[cfg(target_os = "linux")]
    async fn conclude(
        &mut self,
        cause: Cause,
        exit: ExitStatus,
        stderr: &[u8],
    ) -> Result<(Status, Vec<Guard>), SandboxError> {
        use crate::{bwrap::report, tree};

        let Some(means) = &mut self.means else {
            return Ok((cause.status(exit), Vec::new()));
        };
        let report = means.bubblewrap.as_mut().map(report::read).transpose();
        let report = report.map_err(|source| SandboxError::Io {
            action: "reading the sandbox's report",
            source,
        })?;
        // With its first process gone, the kernel has ended every process of the sandbox.
        if let Some(first) = report.and_then(report::Report::first_process) {
            drop(tokio::time::timeout(CLEARED, tree::ended(first)).await);
        }
        if report.is_none()
            && let Some(group) = &means.group
        {
            // There is no namespace that ends with its first process.
            drop(tokio::time::timeout(CLEARED, group.clear()).await);
        }
        let settled = means.settle().await;
        let account = means.account()?;
        if let Some(refusal) = account.refusal() {
            return Err(refusal);
        }
        let degraded = means.degraded(&account);
        let status = match (cause, report) {
            (Cause::Ended, Some(report)) => report::conclude(report, exit, stderr)?,
            (Cause::Ended, None) | (Cause::TimedOut | Cause::Cancelled, _) => cause.status(exit),
        };
        if matches!(cause, Cause::Ended) && !account.began {
            return Err(SandboxError::SetupFailed {
                detail: format!("the first program inside ended early: {status:?}"),
            });
        }
        settled?;
        Ok((status, degraded))
    }

    #[cfg(target_os = "macos")]
    #[expect(
        clippy::unused_async,
        reason = "on Linux there is something to wait for"
    )]
    async fn conclude(
        &mut self,
        cause: Cause,
        exit: ExitStatus,
        stderr: &[u8],
    ) -> Result<(Status, Vec<Guard>), SandboxError> {
        let Some(means) = &mut self.means else {
            return Ok((cause.status(exit), Vec::new()));
        };
        if matches!(cause, Cause::Ended) {
            means.check(stderr)?;
        }
        Ok((cause.status(exit), std::mem::take(&mut means.degraded)))
    }

    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    #[expect(
        clippy::unused_async,
        reason = "on Linux there is something to wait for"
    )]
    async fn conclude(
        &mut self,
        cause: Cause,
        exit: ExitStatus,
        _stderr: &[u8],
    ) -> Result<(Status, Vec<Guard>), SandboxError> {
        #[cfg(windows)]
        let degraded = self.means.take().map(|means| means.degraded);
        #[cfg(not(windows))]
        let degraded: Option<Vec<Guard>> = None;
        Ok((cause.status(exit), degraded.unwrap_or_default()))
    }
}

impl Cause {
    fn status(self, exit: ExitStatus) -> Status {
        match self {
            Self::Ended => status(exit),
            Self::TimedOut => Status::TimedOut,
            Self::Cancelled => Status::Cancelled,
        }
    }
}

/// Returns how a process ended by itself.
pub(crate) fn status(exit: ExitStatus) -> Status {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&exit) {
        return Status::Signaled(signal);
    }
    Status::Exited(exit.code().unwrap_or(-1))
}
