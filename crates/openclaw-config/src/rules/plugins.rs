//! Plugins: which there are, which run, and what they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::facts::names::WEB_SEARCHES;
use super::facts::plugins::{
    BUNDLED_CHANNELS, BUNDLED_OFF, BUNDLED_ON, COMMANDS, DEFAULT_MEMORY, OFFICIAL, RETIRED,
};
use super::installed::Installed;
use super::surroundings::{Standing, Surroundings};
use super::{Verdict, ids, walk};
use crate::problem::{KeyPath, Problem};
use crate::schema;

/// Plugins that show the sessions of another program, unless the config says no.
const SESSION_CATALOGS: [&str; 2] = ["anthropic", "codex"];
/// A plugin whose absence is said only where it would be used.
const CODEX: &str = "codex";

/// The plugins that a config speaks of.
#[derive(Debug)]
pub(super) struct Plugins<'a> {
    config: &'a Value,
    /// The settings of each plugin, by its id.
    entries: BTreeMap<String, Entry<'a>>,
    allow: Vec<String>,
    deny: Vec<String>,
    /// The plugin that keeps the memory; nothing when there is to be none.
    memory: Option<String>,
    /// The folders of plugins that are not there.
    missing: Vec<String>,
    /// The plugins that somebody installed.
    installed: Vec<Installed>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry<'a> {
    enabled: Option<bool>,
    config: Option<&'a Value>,
}

/// Tells whether a plugin comes with OpenClaw.
fn is_bundled(id: &str) -> bool {
    BUNDLED_ON.contains(&id) || BUNDLED_OFF.contains(&id)
}

impl<'a> Plugins<'a> {
    /// Reads `plugins`.
    pub(super) fn read(config: &'a Value, home: &Surroundings) -> Self {
        let mut entries: BTreeMap<String, Entry<'a>> = BTreeMap::new();
        for (name, settings) in walk::members(config, &["plugins", "entries"]) {
            let entry = entries.entry(ids::plugin(name)).or_default();
            let enabled = settings.get("enabled").and_then(Value::as_bool);
            entry.enabled = enabled.or(entry.enabled);
            entry.config = settings.get("config").or(entry.config);
        }
        let list = |key: &str| {
            let names = walk::elements(config, &["plugins", key]).iter();
            let names = names.filter_map(Value::as_str).map(ids::plugin);
            names.filter(|name| !name.is_empty()).collect()
        };
        let memory = walk::text(config, &["plugins", "slots", "memory"]).unwrap_or_default();
        let memory = match memory.trim() {
            "" => Some(DEFAULT_MEMORY.to_owned()),
            off if ids::lower(off) == "none" => None,
            plugin => Some(plugin.to_owned()),
        };
        let paths = walk::elements(config, &["plugins", "load", "paths"]).iter();
        let paths = paths.filter_map(Value::as_str).map(str::trim);
        let (missing, there): (Vec<&str>, Vec<&str>) = paths
            .filter(|path| !path.is_empty())
            .partition(|path| home.look(&home.path(path)) == Standing::Nothing);
        let there: Vec<PathBuf> = there.into_iter().map(|path| home.path(path)).collect();
        Self {
            config,
            entries,
            allow: list("allow"),
            deny: list("deny"),
            memory,
            missing: missing.into_iter().map(str::to_owned).collect(),
            installed: home.plugins(&there),
        }
    }

    /// Tells whether a plugin is there, from OpenClaw or from somebody else.
    pub(super) fn is_known(&self, id: &str) -> bool {
        is_bundled(id) || self.installed.iter().any(|plugin| plugin.id == id)
    }

    /// Tells whether an installed plugin brings a channel.
    pub(super) fn bring_channel(&self, id: &str) -> bool {
        let mut channels = self.installed.iter().flat_map(|plugin| &plugin.channels);
        channels.any(|channel| channel == id)
    }

    /// Tells whether an installed plugin brings a web search.
    pub(super) fn bring_search(&self, id: &str) -> bool {
        let mut searches = self
            .installed
            .iter()
            .flat_map(|plugin| &plugin.web_searches);
        searches.any(|search| search == id)
    }

