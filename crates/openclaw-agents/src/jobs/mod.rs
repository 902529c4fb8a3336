//! Commands that go on in the background, beyond the tool call and the turn that started them.
//!
//! Every command of `exec` is such a job; one that ends while its call waits is never seen here.
//! Jobs live as long as this process, and end with it. The tool `process` looks at them and writes
//! to them.

mod job;
mod log;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use openclaw_core::Clock;
use openclaw_core::provenance::Mark;
use openclaw_sandbox::{CancellationToken, Running, SandboxError, Typing};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use crate::scope::TaskScope;
use crate::taint::{Watches, add_all, overlap};
use crate::tools::LiveOutput;
use crate::world::Caller;

pub(crate) use job::{Fate, Job};

/// How many jobs run at once in a process, and how many that have ended are remembered.
const RUNNING: usize = 64;
const ENDED: usize = 50;

/// How long a job that has ended is remembered.
const REMEMBERED: Duration = Duration::from_mins(30);

/// The jobs of a process; they end with the last clone of this.
#[derive(Clone, Debug, Default)]
pub struct Jobs(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    scope: TaskScope,
    table: Mutex<BTreeMap<String, Arc<Job>>>,
    watches: Watches,
    /// The calls that run a command now, by the workspace that it may write to, with what they run.
    calls: Mutex<BTreeMap<Uuid, (PathBuf, String)>>,
    /// The workspaces of which somebody waits until no command runs there.
    awaited: Mutex<BTreeSet<PathBuf>>,
    /// Told when a command has ended.
    ended: Arc<Notify>,
}

/// A call that runs a command; it is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Calling {
    jobs: Jobs,
    id: Uuid,
}

impl Drop for Calling {
    fn drop(&mut self) {
        self.jobs.0.calls.lock().remove(&self.id);
        self.jobs.0.ended.notify_waiters();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for job in self.table.lock().values() {
            job.stop();
        }
    }
}

/// A command that has just been started.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) running: Running,
    pub(crate) typing: Option<Typing>,
    /// Ends it.
    pub(crate) stop: CancellationToken,
    /// Takes its output as long as somebody watches the call.
    pub(crate) live: LiveOutput,
    /// What it is, for people; secrets are masked.
    pub(crate) command: String,
    pub(crate) at: At,
    /// The workspace that it may write to.
    pub(crate) workspace: PathBuf,
    /// What is in view of whoever starts it.
    pub(crate) marks: Vec<Mark>,
}

/// Where a job's input and output are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// Pipes.
    Pipes,
    /// A terminal.
    Terminal,
}

/// A command whose call still waits for it; dropping this ends the command.
#[derive(Debug)]
pub(crate) struct Foreground {
    job: Arc<Job>,
    end: Option<oneshot::Receiver<Result<openclaw_sandbox::Output, SandboxError>>>,
}

/// Why there is no job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoJob {
    /// There is none of that id, or it is another agent's.
    #[error("there is no background command `{id}`; `list` shows those that there are")]
    Unknown {
        /// The id that was given.
        id: String,
    },
    /// Too many run already.
    #[error("{RUNNING} commands run in the background already; end some with `kill` first")]
    TooMany,
}

impl Jobs {
    /// Makes an empty table whose tasks belong to `scope`.
    pub fn new(scope: TaskScope) -> Self {
        Self(Arc::new(Inner {
            scope,
            table: Mutex::default(),
            watches: Watches::default(),
            calls: Mutex::default(),
            awaited: Mutex::default(),
            ended: Arc::default(),
        }))
    }

    /// Takes note of a call that is about to run a command, before it does.
    pub(crate) fn call(&self, workspace: &Path, command: String) -> Calling {
        let id = Uuid::now_v7();
        let call = (workspace.to_owned(), command);
        self.0.calls.lock().insert(id, call);
        Calling {
            jobs: self.clone(),
            id,
        }
    }

    /// Does something once no command runs that may write to a workspace, unless somebody waits for
    /// that already; the end of the process waits for it.
    pub(crate) fn when_quiet<T: Future<Output = ()> + Send>(
        &self,
        workspace: PathBuf,
        task: impl FnOnce(Self) -> T + Send + 'static,
    ) {
        if !self.0.awaited.lock().insert(workspace.clone()) {
            return;
        }
        // Whoever waits for the end of jobs must not be what keeps them.
        let (jobs, told) = (Arc::downgrade(&self.0), Arc::clone(&self.0.ended));
        let wait = async move {
            loop {
                let ended = told.notified();
                let Some(jobs) = jobs.upgrade().map(Self) else {
                    return;
                };
                if jobs.running_in(&workspace).is_none() {
                    jobs.0.awaited.lock().remove(&workspace);
                    return task(jobs).await;
                }
                drop(jobs);
                ended.await;
            }
        };
        drop(self.0.scope.spawn("look", wait));
    }

