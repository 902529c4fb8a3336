//! What the inside is told of the stage: where everything is that it is to get.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

/// The targets of one attempt; what this machine does not have is left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Targets {
    /// What the secret files hold and the listeners say.
    pub(super) secret: String,
    /// The folder that the attempt may write.
    pub(super) workspace: PathBuf,
    /// A folder beside the workspace that it may not.
    pub(super) outside: PathBuf,
    /// A secret file in the home of the user.
    pub(super) home: Option<PathBuf>,
    /// A secret file in the shared memory of the machine.
    pub(super) shared: Option<PathBuf>,
    /// Listeners on the loopback device.
    pub(super) tcp4: Option<SocketAddr>,
    pub(super) tcp6: Option<SocketAddr>,
    pub(super) udp: Option<SocketAddr>,
    /// A listener at a path outside the workspace.
    pub(super) socket: Option<PathBuf>,
    /// A listener whose name is in no file system.
    pub(super) unnamed: Option<String>,
    /// A process of the same user, with the secret in its environment.
    pub(super) process: Option<i32>,
    /// The names of the variables that the testing process has and a command must not.
    pub(super) variables: Vec<String>,
    /// The names of the host's users.
    pub(super) users: Vec<String>,
    /// The name of the host.
    pub(super) host: String,
    /// Whether to begin in namespaces of its own: this is a control.
    pub(super) room: bool,
}

impl Targets {
    /// The file beside the workspace that holds the secret.
    pub(super) fn beside(&self) -> PathBuf {
        self.outside.join("secret")
    }
}
