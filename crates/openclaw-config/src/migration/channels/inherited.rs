//! What accounts took from their channel while its settings stood flat.

use serde_json::Value;

use super::aliases::Delivery;
use crate::migration::log::Log;
use crate::migration::tree::{
    Record, canonical_id, fill, folded, keys, made, record_at, record_at_mut, value_at,
};
use crate::problem::KeyPath;

/// Returns what a channel set flat, in the nested form.
pub(super) fn flat(channel: &Record, delivery: Delivery) -> Record {
    let mut flat = Record::new();
    let places = [
        ("chunkMode", &[][..], "chunkMode"),
        ("blockStreaming", &["block"], "enabled"),
        ("blockStreamingCoalesce", &["block"], "coalesce"),
        ("draftChunk", &["preview"], "chunk"),
    ];
    for (key, group, name) in places {
        let known = key != "draftChunk" || delivery == Delivery::AndPreviews;
        if let Some(value) = channel.get(key).filter(|_| known) {
            made(&mut flat, group).insert(name.to_owned(), value.clone());
        }
    }
    flat
}

/// Fills an account's new object with what it took from the channel; tells whether that added any.
///
/// The channel's own object won over an account's flat settings, except for the size of pieces and
/// how blocks are joined, where the account's won.
pub(super) fn into_created(
    entry: &mut Record,
    (before, flat, after): (&Record, &Record, &Record),
) -> bool {
    let Some(after) = record_at(after, &["streaming"]) else {
        return false;
    };
    let Some(created) = record_at(entry, &["streaming"]).cloned() else {
        return false;
    };
    let nested = record_at(before, &["streaming"])
        .cloned()
        .unwrap_or_default();
    let mut seeded = nested.clone();
    for source in [&created, flat, after] {
        fill(&mut seeded, source.clone());
    }
    if let Some(mode) = created.get("chunkMode") {
        seeded.insert("chunkMode".to_owned(), mode.clone());
    }
    if let Some(own) = record_at(&created, &["block", "coalesce"]) {
        let inherited = record_at(&nested, &["block", "coalesce"]);
        let inherited = inherited.or(record_at(flat, &["block", "coalesce"]));
        let joined = joined(inherited, own);
        made(&mut seeded, &["block"]).insert("coalesce".to_owned(), joined);
    }
    let chunk = value_at(&nested, &["preview", "chunk"]);
    if let Some(chunk) = chunk.filter(|_| value_at(&created, &["preview", "chunk"]).is_some()) {
        made(&mut seeded, &["preview"]).insert("chunk".to_owned(), chunk.clone());
    }
    let changed = seeded != created;
    entry.insert("streaming".to_owned(), Value::Object(seeded));
    changed
}

/// Fills an account's own object with what its channel set flat; tells whether that added any.
pub(super) fn into_standing(entry: &mut Record, flat: &Record) -> bool {
    let Some(streaming) = record_at_mut(entry, &["streaming"]) else {
        return false;
    };
    let before = streaming.clone();
    if let Some(mode) = flat.get("chunkMode") {
        streaming.entry("chunkMode").or_insert(mode.clone());
    }
    for (group, name) in [("block", "enabled"), ("preview", "chunk")] {
        let inherited = value_at(flat, &[group, name]);
        if let Some(value) = inherited.filter(|_| value_at(streaming, &[group, name]).is_none()) {
            made(streaming, &[group]).insert(name.to_owned(), value.clone());
        }
    }
    if let Some(inherited) = record_at(flat, &["block", "coalesce"]) {
        let own = record_at(streaming, &["block", "coalesce"]);
        let joined = joined(Some(inherited), own.unwrap_or(&Record::new()));
        let is_same = joined.as_object() == Some(own.unwrap_or(&Record::new()));
        if !is_same {
            made(streaming, &["block"]).insert("coalesce".to_owned(), joined);
        }
    }
    *streaming != before
}

fn joined(inherited: Option<&Record>, own: &Record) -> Value {
    let mut joined = inherited.cloned().unwrap_or_default();
    for (key, value) in own {
        joined.insert(key.clone(), value.clone());
    }
    Value::Object(joined)
}

/// Copies what accounts without an object of their own took from the default account.
pub(super) fn from_default_account(
    channel: &mut Record,
    (before, path): (&Record, &KeyPath),
    log: &mut Log,
) {
    let root = record_at(channel, &["streaming"]).cloned();
    let Some(accounts) = record_at_mut(channel, &["accounts"]) else {
        return;
    };
    let mut ids = keys(accounts);
    let default = ids.iter().find(|id| *id == "default");
    let default = default
        .or_else(|| ids.iter().find(|id| folded(id) == "default"))
        .cloned();
    // The default account comes first, because the others take from what it becomes.
    ids.sort_by_key(|id| (Some(id) != default.as_ref(), canonical_id(id)));
    for id in ids {
        let own_before = value_at(before, &["accounts", &id, "streaming"]);
        if own_before.is_some() {
            continue;
        }
        let of_default = default.as_ref().filter(|default| **default != id);
        let of_default = of_default
            .and_then(|default| record_at(accounts, &[default, "streaming"]))
            .cloned();
        let Some(inherited) = of_default.or_else(|| root.clone()) else {
            continue;
        };
        let Some(streaming) = record_at_mut(accounts, &[&id, "streaming"]) else {
            continue;
        };
        let created = streaming.clone();
        fill(streaming, inherited);
        if *streaming != created {
            let path = path.key("accounts").key(&id).key("streaming");
            log.set(&path, "to what was inherited from the channel");
        }
    }
}
