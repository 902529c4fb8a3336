//! The process that appends, and the handle by which a test holds it.
//!
//! It is this test binary again, asked for the one test of this module with a job in its
//! environment. It tells every acknowledged event on its standard output, in one `write` for each
//! append and after the append has returned.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::Instant;

use openclaw_core::env::Env;
use openclaw_core::events::StoreError;
use openclaw_core::{EventStore, SessionEventKind, SessionKey};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::image::check_image;
use super::ledger::{Ledger, Mark};

/// The variable that holds a [`Job`] as JSON.
const JOB: &str = "OPENCLAW_DURABILITY_JOB";
/// The test below.
const TEST: &str = "durability::writer::a_writer_acknowledges_what_is_in_the_store";

/// What a writing process does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Job {
    /// The store's file.
    pub(super) store: PathBuf,
    /// What sets this process's events apart from those of others.
    pub(super) name: String,
    /// How many writers append at the same time.
    pub(super) writers: u32,
    /// How many appends each of them makes; without end if that is not said.
    pub(super) appends: Option<u32>,
    /// How many times the store is opened, written to by all writers, and closed.
    pub(super) lives: u32,
}

/// How many sessions all writers of all processes share; besides these, each process starts one.
const SHARED_SESSIONS: u32 = 4;

impl Job {
    /// Describes a process that writes until it is killed.
    pub(super) fn endless(store: &Path, name: impl Into<String>, writers: u32) -> Self {
        Self {
            store: store.to_owned(),
            name: name.into(),
            writers,
            appends: None,
            lives: 1,
        }
    }

    /// Returns the command that does this job.
    pub(super) fn arguments(&self) -> (PathBuf, [&'static str; 4], (&'static str, String)) {
        let program = std::env::current_exe().unwrap();
        let arguments = ["--exact", TEST, "--nocapture", "--test-threads=1"];
        let job = serde_json::to_string(self).unwrap();
        (program, arguments, (JOB, job))
    }

    fn from_environment() -> Option<Self> {
        let env = Env::from_process();
        env.get(JOB).map(|job| serde_json::from_str(job).unwrap())
    }

    async fn run(&self) {
        // The harness has begun a line of its own.
        io::stdout().write_all(b"\n").unwrap();
        for life in 0..self.lives {
            let store = EventStore::open(&self.store).unwrap();
            let mut writers = JoinSet::new();
            for writer in 0..self.writers {
                let session = match writer {
                    0 => format!("{}.{life}", self.name),
                    _ => format!("shared{}", writer % SHARED_SESSIONS),
                };
                let writing = Writing {
                    store: store.clone(),
                    session: SessionKey::parse(&format!("agent:main:{session}")).unwrap(),
                    name: format!("{}.{life}.{writer}", self.name),
                };
                writers.spawn(writing.run(self.appends));
            }
            writers.join_all().await;
        }
    }
}

struct Writing {
    store: EventStore,
    session: SessionKey,
    name: String,
}

impl Writing {
    async fn run(self, appends: Option<u32>) {
        let started = SessionEventKind::SessionStarted {
            channel: "rpc".into(),
            peer_id: "p".into(),
        };
        match self.store.append(&self.session, vec![started.into()]).await {
            Ok(_) | Err(StoreError::SessionExists(_)) => {}
            Err(err) => panic!("{err}"),
        }
        for n in 0..appends.unwrap_or(u32::MAX) {
            let marks = Mark::of_append(&format!("{}.{n}", self.name));
            let events = marks.iter().map(Mark::event).collect();
            let recorded = self.store.append(&self.session, events).await.unwrap();
            let lines: String = recorded
                .iter()
                .zip(&marks)
                .map(|(event, mark)| Ledger::line(event, mark))
                .collect();
            // A parent that has gone asks for no more.
            if io::stdout().write_all(lines.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// A process that is writing; it is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    child: Child,
    lines: Receiver<String>,
    reader: Option<JoinHandle<()>>,
    ledger: Ledger,
}

impl Writer {
    pub(super) fn start(job: &Job) -> Self {
        let (program, arguments, (name, value)) = job.arguments();
        Self::start_command(program_command(&program).args(arguments).env(name, value))
    }

    pub(super) fn start_command(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (tx, lines) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut line = String::new();
            // A line that a killed process did not finish acknowledges nothing.
            while output.read_line(&mut line).is_ok() && line.ends_with('\n') {
                let whole = std::mem::take(&mut line);
                if tx.send(whole.trim_end().to_owned()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            reader: Some(reader),
            ledger: Ledger::default(),
        }
    }

    /// Takes acknowledgements in until this moment, then kills the process (SIGKILL) and returns
    /// all that it had acknowledged.
    pub(super) fn kill_at(mut self, moment: Instant) -> Ledger {
        while let Ok(line) = self
            .lines
            .recv_timeout(moment.saturating_duration_since(Instant::now()))
        {
            self.ledger.enter(&line);
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.rest()
    }

    /// Waits until the process ends by itself and returns what it acknowledged.
    pub(super) fn finish(mut self) -> Ledger {
        while let Ok(line) = self.lines.recv() {
            self.ledger.enter(&line);
        }
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the writing process ended with {status}");
        self.rest()
    }

    fn rest(mut self) -> Ledger {
        // What was in the pipe when the process died was acknowledged too.
        while let Ok(line) = self.lines.recv() {
            self.ledger.enter(&line);
        }
        self.reader.take().unwrap().join().unwrap();
        std::mem::take(&mut self.ledger)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It has ended already, unless the test failed on its way.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test kills a process of its own, which no sandbox may keep alive or alter"
)]
pub(super) fn program_command(program: &Path) -> Command {
    Command::new(program)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_acknowledges_what_is_in_the_store() {
    if let Some(job) = Job::from_environment() {
        return job.run().await;
    }
    let dir = tempfile::tempdir().unwrap();
    let job = Job {
        appends: Some(3),
        lives: 2,
        ..Job::endless(&dir.path().join("events.sqlite"), "w", 4)
    };
    let ledger = Writer::start(&job).finish();
    let appends = (0..2).flat_map(|life| (0..4).map(move |writer| (life, writer)));
    let marks: Vec<_> = appends
        .flat_map(|(life, writer)| (0..3).map(move |n| format!("w.{life}.{writer}.{n}")))
        .flat_map(|append| Mark::of_append(&append))
        .collect();
    let acknowledged: Vec<_> = ledger.iter().map(|(mark, _)| mark.clone()).collect();
    assert_eq!(acknowledged, marks);
    assert_eq!(check_image(&job.store, &ledger).await.problems, [""; 0]);
}
