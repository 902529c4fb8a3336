//! A user's home as a gateway, or a client of it, finds it: environment, state, config, token,
//! and the gateway that is running there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use openclaw_config::edit::ConfigFile;
use openclaw_config::source::{self, Source};
use openclaw_config::{AuthMode, Config, ConfigError, DEFAULT_AGENT, Judged, SecretInput, judge};
use openclaw_core::access::SharedSecret;
use openclaw_core::access::tokens::{TokenFileError, Tokens};
use openclaw_core::env::{Env, OPENCLAW_GATEWAY_PASSWORD, OPENCLAW_GATEWAY_TOKEN, Variable};
use openclaw_core::events::{AuditEntry, UsageQuery};
use openclaw_core::state_dir::{Overrides, StateDir};
use openclaw_core::{AgentId, ApiKey, Clock, ModelRef};
use openclaw_http::Tape;
use openclaw_ipc::methods::CapStatus;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use tokio::time;

use crate::access::Rules;
use crate::budget::Rules as Caps;
use crate::error::GatewayError;
use crate::reload::Stamp;
use crate::vault::Vault;

/// How often a starting gateway looks again when somebody is just looking at its file.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Everything that a process knows before it starts or calls a gateway.
#[derive(Clone, Debug)]
pub struct Home {
    /// The environment, with what the `.env` files add.
    pub env: Env,
    /// The state directory.
    pub state: StateDir,
    /// The config.
    pub config: Config,
    /// The environment without what the `.env` files add, which may change.
    process: Env,
    /// The credential store; whoever shares this home opens it once.
    vault: Arc<Vault>,
    /// The flags by which a command finds this home.
    flags: String,
    /// The state that the config file had when it was read.
    pub(crate) stamp: Stamp,
    /// What records the exchanges with models.
    pub(crate) tape: Option<Tape>,
}

/// The home of a running gateway, as its config is now; none where an embedder composed it.
#[derive(Debug, Default)]
pub(crate) struct Current(RwLock<Option<Arc<Home>>>);

impl Current {
    pub(crate) fn of(home: Option<Home>) -> Self {
        Self(RwLock::new(home.map(Arc::new)))
    }

    pub(crate) fn get(&self) -> Option<Arc<Home>> {
        self.0.read().as_ref().map(Arc::clone)
    }

    pub(crate) fn replace(&self, home: Home) {
        *self.0.write() = Some(Arc::new(home));
    }
}

/// A gateway that is running, as its file in the state directory says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Its process.
    pub pid: u32,
    /// The address to reach it at.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// When it started.
    pub started: Timestamp,
    /// Its version.
    pub version: String,
    /// The unix socket that it listens on, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unix: Option<PathBuf>,
    /// The SHA-256 of its certificate, in hexadecimal digits, where it speaks TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

impl Home {
    /// Finds the state directory and reads the config.
    pub fn open(env: Env, overrides: &Overrides) -> Result<Self, GatewayError> {
        let state = StateDir::locate(&env, overrides)?;
        let vault = Vault::new(&state, env.clone());
        let home = Self::read(state, env, Arc::new(vault))?;
        let flags = overrides.flags();
        Ok(Self { flags, ..home })
    }

    /// As [`Home::open`], for somebody who calls a gateway: one that runs goes on with the last
    /// config that was good, so a broken one keeps nobody from it. Returns also what is broken.
    pub fn open_to_call(
        env: Env,
        overrides: &Overrides,
    ) -> Result<(Self, Option<ConfigError>), GatewayError> {
        let broken = match Self::open(env.clone(), overrides) {
            Ok(home) => return Ok((home, None)),
            Err(GatewayError::Config(broken)) => broken,
            Err(err) => return Err(err),
        };
        let state = StateDir::locate(&env, overrides)?;
        if Running::on(&state)?.is_none() {
            return Err(broken.into());
        }
        let last_good = ConfigFile::new(state.config_file(), env.clone()).last_good();
        let vault = Vault::new(&state, env.clone());
        match Self::read(state.with_config_file(last_good), env, Arc::new(vault)) {
            Ok(home) if home.config_exists() => Ok((home, Some(broken))),
            _ => Err(broken.into()),
        }
    }

