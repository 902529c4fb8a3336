//! Runs programs in a [`TestHome`](crate::TestHome); the one place of the kit that starts any.
//!
//! Unix only: programs run in process groups of their own and are stopped by signals.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use openclaw_core::env::Env;
use openclaw_core::state_dir::{Overrides, StateDir};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long a program may run unless the test says otherwise.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program that is about to run in a home.
#[derive(Debug)]
#[must_use = "nothing runs before `run`"]
pub struct HomeCommand {
    program: PathBuf,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    folder: PathBuf,
    captures: PathBuf,
    stdin: Option<Vec<u8>>,
    patience: Duration,
}

/// A program that ran to its end.
#[derive(Debug)]
#[must_use = "check how it ended"]
pub struct Ran {
    /// The command line.
    pub command: String,
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed on stdout.
    pub stdout: String,
    /// What it printed on stderr.
    pub stderr: String,
    /// How long it took.
    pub duration: Duration,
}

impl HomeCommand {
    pub(crate) fn new(
        program: &Path,
        folder: &Path,
        captures: &Path,
        env: &BTreeMap<OsString, OsString>,
    ) -> Self {
        Self {
            program: program.to_owned(),
            args: Vec::new(),
            env: env.clone(),
            folder: folder.to_owned(),
            captures: captures.to_owned(),
            stdin: None,
            patience: PATIENCE,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.env.insert(name, value);
        self
    }

    /// Runs it in this folder; otherwise in the home.
    pub fn in_folder(mut self, folder: impl AsRef<Path>) -> Self {
        folder.as_ref().clone_into(&mut self.folder);
        self
    }

    /// Gives it this on stdin; otherwise stdin is empty.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Gives it this much time; otherwise it has a minute.
    pub fn timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns how much time it has.
    pub(crate) const fn patience(&self) -> Duration {
        self.patience
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be started or takes too long; it and what it started are killed then.
    pub async fn run(self) -> Ran {
        // Files, not pipes: what a leftover grandchild holds open cannot keep the test waiting,
        // and a program that hangs leaves behind what it said.
        let (stdout, stderr) = (self.capture(), self.capture());
        let start = Instant::now();
        let mut running = self.start(file(&stdout).into(), file(&stderr).into());
        let status = timeout(self.patience, running.child.wait()).await;
        let ran = |code| Ran {
            command: self.to_string(),
            code,
            stdout: text(stdout.path()),
            stderr: text(stderr.path()),
            duration: start.elapsed(),
        };
        let Ok(status) = status else {
            panic!("did not end within {:?}: {}", self.patience, ran(None));
        };
        let ran = ran(status.expect("the program's exit status").code());
        self.assert_keeps_the_token(&ran);
        ran
    }

    /// Whatever a test is about, no program prints the gateway's token.
    #[expect(clippy::disallowed_methods, reason = "it is looked for in the text")]
    fn assert_keeps_the_token(&self, ran: &Ran) {
        let env: Env = self.env.clone().into_iter().collect();
        let state = StateDir::locate(&env, &Overrides::default());
        // A test may have put something odd in its place.
        let Ok(Some(token)) = state.and_then(|state| state.read_token()) else {
            return;
        };
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let told = token.len() >= 16 && said.contains(token.expose_secret());
        assert!(!told, "`{self}` prints the gateway's token");
    }

    /// Runs it to its end, and does something once it has printed a line on stdout.
    ///
    /// # Panics
    /// As [`HomeCommand::run`], and when it prints no line.
    pub async fn run_answering<F: Future<Output = ()>>(
        self,
        answer: impl FnOnce(String) -> F,
    ) -> Ran {
        let stderr = self.capture();
        let start = Instant::now();
        let mut running = self.start(Stdio::piped(), file(&stderr).into());
        let stdout = running.child.stdout.take().expect("the program's stdout");
        let mut stdout = BufReader::new(stdout);
        let mut said = String::new();
        let status = timeout(self.patience, async {
            let read = stdout.read_line(&mut said).await.expect("a line");
            assert_ne!(read, 0, "`{self}` said nothing\n{}", text(stderr.path()));
            answer(said.clone()).await;
            stdout.read_to_string(&mut said).await.expect("its output");
            running.child.wait().await
        });
        let Ok(status) = status.await else {
            panic!("`{self}` did not end\n{}", text(stderr.path()));
        };
        Ran {
            command: self.to_string(),
            code: status.expect("the program's exit status").code(),
            stdout: said,
            stderr: text(stderr.path()),
            duration: start.elapsed(),
        }
    }

    /// Starts it in a process group of its own.
    pub(crate) fn start(&self, stdout: Stdio, stderr: Stdio) -> Running {
        self.start_reading(self.input(), stdout, stderr)
    }

    /// As [`start`](Self::start), with another input than the one it was given.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the place where the test kit starts processes"
    )]
    pub(crate) fn start_reading(&self, stdin: Stdio, stdout: Stdio, stderr: Stdio) -> Running {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .envs(&self.env)
            .current_dir(&self.folder)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0)
            .kill_on_drop(true);
        let child = command
            .spawn()
            .unwrap_or_else(|err| panic!("cannot start `{self}`: {err}"));
        Running { child }
    }

    /// Makes a file that the program prints to.
    pub(crate) fn capture(&self) -> NamedTempFile {
        NamedTempFile::new_in(&self.captures).expect("a file to capture output")
    }

    fn input(&self) -> Stdio {
        let Some(bytes) = &self.stdin else {
            return Stdio::null();
        };
        let written = self.capture();
        fs::write(written.path(), bytes).expect("the program's input");
        // The open file outlives its name.
        File::open(written.path())
            .expect("the program's input")
            .into()
    }
}

