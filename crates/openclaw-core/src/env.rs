//! The environment variables that openclaw reads, in one place; nothing else looks at the environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// An environment variable with a meaning of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The variable's name.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// Names the home directory that `.openclaw` is looked for in.
pub const OPENCLAW_HOME: Variable = Variable {
    name: "OPENCLAW_HOME",
    doc: "The directory that holds `.openclaw`, in place of `HOME`.",
};
/// Names the state directory.
pub const OPENCLAW_STATE_DIR: Variable = Variable {
    name: "OPENCLAW_STATE_DIR",
    doc: "The state directory itself, in place of `~/.openclaw`.",
};
/// Names the config file.
pub const OPENCLAW_CONFIG_PATH: Variable = Variable {
    name: "OPENCLAW_CONFIG_PATH",
    doc: "The config file, in place of `openclaw.json` in the state directory.",
};
/// Names further directories that a config may include files from.
pub const OPENCLAW_INCLUDE_ROOTS: Variable = Variable {
    name: "OPENCLAW_INCLUDE_ROOTS",
    doc: "Directories besides the config's own that `$include` may read from, separated by `:`.",
};
/// Forbids changes to the config.
pub const OPENCLAW_CONFIG_READONLY: Variable = Variable {
    name: "OPENCLAW_CONFIG_READONLY",
    doc: "Set to `1` where the config is managed elsewhere: commands do not change it.",
};
/// Says that Nix manages the installation.
pub const OPENCLAW_NIX_MODE: Variable = Variable {
    name: "OPENCLAW_NIX_MODE",
    doc: "Set to `1` where Nix manages the installation: commands do not change the config.",
};
/// Names the folder of bundled skills.
pub const OPENCLAW_BUNDLED_SKILLS_DIR: Variable = Variable {
    name: "OPENCLAW_BUNDLED_SKILLS_DIR",
    doc: "The folder of bundled skills, in place of `../share/openclaw/skills` beside the program.",
};
/// Sets the gateway's bearer token.
pub const OPENCLAW_GATEWAY_TOKEN: Variable = Variable {
    name: "OPENCLAW_GATEWAY_TOKEN",
    doc: "The gateway's bearer token, in place of the configured or generated one.",
};
/// Sets the gateway's password.
pub const OPENCLAW_GATEWAY_PASSWORD: Variable = Variable {
    name: "OPENCLAW_GATEWAY_PASSWORD",
    doc: "The gateway's password, in place of the configured one.",
};
/// Names the file that has the master password of the credential store.
pub const OPENCLAW_CREDENTIALS_PASSWORD_FILE: Variable = Variable {
    name: "OPENCLAW_CREDENTIALS_PASSWORD_FILE",
    doc: "The file that has the master password of the credential store, for its owner only.",
};
/// Is the master password of the credential store, as a last resort.
pub const OPENCLAW_CREDENTIALS_PASSWORD: Variable = Variable {
    name: "OPENCLAW_CREDENTIALS_PASSWORD",
    doc: "The master password of the credential store, where no file, systemd or keyring has it.",
};
/// Names the folder in which systemd passes credentials to a service.
pub const CREDENTIALS_DIRECTORY: Variable = Variable {
    name: "CREDENTIALS_DIRECTORY",
    doc: "Where systemd puts a service's credentials; `openclaw-credentials-password` is the master password.",
};
/// Sets the log filter.
pub const OPENCLAW_LOG: Variable = Variable {
    name: "OPENCLAW_LOG",
    doc: "The filter of the log, on standard error and in its file, such as `info` or `openclaw_gateway=debug`, in place of what the config says.",
};
/// Sets the log filter where `OPENCLAW_LOG` does not.
pub const RUST_LOG: Variable = Variable {
    name: "RUST_LOG",
    doc: "The same as `OPENCLAW_LOG`, where that is not set.",
};
/// Sets the level of the log.
pub const OPENCLAW_LOG_LEVEL: Variable = Variable {
    name: "OPENCLAW_LOG_LEVEL",
    doc: "The level of the log, such as `debug`, where neither of those is set: OpenClaw's own variable.",
};
/// Turns colours off.
pub const NO_COLOR: Variable = Variable {
    name: "NO_COLOR",
    doc: "Turns colours off when set to anything (<https://no-color.org>).",
};
/// Turns colours on.
pub const CLICOLOR_FORCE: Variable = Variable {
    name: "CLICOLOR_FORCE",
    doc: "Turns colours on even where the output is not a terminal, unless it is `0`.",
};
/// The kind of terminal.
pub const TERM: Variable = Variable {
    name: "TERM",
    doc: "The kind of terminal; `dumb` has no colours.",
};
/// The user's home directory.
pub const HOME: Variable = Variable {
    name: "HOME",
    doc: "The user's home directory.",
};
/// The working directory.
pub const PWD: Variable = Variable {
    name: "PWD",
    doc: "The working directory, whose `.env` file is read.",
};
/// Where programs are looked for.
pub const PATH: Variable = Variable {
    name: "PATH",
    doc: "Where `bwrap` and `secret-tool` are looked for.",
};
/// Says where the session bus is.
pub const DBUS_SESSION_BUS_ADDRESS: Variable = Variable {
    name: "DBUS_SESSION_BUS_ADDRESS",
    doc: "Where the session bus is, over which `secret-tool` asks the keyring.",
};
/// Names the folder that has the session bus.
pub const XDG_RUNTIME_DIR: Variable = Variable {
    name: "XDG_RUNTIME_DIR",
    doc: "The folder whose `bus` is the session bus, unless `DBUS_SESSION_BUS_ADDRESS` is set.",
};
/// Names certificate authorities to believe.
pub const NODE_EXTRA_CA_CERTS: Variable = Variable {
    name: "NODE_EXTRA_CA_CERTS",
    doc: "A file of certificate authorities (PEM) that are believed besides the machine's.",
};
/// Names the certificate authorities of the machine.
pub const SSL_CERT_FILE: Variable = Variable {
    name: "SSL_CERT_FILE",
    doc: "A file of certificate authorities (PEM) in place of the machine's.",
};
/// Names a folder of certificate authorities.
pub const SSL_CERT_DIR: Variable = Variable {
    name: "SSL_CERT_DIR",
    doc: "Folders of certificate authorities in place of the machine's, separated by `:`.",
};

