//! QQ: the settings of its plugin's second edition, which knows fewer kinds of permission.
//!
//! Where the old permission cannot be said any more, the narrower one is taken.

mod accounts;
mod approvals;
mod groups;

use serde_json::Value;

use super::log::{Log, at};
use super::tree::{Record, keys, record_at, record_at_mut, take, unique};
use crate::problem::KeyPath;

/// An id that nobody has: an empty list would let everybody approve.
const NOBODY: &str = "openclaw:approval-disabled";
const EVERYBODY: &str = "*";
const PLACE: [&str; 2] = ["channels", "qqbot"];
const DEFAULT: &str = "default";

/// Brings the settings of QQ into the form of its plugin's second edition.
pub(super) fn second_edition(root: &mut Record, log: &mut Log) {
    let Some(channel) = record_at_mut(root, &PLACE) else {
        return;
    };
    accounts::default_account(channel, log);
    let operators = operators(root);
    let whole = record_at(root, &PLACE).cloned().unwrap_or_default();
    let accounts = record_at(&whole, &["accounts"])
        .map(keys)
        .unwrap_or_default();
    let path = at(&PLACE);
    entry(root, (&path, None), operators.as_deref(), log);
    for account in accounts {
        let path = path.key("accounts").key(&account);
        let inherited = Some(&whole).filter(|_| account == DEFAULT);
        entry(root, (&path, inherited), operators.as_deref(), log);
    }
}

fn entry(
    root: &mut Record,
    (path, inherited): (&KeyPath, Option<&Record>),
    operators: Option<&[String]>,
    log: &mut Log,
) {
    accounts::secret_file(root, path, log);
    let keys: Vec<&str> = path.segments().iter().map(String::as_str).collect();
    if let Some(entry) = record_at_mut(root, &keys) {
        approvals::settle(entry, (path, inherited), operators, log);
        ids(entry, path, log);
        streaming(entry, path, log);
        groups::tools(entry, path, log);
        groups::commands(entry, (path, inherited), log);
    }
}

fn listed(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    let texts = list.filter_map(|entry| match entry {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    unique(texts.filter(|text| !text.is_empty()))
}

/// Returns ids as the second edition writes them.
fn canonical(value: Option<&Value>) -> Vec<String> {
    const PREFIX: &str = "qqbot:";
    unique(listed(value).into_iter().map(|id| {
        let prefix = id.get(..PREFIX.len()).map(str::to_lowercase);
        let bare = match prefix.as_deref() {
            Some(PREFIX) => id.get(PREFIX.len()..).unwrap_or_default(),
            _ => &id,
        };
        if bare == EVERYBODY || bare == NOBODY {
            bare.to_owned()
        } else {
            bare.to_uppercase()
        }
    }))
}

/// Returns those who may give commands in QQ, if that is said.
fn operators(root: &Record) -> Option<Vec<String>> {
    let allowed = record_at(root, &["commands", "allowFrom"])?;
    let list = ["qqbot", EVERYBODY]
        .into_iter()
        .find_map(|key| allowed.get(key).filter(|list| list.is_array()));
    list.map(|list| canonical(Some(list)))
}

fn ids(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    let allow = entry.get("allowFrom");
    let new = canonical(allow);
    // Ids that differ in their prefix only became one; that alone is no reason to rewrite a list.
    let is_current = listed(allow)
        .iter()
        .zip(0..)
        .all(|(id, index)| new.get(index) == Some(id));
    if !is_current {
        entry.insert("allowFrom".to_owned(), Value::from(new));
        log.set(
            &path.key("allowFrom"),
            "to ids without a prefix, in capitals",
        );
    }
}

fn streaming(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    let Some(streaming) = record_at_mut(entry, &["streaming"]) else {
        return;
    };
    let old = ["nativeTransport", "c2cStreamApi"].map(|key| (key, take(streaming, key)));
    let switch = old.iter().find_map(|(_, value)| value.as_ref()?.as_bool());
    let path = path.key("streaming");
    if let Some(on) = switch {
        let mode = if on { "partial" } else { "off" };
        streaming.insert("mode".to_owned(), Value::from(mode));
    }
    for (key, _) in old.iter().filter(|(_, value)| value.is_some()) {
        log.turned(&path.key(key), &path.key("mode"), "in words");
    }
}
