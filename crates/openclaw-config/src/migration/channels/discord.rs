//! Discord.

use serde_json::{Value, json};

use super::aliases::{Aliases, Delivery, Inheritance, off_mode};
use super::moves::{allow_to_enabled, each, remove};
use crate::migration::log::{Log, at, below};
use crate::migration::scope::Scope;
use crate::migration::tree::{Record, record_at_mut, take, text_at, unique, value_at};
use crate::migration::tts::{PROVIDERS, group_providers};
use crate::problem::KeyPath;

const KNOBS: [&str; 5] = [
    "gatewayInfoTimeoutMs",
    "gatewayReadyTimeoutMs",
    "gatewayRuntimeReadyTimeoutMs",
    "eventQueue",
    "retry",
];

/// Brings the settings of Discord into the current form.
pub(super) fn all(root: &mut Record, log: &mut Log) {
    let aliases = Aliases {
        dm: true,
        inheritance: Inheritance::Copied,
        mode: off_mode,
        ..Aliases::new("discord", Delivery::AndPreviews)
    };
    aliases.apply(root, log);
    remove(root, ("discord", &KNOBS), "the built-in value applies", log);
    let bound = root.get("bindings").and_then(Value::as_array).cloned();
    let bound = bound.unwrap_or_default();
    let mut bindings = bound.clone();
    Scope::Channel("discord").visit(root, &mut |entry, path| {
        allow_to_enabled(entry, &["guilds", "*", "channels", "*"], path, log);
        agents(entry, path, (&bound, &mut bindings), log);
        if let Some(tts) = record_at_mut(entry, &["voice", "tts"]) {
            group_providers(tts, &below(path, &["voice", "tts"]), PROVIDERS, log);
        }
        wake_names(entry, path, log);
    });
    if bindings.len() > bound.len() {
        root.insert("bindings".to_owned(), Value::from(bindings));
    }
}

/// Which agent serves a channel is a binding.
fn agents(
    entry: &mut Record,
    path: &KeyPath,
    (bound, bindings): (&[Value], &mut Vec<Value>),
    log: &mut Log,
) {
    let account = path.segments().get(3).map(String::as_str);
    each(
        entry,
        &["guilds", "*", "channels", "*"],
        path,
        &mut |channel, path| {
            let Some(agent) = take(channel, "agentId") else {
                return;
            };
            let from = path.key("agentId");
            let agent = agent.as_str().map(str::trim).unwrap_or_default();
            let mut keys = path.segments().iter().rev();
            let (id, guild) = (keys.next(), keys.nth(1));
            let (Some(id), Some(guild)) = (id, guild) else {
                return;
            };
            let is_bound = bound
                .iter()
                .any(|binding| serves(binding, account, guild, id));
            if agent.is_empty() {
                log.removed(&from, "a binding names the agent of a channel");
            } else if is_bound {
                log.superseded(&from, &at(&["bindings"]));
            } else {
                let mut binding = json!({
                    "agentId": agent,
                    "match": {
                        "channel": "discord",
                        "guildId": guild,
                        "peer": { "kind": "channel", "id": id },
                    },
                });
                let rule = binding.get_mut("match").and_then(Value::as_object_mut);
                if let (Some(account), Some(rule)) = (account, rule) {
                    rule.insert("accountId".to_owned(), Value::from(account));
                }
                log.moved(&from, &at(&["bindings"]).index(bindings.len()));
                bindings.push(binding);
            }
        },
    );
}

fn serves(binding: &Value, account: Option<&str>, guild: &str, channel: &str) -> bool {
    let rule = binding.get("match").and_then(Value::as_object);
    rule.is_some_and(|rule| {
        let says = |path: &[&str], value: &str| text_at(rule, path) == Some(value);
        says(&["channel"], "discord")
            && says(&["guildId"], guild)
            && account.is_none_or(|account| says(&["accountId"], account))
            && says(&["peer", "kind"], "channel")
            && says(&["peer", "id"], channel)
    })
}

/// A name that wakes the bot has one or two words.
fn wake_names(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    let names = value_at(entry, &["voice", "realtime", "wakeNames"]);
    let Some(names) = names.and_then(Value::as_array).cloned() else {
        return;
    };
    let path = below(path, &["voice", "realtime", "wakeNames"]);
    let Some(realtime) = record_at_mut(entry, &["voice", "realtime"]) else {
        return;
    };
    let is_fit = |name: &Value| {
        name.as_str()
            .is_none_or(|name| (1..=2).contains(&words(name).len()))
    };
    if names.iter().all(is_fit) && !names.is_empty() {
        return;
    }
    let short = names
        .into_iter()
        .filter_map(|name| match name.as_str().map(words) {
            Some(words) if words.is_empty() => None,
            Some(words) if words.len() > 2 => {
                let first: Vec<String> = words.into_iter().take(2).collect();
                Some(Value::from(first.join(" ")))
            }
            _ => Some(name),
        });
    let short = unique(short);
    if short.is_empty() {
        take(realtime, "wakeNames");
        log.removed(&path, "it held no name that could be used");
    } else {
        realtime.insert("wakeNames".to_owned(), Value::from(short));
        log.set(&path, "to names of one or two words");
    }
}

fn words(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
