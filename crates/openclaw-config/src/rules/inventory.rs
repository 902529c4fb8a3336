//! What a config names, and a home has, of channels and plugins.

use std::path::PathBuf;

use serde_json::Value;

use super::channels::NO_CHANNELS;
use super::plugins::Plugins;
use super::{Installed, Surroundings, walk};

/// A channel that the config names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedChannel {
    /// Its id.
    pub id: String,
    /// Whether the config switches it off.
    pub disabled: bool,
    /// The ids of its accounts, where it has several.
    pub accounts: Vec<String>,
}

/// A plugin that somebody installed, or that the config has settings for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPlugin {
    /// Its id.
    pub id: String,
    /// Its folder; nothing where it is not installed in the home.
    pub folder: Option<PathBuf>,
    /// What to call it.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The channels that it brings.
    pub channels: Vec<String>,
    /// Why the config keeps it from running, if it does.
    pub off: Option<&'static str>,
}

/// Returns the channels of a config in the current form, in the order in which they stand there.
pub(crate) fn channels(config: &Value) -> Vec<NamedChannel> {
    walk::members(config, &["channels"])
        .filter(|(id, settings)| settings.is_object() && !NO_CHANNELS.contains(&id.trim()))
        .map(|(id, settings)| NamedChannel {
            id: id.trim().to_owned(),
            disabled: settings.get("enabled") == Some(&Value::Bool(false)),
            accounts: walk::members(settings, &["accounts"])
                .map(|(account, _)| account.to_owned())
                .collect(),
        })
        .collect()
}

/// Returns the plugins of a home, and those that a config in the current form has settings for.
pub(crate) fn plugins(config: &Value, home: &Surroundings) -> Vec<NamedPlugin> {
    let plugins = Plugins::read(config, home);
    let named: Vec<(String, Option<&'static str>)> = plugins
        .with_settings()
        .map(|id| (id.to_owned(), plugins.off(id)))
        .collect();
    let mut all: Vec<NamedPlugin> = plugins
        .installed()
        .into_iter()
        .map(|(plugin, off)| installed(plugin, off))
        .collect();
    for (id, off) in named {
        if !all.iter().any(|plugin| plugin.id == id) {
            let plugin = Installed {
                id,
                ..Installed::default()
            };
            all.push(NamedPlugin {
                folder: None,
                ..installed(plugin, off)
            });
        }
    }
    all
}

fn installed(plugin: Installed, off: Option<&'static str>) -> NamedPlugin {
    NamedPlugin {
        id: plugin.id,
        folder: Some(plugin.folder),
        name: plugin.name,
        version: plugin.version,
        description: plugin.description,
        channels: plugin.channels,
        off,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_channel_is_what_stands_under_channels_but_for_what_all_share() {
        let config = json!({"channels": {
            "defaults": {"groupPolicy": "open"},
            "telegram": {"botToken": "x", "accounts": {"work": {}, "home": {}}},
            "discord": {"enabled": false},
        }});
        let named = |id: &str, disabled, accounts: &[&str]| NamedChannel {
            id: id.to_owned(),
            disabled,
            accounts: accounts.iter().map(|id| (*id).to_owned()).collect(),
        };
        let expected = [
            named("telegram", false, &["work", "home"]),
            named("discord", true, &[]),
        ];
        let mut found = channels(&config);
        found.sort_by_key(|channel| channel.disabled);
        for channel in &mut found {
            channel.accounts.sort_by(|a, b| b.cmp(a));
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn a_plugin_is_listed_with_why_it_would_not_run() {
        let config = json!({"plugins": {
            "deny": ["mine"],
            "entries": {"voice-call": {"enabled": false}},
        }});
        let mine = Installed {
            id: "mine".to_owned(),
            folder: PathBuf::from("/x"),
            ..Installed::default()
        };
        let home = Surroundings::new("/home/me", "/home/me/.openclaw").having(vec![mine]);
        let listed: Vec<(String, bool, Option<&str>)> = plugins(&config, &home)
            .into_iter()
            .map(|plugin| (plugin.id, plugin.folder.is_some(), plugin.off))
            .collect();
        let expected = [
            ("mine".to_owned(), true, Some("blocked by denylist")),
            ("voice-call".to_owned(), false, Some("disabled in config")),
        ];
        assert_eq!(listed, expected);
    }
}
