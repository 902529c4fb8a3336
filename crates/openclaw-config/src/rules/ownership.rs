//! Who owns what among several agents, and a roster that is a list: changed in memory before the
//! config is judged.

use serde_json::{Map, Value, json};

use super::settle::object;
use super::{ids, walk};
use crate::problem::Problem;

/// Where a change of the roster is reported.
pub(super) const ROSTER: &str = "agents.entries";

/// What is said of each change.
const LISTED: &str = "`agents.list` is read as `agents.entries`";
const WORKSPACE_KEPT: &str = "the first agent of `agents.list` keeps the workspace that it had";
const OWNERSHIP_GIVEN: &str = "what belongs to no agent is taken as the default agent's";
const MARKERS_GONE: &str = "the markers `default` in `agents.entries` are no longer read";

/// The agents, and what is said of them as a whole.
struct Roster {
    agents: Map<String, Value>,
    entries: Map<String, Value>,
    /// It was a list.
    listed: bool,
}

/// Brings the roster into the form that is judged; returns the agent that was the default.
pub(super) fn settle(root: &mut Map<String, Value>, warnings: &mut Vec<Problem>) -> Option<String> {
    let mut roster = Roster::read(root.get("agents"))?;
    let mut said = Vec::new();
    if roster.listed {
        said.push(LISTED);
    }
    let former_default = if roster.entries.is_empty() {
        roster.settle_empty();
        None
    } else if roster.is_clear() {
        roster.settle_filled(&mut said)
    } else {
        return None;
    };
    let markers_gone = said.last() == Some(&MARKERS_GONE);
    if !said.is_empty() || roster.is_new() {
        let Roster {
            mut agents,
            entries,
            ..
        } = roster;
        agents.insert("entries".to_owned(), Value::Object(entries));
        root.insert("agents".to_owned(), Value::Object(agents));
    }
    if let Some(owner) = &former_default
        && give_ownership(root, owner)
    {
        said.insert(said.len() - usize::from(markers_gone), OWNERSHIP_GIVEN);
    }
    warnings.extend(
        said.into_iter()
            .map(|said| Problem::new(walk::path(ROSTER), said)),
    );
    former_default
}

impl Roster {
    /// Reads the agents; nothing where that is not certain.
    fn read(agents: Option<&Value>) -> Option<Self> {
        let mut agents = match agents {
            None => Map::new(),
            Some(agents) => agents.as_object()?.clone(),
        };
        let listed = !agents.contains_key("entries") && agents.contains_key("list");
        let entries = if listed {
            keyed(&agents.shift_remove("list")?)?
        } else {
            match agents.get("entries") {
                None => Map::new(),
                Some(entries) => entries.as_object()?.clone(),
            }
        };
        Some(Self {
            agents,
            entries,
            listed,
        })
    }

    fn is_explicit(&self) -> bool {
        self.agents.get("ownership").and_then(Value::as_str) == Some("explicit")
    }

    /// Tells whether the roster is one that was not written.
    fn is_new(&self) -> bool {
        !self.entries.is_empty()
            && self
                .agents
                .get("entries")
                .is_none_or(|entries| entries.as_object().is_some_and(Map::is_empty))
    }

    /// Returns the agents that are described by an object.
    fn agents(&self) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
        let entries = self.entries.iter();
        entries.filter_map(|(id, entry)| Some((id, entry.as_object()?)))
    }

    /// Tells whether it is certain which agents there are, and which is the default.
    fn is_clear(&self) -> bool {
        let odd = |entry: &Map<String, Value>| {
            entry
                .get("default")
                .is_some_and(|marker| !marker.is_boolean())
        };
        self.agents().next().is_some() && !self.agents().any(|(_, entry)| odd(entry))
    }

    fn settle_empty(&mut self) {
        if !self.is_explicit() {
            self.entries.insert(ids::MAIN.to_owned(), json!({}));
        }
    }

    /// Takes the markers off; returns the agent that was the default among several.
    fn settle_filled(&mut self, said: &mut Vec<&'static str>) -> Option<String> {
        let is_marked = |entry: &Map<String, Value>| entry.get("default") == Some(&json!(true));
        let marked = self.agents().filter(|(_, entry)| is_marked(entry));
        let marked: Vec<String> = marked.map(|(id, _)| ids::agent(id)).collect();
        let several = self.agents().count() > 1;
        let only = marked
            .first()
            .filter(|_| marked.len() == 1 && !self.is_explicit())
            .cloned();
        let homeless = self.agents().next().is_some_and(|(_, entry)| {
            let workspace = entry.get("workspace");
            workspace.is_none_or(|workspace| {
                workspace
                    .as_str()
                    .is_some_and(|workspace| workspace.trim().is_empty())
            })
        });
        if self.listed && several && homeless && marked.is_empty() && !self.is_explicit() {
            said.push(WORKSPACE_KEPT);
        }
        if only.is_some() {
            for entry in self.entries.values_mut().filter_map(Value::as_object_mut) {
                entry.shift_remove("default");
            }
            said.push(MARKERS_GONE);
        }
        only.filter(|_| several)
    }
}

