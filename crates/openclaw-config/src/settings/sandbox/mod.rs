//! `sandbox` of `openclaw-rs.json5`: how commands are confined, for all agents and for each.
//!
//! Every value knows which setting it comes from, because the owner of a policy that is put
//! together from three places has to be able to ask.

mod judge;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use openclaw_core::AgentId;
use openclaw_core::env::Env;
use serde::Serialize;
use serde_json::Value;

use super::own::OWN_FILE;
use super::reader::{expand, whole_number};

pub(super) use judge::problems;

/// The key in `openclaw-rs.json5`.
pub(super) const KEY: &str = "sandbox";

const AGENTS: &str = "agents";
const LEVEL: &str = "level";
const ALLOW_DEGRADED: &str = "allowDegraded";
const NETWORK: &str = "network";
const EGRESS: &str = "egress";
const ALLOW: &str = "allow";
const DENY: &str = "deny";
const PRIVATE: &str = "private";
const TOOLCHAINS: &str = "toolchains";
const ENV: &str = "env";
const PROTECT: &str = "protect";
const LIMITS: &str = "limits";

/// A value, and what decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub source: SetBy,
}

/// Where a value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SetBy {
    /// Nobody set it.
    #[default]
    Default,
    /// The key of `openclaw-rs.json5` that says so.
    Own(String),
    /// The key of `openclaw.json` that says so.
    Config(String),
}

impl fmt::Display for SetBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Own(path) => write!(f, "{OWN_FILE}: {path}"),
            Self::Config(path) => write!(f, "openclaw.json: {path}"),
        }
    }
}

impl<T> Set<T> {
    /// Makes a value that nobody set.
    pub const fn default(value: T) -> Self {
        Self {
            value,
            source: SetBy::Default,
        }
    }

    /// Returns the same source for what is made of the value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Set<U> {
        Set {
            value: make(self.value),
            source: self.source,
        }
    }
}

/// How strongly commands are confined (`level`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confinement {
    /// Not at all.
    None,
    /// To the workspace, and to the network as far as it is set up.
    Relaxed,
    /// To the workspace, without a network.
    #[default]
    Strict,
}

/// How far a command at level `relaxed` gets into the network (`network`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxNetwork {
    /// Nowhere.
    #[default]
    None,
    /// To the hosts that `egress` allows, through a proxy.
    Proxy,
    /// Everywhere that this machine gets, and to everything that listens on it.
    Host,
}

/// What a command may use up (`limits`); what is not set is left to the sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SandboxLimits {
    /// The most seconds that a command may ask for (`wallSeconds`).
    pub wall_seconds: Option<Set<u64>>,
    /// Seconds of processor time of each process (`cpuSeconds`).
    pub cpu_seconds: Option<Set<u64>>,
    /// Mebibytes of memory (`memoryMb`).
    pub memory_mb: Option<Set<u64>>,
    /// Processes and threads at once (`processes`).
    pub processes: Option<Set<u64>>,
    /// Mebibytes of a file (`fileSizeMb`).
    pub file_size_mb: Option<Set<u64>>,
    /// Open files of each process (`openFiles`).
    pub open_files: Option<Set<u64>>,
    /// Kibibytes of each output stream (`outputKb`).
    pub output_kb: Option<Set<u64>>,
}

/// How the commands of one agent are confined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxPolicy {
    /// How strongly.
    pub level: Set<Confinement>,
    /// Whether commands run where this machine does not have every guard.
    pub allow_degraded: Set<bool>,
    /// How far into the network.
    pub network: Set<SandboxNetwork>,
    /// The hosts that the proxy lets commands reach.
    pub allow: Vec<Set<String>>,
    /// The hosts that it does not, whatever else is said.
    pub deny: Vec<Set<String>>,
    /// The addresses of this machine and its neighbours that it lets commands reach.
    pub private: Vec<Set<String>>,
    /// Folders of programs beside those of the system.
    pub toolchains: Vec<Set<PathBuf>>,
    /// Variables beside the usual ones.
    pub env: BTreeMap<String, Set<String>>,
    /// Paths of the workspace that are protected beside the usual ones.
    pub protect: Vec<Set<PathBuf>>,
    /// What a command may use up.
    pub limits: SandboxLimits,
}

/// How commands are confined (`sandbox`), as it was judged.
#[derive(Clone, Default)]
pub struct SandboxSettings {
    section: Value,
    env: Env,
}

// Variables may hold secrets.
impl fmt::Debug for SandboxSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxSettings").finish_non_exhaustive()
    }
}

