//! Which tools may be called, by whom: `tools`, `agents.entries.*.tools`, the `tools` and
//! `toolsBySender` of conversations on channels, and who counts as an owner.
//!
//! Groups and profiles are replaced by the tools that they stand for, and every entry knows where
//! it stands. What the lists come to for a call is the agents crate's affair.

mod commands;
mod conversations;
mod lists;
mod own;
mod owners;
mod sandboxed;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use openclaw_core::AgentId;
use openclaw_core::tool_rules::{Rule, ToolRules};
use serde_json::Value;

use self::lists::Lookup;
pub(super) use self::lists::entry_of;
pub(super) use self::own::{KEY, problems, read as read_own};
use super::Config;
use super::reader::Reader;
use crate::problem::KeyPath;

/// What is said about tools.
#[derive(Clone, Debug, Default)]
pub struct ToolSettings {
    /// What goes for an agent that has no settings of its own.
    shared: ToolRules,
    /// What goes for each agent that has.
    agents: BTreeMap<AgentId, ToolRules>,
}

impl ToolSettings {
    /// Reads what a judged config says; `find` knows where something stands, as `file:line`.
    pub(super) fn read(config: &Value, find: &dyn Fn(&KeyPath) -> Option<String>) -> Self {
        let lookup = Lookup { config, find };
        let of = |agent: Option<&str>| ToolRules {
            shared: lookup.scope(&["tools"]),
            own: agent.map_or_else(Default::default, |id| {
                lookup.scope(&["agents", "entries", id, "tools"])
            }),
            conversations: conversations::read(&lookup),
            sandboxed: sandboxed::read(&lookup, agent),
            commands: commands::read(&lookup, agent),
            rules: Vec::new(),
            owners: owners::read(&lookup),
        };
        let entries = lookup.members(&["agents", "entries"]);
        Self {
            shared: of(None),
            agents: entries
                .map(|(id, _)| (AgentId::from(id), of(Some(id))))
                .collect(),
        }
    }
}

impl Config {
    /// Returns the rules about tools of an agent, this program's own ones among them.
    pub fn tool_rules(&self, agent: &AgentId) -> ToolRules {
        let said = self.tools.agents.get(agent).unwrap_or(&self.tools.shared);
        ToolRules {
            rules: self.own.policy.clone(),
            ..said.clone()
        }
    }
}

/// This program's own rules, the first one first.
pub(super) type OwnRules = Vec<Rule>;

impl Reader<'_> {
    /// Notes the keys of senders that nobody here can be known by.
    pub(super) fn senders_not_followed(&mut self) {
        let find = |_: &KeyPath| None;
        let lookup = Lookup {
            config: self.document(),
            find: &find,
        };
        for path in lookup.unknowable_senders() {
            let keys: Vec<&str> = path.segments().iter().map(String::as_str).collect();
            self.not_followed(
                &keys,
                "has no effect: senders are known by their id here, write `channel:` or `id:`",
            );
        }
    }
}
