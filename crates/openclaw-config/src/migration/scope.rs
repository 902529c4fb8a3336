//! The objects of a config in which the same setting can stand.

use serde_json::Value;

use super::log::{at, below};
use super::tree::{Record, is_blocked, record_at, record_at_mut};
use crate::problem::KeyPath;

/// Where a setting can stand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope {
    /// At the root.
    Root,
    /// In every agent.
    Agents,
    /// In the defaults of agents, and in every agent.
    AgentsAndDefaults,
    /// At the root, and in every agent.
    RootAndAgents,
    /// In a channel, and in each of its accounts.
    Channel(&'static str),
    /// In each of a channel's accounts.
    Accounts(&'static str),
    /// In every channel, and in each of its accounts.
    Channels,
}

impl Scope {
    /// Goes through the objects, with their paths.
    pub(super) fn visit(self, root: &mut Record, visit: &mut dyn FnMut(&mut Record, &KeyPath)) {
        match self {
            Self::Root => visit(root, &KeyPath::root()),
            Self::Agents => agents(root, visit),
            Self::AgentsAndDefaults => {
                if let Some(defaults) = record_at_mut(root, &["agents", "defaults"]) {
                    visit(defaults, &at(&["agents", "defaults"]));
                }
                agents(root, visit);
            }
            Self::RootAndAgents => {
                visit(root, &KeyPath::root());
                agents(root, visit);
            }
            Self::Channel(id) => {
                if let Some(channel) = record_at_mut(root, &["channels", id]) {
                    visit(channel, &at(&["channels", id]));
                    accounts(channel, id, visit);
                }
            }
            Self::Accounts(id) => {
                if let Some(channel) = record_at_mut(root, &["channels", id]) {
                    accounts(channel, id, visit);
                }
            }
            Self::Channels => each_channel(root, |id, channel| {
                visit(channel, &at(&["channels", id]));
                accounts(channel, id, visit);
            }),
        }
    }
}

/// Goes through every object below `channels`.
pub(super) fn each_channel(root: &mut Record, mut visit: impl FnMut(&str, &mut Record)) {
    if let Some(channels) = record_at_mut(root, &["channels"]) {
        for (id, channel) in channels {
            if let Some(channel) = channel.as_object_mut() {
                visit(id, channel);
            }
        }
    }
}

fn accounts(channel: &mut Record, id: &str, visit: &mut dyn FnMut(&mut Record, &KeyPath)) {
    if let Some(accounts) = record_at_mut(channel, &["accounts"]) {
        let path = at(&["channels", id, "accounts"]);
        for (account, value) in accounts {
            if let Some(record) = value.as_object_mut() {
                visit(record, &path.key(account));
            }
        }
    }
}

/// The roster is keyed since 2026.9 and was a list before; both forms are met here, because it is
/// one of the last things to be brought into the current form.
fn agents(root: &mut Record, visit: &mut dyn FnMut(&mut Record, &KeyPath)) {
    let Some(agents) = record_at_mut(root, &["agents"]) else {
        return;
    };
    let path = at(&["agents"]);
    if let Some(entries) = record_at_mut(agents, &["entries"]) {
        for (id, agent) in entries {
            if let Some(agent) = agent.as_object_mut().filter(|_| !is_blocked(id)) {
                visit(agent, &below(&path, &["entries", id]));
            }
        }
        return;
    }
    let Some(list) = agents.get_mut("list").and_then(Value::as_array_mut) else {
        return;
    };
    for (index, agent) in list.iter_mut().enumerate() {
        if let Some(agent) = agent.as_object_mut() {
            let id = agent.get("id").and_then(Value::as_str);
            if !id.is_some_and(is_blocked) {
                visit(agent, &path.key("list").index(index));
            }
        }
    }
}

/// Returns the agents, in either form of the roster.
pub(super) fn listed_agents(root: &Record) -> Vec<&Record> {
    let Some(agents) = record_at(root, &["agents"]) else {
        return Vec::new();
    };
    if let Some(entries) = record_at(agents, &["entries"]) {
        let known = entries.iter().filter(|(id, _)| !is_blocked(id));
        return known.filter_map(|(_, agent)| agent.as_object()).collect();
    }
    let list = agents.get("list").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect()
}