    /// Keeps the config as the last one that was good, if OpenClaw would call it so, too.
    pub(crate) fn keep_as_good(&self) {
        let file = ConfigFile::new(self.state.config_file(), self.process.clone());
        let kept = match source::read(self.state.config_file(), &self.process) {
            Ok(source) if source.exists() && is_good(&source, &self.state) => {
                file.keep_as_good(&source)
            }
            _ => Ok(()),
        };
        if let Err(err) = kept {
            tracing::warn!(%err, "the last good config cannot be kept");
        }
    }

    pub(crate) fn read(
        state: StateDir,
        process: Env,
        vault: Arc<Vault>,
    ) -> Result<Self, GatewayError> {
        // Looked at first: a change while it is read is one that is still to come.
        let stamp = Stamp::of(state.config_file());
        let config = Config::load(&state, &process)?;
        Ok(Self {
            env: config.env.clone(),
            process,
            vault,
            flags: String::new(),
            state,
            config,
            stamp,
            tape: None,
        })
    }

    /// Returns the flags by which a command finds this home, each with a space in front.
    pub(crate) fn flags(&self) -> &str {
        &self.flags
    }

    /// Returns the credential store, to be shared.
    pub(crate) fn shared_vault(&self) -> Arc<Vault> {
        Arc::clone(&self.vault)
    }

    /// Returns the environment without what the `.env` files add: what the config is read with.
    pub(crate) const fn process_env(&self) -> &Env {
        &self.process
    }

    /// Tells whether there was a config file when it was read.
    pub(crate) const fn config_exists(&self) -> bool {
        self.stamp.is_there()
    }

    /// Reads the config again, as the process that opened this home would.
    pub(crate) fn reopened(&self) -> Result<Self, GatewayError> {
        let vault = Arc::clone(&self.vault);
        let home = Self::read(self.state.clone(), self.process.clone(), vault)?;
        let flags = self.flags.clone();
        Ok(Self { flags, ..home })
    }

    /// Returns what models may cost, by the days of the default agent's people.
    pub(crate) fn caps(&self) -> Caps {
        let people = self.config.skills.agent(&self.default_agent());
        Caps::new(self.config.own.budget, people.time_zone.as_deref())
    }

    /// Returns the caps that hold; how much of them is used is not looked at.
    pub fn caps_that_hold(&self) -> Vec<CapStatus> {
        self.caps().all().map(|rule| rule.unused()).collect()
    }

    /// Returns the query for the calls of the day that it is, where the people are.
    pub fn calls_of_today(&self) -> UsageQuery {
        UsageQuery {
            since: Some(self.caps().day_of(Clock::system().now()).began),
            ..UsageQuery::default()
        }
    }

    /// Returns this home with every exchange with a model recorded into a cassette, which must not
    /// exist yet.
    pub fn recorded(mut self, cassette: &Path) -> Result<Self, GatewayError> {
        self.tape = Some(Tape::record(cassette)?);
        Ok(self)
    }

    /// Tells how many exchanges were recorded, and whether all of them could be.
    pub fn end_recording(&self) -> Result<u32, GatewayError> {
        let Some(tape) = &self.tape else { return Ok(0) };
        Ok(tape.finish()?)
    }

    /// Returns this home with an agent that asks this model and no other.
    #[must_use]
    pub fn asking(mut self, agent: &AgentId, model: &ModelRef) -> Self {
        let agents = self.config.agents.iter_mut();
        for settings in agents.filter(|settings| settings.id == *agent) {
            settings.model = Some(model.clone());
            settings.fallbacks.clear();
            settings.misnamed.clear();
        }
        self
    }

