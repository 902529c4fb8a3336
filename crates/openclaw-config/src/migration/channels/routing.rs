//! Settings of groups and threads that stood at one place for all channels, or under another name.

use serde_json::Value;

use crate::migration::log::{Log, at, below};
use crate::migration::scope::Scope;
use crate::migration::table::{Move, Retired, apply_moves, move_value};
use crate::migration::tree::{Record, made, prune, record_at, record_at_mut, take, value_at};
use crate::problem::KeyPath;

/// What is retired in the channels as a whole.
pub(in crate::migration) const RETIRED: &[Retired] = &[Retired::pruned(
    Scope::Root,
    &["channels", "webchat"],
    "the web chat is no channel any more",
)];

/// What has another name in channels and their accounts.
pub(in crate::migration) const MOVED: &[Move] = &[
    Move {
        scope: Scope::Accounts("feishu"),
        from: &["botName"],
        to: &["name"],
    },
    Move {
        scope: Scope::Root,
        from: &["session", "threadBindings", "ttlHours"],
        to: &["session", "threadBindings", "idleHours"],
    },
    Move {
        scope: Scope::Channels,
        from: &["threadBindings", "ttlHours"],
        to: &["threadBindings", "idleHours"],
    },
];

/// What `routing` said about the messages of groups.
const GROUP_CHAT: &[Move] = &[
    Move {
        scope: Scope::Root,
        from: &["routing", "groupChat", "historyLimit"],
        to: &["messages", "groupChat", "historyLimit"],
    },
    Move {
        scope: Scope::Root,
        from: &["routing", "groupChat", "mentionPatterns"],
        to: &["messages", "groupChat", "mentionPatterns"],
    },
];

/// The channels that took their allow list and their need for a mention from `routing`.
const ROUTED: [&str; 3] = ["whatsapp", "telegram", "imessage"];

/// Moves what `routing` said about groups and senders to where it belongs now.
pub(in crate::migration) fn routing(root: &mut Record, log: &mut Log) {
    allow_from(root, log);
    if record_at(root, &["routing", "groupChat"]).is_some() {
        require_mention(root, log);
        apply_moves(GROUP_CHAT, root, log);
        if let Some(routing) = record_at_mut(root, &["routing"]) {
            prune(routing, "groupChat");
        }
        prune(root, "routing");
    }
    let telegram = record_at_mut(root, &["channels", "telegram"]);
    if let Some(value) = telegram.and_then(|telegram| take(telegram, "requireMention")) {
        let from = at(&["channels", "telegram", "requireMention"]);
        mention_by_default(root, ("telegram", &from, value), log);
    }
}

fn allow_from(root: &mut Record, log: &mut Log) {
    let routing = record_at_mut(root, &["routing"]);
    let Some(value) = routing.and_then(|routing| take(routing, "allowFrom")) else {
        return;
    };
    prune(root, "routing");
    let from = at(&["routing", "allowFrom"]);
    let to = at(&["channels", "whatsapp", "allowFrom"]);
    let Some(whatsapp) = record_at_mut(root, &["channels", "whatsapp"]) else {
        log.removed(&from, "it was for WhatsApp, which is not configured");
        return;
    };
    if whatsapp.contains_key("allowFrom") {
        log.superseded(&from, &to);
    } else {
        whatsapp.insert("allowFrom".to_owned(), value);
        log.moved(&from, &to);
    }
}

fn require_mention(root: &mut Record, log: &mut Log) {
    let group_chat = record_at_mut(root, &["routing", "groupChat"]);
    let Some(value) = group_chat.and_then(|chat| take(chat, "requireMention")) else {
        return;
    };
    let from = at(&["routing", "groupChat", "requireMention"]);
    let configured: Vec<&str> = ROUTED
        .into_iter()
        .filter(|id| record_at(root, &["channels", id]).is_some())
        .collect();
    if configured.is_empty() {
        log.removed(&from, "no channel that it was for is configured");
    }
    for id in configured {
        mention_by_default(root, (id, &from, value.clone()), log);
    }
}

/// Says for all groups of a channel whether the bot must be mentioned, unless that is said.
fn mention_by_default(
    root: &mut Record,
    (id, from, value): (&str, &KeyPath, Value),
    log: &mut Log,
) {
    let Some(channel) = record_at_mut(root, &["channels", id]) else {
        return;
    };
    let to = at(&["channels", id, "groups", "*", "requireMention"]);
    if !groups_fit(channel) {
        log.removed(from, "`groups` has another form than it must have");
    } else if value_at(channel, &["groups", "*", "requireMention"]).is_some() {
        log.superseded(from, &to);
    } else {
        made(channel, &["groups", "*"]).insert("requireMention".to_owned(), value);
        log.moved(from, &to);
    }
}

/// Tells whether something can be said about all groups of a channel.
pub(super) fn groups_fit(channel: &Record) -> bool {
    let fits = |value: Option<&Value>| value.is_none_or(Value::is_object);
    let groups = channel.get("groups");
    fits(groups) && fits(groups.and_then(|groups| groups.get("*")))
}

/// One switch says now whether a thread may start sessions, where there were two.
pub(in crate::migration) fn thread_bindings(root: &mut Record, log: &mut Log) {
    if let Some(session) = record_at_mut(root, &["session"]) {
        spawn_switches(session, &at(&["session"]), log);
    }
    Scope::Channels.visit(root, &mut |record, path| spawn_switches(record, path, log));
}

fn spawn_switches(owner: &mut Record, path: &KeyPath, log: &mut Log) {
    const OLD: [&str; 2] = ["spawnSubagentSessions", "spawnAcpSessions"];
    let Some(bindings) = record_at_mut(owner, &["threadBindings"]) else {
        return;
    };
    let old: Vec<(&str, Value)> = OLD
        .into_iter()
        .filter_map(|key| Some((key, take(bindings, key)?)))
        .collect();
    let to = below(path, &["threadBindings", "spawnSessions"]);
    let stood = bindings.contains_key("spawnSessions");
    let switches = old.iter().filter_map(|(_, value)| value.as_bool());
    if let Some(on) = switches.reduce(|both, on| both && on).filter(|_| !stood) {
        bindings.insert("spawnSessions".to_owned(), Value::from(on));
    }
    for (key, value) in old {
        let from = below(path, &["threadBindings", key]);
        if stood {
            log.superseded(&from, &to);
        } else if value.is_boolean() {
            log.turned(&from, &to, "which is on when both switches were");
        } else {
            log.removed(&from, "it was no switch");
        }
    }
}

/// Moves what a heartbeat shows in a channel out of the way of the heartbeat itself.
pub(in crate::migration) fn heartbeat_visibility(root: &mut Record, log: &mut Log) {
    const SHOWN: [&str; 3] = ["showOk", "showAlerts", "useIndicator"];
    Scope::Channels.visit(root, &mut |record, path| {
        let id = path.segments().get(1).map_or("", String::as_str);
        let is_account = path.segments().len() > 2;
        if id == "modelByChannel" || (id == "defaults" && is_account) {
            return;
        }
        let Some(heartbeat) = record_at(record, &["heartbeat"]) else {
            return;
        };
        let is_other = heartbeat.keys().any(|key| !SHOWN.contains(&key.as_str()));
        // An empty one was Feishu's own, and goes with Feishu's other leftovers.
        if is_other || (id == "feishu" && heartbeat.is_empty()) {
            return;
        }
        let names = (&["heartbeat"][..], &["heartbeatVisibility"][..]);
        move_value(record, path, names, log);
    });
}
