//! The keyring of the operating system, asked through the system's own tool.
//!
//! On Linux that is `secret-tool` of libsecret, which speaks to GNOME Keyring, `KWallet` and
//! `KeePassXC` over the session bus; on macOS it is `/usr/bin/security`. The password comes through a
//! pipe, and neither an argument nor a variable has it.

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use openclaw_core::env::{DBUS_SESSION_BUS_ADDRESS, Env, PATH, XDG_RUNTIME_DIR};
use openclaw_sandbox::{
    self as sandbox, Command, Output, SandboxConfig, SandboxError, SandboxLevel, Status,
};
use parking_lot::Mutex;
use tokio::runtime::Builder;
use zeroize::Zeroizing;

use super::password::{LARGEST, MasterPassword, PasswordError, PasswordSource, of_bytes};

/// What Linux asks the keyring with; looked for in the search path of this process.
const SECRET_TOOL: &str = "secret-tool";
/// What macOS asks the keychain with.
const SECURITY: &str = "/usr/bin/security";
/// How `security` ends when the keychain has no such item (`errSecItemNotFound`).
const NOT_IN_KEYCHAIN: i32 = 44;

/// How long the tool may take: the keyring may ask whoever sits there to unlock it, and a start that
/// nobody watches must go on.
const LIMIT: Duration = Duration::from_secs(10);
/// How long a keyring that did not answer is left alone, so that not every request waits for it.
const PAUSE: Duration = Duration::from_mins(1);
/// The most characters of the tool's complaint that are repeated.
const COMPLAINT: usize = 200;

/// The operating system's keyring, if it has one that can be asked.
#[derive(Debug)]
pub(super) struct Keyring {
    /// The state directory, in which agents write.
    state: PathBuf,
    limit: Duration,
    /// When it last failed to answer in time.
    gave_up: Mutex<Option<Instant>>,
}

/// Why the keyring was not asked, or did not answer. A keyring that has no such entry is no error.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The tool was stopped because it took too long.
    #[error(
        "the OS keyring did not answer `{}` within {} seconds",
        program.display(),
        limit.as_secs()
    )]
    Silent {
        /// The tool.
        program: PathBuf,
        /// How long it had.
        limit: Duration,
    },
    /// The tool failed.
    #[error("`{}` cannot ask the OS keyring: {complaint}", program.display())]
    Failed {
        /// The tool.
        program: PathBuf,
        /// What it said about that.
        complaint: String,
    },
    /// The bus is not one that the sandbox keeps from commands.
    #[error(
        "the OS keyring is not asked: the session bus is no socket in the file system, so that \
         sandboxed commands with the network could ask it, too"
    )]
    Exposed,
    /// The tool was not run.
    #[error("`{}` cannot be run to ask the OS keyring: {source}", program.display())]
    NotRun {
        /// The tool.
        program: PathBuf,
        /// The reason.
        source: SandboxError,
    },
}

impl Keyring {
    /// Takes the keyring of whoever runs this process; nothing is asked yet.
    ///
    /// # Security
    /// A tool that lies in the state directory may be the work of an agent, and is passed over.
    pub(super) fn new(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
            limit: LIMIT,
            gave_up: Mutex::default(),
        }
    }

    /// Returns the master password that the keyring has; nothing where there is no keyring to ask.
    pub(super) fn password(&self, env: &Env) -> Result<Option<MasterPassword>, PasswordError> {
        let Some(tool) = self.tool(env) else {
            return Ok(None);
        };
        if tool.is_exposed(env) {
            return Err(KeyringError::Exposed.into());
        }
        let program = || tool.program().to_owned();
        let silent = || KeyringError::Silent {
            program: program(),
            limit: self.limit,
        };
        if self.gave_up.lock().is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(silent().into());
        }
        let mut output = ask(&tool.question(env, self.limit)).map_err(|source| {
            let program = program();
            KeyringError::NotRun { program, source }
        })?;
        let answer = Zeroizing::new(std::mem::take(&mut output.stdout));
        if output.status.success() {
            return of_bytes(&answer, PasswordSource::Keyring(program())).map(Some);
        }
        if tool.has_none(&output) {
            return Ok(None);
        }
        if output.status == Status::TimedOut {
            *self.gave_up.lock() = Some(Instant::now());
            return Err(silent().into());
        }
        Err(KeyringError::Failed {
            program: program(),
            complaint: complaint(&output),
        }
        .into())
    }

    fn tool(&self, env: &Env) -> Option<Tool> {
        if cfg!(target_os = "macos") {
            return Some(Tool::Security);
        }
        if !has_session_bus(env) {
            return None;
        }
        let state = fs::canonicalize(&self.state).ok();
        let folders = std::env::split_paths(env.get_os(PATH.name)?);
        let mut programs = folders
            .filter(|folder| folder.is_absolute())
            .filter_map(|folder| fs::canonicalize(folder.join(SECRET_TOOL)).ok())
            .filter(|program| {
                !state
                    .as_ref()
                    .is_some_and(|state| program.starts_with(state))
            });
        programs
            .find(|program| is_program(program))
            .map(Tool::SecretTool)
    }
}

