//! `WhatsApp`.

use serde_json::Value;

use super::aliases::{Aliases, Delivery, Inheritance};
use super::moves::remove;
use crate::migration::log::{Log, at};
use crate::migration::scope::Scope;
use crate::migration::tree::{
    Record, canonical_id, keys, made, record_at, record_at_mut, take, take_record, text_at,
};
use crate::problem::KeyPath;

const PLACE: [&str; 2] = ["channels", "whatsapp"];

/// Brings the settings of `WhatsApp` into the current form.
pub(super) fn all(root: &mut Record, log: &mut Log) {
    acknowledgements(root, log);
    remove(
        root,
        ("whatsapp", &["exposeErrorText"]),
        "errors are not sent",
        log,
    );
    let aliases = Aliases {
        inheritance: Inheritance::FromDefaultAccount,
        ..Aliases::new("whatsapp", Delivery::Only)
    };
    aliases.apply(root, log);
}

/// How a message is acknowledged is the same in every channel.
fn acknowledgements(root: &mut Record, log: &mut Log) {
    let mut found: Vec<(KeyPath, Record)> = Vec::new();
    Scope::Channel("whatsapp").visit(root, &mut |entry, path| {
        if let Some(own) = take_record(entry, "ackReaction") {
            found.push((path.key("ackReaction"), own));
        }
    });
    if found.is_empty() {
        return;
    }
    let emoji = agent_emoji(root).unwrap_or_else(|| "👀".to_owned());
    let messages = made(root, &["messages"]);
    for (from, own) in found {
        let wanted = text_at(&own, &["emoji"]).unwrap_or(&emoji);
        for (key, value) in [
            ("ackReaction", Some(wanted)),
            ("ackReactionScope", scope(&own)),
        ] {
            let is_set = messages.get(key).is_some_and(|set| !set.is_null());
            if let Some(value) = value.filter(|_| !is_set) {
                messages.insert(key.to_owned(), Value::from(value));
            }
        }
        log.merged(&from, &at(&["messages", "ackReaction"]));
    }
}

fn agent_emoji(root: &Record) -> Option<String> {
    let entries = record_at(root, &["agents", "entries"])?;
    let agents: Vec<&Record> = entries.values().filter_map(Value::as_object).collect();
    let marked = |agent: &&&Record| agent.get("default") == Some(&Value::Bool(true));
    let agent = agents.iter().find(marked).or(agents.first())?;
    text_at(agent, &["identity", "emoji"]).map(str::to_owned)
}

/// Returns whose messages were acknowledged; nothing where that cannot be said any more.
fn scope(own: &Record) -> Option<&'static str> {
    let direct = own.get("direct") != Some(&Value::Bool(false));
    let group = match own.get("group") {
        None | Some(Value::Null) => "mentions",
        Some(group) => group.as_str()?,
    };
    match (direct, group) {
        (true, "always") => Some("all"),
        (true, "never") => Some("direct"),
        (false, "always") => Some("group-all"),
        (false, "mentions") => Some("group-mentions"),
        (false, "never") => Some("off"),
        _ => None,
    }
}

/// How long several messages are taken together is one time for the whole channel.
pub(in crate::migration) fn debounce(root: &mut Record, log: &mut Log) {
    const OLD: &str = "debounceMs";
    let Some(channel) = record_at_mut(root, &PLACE) else {
        return;
    };
    let path = at(&PLACE);
    let default = text_at(channel, &["defaultAccount"]).and_then(canonical_id);
    let default = default.unwrap_or_else(|| "default".to_owned());
    let is_time = |value: &Value| {
        value
            .as_f64()
            .is_some_and(|ms| ms >= 0.0 && ms.fract() == 0.0)
    };
    let mut found: Vec<(KeyPath, Option<String>, Value)> = Vec::new();
    if let Some(value) = take(channel, OLD) {
        found.push((path.key(OLD), None, value));
    }
    let mut accounts = record_at(channel, &["accounts"])
        .map(keys)
        .unwrap_or_default();
    accounts.sort();
    for id in accounts {
        let account = record_at_mut(channel, &["accounts", &id]);
        if let Some(value) = account.and_then(|account| take(account, OLD)) {
            let path = path.key("accounts").key(&id).key(OLD);
            let id = canonical_id(&id).unwrap_or_else(|| "default".to_owned());
            found.push((path, Some(id), value));
        }
    }
    let valid: Vec<_> = found
        .iter()
        .filter(|(_, _, value)| is_time(value))
        .collect();
    let of = |id: Option<&str>| valid.iter().find(|(_, own, _)| own.as_deref() == id);
    let chosen = of(Some(&default)).or_else(|| of(Some("default")));
    let chosen = chosen.or_else(|| of(None)).or(valid.first());
    let to = at(&["messages", "inbound", "byChannel", "whatsapp"]);
    let chosen = chosen.map(|(path, _, value)| (path.clone(), value.clone()));
    let Some((chosen, value)) = chosen else {
        for (path, ..) in &found {
            log.removed(path, "it was no time in milliseconds");
        }
        return;
    };
    let times = made(root, &["messages", "inbound", "byChannel"]);
    let is_set = times.contains_key("whatsapp");
    for (path, ..) in &found {
        if *path == chosen && !is_set {
            log.moved(path, &to);
        } else {
            log.superseded(path, &to);
        }
    }
    if !is_set {
        times.insert("whatsapp".to_owned(), value);
    }
}
