//! Lists of tools, profiles and keys of senders, as they stand in a config.

use openclaw_core::tool_rules::{
    Entry, Lists, Pattern, Place, Profile, Scope, SenderKey, folded, list_name,
};
use serde_json::Value;

use crate::migration::tools::catalog;
use crate::problem::KeyPath;
use crate::rules::{CHANNEL_ALIASES, CHANNELS};

pub(super) const ALLOW: &str = "allow";
pub(super) const ALSO_ALLOW: &str = "alsoAllow";
pub(super) const DENY: &str = "deny";
pub(super) const TOOLS_BY_SENDER: &str = "toolsBySender";
const BY_PROVIDER: &str = "byProvider";

/// A config, and where things stand in its files.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub(super) config: &'a Value,
    pub(super) find: &'a dyn Fn(&KeyPath) -> Option<String>,
}

impl<'a> Lookup<'a> {
    /// Returns the value at a path of keys.
    pub(super) fn raw(&self, keys: &[&str]) -> Option<&'a Value> {
        keys.iter()
            .try_fold(self.config, |value, key| value.get(key))
            .filter(|value| !value.is_null())
    }

    /// Returns the members of the object at a path; nothing where there is none.
    pub(super) fn members(
        &self,
        keys: &[&str],
    ) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        members(self.raw(keys))
    }

    /// Returns where something stands.
    pub(super) fn place(&self, path: &KeyPath) -> Place {
        Place {
            path: path.to_string(),
            file: (self.find)(path),
        }
    }

    /// Reads everything that is said about tools at a path.
    pub(super) fn scope(&self, keys: &[&str]) -> Scope {
        let path: KeyPath = keys.iter().copied().collect();
        self.scope_at(&path, self.raw(keys))
    }

    fn scope_at(&self, path: &KeyPath, value: Option<&Value>) -> Scope {
        let Some(value) = value else {
            return Scope::default();
        };
        Scope {
            profile: self.profile(path, value),
            lists: self.lists(path, value),
            by_model: self.by_model(&path.key(BY_PROVIDER), value.get(BY_PROVIDER)),
            by_sender: self.by_sender(&path.key(TOOLS_BY_SENDER), value.get(TOOLS_BY_SENDER)),
        }
    }

    fn profile(&self, path: &KeyPath, value: &Value) -> Option<Profile> {
        let name = value.get("profile")?.as_str()?.trim();
        let place = self.place(&path.key("profile"));
        let tools = catalog::profile(name)?.into_iter().map(|tool| Entry {
            file: place.file.clone(),
            tools: vec![Pattern::exact(&tool)],
            written: tool,
        });
        Some(Profile {
            name: name.to_owned(),
            tools: tools.collect(),
            place,
        })
    }

    /// Reads `allow`, `alsoAllow` and `deny` of an object.
    pub(super) fn lists(&self, path: &KeyPath, value: &Value) -> Lists {
        Lists {
            place: self.place(path),
            allow: self.list(&path.key(ALLOW), value.get(ALLOW)),
            also_allow: self.list(&path.key(ALSO_ALLOW), value.get(ALSO_ALLOW)),
            deny: self
                .list(&path.key(DENY), value.get(DENY))
                .unwrap_or_default(),
        }
    }

    pub(super) fn list(&self, path: &KeyPath, value: Option<&Value>) -> Option<Vec<Entry>> {
        let entries = value?.as_array()?.iter().enumerate();
        let entries = entries.filter_map(|(index, entry)| {
            let file = (self.find)(&path.index(index));
            entry_of(entry.as_str()?, file)
        });
        Some(entries.collect())
    }

    /// Of two keys that mean the same model, the one that is written as it is compared counts.
    fn by_model(&self, path: &KeyPath, value: Option<&Value>) -> Vec<(String, Scope)> {
        let mut all: Vec<(String, Scope)> = Vec::new();
        let mut kept: Vec<bool> = Vec::new();
        for (key, value) in members(value).filter(|(_, value)| value.is_object()) {
            let name = model_key(key);
            let as_compared = folded(key) == name;
            let scope = (name.clone(), self.scope_at(&path.key(key), Some(value)));
            match all.iter().position(|(known, _)| *known == name) {
                None => {
                    all.push(scope);
                    kept.push(as_compared);
                }
                Some(at) if as_compared && kept.get(at) == Some(&false) => {
                    if let Some(slot) = all.get_mut(at) {
                        *slot = scope;
                    }
                    if let Some(slot) = kept.get_mut(at) {
                        *slot = true;
                    }
                }
                Some(_) => {}
            }
        }
        all
    }

    /// Reads what is said about senders; keys by which nobody is known here are left out.
    pub(super) fn by_sender(
        &self,
        path: &KeyPath,
        value: Option<&Value>,
    ) -> Vec<(SenderKey, Lists)> {
        members(value)
            .filter_map(|(key, value)| {
                let sender = sender_key(key)?;
                Some((sender, self.lists(&path.key(key), value)))
            })
            .collect()
    }

    /// Returns the keys of senders by which nobody is known here.
    pub(super) fn unknowable_senders(&self) -> Vec<KeyPath> {
        let mut found = Vec::new();
        unknowable(self.config, &KeyPath::root(), &mut found);
        found
    }
}

