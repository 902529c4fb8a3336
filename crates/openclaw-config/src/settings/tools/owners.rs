//! Whom the agents work for, of those who write on channels.
//!
//! `commands.ownerAllowFrom` says so. Where nobody is listed there, those are meant whom a channel
//! lists by id as the ones who may write to the agent (`channels.*.allowFrom`), as OpenClaw has it
//! for commands; a list with `*` names nobody.

use openclaw_core::tool_rules::{Owner, Owners};
use serde_json::Value;

use super::lists::{Lookup, channel_name, is_channel, members};

const ALLOW_FROM: &str = "allowFrom";
const ANYBODY: char = '*';

/// Reads who is listed.
pub(super) fn read(lookup: &Lookup<'_>) -> Owners {
    let listed = texts(lookup.raw(&["commands", "ownerAllowFrom"]));
    let owners: Vec<Owner> = listed.iter().filter_map(|text| owner(text)).collect();
    if !owners.is_empty() {
        return owners.into_iter().collect();
    }
    let mut owners = Vec::new();
    for (id, channel) in lookup.members(&["channels"]) {
        let accounts = members(channel.get("accounts")).map(|(_, account)| account);
        for account in [channel].into_iter().chain(accounts) {
            owners.extend(of_account(id, account));
        }
    }
    owners.into_iter().collect()
}

fn of_account(channel: &str, account: &Value) -> Vec<Owner> {
    let listed = texts(account.get(ALLOW_FROM));
    if listed.iter().any(|text| text.contains(ANYBODY)) {
        return Vec::new();
    }
    let channel = channel_name(channel);
    let owners = listed.iter();
    owners
        .filter_map(|text| Owner::new(Some(&channel), text))
        .collect()
}

/// Reads `telegram:4711`, or an id that counts on every channel.
fn owner(text: &str) -> Option<Owner> {
    if text.contains(ANYBODY) {
        return None;
    }
    match text.split_once(':') {
        Some((channel, id)) if is_channel(channel) => Owner::new(Some(&channel_name(channel)), id),
        _ => Owner::new(None, text),
    }
}

/// Ids are written as text or as numbers.
fn texts(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items
        .filter_map(|item| match item {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
        .collect()
}
