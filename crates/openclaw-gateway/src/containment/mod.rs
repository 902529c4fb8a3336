//! How commands are confined here: from the owner's settings to a sandbox.
//!
//! [`Containment`] is the answer for one agent, each value with the setting that decided it; agents
//! get their means from it, `sandbox exec` runs with it, and `sandbox explain` shows it. `exits` is
//! the way into the network: a proxy for each session, and what the audit stream hears of it.

mod exits;
pub mod machine;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use openclaw_agents::{Means, ReachOf};
use openclaw_config::{
    AgentSettings, Confinement, DEFAULT_PORT, OWN_FILE, OwnSettings, SandboxLimits, SandboxNetwork,
    SandboxPolicy, SandboxSettings, Set,
};
use openclaw_core::AgentId;
use openclaw_core::env::Env;
use openclaw_core::state_dir::{Overrides, StateDir, StateDirError};
use openclaw_http::egress::{Lists, Policy};
use openclaw_http::guard::{Host, Target};
use openclaw_sandbox::{Limits, Reach, Sandbox, SandboxConfig, SandboxLevel};

pub(crate) use self::exits::Exits;
use crate::error::GatewayError;
use crate::home::{Home, Running};
use crate::skills;

/// The file with the secrets of OpenClaw's environment.
const DOT_ENV: &str = ".env";

/// Where the state directory has the folders of agents, the agent that every home has, and the
/// name of each agent's own folder.
const AGENTS: &str = "agents";
const FIRST: &str = "main";
const AGENT: &str = "agent";

const KIBIBYTE: u64 = 1024;
const MEBIBYTE: u64 = 1024 * KIBIBYTE;

/// How the commands of an agent are confined, and by which settings.
#[derive(Clone, Debug)]
pub struct Containment {
    /// What the owner says.
    pub policy: SandboxPolicy,
    /// What a command may use up.
    pub bounds: Bounds,
    /// Folders and files that no workspace may hold: those of this home.
    pub off_limits: Vec<PathBuf>,
    /// Folders within those that commands may read: the skills that agents have written.
    exempt: Vec<PathBuf>,
    /// What the proxy lets through.
    egress: Policy,
    /// The gateway's own port, as it is configured.
    port: u16,
}

/// What a command may use up, each with what decided it.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// The longest that it may ask for.
    pub wall: Set<Duration>,
    /// The processor time of each of its processes.
    pub cpu: Set<Option<Duration>>,
    /// Bytes of memory.
    pub memory: Set<u64>,
    /// Processes and threads at once.
    pub processes: Set<Option<u64>>,
    /// Bytes of a file.
    pub file_size: Set<Option<u64>>,
    /// Open files of each process.
    pub open_files: Set<Option<u64>>,
    /// Bytes of each output stream that a result has.
    pub output: Set<usize>,
}

impl Containment {
    /// Returns how the commands of an agent are confined; of nobody in particular without one.
    ///
    /// The only failure is a list of hosts that the proxy cannot read.
    pub fn of(home: &Home, agent: Option<&AgentId>) -> Result<Self, GatewayError> {
        let policy = home.config.own.sandbox.policy(agent);
        let agents = home.config.agents.iter();
        let folders: Vec<PathBuf> = agents.map(|agent| agent.agent_dir.clone()).collect();
        let own = home.config.agents.iter().find(|own| Some(&own.id) == agent);
        Ok(Self {
            exempt: own
                .map(|own| skills::workshop(&own.agent_dir))
                .into_iter()
                .collect(),
            ..Self::new(
                policy,
                off_limits(&home.state, folders),
                home.config.gateway.port,
            )?
        })
    }

    /// Returns how commands are confined that the owner starts by hand. `openclaw.json` says nothing
    /// about them, so that it may be broken or missing.
    pub fn by_hand(env: &Env, overrides: &Overrides) -> Result<Self, GatewayError> {
        let state = match StateDir::locate(env, overrides) {
            Ok(state) => state,
            // Whose home is nowhere has no settings.
            Err(StateDirError::NoHome) => {
                let policy = SandboxSettings::default().policy(None);
                return Self::new(policy, Vec::new(), DEFAULT_PORT);
            }
            Err(err) => return Err(err.into()),
        };
        let policy = OwnSettings::load(&state, env)?.sandbox.policy(None);
        let port = Running::on(&state)?.map_or(DEFAULT_PORT, |running| running.port);
        Self::new(policy, off_limits(&state, Vec::new()), port)
    }

