//! Telegram.

use serde_json::{Value, json};

use super::aliases::{Aliases, Delivery};
use super::routing::groups_fit;
use crate::migration::log::{Log, at, below};
use crate::migration::table::move_value;
use crate::migration::tree::{Record, prune, record_at, record_at_mut, take, value_at};
use crate::problem::KeyPath;

const PLACE: [&str; 2] = ["channels", "telegram"];
/// How many messages of a group are read where nothing is said.
const HISTORY: u64 = 50;

/// Brings the settings of Telegram into the current form.
pub(super) fn all(root: &mut Record, log: &mut Log) {
    let history = value_at(root, &["messages", "groupChat", "historyLimit"]).cloned();
    Aliases::new("telegram", Delivery::AndPreviews).apply(root, log);
    let Some(channel) = record_at_mut(root, &PLACE) else {
        return;
    };
    let path = at(&PLACE);
    tuning(channel, Level::Channel, &path, log);
    let mode = channel.get("includeGroupHistoryContext").cloned();
    let own = channel
        .get("historyLimit")
        .filter(|limit| limit.is_number())
        .cloned();
    let limit = own.or(history).unwrap_or_else(|| json!(HISTORY));
    entry(channel, (&path, None), log);
    mentions(channel, &path, log);
    let accounts = record_at_mut(channel, &["accounts"]);
    let inherited = Some(&limit).filter(|_| mode == Some(json!("none")));
    for (id, account) in accounts.into_iter().flatten() {
        if let Some(account) = account.as_object_mut() {
            entry(account, (&path.key("accounts").key(id), inherited), log);
        }
    }
}

/// How deep in the settings of Telegram an object stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Channel,
    Account,
    Chat,
    Topic,
}

/// Removes knobs of the connection.
fn tuning(entry: &mut Record, level: Level, path: &KeyPath, log: &mut Log) {
    const OF_CONNECTION: [&str; 4] = [
        "timeoutSeconds",
        "mediaGroupFlushMs",
        "pollingStallThresholdMs",
        "retry",
    ];
    let is_connection = matches!(level, Level::Channel | Level::Account);
    let knobs = OF_CONNECTION.iter().filter(|_| is_connection);
    for key in knobs.chain(&["errorCooldownMs"]) {
        if take(entry, key).is_some() {
            log.removed(&path.key(key), "the built-in value applies");
        }
    }
    let below: &[(&str, Level)] = match level {
        Level::Channel => &[
            ("groups", Level::Chat),
            ("direct", Level::Chat),
            ("accounts", Level::Account),
        ],
        Level::Account => &[("groups", Level::Chat), ("direct", Level::Chat)],
        Level::Chat => &[("topics", Level::Topic)],
        Level::Topic => &[],
    };
    for (key, level) in below {
        let Some(children) = record_at_mut(entry, &[key]) else {
            continue;
        };
        for (id, child) in children {
            if let Some(child) = child.as_object_mut() {
                tuning(child, *level, &path.key(key).key(id), log);
            }
        }
    }
}

fn entry(entry: &mut Record, (path, limit): (&KeyPath, Option<&Value>), log: &mut Log) {
    threads(entry, path, log);
    drafts(entry, path, log);
    group_history(entry, (path, limit), log);
}

/// Whether a direct chat has threads is for its bot's settings at Telegram to say.
fn threads(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    const WHY: &str = "threads in direct chats follow the bot's settings at Telegram";
    if record_at(entry, &["dm"]).is_some() {
        take(entry, "dm");
        log.removed(&path.key("dm"), WHY);
    }
    let direct = record_at_mut(entry, &["direct"]);
    for (id, chat) in direct.into_iter().flatten() {
        if chat
            .as_object_mut()
            .and_then(|chat| take(chat, "threadReplies"))
            .is_some()
        {
            log.removed(&below(path, &["direct", id, "threadReplies"]), WHY);
        }
    }
}

/// Previews are messages that are edited.
fn drafts(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    const OLD: [&str; 2] = ["nativeToolProgress", "nativeToolProgressAllowFrom"];
    let preview = record_at_mut(entry, &["streaming", "preview"]);
    let before = log.len();
    if let Some(preview) = preview {
        for key in OLD {
            if take(preview, key).is_some() {
                let path = below(path, &["streaming", "preview", key]);
                log.removed(&path, "previews are messages that are edited");
            }
        }
    }
    if log.len() > before {
        if let Some(streaming) = record_at_mut(entry, &["streaming"]) {
            prune(streaming, "preview");
        }
        prune(entry, "streaming");
    }
}

/// How much of a group is read is one number.
fn group_history(entry: &mut Record, (path, limit): (&KeyPath, Option<&Value>), log: &mut Log) {
    let Some(mode) = take(entry, "includeGroupHistoryContext") else {
        return;
    };
    let from = path.key("includeGroupHistoryContext");
    let to = path.key("historyLimit");
    if mode == json!("none") {
        entry.insert("historyLimit".to_owned(), json!(0));
        log.turned(&from, &to, "which is 0");
    } else if let Some(limit) = limit.filter(|_| mode == json!("recent")) {
        entry.entry("historyLimit").or_insert(limit.clone());
        log.turned(&from, &to, "as it was");
    } else {
        log.removed(&from, "a group's last messages are always read");
    }
}

/// Whether a group must mention the bot is said for all groups under `*`.
fn mentions(channel: &mut Record, path: &KeyPath, log: &mut Log) {
    if !groups_fit(channel) {
        return;
    }
    let names = (
        &["groupMentionsOnly"][..],
        &["groups", "*", "requireMention"][..],
    );
    move_value(channel, path, names, log);
}
