//! Settings of channels that were renamed or dropped, each in the same way wherever it stands.

use serde_json::Value;

use super::aliases::{Aliases, Delivery, Inheritance};
use crate::migration::log::{Log, at, below};
use crate::migration::scope::Scope;
use crate::migration::table::move_value;
use crate::migration::tree::{Record, keys, made, prune, record_at_mut, take, text_at, texts};
use crate::problem::KeyPath;

/// Removes keys from a channel and its accounts.
pub(super) fn remove(
    root: &mut Record,
    (id, retired): (&'static str, &[&str]),
    why: &str,
    log: &mut Log,
) {
    Scope::Channel(id).visit(root, &mut |entry, path| {
        for key in retired {
            if take(entry, key).is_some() {
                log.removed(&path.key(key), why);
            }
        }
    });
}

/// Removes a key from a channel, at every depth.
pub(super) fn remove_everywhere(root: &mut Record, (id, key): (&str, &str), log: &mut Log) {
    fn remove(record: &mut Record, key: &str, path: &KeyPath, log: &mut Log) {
        if take(record, key).is_some() {
            log.removed(&path.key(key), "the built-in value applies");
        }
        for (name, value) in record {
            if let Some(child) = value.as_object_mut() {
                remove(child, key, &path.key(name), log);
            }
        }
    }
    if let Some(channel) = record_at_mut(root, &["channels", id]) {
        remove(channel, key, &at(&["channels", id]), log);
    }
}

/// Goes through the objects at a path with `*` for every key.
pub(super) fn each(
    record: &mut Record,
    scope: &[&str],
    path: &KeyPath,
    visit: &mut dyn FnMut(&mut Record, &KeyPath),
) {
    match scope.split_first() {
        None => visit(record, path),
        Some((key, rest)) if *key == "*" => {
            for key in keys(record) {
                if let Some(child) = record_at_mut(record, &[&key]) {
                    each(child, rest, &path.key(&key), visit);
                }
            }
        }
        Some((key, rest)) => {
            if let Some(child) = record_at_mut(record, &[key]) {
                each(child, rest, &path.key(key), visit);
            }
        }
    }
}

/// What was allowed is enabled.
pub(super) fn allow_to_enabled(record: &mut Record, scope: &[&str], path: &KeyPath, log: &mut Log) {
    each(record, scope, path, &mut |entry, path| {
        move_value(entry, path, (&["allow"], &["enabled"]), log);
    });
}

/// What was allowed is enabled, where both are switches.
fn switch_to_enabled(record: &mut Record, scope: &[&str], path: &KeyPath, log: &mut Log) {
    each(record, scope, path, &mut |entry, path| {
        let Some(allow) = entry
            .get("allow")
            .filter(|allow| allow.is_boolean())
            .cloned()
        else {
            return;
        };
        take(entry, "allow");
        let (from, to) = (path.key("allow"), path.key("enabled"));
        if entry.get("enabled").is_some_and(Value::is_boolean) {
            log.superseded(&from, &to);
        } else {
            entry.insert("enabled".to_owned(), allow);
            log.moved(&from, &to);
        }
    });
}

/// Whether a channel may reach private networks is one of its dangerous settings.
pub(super) fn private_network(root: &mut Record, id: &'static str, log: &mut Log) {
    Scope::Channel(id).visit(root, &mut |entry, path| {
        private_network_of(entry, path, log);
    });
}

fn private_network_of(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    const NEW: &str = "dangerouslyAllowPrivateNetwork";
    let Some(old) = take(entry, "allowPrivateNetwork") else {
        return;
    };
    let network = made(entry, &["network"]);
    let standing = network.get(NEW);
    let is_set = standing.is_some_and(|standing| standing.is_boolean() || !old.is_boolean());
    let from = path.key("allowPrivateNetwork");
    let to = below(path, &["network", NEW]);
    if is_set {
        log.superseded(&from, &to);
    } else {
        network.insert(NEW.to_owned(), old);
        log.moved(&from, &to);
    }
}

/// Google Chat has no reactions and no stream mode.
pub(super) fn googlechat(root: &mut Record, log: &mut Log) {
    Scope::Channel("googlechat").visit(root, &mut |entry, path| {
        if take(entry, "streamMode").is_some() {
            log.removed(&path.key("streamMode"), "it is not used any more");
        }
        let actions = record_at_mut(entry, &["actions"]);
        if actions
            .and_then(|actions| take(actions, "reactions"))
            .is_some()
        {
            prune(entry, "actions");
            let path = below(path, &["actions", "reactions"]);
            log.removed(&path, "Google Chat has no reactions");
        }
        allow_to_enabled(entry, &["groups", "*"], path, log);
    });
}

/// A group of Zalo that was allowed is enabled.
pub(super) fn zalouser(root: &mut Record, log: &mut Log) {
    Scope::Channel("zalouser").visit(root, &mut |entry, path| {
        switch_to_enabled(entry, &["groups", "*"], path, log);
    });
}

/// Matrix: who may write, which rooms are on, and how answers are streamed.
pub(super) fn matrix(root: &mut Record, log: &mut Log) {
    remove(root, ("matrix", &["streamMode"]), "it was never read", log);
    let aliases = Aliases {
        mode: super::aliases::matrix_mode,
        inheritance: Inheritance::Copied,
        ..Aliases::new("matrix", Delivery::AndModes)
    };
    aliases.apply(root, log);
    Scope::Channel("matrix").visit(root, &mut |entry, path| {
        private_network_of(entry, path, log);
        trusted(entry, path, log);
        for rooms in ["groups", "rooms"] {
            switch_to_enabled(entry, &[rooms, "*"], path, log);
        }
    });
}

/// Whoever was trusted is listed, or else asked to pair.
fn trusted(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    let Some(dm) = record_at_mut(entry, &["dm"]) else {
        return;
    };
    if text_at(dm, &["policy"]) != Some("trusted") {
        return;
    }
    let listed = texts(dm.get("allowFrom")).unwrap_or_default();
    let is_listed = listed.iter().any(|id| !id.trim().is_empty());
    let policy = if is_listed { "allowlist" } else { "pairing" };
    dm.insert("policy".to_owned(), Value::from(policy));
    log.renamed(&below(path, &["dm", "policy"]), "trusted", policy);
}
