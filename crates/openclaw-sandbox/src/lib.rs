//! Runs commands of openclaw-rs inside an operating-system sandbox, and reads and writes files
//! beneath one folder.
//!
//! This is the only crate of the workspace that starts processes. On Linux the sandbox is
//! bubblewrap, on macOS Seatbelt. On every other system the levels above [`SandboxLevel::None`] are
//! refused, because a level that is not enforced must not be reported as one; see [`Guard`].
//!
//! Reading order: [`SandboxConfig`] is the policy and [`Command`] what to run; [`Sandbox`] puts the
//! two together and yields a [`Running`], which ends in an [`Output`]. [`Workspace`] is the same
//! containment for file access that needs no process.
//!
//! ```standalone_crate
//! use std::time::Duration;
//!
//! use openclaw_sandbox::{self as sandbox, Command, SandboxConfig, SandboxLevel};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Under another name this very program is the first one inside a sandbox.
//! if sandbox::init::dispatch().is_some() {
//!     return Ok(());
//! }
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let folder = tempfile::tempdir()?;
//! # let workspace = folder.path().to_path_buf();
//! let tool_command = Command::shell("echo hello > greeting && cat greeting");
//! let config = SandboxConfig {
//!     level: SandboxLevel::Strict,
//!     allowed_paths: vec![workspace.clone()],
//!     network_access: false,
//!     max_cpu_time: Some(Duration::from_secs(30)),
//!     max_memory: Some(512 * 1024 * 1024),
//! };
//! let result = sandbox::execute(&config, &tool_command).await?;
//! # assert_eq!(result.stdout, b"hello\n");
//! # assert!(result.status.success());
//! # assert!(workspace.join("greeting").exists());
//! # Ok(())
//! # })
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod attempts;
mod cgroup;
mod command;
mod config;
mod egress;
mod error;
mod guard;
pub mod init;
mod launcher;
mod limits;
mod output;
mod places;
mod prepared;
mod protected;
mod running;
mod sandbox;
mod tree;
mod typing;
mod variables;
mod workspace;

#[cfg(target_os = "linux")]
mod bwrap;
#[cfg(any(windows, test))]
mod job_objects;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(target_os = "macos", all(test, unix)))]
mod seatbelt;

pub use cgroup::{Availability, Obstacle};
pub use command::{Command, CommandFault, Limits, Stdin, TerminalSize};
pub use config::{ParseLevelError, SandboxConfig, SandboxLevel};
pub use egress::{Egress, Reach};
pub use error::SandboxError;
pub use guard::Guard;
pub use output::{Chunk, Exceeded, Kept, Output, Status, Stream};
pub use places::PlaceFault;
pub use protected::ProtectionFault;
#[cfg(target_os = "linux")]
pub use protected::protection_left_out;
pub use running::Running;
pub use sandbox::{Probe, Sandbox};
pub use tokio_util::sync::CancellationToken;
pub use typing::Typing;
pub use workspace::{
    Before, Change, Changed, Entry, EntryKind, FileError, Found, Inside, Listing, Next, OpenFile,
    Visitor, WalkBounds, WalkEnd, Walked, Workspace,
};

/// Runs `command` under `config` and returns its output when everything it started has ended.
///
/// Dropping the future kills the run. [`launch`] is the same with output as it comes.
pub async fn execute(config: &SandboxConfig, command: &Command) -> Result<Output, SandboxError> {
    Sandbox::from_environment().execute(config, command).await
}

/// Starts `command` under `config`; its output streams from the returned [`Running`].
///
/// Cancelling `stop` kills the run, which then ends as [`Status::Cancelled`].
pub async fn launch(
    config: &SandboxConfig,
    command: &Command,
    stop: CancellationToken,
) -> Result<Running, SandboxError> {
    Sandbox::from_environment()
        .launch(config, command, stop)
        .await
}

/// Runs `true` at level Strict and says which bubblewrap did it.
///
/// An error is the reason why sandboxed commands are refused on this machine.
pub async fn probe() -> Result<Probe, SandboxError> {
    Sandbox::from_environment().probe().await
}

/// Returns the names of what is protected in every workspace.
///
/// Some cannot be made either where they are missing, at the top of a workspace; the others are
/// protected only where they exist when a command starts.
pub fn protected_names() -> impl Iterator<Item = &'static str> {
    protected::NAMES.iter().map(|(name, _)| *name)
}

/// Returns the names of the variables that every command has at a level.
pub fn variable_names(level: SandboxLevel) -> Vec<String> {
    variables::names(level, &variables::Additions::default())
}

/// Returns the names of the variables that tell a command of its proxy.
pub fn proxy_variable_names() -> Vec<String> {
    let proxied = variables::Additions {
        proxy: Some(0),
        ..variables::Additions::default()
    };
    let usual = variable_names(SandboxLevel::Strict);
    let mut names = variables::names(SandboxLevel::Strict, &proxied);
    names.retain(|name| !usual.contains(name));
    names
}
