//! The accounts of QQ: which one is the default, and where their secrets are.

use serde_json::{Value, json};

use super::{DEFAULT, PLACE};
use crate::migration::log::{Log, at};
use crate::migration::tree::{
    Record, folded, is_blocked, made, prune, record_at, record_at_mut, take, take_record, trimmed,
    value_at,
};
use crate::problem::KeyPath;

/// The root is the default account, so that an account of that name is a part of it.
pub(super) fn default_account(channel: &mut Record, log: &mut Log) {
    let path = at(&PLACE);
    let from = path.key("defaultAccount");
    let wanted = trimmed(channel, "defaultAccount").map(folded);
    let has_default = record_at(channel, &["accounts", DEFAULT]).is_some();
    match wanted.filter(|wanted| wanted != DEFAULT) {
        Some(wanted) => {
            let accounts = record_at_mut(channel, &["accounts"]);
            let chosen = accounts
                .and_then(|accounts| record_at(accounts, &[&wanted]))
                .cloned();
            let Some(chosen) = chosen else {
                take(channel, "defaultAccount");
                log.removed(&from, "there is no such account");
                return;
            };
            let has_root = channel.get("appId").is_some_and(is_truthy);
            if has_root || has_default || !can_be_first(channel, &wanted) {
                return;
            }
            let accounts = take_record(channel, "accounts").unwrap_or_default();
            let others = accounts.into_iter().filter(|(id, _)| !is_blocked(id));
            let mut first = Record::from_iter([(wanted.clone(), Value::Object(chosen))]);
            first.extend(others.filter(|(id, _)| *id != wanted));
            let accounts = first;
            channel.insert("accounts".to_owned(), Value::Object(accounts));
            take(channel, "defaultAccount");
            log.removed(&from, "the first account is the default one");
        }
        None if has_default => {
            let accounts = record_at_mut(channel, &["accounts"]);
            let own = accounts.and_then(|accounts| take_record(accounts, DEFAULT));
            let own = own.unwrap_or_default().into_iter();
            for (key, value) in own.filter(|(key, _)| key != "accounts" && !is_blocked(key)) {
                channel.insert(key, value);
            }
            prune(channel, "accounts");
            take(channel, "defaultAccount");
            log.moved(&path.key("accounts").key(DEFAULT), &path);
        }
        None => {
            if take(channel, "defaultAccount").is_some() {
                log.removed(&from, "the root is the default account");
            }
        }
    }
}

/// JavaScript lists the keys that are numbers first, the least of them at the front.
fn can_be_first(channel: &Record, wanted: &str) -> bool {
    let accounts = record_at(channel, &["accounts"]).into_iter().flatten();
    let numbers = accounts.filter_map(|(id, _)| {
        let number: u32 = id.parse().ok()?;
        (number.to_string() == *id).then_some(number)
    });
    numbers
        .min()
        .is_none_or(|least| least.to_string() == wanted)
}

fn is_truthy(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && *value != json!("") && *value != json!(0)
}

/// A secret in a file is named as a secret.
pub(super) fn secret_file(root: &mut Record, path: &KeyPath, log: &mut Log) {
    let keys: Vec<&str> = path.segments().iter().map(String::as_str).collect();
    let from = path.key("clientSecretFile");
    let to = path.key("clientSecret");
    let Some(entry) = record_at_mut(root, &keys) else {
        return;
    };
    let Some(file) = entry.get("clientSecretFile").cloned() else {
        return;
    };
    if entry.contains_key("clientSecret") {
        take(entry, "clientSecretFile");
        log.superseded(&from, &to);
        return;
    }
    let file = file.as_str().map(str::trim).filter(|file| !file.is_empty());
    let account = keys.get(3).copied();
    let provider = file.map(|file| file_provider(root, file, account));
    let Some(entry) = record_at_mut(root, &keys) else {
        return;
    };
    match provider {
        None => {
            entry.insert("enabled".to_owned(), Value::Bool(false));
            take(entry, "clientSecretFile");
            log.removed(&from, "it named no file; the account is off");
        }
        Some(None) => {
            let off = entry.insert("enabled".to_owned(), Value::Bool(false));
            if off != Some(Value::Bool(false)) {
                log.set(
                    &path.key("enabled"),
                    "off, because its secret cannot be read",
                );
            }
        }
        Some(Some(provider)) => {
            let secret = json!({ "source": "file", "provider": provider, "id": "value" });
            entry.insert("clientSecret".to_owned(), secret);
            take(entry, "clientSecretFile");
            log.turned(&from, &to, "as a reference");
        }
    }
}

/// Returns the name of a provider of secrets that reads a file, adding one if there is none.
fn file_provider(root: &mut Record, file: &str, account: Option<&str>) -> Option<String> {
    const LONGEST: usize = 60;
    const MOST: usize = 999;
    let fits = |value: Option<&Value>| value.is_none_or(Value::is_object);
    if !fits(root.get("secrets")) || !fits(value_at(root, &["secrets", "providers"])) {
        return None;
    }
    let account = account.map(|account| format!("-{}", segment(account)));
    let base = format!("qqbot{}-client-secret", account.unwrap_or_default());
    let cut = |length: usize| base.chars().take(length).collect::<String>();
    let base_name = cut(LONGEST).trim_end_matches('-').to_owned();
    let providers = made(root, &["secrets", "providers"]);
    let wanted = json!({ "source": "file", "path": file, "mode": "singleValue" });
    for index in 1..=MOST {
        let name = if index == 1 {
            base_name.clone()
        } else {
            let number = index.to_string();
            let kept: String = base_name.chars().take(LONGEST - number.len()).collect();
            format!("{kept}-{number}")
        };
        let standing = providers.get(&name);
        let is_same = standing.and_then(Value::as_object).is_some_and(|standing| {
            ["source", "path", "mode"]
                .iter()
                .all(|key| standing.get(*key) == wanted.get(*key))
        });
        if standing.is_none() {
            providers.insert(name.clone(), wanted);
            return Some(name);
        }
        if is_same {
            return Some(name);
        }
    }
    None
}

fn segment(account: &str) -> String {
    let mut text = String::new();
    for c in folded(account).chars() {
        let stays = c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if stays {
            text.push(c);
        } else if !text.ends_with('-') {
            text.push('-');
        }
    }
    let text = text.trim_matches('-');
    if text.is_empty() {
        "account".to_owned()
    } else {
        text.to_owned()
    }
}
