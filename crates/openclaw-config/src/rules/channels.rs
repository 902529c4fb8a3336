//! Channels: whether they are known, what they are told, and who may write to them.

use serde_json::Value;

use super::Verdict;
use super::facts::names;
use super::ids;
use super::plugins::Plugins;
use super::walk::{self, Problems};
use crate::problem::{KeyPath, Problem};
use crate::schema;

/// Keys of `channels` that no policy is read of.
pub(super) const NO_CHANNELS: [&str; 3] = ["defaults", "modelByChannel", "tools"];
/// Targets of a heartbeat that are no channel.
const TARGETS: [&str; 3] = ["owner", "last", "none"];

/// Refuses bindings of a channel's own, which were taken out.
pub(super) fn judge_own_bindings(config: &Value, problems: &mut Problems) {
    if let Some(channels) = config
        .get("channels")
        .filter(|channels| channels.is_object())
    {
        find_own_bindings(&walk::path("channels"), channels, problems);
    }
}

fn find_own_bindings(path: &KeyPath, value: &Value, problems: &mut Problems) {
    let acp = value
        .get("bindings")
        .filter(|bindings| bindings.is_object());
    let acp = acp.and_then(|bindings| bindings.get("acp"));
    if acp.is_some_and(|acp| acp.is_object() || acp.is_array()) {
        let message = "a channel has no ACP bindings of its own; use bindings[] of the config";
        problems.add(path.key("bindings").key("acp"), message);
    }
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                find_own_bindings(&path.key(key), value, problems);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                find_own_bindings(&path.index(index), value, problems);
            }
        }
        _ => {}
    }
}

/// Judges every channel.
pub(super) fn judge(config: &Value, plugins: &Plugins<'_>, verdict: &mut Verdict) {
    for (key, channel) in walk::members(config, &["channels"]) {
        let id = key.trim();
        if id.is_empty() {
            continue;
        }
        let path = walk::path("channels").key(id);
        if let Some(warning) = plugins.unavailable(&path) {
            verdict.warnings.push(warning);
            continue;
        }
        let known = NO_CHANNELS
            .iter()
            .take(2)
            .chain(&names::CHANNELS)
            .any(|known| *known == id);
        if known {
            verdict
                .problems
                .extend(schema::validate_channel(id, channel));
            continue;
        }
        if plugins.bring_channel(id) {
            continue;
        }
        let mut problem = Problem::new(path, format!("unknown channel id: {id}"));
        let plugin = ids::plugin(id);
        if !plugins.is_known(&plugin) && plugins.mentions(&[&plugin]) {
            problem
                .message
                .push_str("; its plugin is not installed, so this is not read");
            verdict.warnings.push(problem);
        } else {
            verdict.problems.push(problem);
        }
    }
    for place in [
        "agents.defaults.heartbeat.target",
        "agents.entries.*.heartbeat.target",
    ] {
        for (path, target) in walk::every_text(config, place) {
            judge_target(path, target, plugins, verdict);
        }
    }
}

fn judge_target(path: KeyPath, target: &str, plugins: &Plugins<'_>, verdict: &mut Verdict) {
    let id = ids::lower(target);
    let aliases = names::CHANNEL_ALIASES.iter().map(|(alias, _)| alias);
    let mut known = TARGETS.iter().chain(&names::CHANNELS).chain(aliases);
    if known.any(|known| *known == id) || plugins.bring_channel(&id) {
        return;
    }
    if id.is_empty() {
        verdict
            .problems
            .push(Problem::new(path, "heartbeat target must not be empty"));
    } else if let Some(warning) = plugins.unavailable(&path) {
        verdict.warnings.push(warning);
    } else {
        let message = format!("unknown heartbeat target: {target}");
        verdict.problems.push(Problem::new(path, message));
    }
}

/// Warns of channels whose rule for direct messages lets nobody in.
pub(super) fn warn_of_closed_doors(config: &Value, warnings: &mut Vec<Problem>) {
    for (id, channel) in walk::members(config, &["channels"]) {
        if NO_CHANNELS.contains(&id) || !is_enabled(channel) {
            continue;
        }
        let path = walk::path("channels").key(id);
        warnings.extend(closed_door(&path, channel, None));
        for (account, settings) in walk::members(channel, &["accounts"]) {
            if is_enabled(settings) {
                let path = path.key("accounts").key(account);
                warnings.extend(closed_door(&path, settings, Some(channel)));
            }
        }
    }
}

fn is_enabled(settings: &Value) -> bool {
    settings.is_object() && settings.get("enabled") != Some(&Value::Bool(false))
}

fn closed_door(path: &KeyPath, settings: &Value, channel: Option<&Value>) -> Option<Problem> {
    let read = |key: &str, older: &str| {
        [Some(settings), channel]
            .into_iter()
            .flatten()
            .find_map(|holder| {
                let set =
                    |value: Option<&'_ Value>| value.filter(|value| !value.is_null()).cloned();
                set(holder.get(key)).or_else(|| set(walk::at(holder, &["dm", older])))
            })
    };
    let policy = read("dmPolicy", "policy")?;
    let senders = read("allowFrom", "allowFrom");
    let senders: Vec<String> = senders
        .iter()
        .filter_map(Value::as_array)
        .flatten()
        .map(as_text)
        .map(|sender| sender.trim().to_owned())
        .filter(|sender| !sender.is_empty())
        .collect();
    let path = path.key("allowFrom");
    let message = match policy.as_str()? {
        "open" if !senders.iter().any(|sender| sender == "*") => format!(
            "{path} does not include \"*\", so dmPolicy=\"open\" lets nobody in: \
             add \"*\", or set dmPolicy to \"pairing\" or \"allowlist\""
        ),
        "allowlist" if senders.is_empty() => format!(
            "{path} is empty, so dmPolicy=\"allowlist\" lets nobody in: \
             add a sender, or change dmPolicy"
        ),
        _ => return None,
    };
    Some(Problem::new(path, message))
}

/// Returns a sender as JavaScript turns it into a text: an empty list is an empty one.
fn as_text(sender: &Value) -> String {
    match sender {
        Value::String(text) => text.clone(),
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(as_text).collect();
            elements.join(",")
        }
        other => other.to_string(),
    }
}
