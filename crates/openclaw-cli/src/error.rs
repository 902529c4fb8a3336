//! Why a command failed, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use openclaw_config::{AgentSettings, ConfigError, Problem};
use openclaw_core::env::OPENCLAW_GATEWAY_TOKEN;
use openclaw_core::events::{BackupError, StoreError};
use openclaw_core::session_key::SessionKeyError;
use openclaw_core::state_dir::StateDirError;
use openclaw_core::validation::ValidationError;
use openclaw_core::{Kind, SessionKey};
use openclaw_gateway::models::listing::ListingError;
use openclaw_gateway::renewal::SignInError;
use openclaw_gateway::vault::VaultError;
use openclaw_gateway::{GatewayError, Home};
use openclaw_ipc::{ClientError, RpcError};
use openclaw_sandbox::SandboxError;

use crate::commands::audit::AuditError;
use crate::commands::credentials::CredentialsFailure;
use crate::commands::demo::DemoError;
use crate::commands::devices::NoDevice;
use crate::commands::diagnostics::BundleError;
use crate::commands::logs::LogsError;
use crate::commands::migrate::MigrateError;
use crate::commands::models::ChoiceError;
use crate::commands::onboard::OnboardError;
use crate::commands::sessions::{ReplayError, SessionsError};
use crate::commands::tokens::NoGrant;
use crate::confirm::ConfirmError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Rpc(#[from] RpcError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error(transparent)]
    SessionKey(#[from] SessionKeyError),
    #[error(transparent)]
    Message(#[from] ValidationError),
    #[error(transparent)]
    Onboard(#[from] OnboardError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Confirm(#[from] ConfirmError),
    #[error(transparent)]
    Credentials(#[from] CredentialsFailure),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    SignIn(#[from] SignInError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Sessions(#[from] SessionsError),
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    #[error(transparent)]
    Listing(#[from] ListingError),
    #[error(transparent)]
    Logs(#[from] LogsError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    NoGrant(#[from] NoGrant),
    #[error(transparent)]
    NoDevice(#[from] NoDevice),
    /// There is no gateway to ask.
    #[error("no gateway runs on `{}`", .0.display())]
    NoGateway(PathBuf),
    /// A session that is not in the log.
    #[error("there is no session `{key}`")]
    NoSession {
        key: SessionKey,
        /// The session whose key is most alike.
        nearest: Option<SessionKey>,
    },
    /// There is no such tool.
    #[error("there is no tool `{name}`; there are: {known}")]
    NoTool { name: String, known: String },
    /// The event log that a session would be in does not exist.
    #[error("there is no session `{key}`: the event log `{}` does not exist yet", log.display())]
    NoLog { key: SessionKey, log: PathBuf },
    /// The agent has nothing to think with.
    #[error("no model is configured in `{}`", config.display())]
    NoModel { config: PathBuf },
    /// The config names a model that is none.
    #[error("`{}` names a model that is none: {problem}", config.display())]
    Misnamed { config: PathBuf, problem: String },
    /// What has to happen in this process would happen in the gateway.
    #[error("`{flag}` needs a turn in this process, and a gateway runs on `{}`", root.display())]
    GatewayRuns { flag: &'static str, root: PathBuf },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    #[error("cannot read standard input")]
    Input(#[source] io::Error),
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    #[error("cannot write the answer as JSON")]
    Json(#[source] serde_json::Error),
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
}

impl CliError {
    /// Returns the kind of this failure; the exit code follows from it.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::StateDir(err) => err.kind(),
            Self::Config(err) => err.kind(),
            Self::Store(err) => err.kind(),
            Self::Gateway(err) => err.kind(),
            Self::Client(err) => err.kind(),
            Self::Rpc(err) => err.kind(),
            Self::Sandbox(err) => err.kind(),
            Self::SessionKey(err) => err.kind(),
            Self::Message(err) => err.kind(),
            Self::Onboard(err) => err.kind(),
            Self::Demo(err) => err.kind(),
            Self::Migrate(err) => err.kind(),
            Self::Audit(err) => err.kind(),
            Self::Backup(err) => err.kind(),
            Self::Confirm(err) => err.kind(),
            Self::Credentials(err) => err.kind(),
            Self::Vault(err) => err.kind(),
            Self::SignIn(err) => err.kind(),
            Self::Replay(err) => err.kind(),
            Self::Sessions(err) => err.kind(),
            Self::Choice(err) => err.kind(),
            Self::Listing(err) => err.kind(),
            Self::Bundle(err) => err.kind(),
            Self::NoSession { .. }
            | Self::NoTool { .. }
            | Self::NoLog { .. }
            | Self::NoGrant(_)
            | Self::NoDevice(_) => Kind::NotFound,
            Self::NoGateway(_) => Kind::Unreachable,
            Self::NoModel { .. } | Self::Misnamed { .. } => Kind::Config,
            Self::GatewayRuns { .. } => Kind::Busy,
            Self::Interrupted => Kind::Cancelled,
            Self::Input(_) | Self::Output(_) | Self::Runtime(_) | Self::Logs(_) => {
                Kind::Unavailable
            }
            Self::Json(_) => Kind::Internal,
        }
    }

    /// An agent has no model to ask.
    pub(crate) fn no_model(home: &Home, agent: &AgentSettings) -> Self {
        let config = home.state.config_file().to_owned();
        match agent.misnamed.first() {
            Some(misnamed) => Self::Misnamed {
                config,
                problem: misnamed.problem.clone(),
            },
            None => Self::NoModel { config },
        }
    }

    /// Returns what the user can do about it; it starts with a verb.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Gateway(err) => err.hint(),
            Self::Sandbox(err) => err.hint().map(Into::into),
            Self::Onboard(err) => err.hint(),
            Self::Migrate(err) => Some(err.hint()),
            Self::Audit(err) => err.hint(),
            Self::Confirm(err) => err.hint(),
            Self::Credentials(err) => err.hint(),
            Self::Vault(err) => err.hint(),
            Self::SignIn(err) => err.hint(),
            Self::Replay(err) => err.hint(),
            Self::Sessions(err) => err.hint(),
            Self::Choice(err) => err.hint(),
            Self::Listing(err) => Some(err.hint()),
            Self::Bundle(err) => err.hint(),
            Self::Rpc(err) | Self::Client(ClientError::Rpc(err)) => rpc_hint(err),
            Self::Client(ClientError::Unauthenticated { .. }) => Some(format!(
                "see that {} and gateway.auth.token of the config are the gateway's own",
                OPENCLAW_GATEWAY_TOKEN.name
            )),
            Self::Client(ClientError::ConnectTimeout { .. }) => {
                Some("stop the gateway, which hangs, and start it again".to_owned())
            }
            Self::Client(err @ ClientError::Limited { .. }) => err
                .retry_after()
                .map(|wait| format!("try again in {} s", wait.as_secs())),
            Self::NoTool { .. } => Some("name one of these".to_owned()),
            Self::NoDevice(_) => Some("list them with `openclaw devices list`".to_owned()),
            Self::NoGrant(_) => Some("list them with `openclaw tokens list`".to_owned()),
            Self::NoGateway(_) => Some("start it with `openclaw gateway run`".to_owned()),
            Self::Client(err) if err.kind() == Kind::Unreachable => {
                Some("start it with `openclaw gateway run`".to_owned())
            }
            Self::NoSession {
                nearest: Some(key), ..
            } => Some(format!("did you mean `{key}`?")),
            Self::NoSession { nearest: None, .. } => {
                Some("list the sessions with `openclaw sessions list`".to_owned())
            }
            Self::NoModel { .. } => Some(
                "run `openclaw onboard --help` for how to set one, or try `openclaw demo`"
                    .to_owned(),
            ),
            Self::Misnamed { .. } => Some(
                "list the models with `openclaw models list --all`, and choose one with \
                 `openclaw models set`"
                    .to_owned(),
            ),
            Self::GatewayRuns { .. } => Some(
                "stop the gateway for that long, or name another home with `--workspace` or \
                 `--profile`"
                    .to_owned(),
            ),
            Self::NoLog { .. } => {
                Some("say something first: `openclaw agent --message \"hello\"`".to_owned())
            }
            Self::SessionKey(_) => {
                Some("see the keys that there are with `openclaw sessions list`".to_owned())
            }
            Self::StateDir(_)
            | Self::Config(_)
            | Self::Store(_)
            | Self::Client(_)
            | Self::Message(_)
            | Self::Demo(_)
            | Self::Backup(_)
            | Self::Logs(_)
            | Self::Interrupted
            | Self::Input(_)
            | Self::Output(_)
            | Self::Json(_)
            | Self::Runtime(_) => None,
        }
    }

    /// Returns the config file and everything that is wrong with it, if that is the failure.
    pub(crate) fn config_problems(&self) -> Option<(&Path, &[Problem])> {
        let (Self::Config(config) | Self::Gateway(GatewayError::Config(config))) = self else {
            return None;
        };
        Some((&config.path, &config.problems))
    }

    /// Tells whether the reader of standard output has seen enough.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(err) if err.kind() == io::ErrorKind::BrokenPipe)
    }
}

fn rpc_hint(err: &RpcError) -> Option<String> {
    let missing = err.kind() == Kind::NotFound;
    let sessions = || "list the sessions with `openclaw sessions list`, or start one with --new";
    err.data
        .hint
        .clone()
        .or_else(|| missing.then(|| sessions().to_owned()))
}
