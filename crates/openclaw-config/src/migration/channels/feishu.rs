//! Feishu.

use serde_json::Value;
use url::Url;

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
    let base = Url::parse("http://localhost").ok()?;
    let url = base.join(text).ok()?;
    if !["http", "https"].contains(&url.scheme()) {
        return None;
    }
    Some(match url.query() {
        // An empty query is a query, unless a fragment follows it.
        Some("") if text.contains('#') => url.path().to_owned(),
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    })
}
