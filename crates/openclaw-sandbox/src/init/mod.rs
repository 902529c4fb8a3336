//! The first program inside a sandbox: it gives up what the command must not have, and becomes the
//! command.
//!
//! Bubblewrap builds the namespaces and mounts from outside; resource limits, Landlock and the
//! filter of system calls have to be set by the process that is to have them. That process is this
//! same executable under another name, so no code of ours runs between `fork` and `exec`.
//!
//! [`orders`] is what it is told.

pub(crate) mod orders;

/// The name under which an executable acts as the first program of a sandbox.
pub const NAME: &str = "openclaw-sandbox-init";
