//! Why the gateway does not start or does not go on.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use openclaw_config::{ConfigError, GatewayRefusal, SecretError};
use openclaw_core::access::WeakToken;
use openclaw_core::events::StoreError;
use openclaw_core::state_dir::StateDirError;
use openclaw_core::{AgentId, Kind, ModelRef, ProviderId};
use openclaw_http::egress::PolicyError;
use openclaw_http::{NetworkError, TapeError};
use openclaw_providers::ProviderError;
use openclaw_sandbox::SandboxError;

use crate::http::{HandedError, TlsError};
use crate::renewal::SignInError;
use crate::vault::VaultError;

/// Why the gateway does not start or does not go on.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// There is no state directory.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// The config is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The config file was there and is not any more.
    #[error("the config file is gone")]
    ConfigGone,
    /// The event log cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The configured bearer token is too weak.
    #[error("the gateway token is not usable: {0}")]
    Token(#[from] WeakToken),
    /// A secret that the config gives or points to cannot be had.
    #[error("`{path}`: {source}")]
    Secret {
        /// Where the config points to it.
        path: String,
        /// The reason.
        source: SecretError,
    },
    /// The config's settings contradict each other, or would let everybody in.
    #[error(transparent)]
    Refused(#[from] GatewayRefusal),
    /// The credential store cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A sign-in by OAuth cannot be used.
    #[error(transparent)]
    SignedIn(SignInError),
    /// A sign-in of OpenClaw's points to a secret in a way that is not known here.
    #[error("the sign-in `{name}` points to a secret in a way that this version does not know")]
    SignIn {
        /// The sign-in.
        name: String,
    },
    /// The home has no such agent.
    #[error("there is no agent `{0}`")]
    NoAgent(AgentId),
    /// The model names a provider that is neither configured nor known.
    #[error("the model `{model}` names the provider `{}`, which is not configured", model.provider)]
    UnknownProvider {
        /// The model.
        model: ModelRef,
    },
    /// A provider cannot be set up.
    #[error("the provider `{id}` cannot be set up: {source}")]
    Provider {
        /// The provider.
        id: ProviderId,
        /// The reason.
        source: Box<ProviderError>,
    },
    /// The way to a provider is not one.
    #[error("`{path}`: {source}")]
    Network {
        /// The setting.
        path: String,
        /// The reason.
        source: Box<NetworkError>,
    },
    /// The exchanges with models cannot be recorded.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// The agent's workspace cannot be made.
    #[error("cannot make the workspace `{path}`: {source}")]
    Workspace {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The agent's workspace is no folder that commands may work in.
    #[error(transparent)]
    BadWorkspace(#[from] SandboxError),
    /// The address of a search engine cannot be used.
    #[error("`{path}`: {why}")]
    SearchEngine {
        /// Where the config says it.
        path: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The hosts that commands or tools may reach cannot be read.
    #[error(transparent)]
    Egress(#[from] PolicyError),
    /// Another gateway works on this state directory.
    #[error("a gateway runs on this state directory already: pid {pid}, {at}")]
    AlreadyRunning {
        /// Its process.
        pid: u32,
        /// Where it is reached.
        at: String,
    },
    /// Another process listens on the port.
    #[error("port {} on {} is in use{}", addr.port(), addr.ip(), holder.as_ref().map(|holder| format!(" by {holder}")).unwrap_or_default())]
    PortInUse {
        /// The address.
        addr: SocketAddr,
        /// The process that listens there, where that can be seen.
        holder: Option<String>,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: String,
        /// The system's reason.
        source: io::Error,
    },
    /// There is something else where the unix socket should be.
    #[error("`{path}` is no socket, so nothing is put in its place")]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The sockets that were opened for the gateway cannot be used.
    #[error(transparent)]
    Handed(#[from] HandedError),
    /// The gateway's certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The file by which the gateway is found cannot be used.
    #[error("cannot use `{path}`: {source}")]
    GatewayFile {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl GatewayError {
    /// Returns the kind of this failure.
    pub fn kind(&self) -> Kind {
        match self {
            Self::StateDir(err) => err.kind(),
            Self::Config(err) => err.kind(),
            Self::Store(err) => err.kind(),
            Self::Refused(err) => err.kind(),
            Self::Handed(err) => err.kind(),
            Self::ConfigGone
            | Self::Tls(_)
            | Self::NotASocket { .. }
            | Self::Token(_)
            | Self::Secret { .. }
            | Self::Vault(_)
            | Self::SignedIn(_)
            | Self::SignIn { .. }
            | Self::UnknownProvider { .. }
            | Self::Egress(_)
            | Self::SearchEngine { .. }
            | Self::BadWorkspace(_) => Kind::Config,
            Self::NoAgent(_) => Kind::NotFound,
            Self::Provider { source, .. } => source.kind(),
            Self::Network { source, .. } => source.kind(),
            Self::Tape(err) => err.kind(),
            Self::Workspace { .. }
            | Self::AlreadyRunning { .. }
            | Self::PortInUse { .. }
            | Self::Listen { .. }
            | Self::GatewayFile { .. } => Kind::Unavailable,
        }
    }

    /// Returns what the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Secret { source, .. } => source.hint(),
            Self::Refused(err) => Some(err.hint().to_owned()),
            Self::Vault(err) => err.hint(),
            Self::SignedIn(err) => err.hint(),
            Self::UnknownProvider { model } => Some(format!(
                "add models.providers.{} to the config",
                model.provider
            )),
            Self::PortInUse { .. } => {
                Some("choose another with --port, or stop that process".to_owned())
            }
            Self::AlreadyRunning { .. } => Some("use that one, or stop it first".to_owned()),
            Self::Handed(err) => Some(err.hint().to_owned()),
            Self::Tls(err) => Some(err.hint().to_owned()),
            Self::NotASocket { .. } => {
                Some("choose another path for the unix socket, or move that away".to_owned())
            }
            Self::Egress(err) => Some(err.hint().to_owned()),
            Self::SearchEngine { .. } => {
                Some("write the address as https://host or http://127.0.0.1:port".to_owned())
            }
            Self::BadWorkspace(_) => {
                Some("set agents.defaults.workspace to a folder of its own".to_owned())
            }
            Self::Token(_) => Some(
                "take the token out of the config to have one made, or set a longer one".to_owned(),
            ),
            Self::Provider { source, .. } => source.hint(),
            Self::Network { source, .. } => source.hint().map(str::to_owned),
            Self::Tape(err) => err.hint().map(str::to_owned),
            Self::StateDir(_)
            | Self::ConfigGone
            | Self::Config(_)
            | Self::Store(_)
            | Self::SignIn { .. }
            | Self::NoAgent(_)
            | Self::Workspace { .. }
            | Self::Listen { .. }
            | Self::GatewayFile { .. } => None,
        }
    }
}