/// Reads a roster that is a list; nothing where that is not certain.
fn keyed(list: &Value) -> Option<Map<String, Value>> {
    let mut entries = Map::new();
    for entry in list.as_array()? {
        let mut entry = entry.as_object()?.clone();
        let id = entry.shift_remove("id")?;
        let id = id
            .as_str()
            .filter(|id| !id.is_empty() && ids::agent(id) == *id)?;
        if entries
            .insert(id.to_owned(), Value::Object(entry))
            .is_some()
        {
            return None;
        }
    }
    Some(entries)
}

/// Gives the former default agent what nobody owns; tells whether there was something.
fn give_ownership(root: &mut Map<String, Value>, owner: &str) -> bool {
    let mut given = bind_channels(root, owner);
    let store = root.get("session").and_then(|session| session.get("store"));
    let one_store = store
        .and_then(Value::as_str)
        .is_some_and(|store| !store.trim().is_empty() && !store.contains("{agentId}"));
    let agents = object(root, "agents");
    let beats = agents.as_ref().is_some_and(|agents| {
        let entries = agents.get("entries").and_then(Value::as_object);
        let mut entries = entries.into_iter().flatten();
        entries.any(|(_, entry)| entry.get("heartbeat").is_some())
    });
    let defaults = agents.and_then(|agents| {
        let defaults = agents.entry("defaults").or_insert_with(|| json!({}));
        defaults.as_object_mut()
    });
    if let Some(defaults) = defaults {
        let unset = |defaults: &Map<String, Value>, key: &str| {
            let value = defaults.get(key);
            value.is_none_or(|value| value.is_object() && value.get("agentId").is_none())
        };
        let wanted = [
            ("heartbeat", !beats && !defaults.contains_key("heartbeat")),
            ("systemAgent", unset(defaults, "systemAgent")),
            (
                "authInheritance",
                owner != ids::MAIN && unset(defaults, "authInheritance"),
            ),
            ("sessionStore", one_store && unset(defaults, "sessionStore")),
        ];
        for (key, _) in wanted.into_iter().filter(|(_, wanted)| *wanted) {
            let holder = defaults.entry(key).or_insert_with(|| json!({}));
            if let Some(holder) = holder.as_object_mut() {
                holder.insert("agentId".to_owned(), json!(owner));
                given = true;
            }
        }
    }
    let talk = root.entry("talk").or_insert_with(|| json!({}));
    if let Some(talk) = talk
        .as_object_mut()
        .filter(|talk| !talk.contains_key("agentId"))
    {
        talk.insert("agentId".to_owned(), json!(owner));
        given = true;
    }
    given
}

/// Binds to the owner every channel that no binding covers as a whole.
fn bind_channels(root: &mut Map<String, Value>, owner: &str) -> bool {
    let bindings = match root.get("bindings") {
        None => Vec::new(),
        Some(Value::Array(bindings)) => bindings.clone(),
        Some(_) => return false,
    };
    let covered = |channel: &str| {
        bindings.iter().any(|binding| {
            let matched = binding.get("match");
            let matched = |key: &str| matched.and_then(|matched| matched.get(key));
            binding.get("type").is_none_or(|kind| kind != "acp")
                && matched("channel")
                    .and_then(Value::as_str)
                    .map(ids::lower)
                    .as_deref()
                    == Some(channel)
                && matched("accountId").and_then(Value::as_str).map(str::trim) == Some("*")
                && ["peer", "guildId", "teamId", "roles"]
                    .iter()
                    .all(|key| matched(key).is_none())
        })
    };
    let channels = root.get("channels").and_then(Value::as_object);
    let mut open: Vec<String> = channels
        .into_iter()
        .flatten()
        .filter(|(id, channel)| {
            !matches!(id.as_str(), "defaults" | "modelByChannel")
                && channel.get("enabled") != Some(&Value::Bool(false))
        })
        .map(|(id, _)| ids::lower(id))
        .filter(|id| !id.is_empty() && !covered(id))
        .collect();
    open.sort();
    open.dedup();
    if open.is_empty() {
        return false;
    }
    let bound = open
        .into_iter()
        .map(|channel| json!({"agentId": owner, "match": {"channel": channel, "accountId": "*"}}));
    let bindings: Vec<Value> = bindings.iter().cloned().chain(bound).collect();
    root.insert("bindings".to_owned(), Value::Array(bindings));
    true
}