    /// Returns the agent that answers where nobody else is named.
    pub fn default_agent(&self) -> AgentId {
        self.config
            .default_agent()
            .map_or_else(|| AgentId::from(DEFAULT_AGENT), |agent| agent.id.clone())
    }

    /// Returns what a program on this machine shows to be let in: the token or the password.
    pub fn token(&self) -> Result<SharedSecret, GatewayError> {
        Ok(self.audited_secret()?.0)
    }

    /// Returns how callers show who they are, and what the audit stream is to say about it.
    pub(crate) fn rules(&self) -> Result<(Rules, AuditEntry), GatewayError> {
        let auth = &self.config.gateway.auth;
        let (secret, entry) = self.audited_secret()?;
        Ok((Rules::of(auth.mode, auth.proxy.as_ref(), secret), entry))
    }

    /// Returns the tokens that were issued, or why they cannot be used.
    pub(crate) fn tokens(&self) -> Result<Result<Tokens, TokenFileError>, GatewayError> {
        let key = self.state.read_or_create_sealing_key()?;
        Ok(Tokens::open(
            &self.state.tokens_file(),
            key,
            Clock::system(),
        ))
    }

    /// Which secret counts follows from the mode. Beside a trusted proxy, the owner's programs show
    /// the password, or else the token of a file that only the owner can read.
    fn audited_secret(&self) -> Result<(SharedSecret, AuditEntry), GatewayError> {
        let auth = &self.config.gateway.auth;
        let entry = |name: String, purpose: &str| AuditEntry::SecretAccessed {
            name,
            purpose: purpose.to_owned(),
        };
        let asks_password = matches!(auth.mode, AuthMode::Password | AuthMode::TrustedProxy);
        let password = asks_password.then(|| {
            let path = "gateway.auth.password";
            self.given(&OPENCLAW_GATEWAY_PASSWORD, auth.password.as_ref(), path)
        });
        if let Some((name, secret)) = password.transpose()?.flatten() {
            let entry = entry(name, "gateway password");
            return Ok((SharedSecret::password(secret), entry));
        }
        let asks_token = auth.mode == AuthMode::Token;
        let token = asks_token.then(|| {
            let path = "gateway.auth.token";
            self.given(&OPENCLAW_GATEWAY_TOKEN, auth.token.as_ref(), path)
        });
        if let Some((name, secret)) = token.transpose()?.flatten() {
            return Ok((SharedSecret::token(secret)?, entry(name, "gateway token")));
        }
        let file = self.state.token_file();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = name.into_owned();
        let secret = self.state.read_or_create_token()?;
        Ok((SharedSecret::token(secret)?, entry(name, "gateway token")))
    }

    /// Returns a secret of the environment, or else of the config, with its name.
    fn given(
        &self,
        variable: &Variable,
        input: Option<&SecretInput>,
        path: &str,
    ) -> Result<Option<(String, Arc<ApiKey>)>, GatewayError> {
        if let Some(text) = self.env.get(variable.name) {
            let secret = Arc::new(ApiKey::new(text.to_owned()));
            return Ok(Some((variable.name.to_owned(), secret)));
        }
        let Some(input) = input else { return Ok(None) };
        let secret = self.secret(input, path)?;
        Ok(Some((secret_name(input, path), secret)))
    }

    /// Returns the credential store, which is opened when a record is first asked for.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Returns a secret that the config gives or points to.
    pub(crate) fn secret(
        &self,
        input: &SecretInput,
        path: &str,
    ) -> Result<Arc<ApiKey>, GatewayError> {
        self.config
            .secrets
            .resolve(input, &self.env, Some(self.vault()))
            .map_err(|source| GatewayError::Secret {
                path: path.to_owned(),
                source,
            })
    }

    /// Returns the gateway that works on this state directory now, if one does.
    pub fn running(&self) -> Result<Option<Running>, GatewayError> {
        Running::on(&self.state)
    }
}

