//! What to run: a program with its arguments, variables, input and limits.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use crate::error::SandboxError;

/// How much of each output stream is kept and handed out unless the caller says otherwise.
const OUTPUT: usize = 1024 * 1024;

/// A command that has not been started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments; a program without a slash is searched for inside the sandbox.
    pub argv: Vec<OsString>,
    /// The working directory; without one, the first allowed path.
    pub cwd: Option<PathBuf>,
    /// Folders that the command may read beside the allowed paths, each at its own absolute path.
    ///
    /// One that is missing or belongs to the system is not there for the command.
    pub read_only: Vec<PathBuf>,
    /// Variables beside the few that every command gets; one of the same name replaces those.
    pub env: Vec<(String, String)>,
    /// What the command reads from its standard input.
    pub stdin: Stdin,
    /// How long the command may take and how much it may say.
    pub limits: Limits,
}

/// The standard input of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing: the command sees the end of its input at once.
    #[default]
    Null,
    /// The standard input of this process.
    ///
    /// At level None a command that reads from a terminal is stopped by job control, since it runs
    /// in a process group of its own.
    Inherit,
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// What is written by [`Running::take_input`](crate::Running::take_input) while it runs.
    Open,
    /// A terminal of its own, for its output and errors too, which then are one stream. Linux only.
    ///
    /// Inside a sandbox it is the terminal that controls the command, with job control; at level
    /// None it is a terminal and no more.
    Terminal(TerminalSize),
}

/// How large a terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// Lines.
    pub rows: u16,
    /// Characters in a line.
    pub columns: u16,
}

impl Default for TerminalSize {
    fn default() -> Self {
        Self {
            rows: 24,
            columns: 80,
        }
    }
}

/// The limits that this process keeps on a command, at every level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The time after which the command and everything it started are killed.
    pub wall_time: Option<Duration>,
    /// How many processes and threads may exist at once.
    ///
    /// The kernel counts them for each user of a sandbox, and in a control group where one can be
    /// had; it does not count those of root.
    pub processes: Option<u64>,
    /// How many bytes a file may have that the command writes.
    pub file_size: Option<u64>,
    /// How many files each process may have open.
    pub open_files: Option<u64>,
    /// How many bytes of each output stream the [`Output`](crate::Output) holds.
    ///
    /// Of more than that, the beginning and the end are kept. This much memory may be used.
    pub kept_bytes: usize,
    /// How many bytes of each output stream are handed out while the command runs.
    ///
    /// The rest is read and not handed out; `usize::MAX` leaves no rest. A command waits while
    /// what is ready is not taken, so a large limit costs no memory.
    pub forwarded_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall_time: Some(Duration::from_mins(2)),
            processes: Some(1024),
            file_size: Some(4 * 1024 * 1024 * 1024),
            open_files: Some(4096),
            kept_bytes: OUTPUT,
            forwarded_bytes: OUTPUT,
        }
    }
}

impl Command {
    /// Returns a command that runs `program` with no arguments.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            argv: vec![program.into()],
            cwd: None,
            read_only: Vec::new(),
            env: Vec::new(),
            stdin: Stdin::Null,
            limits: Limits::default(),
        }
    }

    /// Returns a command that has `/bin/sh` run `script`.
    pub fn shell(script: impl Into<OsString>) -> Self {
        Self::new("/bin/sh").arg("-c").arg(script)
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.argv.push(arg.into());
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.argv.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn cwd(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cwd = Some(directory.into());
        self
    }

    /// Adds folders that may be read.
    #[must_use]
    pub fn read_only(mut self, folders: impl IntoIterator<Item = PathBuf>) -> Self {
        self.read_only.extend(folders);
        self
    }

    /// Adds a variable to the environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets the standard input.
    #[must_use]
    pub fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    /// Sets the time after which the command is killed.
    #[must_use]
    pub fn wall_time(mut self, limit: Duration) -> Self {
        self.limits.wall_time = Some(limit);
        self
    }

    /// Sets how many bytes of each output stream are kept, and the same for how many are handed out.
    #[must_use]
    pub fn output_bytes(self, limit: usize) -> Self {
        self.kept_bytes(limit).forwarded_bytes(limit)
    }

    /// Sets how many bytes of each output stream are kept.
    #[must_use]
    pub fn kept_bytes(mut self, limit: usize) -> Self {
        self.limits.kept_bytes = limit;
        self
    }

    /// Sets how many bytes of each output stream are handed out while the command runs.
    #[must_use]
    pub fn forwarded_bytes(mut self, limit: usize) -> Self {
        self.limits.forwarded_bytes = limit;
        self
    }

    /// Says whether this can be handed to an operating system at all.
    pub(crate) fn check(&self) -> Result<(), SandboxError> {
        let fault = self.fault();
        fault.map_or(Ok(()), |fault| Err(SandboxError::BadCommand { fault }))
    }

    fn fault(&self) -> Option<CommandFault> {
        if cfg!(not(target_os = "linux")) && matches!(self.stdin, Stdin::Terminal(_)) {
            return Some(CommandFault::NoTerminal);
        }
        let Some(program) = self.argv.first() else {
            return Some(CommandFault::NoProgram);
        };
        if program.is_empty() {
            return Some(CommandFault::NoProgram);
        }
        // Where a shell sets the limits, it would take such a name for an option of its `exec`.
        if program.as_encoded_bytes().starts_with(b"-") {
            return Some(CommandFault::ProgramLooksLikeAnOption);
        }
        if self
            .argv
            .iter()
            .any(|arg| arg.as_encoded_bytes().contains(&0))
        {
            return Some(CommandFault::NulByte);
        }
        for (name, value) in &self.env {
            if name.is_empty() || name.contains('=') {
                return Some(CommandFault::BadVariable { name: name.clone() });
            }
            if name.contains('\0') || value.contains('\0') {
                return Some(CommandFault::NulByte);
            }
        }
        None
    }
}

/// Why a command is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandFault {
    /// The argument list or the program's name is empty.
    #[error("it names no program")]
    NoProgram,
    /// The program's name begins with a dash.
    #[error("its program begins with `-`")]
    ProgramLooksLikeAnOption,
    /// An argument or a variable contains a null byte.
    #[error("an argument or a variable contains a null byte")]
    NulByte,
    /// There are no terminals for commands on this system.
    #[error("it wants a terminal, which there is on Linux only")]
    NoTerminal,
    /// A variable's name is empty or contains `=`.
    #[error("`{name}` cannot be the name of a variable")]
    BadVariable {
        /// The name as it was given.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_is_wrong_with_a_command() {
        let mut empty = Command::new("true");
        empty.argv.clear();
        assert_eq!(empty.fault(), Some(CommandFault::NoProgram));
        assert_eq!(Command::new("").fault(), Some(CommandFault::NoProgram));
        assert_eq!(
            Command::new("-x").fault(),
            Some(CommandFault::ProgramLooksLikeAnOption)
        );
        assert_eq!(
            Command::new("echo").arg("a\0b").fault(),
            Some(CommandFault::NulByte)
        );
        assert_eq!(
            Command::new("echo").env("A", "\0").fault(),
            Some(CommandFault::NulByte)
        );
        assert_eq!(
            Command::new("echo").env("A=B", "c").fault(),
            Some(CommandFault::BadVariable { name: "A=B".into() })
        );
        assert_eq!(
            Command::shell("echo -x").arg("-y").env("A", "").fault(),
            None
        );
    }
}
