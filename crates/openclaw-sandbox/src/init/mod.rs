//! The first program inside a sandbox: it gives up what the command must not have, and becomes the
//! command.
//!
//! Bubblewrap builds the namespaces and mounts from outside; resource limits, Landlock and the
//! filter of system calls have to be set by the process that is to have them. That process is this
//! same executable under another name, so no code of ours runs between `fork` and `exec`. At level
//! None it is started without bubblewrap, and only sets limits.
//!
//! Reading order: `orders` is what it is told and `handover` how, `inside` does it in turn,
//! and `report` is what it says. `find` is the host's side: which executable to take.

#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
pub(crate) mod find;
#[cfg(target_os = "linux")]
pub(crate) mod handover;
#[cfg(target_os = "linux")]
mod inside;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
pub(crate) mod memory;
pub(crate) mod orders;
#[cfg(target_os = "linux")]
mod privileges;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
pub(crate) mod report;

#[cfg(target_os = "linux")]
use std::{ffi::OsStr, path::Path};
use std::{process::ExitCode, sync::OnceLock};

/// The name under which an executable acts as the first program of a sandbox.
pub const NAME: &str = "openclaw-sandbox-init";

/// Set when this very executable acts as the first program where it is started under that name.
static CAPABLE: OnceLock<()> = OnceLock::new();

/// Acts as the first program of a sandbox if this process was started under its [`NAME`].
///
/// An executable that starts commands calls this before anything else in its `main`, and returns
/// the code if there is one. Otherwise the executable is known to be able to, and is taken for the
/// first program of the sandboxes that it makes. Sandboxes of other systems have no first program.
pub fn dispatch() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    let name = arguments.next()?;
    #[cfg(target_os = "linux")]
    if Path::new(&name).file_name() == Some(OsStr::new(NAME)) {
        // The separator keeps the command's arguments apart from any that this program may have.
        let argv: Vec<_> = arguments.skip(1).collect();
        return Some(inside::act(&argv));
    }
    drop((name, arguments));
    CAPABLE.get_or_init(|| ());
    None
}