impl Running {
    /// Returns the address to reach it at.
    pub fn url(&self) -> String {
        let scheme = match self.fingerprint {
            Some(_) => "https",
            None => "http",
        };
        match &self.unix {
            Some(path) if self.port == 0 => format!("unix:{}", path.display()),
            _ if self.host.contains(':') => format!("{scheme}://[{}]:{}", self.host, self.port),
            _ => format!("{scheme}://{}:{}", self.host, self.port),
        }
    }

    /// Returns the gateway that works on a state directory now, if one does.
    pub fn on(state: &StateDir) -> Result<Option<Self>, GatewayError> {
        let path = state.gateway_file();
        let failed = |source| GatewayError::GatewayFile {
            path: path.clone(),
            source,
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        match file.try_lock_shared() {
            // Nobody holds the lock: the gateway that wrote the file has died.
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => {
                let text = fs::read_to_string(&path).map_err(failed)?;
                // A gateway that is just starting has not written its address yet.
                Ok(serde_json::from_str(&text).ok())
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// A state directory that no gateway can start on, until this is dropped.
#[derive(Debug)]
pub struct Held {
    _file: GatewayFile,
}

impl Held {
    /// Keeps every gateway from starting on a state directory; fails when one runs there already.
    pub async fn hold(state: &StateDir) -> Result<Self, GatewayError> {
        let file = GatewayFile::claim(state).await?;
        Ok(Self { _file: file })
    }
}

fn is_good(source: &Source, state: &StateDir) -> bool {
    judge(source, state, Judged::AsItStands).is_valid()
}

/// Returns the name of a secret: where it is kept, or its place in the config.
pub(crate) fn secret_name(input: &SecretInput, path: &str) -> String {
    input.name().unwrap_or(path).to_owned()
}

/// The file by which a running gateway is found; the lock on it lasts as long as the process.
#[derive(Debug)]
pub(crate) struct GatewayFile {
    file: File,
    path: PathBuf,
    /// What it says.
    running: Option<Running>,
}

impl GatewayFile {
    /// Takes the lock on the state directory, unless another gateway has it.
    pub(crate) async fn claim(state: &StateDir) -> Result<Self, GatewayError> {
        state.create()?;
        let path = state.gateway_file();
        let failed = |source| GatewayError::GatewayFile {
            path: path.clone(),
            source,
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(failed)?;
        for _ in 0..LOCK_ATTEMPTS {
            match file.try_lock() {
                Ok(()) => {
                    // What a gateway that was killed left there would be taken for this one's.
                    file.set_len(0).map_err(failed)?;
                    return Ok(Self {
                        file,
                        path,
                        running: None,
                    });
                }
                Err(TryLockError::WouldBlock) => {
                    if let Some(running) = Running::on(state)? {
                        let (pid, at) = (running.pid, running.url());
                        return Err(GatewayError::AlreadyRunning { pid, at });
                    }
                    time::sleep(LOCK_PAUSE).await;
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        Err(failed(io::ErrorKind::WouldBlock.into()))
    }

    /// Writes where the gateway can be reached.
    pub(crate) fn announce(&mut self, running: Running) -> Result<(), GatewayError> {
        let text = serde_json::to_vec(&running).unwrap_or_default();
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(&text))
            .map_err(|source| GatewayError::GatewayFile {
                path: self.path.clone(),
                source,
            })?;
        self.running = Some(running);
        Ok(())
    }

    /// Writes by which certificate the gateway is known now.
    pub(crate) fn announce_fingerprint(&mut self, now: String) -> Result<(), GatewayError> {
        match self.running.take() {
            Some(running) => self.announce(Running {
                fingerprint: Some(now),
                ..running
            }),
            None => Ok(()),
        }
    }
}

impl Drop for GatewayFile {
    fn drop(&mut self) {
        // An empty file with no lock says the same as none; removing it could hit a successor's.
        drop(self.file.set_len(0));
    }
}