impl SandboxSettings {
    /// Returns how the commands of an agent are confined; of nobody in particular without one.
    ///
    /// What an agent sets replaces what is set for all, but for hosts that are denied, variables
    /// and protected paths, which come on top.
    pub fn policy(&self, agent: Option<&AgentId>) -> SandboxPolicy {
        let layers = self.layers(agent);
        let limit = |key| layers.first(&[LIMITS, key], whole_number);
        SandboxPolicy {
            level: layers.first_or_default(&[LEVEL], level),
            allow_degraded: layers.first_or_default(&[ALLOW_DEGRADED], Value::as_bool),
            network: layers.first_or_default(&[NETWORK], network),
            allow: layers.list(&[EGRESS, ALLOW], text, Combined::Replaced),
            deny: layers.list(&[EGRESS, DENY], text, Combined::Added),
            private: layers.list(&[EGRESS, PRIVATE], text, Combined::Replaced),
            toolchains: layers.list(
                &[TOOLCHAINS],
                |value| self.folder(value),
                Combined::Replaced,
            ),
            env: layers.variables(),
            protect: layers.list(&[PROTECT], inner_path, Combined::Added),
            limits: SandboxLimits {
                wall_seconds: limit("wallSeconds"),
                cpu_seconds: limit("cpuSeconds"),
                memory_mb: limit("memoryMb"),
                processes: limit("processes"),
                file_size_mb: limit("fileSizeMb"),
                open_files: limit("openFiles"),
                output_kb: limit("outputKb"),
            },
        }
    }

    /// Returns the agents that have settings of their own.
    pub fn agents(&self) -> impl Iterator<Item = AgentId> {
        let agents = self.section.get(AGENTS).and_then(Value::as_object);
        agents
            .into_iter()
            .flatten()
            .map(|(id, _)| AgentId::from(id.as_str()))
    }

    fn layers(&self, agent: Option<&AgentId>) -> Layers<'_> {
        let own = agent.and_then(|id| {
            let layer = self.section.get(AGENTS)?.get(id.as_str())?;
            Some((format!("{KEY}.{AGENTS}.{id}"), layer))
        });
        let shared = (KEY.to_owned(), &self.section);
        Layers(own.into_iter().chain([shared]).collect())
    }

    fn folder(&self, value: &Value) -> Option<PathBuf> {
        Some(expand(value.as_str()?, &self.env))
    }
}

/// Reads a `sandbox` that was judged; what is wrong with it is left out.
pub(super) fn read(section: Option<&Value>, env: &Env) -> SandboxSettings {
    SandboxSettings {
        section: section.cloned().unwrap_or_default(),
        env: env.clone(),
    }
}

/// What becomes of a list that is set for all where an agent sets one, too.
#[derive(Clone, Copy)]
enum Combined {
    /// It does not count.
    Replaced,
    /// It counts as well.
    Added,
}

/// The parts of the file that say something for somebody, each with its path, the nearest first.
struct Layers<'a>(Vec<(String, &'a Value)>);

impl Layers<'_> {
    /// Returns the value at a path of keys, with its own path, in every layer that has one.
    fn found(&self, keys: &[&str]) -> impl Iterator<Item = (String, &Value)> {
        self.0.iter().filter_map(move |(path, layer)| {
            let value = keys.iter().try_fold(*layer, |value, key| value.get(key))?;
            Some((format!("{path}.{}", keys.join(".")), value))
        })
    }

    fn first<T>(&self, keys: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<Set<T>> {
        self.found(keys).find_map(|(path, value)| {
            Some(Set {
                value: read(value)?,
                source: SetBy::Own(path),
            })
        })
    }

    fn first_or_default<T: Default>(
        &self,
        keys: &[&str],
        read: impl Fn(&Value) -> Option<T>,
    ) -> Set<T> {
        let set = self.first(keys, read);
        set.unwrap_or_else(|| Set::default(T::default()))
    }

    fn list<T: PartialEq>(
        &self,
        keys: &[&str],
        read: impl Fn(&Value) -> Option<T>,
        combined: Combined,
    ) -> Vec<Set<T>> {
        let lists = match combined {
            Combined::Replaced => 1,
            Combined::Added => usize::MAX,
        };
        let mut all: Vec<Set<T>> = Vec::new();
        for (path, list) in self.found(keys).take(lists) {
            let items = list.as_array().into_iter().flatten().filter_map(&read);
            for value in items {
                if all.iter().all(|known| known.value != value) {
                    let source = SetBy::Own(path.clone());
                    all.push(Set { value, source });
                }
            }
        }
        all
    }

    fn variables(&self) -> BTreeMap<String, Set<String>> {
        let mut all = BTreeMap::new();
        for (path, variables) in self.found(&[ENV]) {
            for (name, value) in variables.as_object().into_iter().flatten() {
                let value = value.as_str().unwrap_or_default().to_owned();
                let source = SetBy::Own(format!("{path}.{name}"));
                all.entry(name.clone()).or_insert(Set { value, source });
            }
        }
        all
    }
}

fn level(value: &Value) -> Option<Confinement> {
    match value.as_str()? {
        "none" => Some(Confinement::None),
        "relaxed" => Some(Confinement::Relaxed),
        "strict" => Some(Confinement::Strict),
        _ => None,
    }
}

fn network(value: &Value) -> Option<SandboxNetwork> {
    match value.as_str()? {
        "none" => Some(SandboxNetwork::None),
        "proxy" => Some(SandboxNetwork::Proxy),
        "host" => Some(SandboxNetwork::Host),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(|text| text.trim().to_owned())
}

/// Returns a path within a workspace; `./a` and `a/` are `a`.
fn inner_path(value: &Value) -> Option<PathBuf> {
    let path = Path::new(value.as_str()?.trim());
    Some(
        path.components()
            .filter(|part| *part != std::path::Component::CurDir)
            .collect(),
    )
}
