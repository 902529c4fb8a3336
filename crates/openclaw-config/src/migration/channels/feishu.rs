//! Feishu.

use serde_json::Value;

use super::aliases::{Aliases, Delivery, Inheritance};
use super::stray;
use crate::migration::log::{Log, below};
use crate::migration::scope::Scope;
use crate::migration::tree::{Record, made, record_at, record_at_mut, take};
use crate::problem::KeyPath;

/// Brings the settings of Feishu into the current form.
pub(super) fn all(root: &mut Record, log: &mut Log) {
    let aliases = Aliases {
        inheritance: Inheritance::Copied,
        ..Aliases::new("feishu", Delivery::AndModes)
    };
    aliases.apply(root, log);
    Scope::Channel("feishu").visit(root, &mut |entry, path| {
        tables(entry, path, log);
        joining(entry, path, log);
        heartbeat(entry, path, log);
        webhook(entry, path, log);
    });
    stray::feishu(root, log);
}

fn tables(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    let Some(tools) = record_at_mut(entry, &["tools"]) else {
        return;
    };
    let Some(base) = tools.get("base").filter(|base| base.is_boolean()).cloned() else {
        return;
    };
    take(tools, "base");
    let (from, to) = (
        below(path, &["tools", "base"]),
        below(path, &["tools", "bitable"]),
    );
    if tools.contains_key("bitable") {
        log.superseded(&from, &to);
    } else {
        made(tools, &[]).insert("bitable".to_owned(), base);
        log.moved(&from, &to);
    }
}

fn joining(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    let place = ["streaming", "block", "coalesce"];
    let Some(joining) = record_at_mut(entry, &place) else {
        return;
    };
    for key in ["enabled", "minDelayMs", "maxDelayMs"] {
        if take(joining, key).is_some() {
            log.removed(&below(path, &place).key(key), "only Feishu had it");
        }
    }
}

fn heartbeat(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    let Some(heartbeat) = record_at(entry, &["heartbeat"]) else {
        return;
    };
    let is_own = |key: &str| heartbeat.contains_key(key);
    if heartbeat.is_empty() || is_own("visibility") || is_own("intervalMs") {
        take(entry, "heartbeat");
        log.removed(&path.key("heartbeat"), "it was never read");
    }
}

/// Where Feishu sends its events is the path of a request.
fn webhook(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    const DEFAULT: &str = "/feishu/events";
    let Some(old) = entry.get("webhookPath").and_then(Value::as_str) else {
        return;
    };
    let new = match old.trim() {
        "" => DEFAULT.to_owned(),
        trimmed => request_path(trimmed).unwrap_or_else(|| DEFAULT.to_owned()),
    };
    if new != old {
        entry.insert("webhookPath".to_owned(), Value::from(new));
        log.set(&path.key("webhookPath"), "to the path of a request");
    }
}

/// Returns the path and the query of a URL, or of a path, as a request has them.
fn request_path(text: &str) -> Option<String> {
    let text = text.split('#').next().unwrap_or_default();
    let rest = match text.split_once("://") {
        Some((scheme, rest)) => {
            let scheme = scheme.to_lowercase();
            if !["http", "https"].contains(&scheme.as_str()) {
                return None;
            }
            rest.get(rest.find(['/', '?']).unwrap_or(rest.len())..)?
        }
        None => text,
    };
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let mut kept: Vec<&str> = Vec::new();
    let pieces: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    for (index, piece) in pieces.iter().enumerate() {
        let is_last = index + 1 == pieces.len();
        match *piece {
            "." if is_last => kept.push(""),
            "." => {}
            ".." => {
                kept.pop();
                if is_last {
                    kept.push("");
                }
            }
            piece => kept.push(piece),
        }
    }
    let path = encoded(&format!("/{}", kept.join("/")));
    Some(match query {
        Some(query) => format!("{path}?{}", encoded(query)),
        None => path,
    })
}

/// Encodes what a URL cannot hold as it is.
fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>`{}".contains(&byte);
    let letters = text.bytes().map(|byte| {
        if is_plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    letters.collect()
}