    fn new(
        policy: SandboxPolicy,
        off_limits: Vec<PathBuf>,
        port: u16,
    ) -> Result<Self, GatewayError> {
        let egress = Policy::parse(&Lists {
            allow: &values(&policy.allow),
            deny: &values(&policy.deny),
            private: &values(&policy.private),
        })?;
        Ok(Self {
            bounds: Bounds::of(&policy.limits),
            policy,
            off_limits,
            exempt: Vec::new(),
            egress,
            port,
        })
    }

    /// Returns the folders beside its workspace that an agent's tools may read: those of its skills.
    ///
    /// Blocks on the file system.
    pub fn readable(&self, home: &Home, agent: &AgentSettings) -> Vec<PathBuf> {
        skills::skills(home, agent).load().readable(&self.bare())
    }

    /// Returns where a workspace is, or would be made, if an agent may work there. Blocks on the
    /// file system.
    pub(crate) fn workspace(&self, path: &Path) -> Result<PathBuf, GatewayError> {
        Ok(self.bare().judge_workspace(path)?)
    }

    /// Returns how strongly commands are contained.
    pub const fn level(&self) -> SandboxLevel {
        match self.policy.level.value {
            Confinement::None => SandboxLevel::None,
            Confinement::Relaxed => SandboxLevel::Relaxed,
            Confinement::Strict => SandboxLevel::Strict,
        }
    }

    /// Returns how far commands get into the network: at level Strict nowhere, whatever is set.
    pub fn network(&self) -> SandboxNetwork {
        match self.level() {
            SandboxLevel::Strict => SandboxNetwork::None,
            SandboxLevel::Relaxed => self.policy.network.value,
            SandboxLevel::None => SandboxNetwork::Host,
        }
    }

    /// Returns the policy of commands that work in these folders.
    pub fn config(&self, workspaces: Vec<PathBuf>) -> SandboxConfig {
        SandboxConfig {
            level: self.level(),
            allowed_paths: workspaces,
            network_access: self.level() == SandboxLevel::Relaxed
                && self.network() != SandboxNetwork::None,
            max_cpu_time: self.bounds.cpu.value,
            max_memory: Some(self.bounds.memory.value),
        }
    }

    /// Returns what a command may use up.
    pub fn limits(&self) -> Limits {
        let bounds = &self.bounds;
        Limits {
            wall_time: Some(bounds.wall.value),
            processes: bounds.processes.value,
            file_size: bounds.file_size.value,
            open_files: bounds.open_files.value,
            kept_bytes: bounds.output.value,
            ..Means::default().limits
        }
    }

    /// Returns the variables that every command gets which has so much of a network.
    pub fn env(&self, network: SandboxNetwork) -> Vec<(String, String)> {
        let own = self.policy.env.iter();
        let own = own.map(|(name, set)| (name.clone(), set.value.clone()));
        let through = network == SandboxNetwork::Proxy && self.policy.private.iter().any(is_here);
        // What listens on this machine is reached through the proxy only, and programs do not ask
        // it for what is on the loopback device unless they are told to.
        let direct = ["NO_PROXY", "no_proxy"].map(|name| (name.to_owned(), String::new()));
        let direct = direct.into_iter().filter(|_| through);
        direct.chain(own).collect()
    }

    /// Returns the sandbox for commands that the owner starts by hand, with so much of a network.
    pub fn sandbox(&self, network: SandboxNetwork) -> Sandbox {
        let reach = match network {
            SandboxNetwork::None => Reach::Nowhere,
            SandboxNetwork::Proxy => {
                Arc::new(Exits::default()).reach(None, self.egress.clone(), self.port)
            }
            SandboxNetwork::Host => Reach::Host,
        };
        self.bare().with_reach(reach)
    }