impl fmt::Display for HomeCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program.to_string_lossy())?;
        for arg in &self.args {
            write!(f, " {}", arg.to_string_lossy())?;
        }
        Ok(())
    }
}

impl Ran {
    /// Returns itself if the program ended with this code.
    ///
    /// # Panics
    /// When it did not, with all that it printed.
    #[track_caller]
    pub fn assert_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Returns the JSON document on stdout.
    ///
    /// # Panics
    /// When stdout is anything else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|err| panic!("stdout is no JSON document ({err}): {self}"))
    }

    /// Returns the JSON documents on stdout, one a line.
    ///
    /// # Panics
    /// When a line is anything else.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let read = |line: &str| {
            serde_json::from_str(line)
                .unwrap_or_else(|err| panic!("`{line}` is no JSON document ({err}): {self}"))
        };
        self.stdout.lines().map(read).collect()
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` ended with code {:?} after {:?}\n-- stdout --\n{}\n-- stderr --\n{}",
            self.command, self.code, self.duration, self.stdout, self.stderr
        )
    }
}

/// A running program; it and its process group are killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
}

impl Running {
    /// Kills the program and its process group, and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        self.kill_group();
        self.child
            .wait()
            .await
            .expect("the killed program's exit status");
    }

    /// Asks the program, and only it, to end.
    pub(crate) fn terminate(&self) {
        if let Some(pid) = self.pid() {
            kill_process(pid, Signal::TERM).expect("a signal to the program");
        }
    }

    /// Waits for the end.
    pub(crate) async fn wait(&mut self) -> ExitStatus {
        self.child.wait().await.expect("the program's exit status")
    }

    /// Returns the process id until the end was seen; after that it may be somebody else's.
    fn pid(&self) -> Option<Pid> {
        let id = i32::try_from(self.child.id()?).ok()?;
        Pid::from_raw(id)
    }

    fn kill_group(&self) {
        if let Some(pid) = self.pid() {
            // An error means that nobody of the group is left.
            kill_process_group(pid, Signal::KILL).ok();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// Reads what a program printed.
pub(crate) fn text(path: &Path) -> String {
    let bytes = fs::read(path).expect("the captured output");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn file(captured: &NamedTempFile) -> File {
    captured.reopen().expect("the file to capture output")
}