/// What asks the keyring of a system.
#[derive(Debug)]
enum Tool {
    SecretTool(PathBuf),
    Security,
}

impl Tool {
    fn program(&self) -> &Path {
        match self {
            Self::SecretTool(program) => program,
            Self::Security => Path::new(SECURITY),
        }
    }

    fn question(&self, env: &Env, limit: Duration) -> Command {
        let command = Command::new(self.program())
            .wall_time(limit)
            .kept_bytes(LARGEST)
            .forwarded_bytes(0);
        match self {
            Self::SecretTool(_) => {
                let command =
                    command.args(["lookup", "service", "openclaw", "account", "credentials"]);
                // A system's own language would not help somebody who searches for the message.
                let command = command.env("LC_ALL", "C");
                let bus = [DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR];
                let bus = bus.map(|variable| Some((variable.name, env.get(variable.name)?)));
                let bus = bus.into_iter().flatten();
                bus.fold(command, |command, (name, value)| command.env(name, value))
            }
            Self::Security => command.args([
                "find-generic-password",
                "-s",
                "openclaw",
                "-a",
                "credentials",
                "-w",
            ]),
        }
    }

    /// Tells whether the bus that the tool speaks on is anywhere but in the file system.
    ///
    /// # Security
    /// An abstract socket belongs to the network: a command that has the network of this machine
    /// reaches it, and the keyring takes such a command for any other program of this user.
    fn is_exposed(&self, env: &Env) -> bool {
        let in_file_system = |address: &str| {
            let mut keys = address.strip_prefix("unix:").unwrap_or("").split(',');
            keys.any(|key| key.starts_with("path=") || key == "runtime=yes")
        };
        match (self, env.get_os(DBUS_SESSION_BUS_ADDRESS.name)) {
            (Self::Security, _) | (Self::SecretTool(_), None) => false,
            (Self::SecretTool(_), Some(addresses)) => {
                let mut addresses = addresses.to_str().unwrap_or("").split(';');
                !addresses.all(in_file_system)
            }
        }
    }

    /// Tells whether the tool says that the keyring has no such entry.
    fn has_none(&self, output: &Output) -> bool {
        match self {
            Self::SecretTool(_) => {
                output.status == Status::Exited(1) && output.stderr.trim_ascii().is_empty()
            }
            Self::Security => output.status == Status::Exited(NOT_IN_KEYCHAIN),
        }
    }
}

/// Runs the tool and waits for it. A thread of its own has the runtime for that, because the caller
/// may or may not be within one.
fn ask(command: &Command) -> Result<Output, SandboxError> {
    let failed = |source| SandboxError::Io {
        action: "preparing to ask the keyring",
        source,
    };
    let run = || {
        let runtime = Builder::new_current_thread().enable_all().build();
        // The tool has to reach the session bus, which no sandbox lets it; it is the system's.
        let config = SandboxConfig {
            level: SandboxLevel::None,
            max_memory: None,
            ..SandboxConfig::default()
        };
        let runtime = runtime.map_err(failed)?;
        runtime.block_on(sandbox::execute(&config, command))
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("keyring".to_owned());
        let asking = thread.spawn_scoped(scope, run).map_err(failed)?;
        let lost = || failed(io::Error::other("its thread ended early"));
        asking.join().unwrap_or_else(|_| Err(lost()))
    })
}

/// Tells whether there is a bus to speak to a keyring on. Asking without one would start one.
fn has_session_bus(env: &Env) -> bool {
    let of_session = || Some(Path::new(env.get_os(XDG_RUNTIME_DIR.name)?).join("bus"));
    env.get_os(DBUS_SESSION_BUS_ADDRESS.name).is_some()
        || of_session().is_some_and(|bus| bus.exists())
}

fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().map(str::trim).find(|line| !line.is_empty());
    match line {
        Some(line) => {
            let shown = line.chars().filter(|letter| !letter.is_control());
            shown.take(COMPLAINT).collect()
        }
        None => match output.status {
            Status::Exited(code) => format!("it ended with code {code}"),
            Status::Signaled(signal) => format!("signal {signal} ended it"),
            Status::TimedOut | Status::Cancelled => "it was stopped".to_owned(),
        },
    }
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}
