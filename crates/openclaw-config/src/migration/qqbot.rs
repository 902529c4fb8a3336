//! QQ: the settings of its plugin's second edition, which knows fewer kinds of permission.
//!
//! Where the old permission cannot be said any more, the narrower one is taken.

use serde_json::{Value, json};

use super::log::{Log, at};
use super::tree::{
    Record, array_at, folded, is_blocked, keys, made, record_at, record_at_mut, take, take_record,
    text_at, trimmed, unique, value_at,
};
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
    default_account(channel, log);
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
    secret_file(root, path, log);
    let keys: Vec<&str> = path.segments().iter().map(String::as_str).collect();
    if let Some(entry) = record_at_mut(root, &keys) {
        approvals(entry, (path, inherited), operators, log);
        ids(entry, path, log);
        streaming(entry, path, log);
        group_tools(entry, path, log);
        group_commands(entry, (path, inherited), log);
    }
}

/// The root is the default account, so that an account of that name is a part of it.
fn default_account(channel: &mut Record, log: &mut Log) {
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
            super::tree::prune(channel, "accounts");
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

/// A secret in a file is named as a secret.
fn secret_file(root: &mut Record, path: &KeyPath, log: &mut Log) {
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

/// Whoever may chat may approve in the second edition, so that chats are opened by their policy.
fn approvals(
    entry: &mut Record,
    (path, inherited): (&KeyPath, Option<&Record>),
    operators: Option<&[String]>,
    log: &mut Log,
) {
    let own = |key: &str| entry.get(key).or_else(|| inherited?.get(key)).cloned();
    let is_own = entry.contains_key("execApprovals");
    let has_old = is_own || inherited.is_some_and(|whole| whole.contains_key("execApprovals"));
    let overrides = ["execApprovals", "allowFrom", "dmPolicy"];
    if inherited.is_some() && !overrides.iter().any(|key| entry.contains_key(*key)) {
        return;
    }
    let old = own("execApprovals");
    let chat = canonical(own("allowFrom").as_ref());
    let policy = own("dmPolicy");
    let policy = policy.as_ref();
    let everybody = |list: &[String]| list.iter().any(|id| id == EVERYBODY);
    let is_open = chat.is_empty() || everybody(&chat);
    let stays_open = policy == Some(&json!("open"))
        || (policy.is_none() && is_open)
        || (policy == Some(&json!("allowlist")) && everybody(&chat));
    let narrow = !chat.is_empty() && !everybody(&chat);
    let known = |list: &[String]| -> Vec<String> {
        list.iter().filter(|id| *id != EVERYBODY).cloned().collect()
    };
    let both = |list: Vec<String>| -> Vec<String> {
        list.into_iter()
            .filter(|id| !narrow || chat.contains(id))
            .collect()
    };
    let mut opens = stays_open;
    let next = if has_old {
        let old = old.as_ref().and_then(Value::as_object);
        approvers(old, &chat, policy)
    } else if let Some(operators) = operators {
        let next = or_nobody(both(known(operators)));
        opens = stays_open && policy != Some(&json!("open"));
        if chat == next && !opens {
            return;
        }
        next
    } else if is_open {
        or_nobody(known(&chat))
    } else {
        return;
    };
    if opens {
        entry.insert("dmPolicy".to_owned(), Value::from("open"));
    }
    entry.insert("allowFrom".to_owned(), Value::from(next));
    let to = path.key("allowFrom");
    if take(entry, "execApprovals").is_some() {
        log.turned(&path.key("execApprovals"), &to, "as narrow as it was");
    } else {
        log.set(&to, "to those who may approve; who may chat is `dmPolicy`");
    }
}

fn or_nobody(list: Vec<String>) -> Vec<String> {
    if list.is_empty() {
        vec![NOBODY.to_owned()]
    } else {
        list
    }
}

/// Returns those who could approve and chat before; nobody where that cannot be said.
fn approvers(old: Option<&Record>, chat: &[String], policy: Option<&Value>) -> Vec<String> {
    let nobody = vec![NOBODY.to_owned()];
    let Some(old) = old else {
        return nobody;
    };
    let filters = |key: &str| match old.get(key) {
        Some(Value::Array(list)) => !list.is_empty(),
        other => other.is_some(),
    };
    let named = canonical(old.get("approvers"));
    let is_off = old.get("enabled") == Some(&Value::Bool(false));
    let is_lost = is_off || filters("agentFilter") || filters("sessionFilter");
    let everybody = |list: &[String]| list.iter().any(|id| id == EVERYBODY);
    if is_lost || old.contains_key("target") || everybody(&named) {
        return nobody;
    }
    let narrow = !chat.is_empty() && !everybody(chat);
    if named.is_empty() {
        return if narrow { chat.to_vec() } else { nobody };
    }
    if policy == Some(&json!("allowlist")) && chat.is_empty() {
        return nobody;
    }
    or_nobody(
        named
            .into_iter()
            .filter(|id| !narrow || chat.contains(id))
            .collect(),
    )
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

/// What a group may do, from the narrowest.
const PERMITS: [&str; 3] = ["none", "restricted", "full"];

fn group_tools(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    let groups = record_at_mut(entry, &["groups"]);
    for (id, group) in groups.into_iter().flatten() {
        let Some(group) = group.as_object_mut() else {
            continue;
        };
        let path = path.key("groups").key(id);
        let old = ["tools", "toolsBySender"].map(|key| take(group, key));
        let [tools, by_sender] = &old;
        if tools.is_none() && by_sender.is_none() {
            continue;
        }
        let wanted = if by_sender.is_some() {
            "none"
        } else {
            permit(tools.as_ref())
        };
        let rank = |permit: &str| PERMITS.iter().position(|known| *known == permit);
        let standing = group.get("toolPolicy").map(|standing| {
            let known = PERMITS
                .into_iter()
                .find(|known| standing.as_str() == Some(known));
            known.unwrap_or("none")
        });
        let narrower = match standing {
            Some(standing) if rank(standing) <= rank(wanted) => standing,
            _ => wanted,
        };
        group.insert("toolPolicy".to_owned(), Value::from(narrower));
        for (key, _) in ["tools", "toolsBySender"]
            .iter()
            .zip(&old)
            .filter(|(_, old)| old.is_some())
        {
            log.turned(&path.key(key), &path.key("toolPolicy"), "in one word");
        }
    }
}

fn permit(tools: Option<&Value>) -> &'static str {
    let tools = tools.and_then(Value::as_object);
    let list = |key: &str| tools.and_then(|tools| array_at(tools, &[key]));
    let deny = list("deny").map(Vec::as_slice).unwrap_or_default();
    let all = list("allow").is_none_or(|allow| allow.is_empty() || allow.contains(&json!("*")));
    let three = deny.len() == 3
        && ["exec", "read", "write"]
            .iter()
            .all(|tool| deny.contains(&json!(tool)));
    match deny {
        [] if all => "full",
        _ if all && three => "restricted",
        _ => "none",
    }
}

fn group_commands(
    entry: &mut Record,
    (path, inherited): (&KeyPath, Option<&Record>),
    log: &mut Log,
) {
    let locks = |level: &Value| *level != json!("all");
    let policy = path.key("groupPolicy");
    let why = "to \"disabled\": which commands a group may give cannot be said any more";
    let Some(groups) = record_at_mut(entry, &["groups"]) else {
        let groups = inherited.and_then(|whole| record_at(whole, &["groups"]));
        let mut groups = groups.into_iter().flatten();
        let locked = groups.any(|(_, group)| group.get("commandLevel").is_some_and(locks));
        let opens = text_at(entry, &["groupPolicy"]) != Some("disabled");
        if locked && opens && entry.contains_key("groupPolicy") {
            entry.insert("groupPolicy".to_owned(), Value::from("disabled"));
            log.set(&policy, why);
        }
        return;
    };
    let mut locked = false;
    for (id, group) in groups {
        if let Some(level) = group
            .as_object_mut()
            .and_then(|group| take(group, "commandLevel"))
        {
            locked = locked || locks(&level);
            let path = path.key("groups").key(id).key("commandLevel");
            log.removed(&path, "a group's commands have no level any more");
        }
    }
    if locked {
        entry.insert("groupPolicy".to_owned(), Value::from("disabled"));
        log.set(&policy, why);
    }
}