    /// Returns the means of an agent's commands.
    pub(crate) fn means(&self, exits: &Arc<Exits>) -> Means {
        let (sandbox, reach) = match self.network() {
            SandboxNetwork::None => (self.bare(), None),
            SandboxNetwork::Host => (self.bare().with_reach(Reach::Host), None),
            SandboxNetwork::Proxy => {
                let (exits, policy, port) = (Arc::clone(exits), self.egress.clone(), self.port);
                let reach =
                    ReachOf::new(move |session| exits.reach(Some(session), policy.clone(), port));
                (self.bare(), Some(reach))
            }
        };
        Means {
            sandbox,
            reach,
            limits: self.limits(),
            patience: Means::PATIENCE,
            usual: None,
            env: self.env(self.network()),
            protected: values(&self.policy.protect),
        }
    }

    /// Returns the sandbox without a network.
    fn bare(&self) -> Sandbox {
        let sandbox = Sandbox::from_environment()
            .with_toolchains(values(&self.policy.toolchains))
            .with_protected(values(&self.policy.protect))
            .with_off_limits(self.off_limits.clone())
            .with_exempt(self.exempt.clone());
        if self.policy.allow_degraded.value {
            sandbox.allow_degraded()
        } else {
            sandbox
        }
    }
}

/// Returns what no workspace may hold of a home: its keys and tokens, its log and its settings.
///
/// The usual folders of agents count whether the config names such agents or not.
fn off_limits(state: &StateDir, agents: Vec<PathBuf>) -> Vec<PathBuf> {
    let config = state.config_file();
    let mut places = vec![
        state.own(),
        state.credentials(),
        state.root().join(DOT_ENV),
        config.to_owned(),
        config.with_file_name(OWN_FILE),
    ];
    let usual = state.root().join(AGENTS);
    places.push(usual.join(FIRST).join(AGENT));
    let found = fs::read_dir(&usual).into_iter().flatten().flatten();
    places.extend(found.map(|entry| entry.path().join(AGENT)));
    places.extend(agents);
    places.sort();
    places.dedup();
    places
}

fn values<T: Clone>(list: &[Set<T>]) -> Vec<T> {
    list.iter().map(|set| set.value.clone()).collect()
}

/// Tells whether a private host is on the loopback device of this machine.
fn is_here(private: &Set<String>) -> bool {
    match private.value.parse() {
        Ok(Target {
            host: Host::Address(address),
            ..
        }) => address.is_loopback(),
        Ok(Target {
            host: Host::Name(name),
            ..
        }) => name == "localhost",
        Err(_) => false,
    }
}

impl Bounds {
    fn of(set: &SandboxLimits) -> Self {
        let usual = Means::default().limits;
        let times = |limit: &Option<Set<u64>>, unit: u64, usual: Option<u64>| match limit {
            Some(set) => set.clone().map(|number| Some(number.saturating_mul(unit))),
            None => Set::default(usual),
        };
        let seconds = |limit: &Option<Set<u64>>, usual: Option<Duration>| match limit {
            Some(set) => set
                .clone()
                .map(|seconds| Some(Duration::from_secs(seconds))),
            None => Set::default(usual),
        };
        let output = usual.kept_bytes;
        Self {
            wall: seconds(&set.wall_seconds, usual.wall_time)
                .map(|limit| limit.unwrap_or(Means::LONGEST)),
            cpu: seconds(&set.cpu_seconds, None),
            memory: times(&set.memory_mb, MEBIBYTE, None)
                .map(|limit| limit.unwrap_or(SandboxConfig::DEFAULT_MAX_MEMORY)),
            processes: times(&set.processes, 1, usual.processes),
            file_size: times(&set.file_size_mb, MEBIBYTE, usual.file_size),
            open_files: times(&set.open_files, 1, usual.open_files),
            output: times(&set.output_kb, KIBIBYTE, None).map(|limit| {
                let bytes = limit.and_then(|limit| usize::try_from(limit).ok());
                bytes.unwrap_or(output)
            }),
        }
    }
}
