//! The agents, and everything that names one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ids;
use super::walk::{self, Problems};

/// More agents than this do not talk in one group.
const LARGEST_GROUP: usize = 16;

/// Keys that no object of JavaScript's may have of its own.
pub(super) const BLOCKED_KEYS: [&str; 3] = ["__proto__", "prototype", "constructor"];

/// Places that name the agent that something belongs to.
const OWNERS: [&str; 3] = [
    "agents.defaults.heartbeat.agentId",
    "agents.defaults.systemAgent.agentId",
    "talk.agentId",
];

/// Returns the agents by their keys, as written.
pub(super) fn agents(config: &Value) -> Vec<(&str, &Value)> {
    let agents = walk::members(config, &["agents", "entries"]);
    agents.filter(|(_, agent)| agent.is_object()).collect()
}

/// Judges the roster, and every name of an agent.
///
/// Where one agent was the default, it owns what no other agent does.
pub(super) fn judge(config: &Value, former_default: Option<&str>, problems: &mut Problems) {
    judge_roster(config, former_default, problems);
    let agents = agents(config);
    let written: BTreeSet<&str> = agents.iter().map(|(key, _)| *key).collect();
    let mut known: BTreeSet<String> = written.iter().map(|key| ids::agent(key)).collect();
    if agents.is_empty() {
        known.insert(ids::MAIN.to_owned());
    }
    for owner in OWNERS {
        for (path, name) in walk::every_text(config, owner) {
            if !known.contains(&ids::agent(name)) {
                problems.add(path, unknown(name));
            }
        }
    }
    if !agents.is_empty() {
        for (path, name) in walk::every_text(config, "bindings.*.agentId") {
            if name != ids::MAIN && !known.contains(&ids::agent(name)) {
                problems.add(path, unknown(name));
            }
        }
    }
    judge_bindings(config, problems);
    judge_broadcast(config, &written, problems);
}

fn unknown(name: &str) -> String {
    format!("Unknown agent id \"{name}\" (not in agents.entries).")
}

fn judge_roster(config: &Value, former_default: Option<&str>, problems: &mut Problems) {
    let Some(agents) = config.get("agents").and_then(Value::as_object) else {
        return;
    };
    let entries: Vec<(&str, &Value)> = walk::members(config, &["agents", "entries"]).collect();
    let roster = walk::path("agents.entries");
    if entries.is_empty() {
        problems.add(
            roster.clone(),
            "agents.entries must name at least one agent",
        );
    }
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    for (key, entry) in &entries {
        let id = ids::agent(key);
        if let Some(earlier) = first.get(&id) {
            let message = format!("\"{earlier}\" and \"{key}\" are both the agent \"{id}\"");
            problems.add(roster.key(key), message);
        } else {
            first.insert(id, key);
        }
        for (blocked, _) in walk::members(entry, &[]) {
            if BLOCKED_KEYS.contains(&blocked) {
                problems.add(
                    roster.key(key).key(blocked),
                    "an agent cannot have this key",
                );
            }
        }
    }
    let marked = entries
        .iter()
        .filter(|(_, entry)| walk::is_true(entry, &["default"]));
    let marked = marked.count();
    let explicit = agents.get("ownership").and_then(Value::as_str) == Some("explicit");
    let ownership = walk::path("agents.ownership");
    if marked > 1 {
        let message = format!("at most one agent can be the default, {marked} are");
        problems.add(roster, message);
    }
    if explicit && marked > 0 {
        let message = "agents.ownership=\"explicit\" and a marker default=true exclude each other";
        problems.add(ownership, message);
    } else if entries.len() > 1 && marked == 0 && !explicit && former_default.is_none() {
        let message = "multi-agent rosters require agents.ownership=\"explicit\" \
                       or one legacy default=true marker";
        problems.add(ownership, message);
    }
}

fn judge_bindings(config: &Value, problems: &mut Problems) {
    for (path, binding) in walk::every(config, "bindings.*") {
        let peer = walk::text(binding, &["match", "peer", "id"]).unwrap_or_default();
        if walk::text(binding, &["type"]) == Some("acp") && peer.trim().is_empty() {
            let message = "an ACP binding names one conversation in match.peer.id";
            problems.add(path.key("match").key("peer"), message);
        }
    }
}

fn judge_broadcast(config: &Value, known: &BTreeSet<&str>, problems: &mut Problems) {
    for (peer, entry) in walk::members(config, &["broadcast"]) {
        if peer == "strategy" || !(entry.is_array() || entry.is_object()) {
            continue;
        }
        let path = walk::path("broadcast").key(peer);
        let qualified = is_qualified(peer);
        if entry.is_object() && !qualified {
            let message = "options of a group need a key that names the channel: <channel>:<peer>";
            problems.add(path.clone(), message);
        }
        let (path, names) = match entry {
            Value::Array(names) => (path, names.as_slice()),
            entry => (path.key("agents"), walk::elements(entry, &["agents"])),
        };
        if entry.is_array() && qualified && names.len() > LARGEST_GROUP {
            let message = format!("at most {LARGEST_GROUP} agents talk in one group");
            problems.add(path.clone(), message);
        }
        if known.is_empty() && !qualified {
            continue;
        }
        for (index, name) in names.iter().enumerate() {
            if let Some(name) = name.as_str().filter(|name| !known.contains(name)) {
                problems.add(path.index(index), unknown(name));
            }
        }
    }
}

/// Tells whether a key is `<channel>:<peer>`.
fn is_qualified(key: &str) -> bool {
    key.split_once(':').is_some_and(|(channel, peer)| {
        let name =
            |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
        channel.starts_with(|first: char| first.is_ascii_alphabetic())
            && channel.chars().all(name)
            && !peer.is_empty()
    })
}