/// Says how many sockets were opened for a process.
pub const LISTEN_FDS: Variable = Variable {
    name: "LISTEN_FDS",
    doc: "How many sockets systemd has opened for the gateway, from file descriptor 3 on (`sd_listen_fds(3)`).",
};
/// Says for which process they were opened.
pub const LISTEN_PID: Variable = Variable {
    name: "LISTEN_PID",
    doc: "The process that these sockets are for.",
};
/// Names the socket of the service manager.
pub const NOTIFY_SOCKET: Variable = Variable {
    name: "NOTIFY_SOCKET",
    doc: "Where the gateway tells systemd that it is ready, stops, and is alive (`sd_notify(3)`).",
};
/// Says how often the service manager wants to hear from a process.
pub const WATCHDOG_USEC: Variable = Variable {
    name: "WATCHDOG_USEC",
    doc: "After how many microseconds of silence systemd takes the gateway for hung.",
};
/// Says from which process.
pub const WATCHDOG_PID: Variable = Variable {
    name: "WATCHDOG_PID",
    doc: "The process that this is about; without it, any.",
};

/// Every variable with a meaning of its own.
///
/// Besides these, a config may name further variables as the sources of secrets.
pub const VARIABLES: &[Variable] = &[
    OPENCLAW_HOME,
    OPENCLAW_STATE_DIR,
    OPENCLAW_CONFIG_PATH,
    OPENCLAW_INCLUDE_ROOTS,
    OPENCLAW_CONFIG_READONLY,
    OPENCLAW_NIX_MODE,
    OPENCLAW_BUNDLED_SKILLS_DIR,
    OPENCLAW_GATEWAY_TOKEN,
    OPENCLAW_GATEWAY_PASSWORD,
    OPENCLAW_CREDENTIALS_PASSWORD_FILE,
    OPENCLAW_CREDENTIALS_PASSWORD,
    CREDENTIALS_DIRECTORY,
    OPENCLAW_LOG,
    RUST_LOG,
    OPENCLAW_LOG_LEVEL,
    NO_COLOR,
    CLICOLOR_FORCE,
    TERM,
    HOME,
    PWD,
    PATH,
    DBUS_SESSION_BUS_ADDRESS,
    XDG_RUNTIME_DIR,
    NODE_EXTRA_CA_CERTS,
    SSL_CERT_FILE,
    SSL_CERT_DIR,
    LISTEN_FDS,
    LISTEN_PID,
    NOTIFY_SOCKET,
    WATCHDOG_USEC,
    WATCHDOG_PID,
];

/// A snapshot of the environment; tests make their own.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<OsString, OsString>);

// The values may be secrets, so that only the number of variables is printed.
impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Env({} variables)", self.0.len())
    }
}

impl Env {
    /// Takes a snapshot of this process's environment.
    pub fn from_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// Returns a variable's value, unless it is unset, empty or not UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_os(name).and_then(OsStr::to_str)
    }

    /// Returns whether a variable is set, be it to nothing.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(OsStr::new(name))
    }

    /// Returns every variable whose name and value are UTF-8, in order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.0.iter();
        variables.filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
    }

    /// Sets a variable in this snapshot.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.0.insert(name.into(), value.into());
    }

    /// Returns a variable's value as the system has it, unless it is unset or empty.
    pub fn get_os(&self, name: &str) -> Option<&OsStr> {
        self.0
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}
