//! Settings of a channel that a page had written into its plugin's entry, where nothing reads them.

use serde_json::{Value, json};

use crate::migration::log::{Log, at};
use crate::migration::tree::{Record, made, record_at, record_at_mut, take};
use crate::schema;

/// Moves what was written for Feishu.
pub(super) fn feishu(root: &mut Record, log: &mut Log) {
    moved(root, "feishu", log);
}

/// Moves what was written for Reef, and drops what its own state says.
pub(super) fn reef(root: &mut Record, log: &mut Log) {
    if let Some(channel) = record_at_mut(root, &["channels", "reef"]) {
        for key in ["dmPolicy", "allowFrom"] {
            if take(channel, key).is_some() {
                let path = at(&["channels", "reef", key]);
                log.removed(&path, "whom Reef trusts is a part of its state");
            }
        }
    }
    moved(root, "reef", log);
}

/// Moves a channel's settings out of its plugin's entry, if the channel can take them all.
fn moved(root: &mut Record, id: &'static str, log: &mut Log) {
    let place = ["plugins", "entries", id, "config"];
    let Some(stray) = record_at(root, &place)
        .filter(|stray| !stray.is_empty())
        .cloned()
    else {
        return;
    };
    let mut channel = record_at(root, &["channels", id])
        .cloned()
        .unwrap_or_default();
    let standing = channel.clone();
    for (key, value) in &stray {
        channel.entry(key.clone()).or_insert_with(|| value.clone());
    }
    let alone = json!({ "channels": { id: Value::Object(channel.clone()) } });
    if !schema::validate(&alone).is_empty() {
        return;
    }
    made(root, &["channels"]).insert(id.to_owned(), Value::Object(channel));
    if let Some(entry) = record_at_mut(root, &["plugins", "entries", id]) {
        take(entry, "config");
    }
    for key in stray.keys() {
        let (from, to) = (at(&place).key(key), at(&["channels", id, key]));
        if standing.contains_key(key) {
            log.superseded(&from, &to);
        } else {
            log.moved(&from, &to);
        }
    }
}
