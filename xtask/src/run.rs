//! The one place of this crate that starts processes.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// A program with its arguments, not started yet.
#[derive(Debug)]
pub(crate) struct Run {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    folder: PathBuf,
}

/// Why a program did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// It did not start.
    #[error("cannot start `{line}`")]
    Start {
        /// The program and its arguments.
        line: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// It ended with a failure.
    #[error("`{line}` ended with {status}")]
    Failed {
        /// The program and its arguments.
        line: String,
        /// How it ended.
        status: ExitStatus,
    },
}

impl Run {
    /// Describes a program that runs in `folder`.
    pub(crate) fn new(program: impl Into<OsString>, folder: &Path) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: folder.to_path_buf(),
        }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    pub(crate) fn args<A: Into<OsString>>(
        mut self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable for the program, which inherits all others.
    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        let value = Some(value.into());
        self.environment.push((OsString::from(name), value));
        self
    }

    /// Keeps a variable from the program.
    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.environment.push((OsString::from(name), None));
        self
    }

    /// Runs the program on the caller's terminal; an exit code other than 0 is an error.
    pub(crate) fn check(&self) -> Result<(), RunError> {
        let status = self.status()?;
        if status.success() {
            return Ok(());
        }
        let line = self.line();
        Err(RunError::Failed { line, status })
    }

    /// Runs the program on the caller's terminal and returns its exit code; a signal counts as
    /// 128 plus its number, as in a shell.
    pub(crate) fn code(&self) -> Result<u8, RunError> {
        self.status().map(shell_code)
    }

    /// Runs the program and returns what it wrote to standard output; what it writes to standard
    /// error is shown.
    pub(crate) fn stdout(&self) -> Result<Vec<u8>, RunError> {
        let output = self
            .command()
            .stderr(std::process::Stdio::inherit())
            .output()
            .map_err(|source| self.not_started(source))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let (line, status) = (self.line(), output.status);
        Err(RunError::Failed { line, status })
    }

    /// Runs the program, shows nothing, and tells whether it succeeded.
    pub(crate) fn succeeds(&self) -> bool {
        self.command()
            .output()
            .is_ok_and(|output| output.status.success())
    }

    fn status(&self) -> Result<ExitStatus, RunError> {
        self.command()
            .status()
            .map_err(|source| self.not_started(source))
    }

    fn not_started(&self, source: io::Error) -> RunError {
        let line = self.line();
        RunError::Start { line, source }
    }

    fn line(&self) -> String {
        let program = Path::new(&self.program);
        let name = program.file_name().unwrap_or(&self.program);
        let words = std::iter::once(name).chain(self.arguments.iter().map(OsString::as_os_str));
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "chores start cargo and system tools on the developer's machine; no agent's command passes here"
    )]
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.folder);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }
}

#[cfg(unix)]
fn shell_code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;

    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| signal + 128));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(not(unix))]
fn shell_code(status: ExitStatus) -> u8 {
    let code = status.code();
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Run {
        Run::new("sh", Path::new("/")).args(["-c", script])
    }

    #[test]
    fn exit_codes_and_signals_are_passed_on() {
        assert_eq!(shell("exit 0").code().unwrap(), 0);
        assert_eq!(shell("exit 69").code().unwrap(), 69);
        assert_eq!(shell("kill -TERM $$").code().unwrap(), 143);
    }

    #[test]
    fn a_failure_names_the_command_line() {
        let err = Run::new("/bin/false", Path::new("/")).arg("x").check();
        assert_eq!(
            err.unwrap_err().to_string(),
            "`false x` ended with exit status: 1"
        );
        let err = Run::new("no-such-program", Path::new("/")).check();
        assert_eq!(
            err.unwrap_err().to_string(),
            "cannot start `no-such-program`"
        );
    }

    #[test]
    fn variables_reach_the_program_or_are_kept_from_it() {
        let run = shell("printf %s \"$GREETING\"").env("GREETING", "hello");
        assert_eq!(run.stdout().unwrap(), b"hello");
        let run = run.without_env("GREETING");
        assert_eq!(run.stdout().unwrap(), b"");
    }
}