fn unknowable(value: &Value, path: &KeyPath, found: &mut Vec<KeyPath>) {
    for (key, value) in members(Some(value)) {
        let path = path.key(key);
        if key == TOOLS_BY_SENDER {
            let senders = members(Some(value)).filter(|(key, _)| sender_key(key).is_none());
            found.extend(senders.map(|(key, _)| path.key(key)));
        } else {
            unknowable(value, &path, found);
        }
    }
}

/// Returns the members of an object; nothing where there is none.
pub(super) fn members(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.and_then(Value::as_object);
    members
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

/// Returns an entry of a list with the tools that it stands for; a blank one stands for none.
pub(in crate::settings) fn entry_of(written: &str, file: Option<String>) -> Option<Entry> {
    if list_name(written).is_empty() {
        return None;
    }
    let tools = catalog::expanded(&[written.to_owned()]);
    Some(Entry {
        written: written.trim().to_owned(),
        file,
        tools: tools.iter().map(|tool| Pattern::exact(tool)).collect(),
    })
}

/// Returns the key of a provider or a model as it is compared.
fn model_key(key: &str) -> String {
    let key = folded(key);
    match key.split_once('/') {
        Some((provider, model)) if !provider.is_empty() => match model {
            "" => provider.trim().to_owned(),
            model => format!("{}/{model}", provider.trim()),
        },
        _ => key,
    }
}

/// Reads the key of a sender; nothing for one by which nobody is known here.
fn sender_key(key: &str) -> Option<SenderKey> {
    let key = key.trim();
    if key == "*" {
        return Some(SenderKey::Anybody);
    }
    let folded_key = folded(key);
    let typed = |prefix: &str| folded_key.strip_prefix(prefix).map(str::trim);
    let filled = |id: &str| (!id.is_empty()).then(|| id.to_owned());
    if let Some(rest) = typed("channel:") {
        let (channel, id) = rest.split_once(':')?;
        let (channel, id) = (filled(channel.trim())?, filled(id.trim())?);
        let channel = channel_name(&channel);
        return Some(SenderKey::Channel { channel, id });
    }
    if let Some(id) = typed("id:") {
        return filled(id).map(SenderKey::Id);
    }
    if let Some(number) = typed("e164:") {
        return filled(number).map(SenderKey::Phone);
    }
    if typed("username:").is_some() || typed("name:").is_some() {
        return None;
    }
    // A key without a prefix is an older form of an id.
    filled(folded_key.strip_prefix('@').unwrap_or(&folded_key)).map(SenderKey::Id)
}

/// Returns a channel's own name, for one of its names.
pub(super) fn channel_name(name: &str) -> String {
    let name = folded(name);
    let alias = CHANNEL_ALIASES.iter().find(|(alias, _)| *alias == name);
    alias.map_or(name, |(_, own)| (*own).to_owned())
}

/// Tells whether this is the name of a channel.
pub(super) fn is_channel(name: &str) -> bool {
    CHANNELS.contains(&channel_name(name).as_str())
}