    /// Tells whether the config means to have one of these plugins.
    pub(super) fn mentions(&self, ids: &[&str]) -> bool {
        let mut mentioned = self.entries.keys().chain(&self.allow);
        mentioned.any(|id| ids.contains(&id.as_str()))
    }

    /// Returns the warning for a setting that may belong to a plugin that cannot be looked at.
    pub(super) fn unavailable(&self, path: &KeyPath) -> Option<Problem> {
        let folder = self.missing.first()?;
        Some(Problem::new(path.clone(), missing_folder(folder)))
    }

    /// Returns why a plugin that is there does not run.
    fn is_off(&self, id: &str) -> Option<&'static str> {
        let entry = self.entries.get(id).copied().unwrap_or_default();
        let channel = BUNDLED_CHANNELS.contains(&id).then(|| {
            let enabled = walk::at(self.config, &["channels", id, "enabled"]);
            enabled.and_then(Value::as_bool)
        });
        let channel = channel.flatten();
        let by_default = BUNDLED_ON.contains(&id) || !is_bundled(id);
        let context = walk::text(self.config, &["plugins", "slots", "contextEngine"]);
        let in_slot = self.memory.as_deref() == Some(id) || context.map(str::trim) == Some(id);
        let allowed = self.allow.is_empty() || self.allow.iter().any(|allowed| allowed == id);
        if walk::at(self.config, &["plugins", "enabled"]) == Some(&Value::Bool(false)) {
            Some("plugins disabled")
        } else if self.deny.iter().any(|denied| denied == id) {
            Some("blocked by denylist")
        } else if entry.enabled == Some(false) {
            Some("disabled in config")
        } else if channel == Some(false) {
            Some("channel disabled in config")
        } else if in_slot || (channel == Some(true) && entry.enabled != Some(true)) {
            None
        } else if !allowed {
            Some("not in allowlist")
        } else if entry.enabled == Some(true) || channel == Some(true) || by_default {
            None
        } else {
            Some("bundled (disabled by default)")
        }
    }

    /// Judges the plugins that the config names, and the settings of those that are there.
    pub(super) fn judge(&self, verdict: &mut Verdict) {
        for folder in &self.missing {
            let path = walk::path("plugins.load.paths");
            verdict
                .warnings
                .push(Problem::new(path, missing_folder(folder)));
        }
        if !self.missing.is_empty() {
            return;
        }
        self.judge_names(verdict);
        let compatible = |id: &str| {
            !self.allow.is_empty() && WEB_SEARCHES.iter().any(|(_, plugin)| *plugin == id)
        };
        let installed = self.installed.iter().map(|plugin| plugin.id.as_str());
        let bundled = BUNDLED_ON.iter().chain(&BUNDLED_OFF).copied();
        let there: BTreeSet<&str> = bundled.chain(installed).collect();
        for id in there {
            let off = self.is_off(id).or_else(|| self.is_other_memory(id));
            let config = self.entries.get(id).and_then(|entry| entry.config);
            let empty = Value::Object(Map::new());
            if off.is_none() || config.is_some() {
                let config = config.unwrap_or(&empty);
                verdict.problems.extend(schema::validate_plugin(id, config));
            }
            if let (Some(reason), Some(_)) = (off, config)
                && !self.only_hides_sessions(id)
                && !compatible(id)
            {
                let message = format!("plugin disabled ({reason}) but config is present");
                let path = walk::path("plugins.entries").key(id);
                verdict.warnings.push(Problem::new(path, message));
            }
        }
    }

    /// Returns the plugins that somebody installed, each with why the config keeps it from running,
    /// if it does.
    pub(super) fn installed(self) -> Vec<(Installed, Option<&'static str>)> {
        let off: Vec<Option<&'static str>> = self
            .installed
            .iter()
            .map(|plugin| self.is_off(&plugin.id))
            .collect();
        self.installed.into_iter().zip(off).collect()
    }

    /// Returns the plugins that the config has settings for.
    pub(super) fn with_settings(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Returns why the config keeps a plugin from running, if it does.
    pub(super) fn off(&self, id: &str) -> Option<&'static str> {
        self.is_off(id)
    }

    fn is_other_memory(&self, id: &str) -> Option<&'static str> {
        let other = id == DEFAULT_MEMORY && self.memory.as_deref() != Some(id);
        other.then_some("another plugin keeps the memory")
    }

    fn judge_names(&self, verdict: &mut Verdict) {
        let mut missing = Missing::default();
        for (name, settings) in walk::members(self.config, &["plugins", "entries"]) {
            // The tool reports the path without the space around it.
            let path = walk::path("plugins.entries").key(name.trim_end());
            let quiet = self.is_known(name)
                || self.is_switched_off(name)
                || self.only_hides_sessions(name)
                || (ids::plugin(name) == CODEX && !super::codex::is_needed(self.config, settings));
            if !quiet {
                missing.report(path, name, verdict);
            }
        }
        let listed = |key: &str| {
            let names = walk::elements(self.config, &["plugins", key]).iter();
            names
                .filter_map(Value::as_str)
                .filter(|name| !name.trim().is_empty())
        };
        for name in listed("allow").filter(|name| !self.is_known(name)) {
            let path = walk::path("plugins.allow");
            let command = COMMANDS.iter().find(|(command, _)| *command == name);
            if let Some((_, plugin)) = command {
                let message = format!("\"{name}\" is a command of the plugin \"{plugin}\"");
                verdict.warnings.push(Problem::new(path, message));
            } else if !self.is_switched_off(name) {
                missing.report(path, name, verdict);
            }
        }
        for name in listed("deny").filter(|name| !self.is_known(name)) {
            let path = walk::path("plugins.deny");
            verdict.warnings.push(Problem::new(path, stale(name)));
        }
        self.judge_memory(verdict);
    }

    /// A memory that is chosen has to be there, but for one that OpenClaw can do without.
    fn judge_memory(&self, verdict: &mut Verdict) {
        let chosen = walk::at(self.config, &["plugins", "slots", "memory"]);
        let Some(memory) = self.memory.as_deref().filter(|_| chosen.is_some()) else {
            return;
        };
        let path = walk::path("plugins.slots.memory");
        if self.is_known(memory) {
        } else if memory == "memory-lancedb" || RETIRED.contains(&ids::plugin(memory).as_str()) {
            let message =
                format!("plugin not installed: {memory}; nothing is remembered without it");
            verdict.warnings.push(Problem::new(path, message));
        } else {
            let message = format!("plugin not found: {memory}");
            verdict.problems.push(Problem::new(path, message));
        }
    }

    /// Tells whether all that is said of a plugin is that it is not wanted.
    fn is_switched_off(&self, name: &str) -> bool {
        let entry = walk::at(self.config, &["plugins", "entries", name]);
        let entry = entry.and_then(Value::as_object);
        entry.is_some_and(|entry| {
            entry.len() == 1
                && entry.get("enabled") == Some(&Value::Bool(false))
                && !RETIRED.contains(&ids::plugin(name).as_str())
        })
    }

    /// Tells whether all that is said of a plugin is that it shall not show sessions.
    fn only_hides_sessions(&self, name: &str) -> bool {
        let hides = serde_json::json!({"config": {"sessionCatalog": {"enabled": false}}});
        SESSION_CATALOGS.contains(&name)
            && walk::at(self.config, &["plugins", "entries", name]) == Some(&hides)
    }
}

/// Says of each plugin once that it is to be installed.
#[derive(Debug, Default)]
struct Missing(BTreeSet<String>);

impl Missing {
    fn report(&mut self, path: KeyPath, name: &str, verdict: &mut Verdict) {
        let official = OFFICIAL.iter().find(|(id, _)| *id == name.trim());
        let message = match official {
            _ if RETIRED.contains(&ids::plugin(name).as_str()) => {
                format!("plugin removed: {name}; what is said of it is not read")
            }
            Some((_, package)) => {
                if !self.0.insert(ids::plugin(name)) {
                    return;
                }
                format!(
                    "plugin not installed: {name}; OpenClaw installs it with \
                     `openclaw plugins install {package}`"
                )
            }
            None => stale(name),
        };
        verdict.warnings.push(Problem::new(path, message));
    }
}

fn stale(name: &str) -> String {
    format!("plugin not found: {name}; what is said of it is not read")
}

fn missing_folder(folder: &str) -> String {
    format!("the plugin folder {folder} is not there, so what belongs to its plugins is not judged")
}
