//! What belongs to each agent alone: its folder, its picture, its sandbox's variables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use super::ids;
use super::roster;
use super::surroundings::{Surroundings, plain};
use super::tools::starts_with_drive;
use super::walk::{self, Problems};

/// Judges the variables of sandboxes that are containers.
pub(super) fn judge_variables(config: &Value, problems: &mut Problems) {
    let defaults = walk::at(config, &["agents", "defaults", "sandbox"]).unwrap_or(&Value::Null);
    let shared_path = walk::path("agents.defaults.sandbox.docker.env");
    let mut seen = BTreeSet::new();
    for (key, agent) in roster::agents(config) {
        let own = agent.get("sandbox").unwrap_or(&Value::Null);
        let setting = |name: &str| {
            let set = |sandbox| {
                walk::text(sandbox, &[name]).filter(|text: &&str| !text.trim().is_empty())
            };
            set(own).or_else(|| set(defaults))
        };
        if !matches!(
            setting("backend").map_or("docker", str::trim),
            "docker" | "podman"
        ) {
            continue;
        }
        let own_path = walk::path("agents.entries").key(key);
        let own_path = own_path.key("sandbox").key("docker").key("env");
        let mut variables = BTreeMap::new();
        for (name, value) in walk::members(defaults, &["docker", "env"]) {
            variables.insert(name, (&shared_path, value));
        }
        if setting("scope") != Some("shared") {
            for (name, value) in walk::members(own, &["docker", "env"]) {
                variables.insert(name, (&own_path, value));
            }
        }
        for (name, (path, value)) in variables {
            let value = value.as_str().unwrap_or_default();
            let path = path.key(name);
            let faulty = !is_portable(name) || value.contains(['\r', '\n', '\0']);
            if faulty && seen.insert(path.clone()) {
                let message = "the variables of a container have plain names and one line each";
                problems.add(path, message);
            }
        }
    }
}

fn is_portable(name: &str) -> bool {
    let plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
    name.chars().all(plain)
        && !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// Refuses two agents that would keep their state in one folder.
pub(super) fn judge_folders(config: &Value, home: &Surroundings, problems: &mut Problems) {
    // The first of two agents with one id is the one that counts.
    let mut own: BTreeMap<String, Option<&str>> = BTreeMap::new();
    for (key, agent) in roster::agents(config) {
        let folder = walk::text(agent, &["agentDir"]);
        own.entry(ids::agent(key)).or_insert(folder);
    }
    for (_, name) in walk::every_text(config, "bindings.*.agentId") {
        if !name.trim().is_empty() {
            own.entry(ids::agent(name)).or_default();
        }
    }
    let mut owners: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for (id, own) in own {
        let folder = match own.filter(|own| !own.trim().is_empty()) {
            Some(own) => home.path(own),
            None => home.state_dir().join("agents").join(&id).join("agent"),
        };
        owners.entry(folder).or_default().push(id);
    }
    let shared = owners.iter().filter(|(_, ids)| ids.len() > 1);
    let shared: Vec<String> = shared
        .map(|(folder, ids)| format!("{} ({})", folder.display(), ids.join(", ")))
        .collect();
    if !shared.is_empty() {
        let message = format!(
            "each agent needs an agentDir of its own: {}",
            shared.join("; ")
        );
        problems.add(walk::path("agents.entries"), message);
    }
}

/// Judges pictures of agents: a file of the workspace, or something to fetch.
pub(super) fn judge_avatars(
    config: &Value,
    former_default: Option<&str>,
    home: &Surroundings,
    problems: &mut Problems,
) {
    let agents = roster::agents(config);
    let sole = agents
        .first()
        .filter(|_| agents.len() == 1)
        .map(|(key, _)| ids::agent(key));
    let owner = former_default.map(str::to_owned).or(sole);
    for (key, agent) in &agents {
        let avatar = walk::text(agent, &["identity", "avatar"])
            .unwrap_or_default()
            .trim();
        let lower = avatar.to_lowercase();
        let fetched = ["data:", "http://", "https://"];
        if avatar.is_empty() || fetched.iter().any(|start| lower.starts_with(start)) {
            continue;
        }
        let path = walk::path("agents.entries")
            .key(key)
            .key("identity")
            .key("avatar");
        if avatar.starts_with('~') || (has_scheme(avatar) && !starts_with_drive(avatar)) {
            let message = "must be a path in the workspace, an http(s) URL or a data URI";
            problems.add(path, message);
            continue;
        }
        let workspace = workspace(config, key, agent, owner.as_deref(), home);
        if !plain(&workspace.join(avatar)).starts_with(&workspace) {
            problems.add(path, "must stay within the agent's workspace");
        }
    }
}

fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        let part = |character: char| {
            character.is_ascii_alphanumeric() || matches!(character, '+' | '.' | '-')
        };
        scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.chars().all(part)
    })
}

fn workspace(
    config: &Value,
    key: &str,
    agent: &Value,
    owner: Option<&str>,
    home: &Surroundings,
) -> PathBuf {
    let named = |workspace: Option<&str>| {
        workspace
            .filter(|path| !path.trim().is_empty())
            .map(|path| home.path(path))
    };
    let id = ids::agent(key);
    let shared = named(walk::text(config, &["agents", "defaults", "workspace"]));
    let owned = owner == Some(id.as_str());
    named(walk::text(agent, &["workspace"])).unwrap_or_else(|| match shared {
        Some(shared) if owned => shared,
        Some(shared) => shared.join(id),
        None if owned => home.state_dir().join("workspace"),
        None => home.state_dir().join(format!("workspace-{id}")),
    })
}