    /// Follows a command in a task of its own.
    pub(crate) fn follow(&self, caller: &Caller, started: Started) -> Foreground {
        let Started {
            running,
            typing,
            stop,
            live,
            command,
            at,
            workspace,
            marks,
        } = started;
        let (tell, end) = oneshot::channel();
        let job = Arc::new(Job::new(
            caller,
            (command, workspace),
            at,
            typing,
            stop.clone(),
        ));
        job.marked(&marks);
        let task = Arc::clone(&job).watch(running, live, tell);
        let over = self.0.scope.stop().clone();
        let ended = Arc::clone(&self.0.ended);
        drop(self.0.scope.spawn("job", async move {
            // When the process is told to end, so are its jobs; they still come to their end here.
            let ending = async {
                over.cancelled().await;
                stop.cancel();
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = task => {}
                () = ending => {}
            }
            ended.notify_waiters();
        }));
        Foreground {
            job,
            end: Some(end),
        }
    }

    /// Lets a command go on in the background, and returns it.
    pub(crate) fn keep(&self, mut foreground: Foreground) -> Result<Arc<Job>, NoJob> {
        let mut table = self.0.table.lock();
        forget(&mut table);
        let running = table.values().filter(|job| job.fate().is_none()).count();
        if running >= RUNNING {
            return Err(NoJob::TooMany);
        }
        foreground.end = None;
        let job = Arc::clone(&foreground.job);
        table.insert(job.id().to_owned(), Arc::clone(&job));
        Ok(job)
    }

    /// Returns the jobs that a caller may see, oldest first.
    pub(crate) fn of(&self, caller: &Caller) -> Vec<Arc<Job>> {
        let mut table = self.0.table.lock();
        forget(&mut table);
        let seen = table.values().filter(|job| job.is_seen_by(caller));
        seen.map(Arc::clone).collect()
    }

    /// Returns the job of that id.
    pub(crate) fn find(&self, caller: &Caller, id: &str) -> Result<Arc<Job>, NoJob> {
        let table = self.0.table.lock();
        let job = table.get(id).filter(|job| job.is_seen_by(caller));
        job.map(Arc::clone)
            .ok_or_else(|| NoJob::Unknown { id: id.to_owned() })
    }

    /// Returns a command that runs and may write to a workspace, if there is one; workspaces may
    /// lie in each other.
    pub(crate) fn running_in(&self, workspace: &Path) -> Option<String> {
        let called = {
            let calls = self.0.calls.lock();
            let mut calls = calls.values();
            let called = calls.find(|(place, _)| overlap(place, workspace));
            called.map(|(_, command)| command.clone())
        };
        called.or_else(|| self.going_on_in(workspace))
    }

    /// Returns a command that goes on in a workspace after the call that started it.
    pub(crate) fn going_on_in(&self, workspace: &Path) -> Option<String> {
        let running = self.running(workspace);
        running.first().map(|job| job.command().to_owned())
    }

    /// Returns what the output and the files of jobs that go on in a workspace may be.
    pub(crate) fn marks_in(&self, workspace: &Path) -> Vec<Mark> {
        let mut marks = Vec::new();
        for job in self.running(workspace) {
            add_all(&mut marks, job.marks());
        }
        marks
    }

    /// Takes note of what comes into a workspace while jobs go on there, which may print it.
    pub(crate) fn marked_in(&self, workspace: &Path, marks: &[Mark]) {
        for job in self.running(workspace) {
            job.marked(marks);
        }
    }

    fn running(&self, workspace: &Path) -> Vec<Arc<Job>> {
        let table = self.0.table.lock();
        let jobs = table.values();
        jobs.filter(|job| overlap(job.workspace(), workspace) && job.fate().is_none())
            .map(Arc::clone)
            .collect()
    }

    /// Returns what is known of the workspaces that jobs write to.
    pub(crate) fn watches(&self) -> &Watches {
        &self.0.watches
    }

    /// Takes a job away, which has ended or is told to.
    pub(crate) fn remove(&self, job: &Job) {
        job.stop();
        self.0.table.lock().remove(job.id());
    }
}

/// Takes away what has ended long ago, or is too much.
fn forget(table: &mut BTreeMap<String, Arc<Job>>) {
    let now = Clock::system().now();
    let age = |job: &Job| {
        let ended = job.fate().map(|fate| fate.at)?;
        Duration::try_from(now.duration_since(ended)).ok()
    };
    table.retain(|_, job| age(job).is_none_or(|age| age < REMEMBERED));
    // Ids sort by time, so the oldest come first.
    let ended: Vec<String> = table
        .iter()
        .filter(|(_, job)| job.fate().is_some())
        .map(|(id, _)| id.clone())
        .collect();
    for id in ended.iter().take(ended.len().saturating_sub(ENDED)) {
        table.remove(id);
    }
}

impl Foreground {
    /// Waits for the command's end.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn end(&mut self) -> Result<openclaw_sandbox::Output, SandboxError> {
        let lost = SandboxError::Lost {
            task: "the watch over a command",
        };
        match &mut self.end {
            Some(end) => end.await.unwrap_or(Err(lost)),
            None => Err(lost),
        }
    }

    /// Ends the command and waits until nothing of it is left.
    pub(crate) async fn cancel(mut self) {
        self.job.stop();
        drop(self.end().await);
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        if self.end.is_some() {
            self.job.stop();
        }
    }
}
