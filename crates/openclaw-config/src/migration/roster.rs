//! The roster of agents: keyed by their ids, and each with what it owned before.

use serde_json::{Value, json};

use super::log::{Log, at, below};
use super::tree::{
    Record, canonical_id, folded, is_blocked, keys, made, record_at, record_at_mut, take, trimmed,
    value_at,
};

/// The agent that is meant where none is named.
const MAIN: &str = "main";

/// Keys the agents by their ids.
///
/// Without a mark the first agent was the default one and used the default workspace; it keeps
/// that, because no agent is the default one in a keyed roster.
pub(super) fn keyed(root: &mut Record, default_workspace: &str, log: &mut Log) {
    let Some(agents) = record_at_mut(root, &["agents"]) else {
        return;
    };
    let from = at(&["agents", "list"]);
    let to = at(&["agents", "entries"]);
    if !agents.get("list").is_some_and(Value::is_array) {
        return;
    }
    let Some(Value::Array(list)) = take(agents, "list") else {
        return;
    };
    if record_at(agents, &["entries"]).is_some() {
        log.superseded(&from, &to);
        return;
    }
    let mut entries = Record::new();
    for (index, entry) in list.into_iter().enumerate() {
        let Value::Object(mut entry) = entry else {
            log.removed(&from.index(index), "it is no agent");
            continue;
        };
        let named = trimmed(&entry, "id").unwrap_or("agent").to_owned();
        take(&mut entry, "id");
        let wanted = canonical_id(&named).unwrap_or_else(|| MAIN.to_owned());
        let mut id = wanted.clone();
        let mut count = 2;
        while entries.contains_key(&id) {
            id = format!("{wanted}-{count}");
            count += 1;
        }
        if id != named {
            log.renamed(&from.index(index).key("id"), &named, &id);
        }
        entries.insert(id, Value::Object(entry));
    }
    keep_workspace(agents, &mut entries, default_workspace);
    agents.insert("entries".to_owned(), Value::Object(entries));
    log.turned(&from, &to, "keyed by their ids");
}

fn keep_workspace(agents: &Record, entries: &mut Record, default_workspace: &str) {
    let unmarked = entries.values().all(|entry| {
        let mark = entry.as_object().and_then(|entry| entry.get("default"));
        mark.is_none_or(|mark| *mark == Value::Bool(false))
    });
    if agents.contains_key("ownership") || entries.len() < 2 || !unmarked {
        return;
    }
    let defaults = record_at(agents, &["defaults"]);
    let workspace = defaults.and_then(|defaults| trimmed(defaults, "workspace"));
    let workspace = workspace.unwrap_or(default_workspace);
    if let Some(first) = entries.values_mut().next().and_then(Value::as_object_mut) {
        let named = first.get("workspace");
        let is_blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
        if named.is_none_or(is_blank) {
            first.insert("workspace".to_owned(), Value::from(workspace));
        }
    }
}

/// Several agents without a mark: what each of them serves is said, not guessed.
pub(super) fn ownership(root: &mut Record, log: &mut Log) {
    let Some(agents) = record_at_mut(root, &["agents"]) else {
        return;
    };
    let Some(entries) = record_at(agents, &["entries"]) else {
        return;
    };
    let marked =
        |entry: &Value| entry.get("default") == Some(&Value::Bool(true)) && entry.is_object();
    if agents.contains_key("ownership") || entries.len() < 2 || entries.values().any(marked) {
        return;
    }
    agents.insert("ownership".to_owned(), Value::from("explicit"));
    let why = "to \"explicit\": each agent serves what is bound to it";
    log.set(&at(&["agents", "ownership"]), why);
}

/// What runs without being asked belongs to the agent that it belonged to before.
pub(super) fn system_agent(root: &mut Record, log: &mut Log) {
    let Some(owner) = ambient_owner(root) else {
        return;
    };
    let defaults = record_at(root, &["agents", "defaults"]);
    let has_heartbeat = defaults.is_some_and(|defaults| defaults.contains_key("heartbeat"))
        || value_at(root, &["agents", "entries"])
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .any(|(_, agent)| agent.get("heartbeat").is_some_and(is_truthy));
    let defaults = made(root, &["agents", "defaults"]);
    let path = at(&["agents", "defaults"]);
    let areas = ["systemAgent", "heartbeat"].into_iter();
    for area in areas.take(if has_heartbeat { 1 } else { 2 }) {
        made(defaults, &[area]).insert("agentId".to_owned(), Value::from(owner.clone()));
        let why = "to the agent that did this before";
        log.set(&below(&path, &[area, "agentId"]), why);
    }
}

/// Returns the agent that did what no agent was named for; nothing when that is said, or unclear.
fn ambient_owner(root: &Record) -> Option<String> {
    let agents = record_at(root, &["agents"])?;
    let defaults = match agents.get("defaults") {
        None => None,
        Some(defaults) => Some(defaults.as_object()?),
    };
    if let Some(system) = defaults.and_then(|defaults| defaults.get("systemAgent")) {
        system
            .as_object()
            .filter(|system| !system.contains_key("agentId"))?;
    }
    let entries = record_at(agents, &["entries"])?;
    let known: Vec<(String, &Record)> = entries
        .iter()
        .filter(|(id, _)| !id.trim().is_empty())
        .filter_map(|(id, agent)| {
            let id = canonical_id(id).unwrap_or_else(|| MAIN.to_owned());
            Some((id, agent.as_object()?))
        })
        .collect();
    let mut marked = known
        .iter()
        .filter(|(_, agent)| agent.get("default") == Some(&Value::Bool(true)));
    let (first, second) = (marked.next(), marked.next());
    let is_explicit = agents.get("ownership") == Some(&Value::from("explicit"));
    if known.len() < 2 || second.is_some() || (first.is_some() && !is_explicit) {
        return None;
    }
    let main = || known.iter().find(|(id, _)| id == MAIN);
    first.or_else(main).map(|(id, _)| id.clone())
}

/// Tells whether JavaScript takes a value for true.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// A channel, and how its accounts are found.
type Bundled = (&'static str, fn(&Record) -> Vec<String>);

/// The channels that every OpenClaw brings with it.
const BUNDLED: [Bundled; 3] = [
    ("a2a", |_| vec![DEFAULT_ACCOUNT.to_owned()]),
    ("reef", |_| vec![DEFAULT_ACCOUNT.to_owned()]),
    ("telegram", telegram_accounts),
];
const DEFAULT_ACCOUNT: &str = "default";

/// Binds the accounts of channels that nobody was named for to the agent that served them.
///
/// `first` is the agent that served everything before the roster was keyed.
pub(super) fn bindings(root: &mut Record, first: Option<&str>, log: &mut Log) {
    let Some(first) = first.filter(|first| value_at(root, &["agents", "entries", first]).is_some())
    else {
        return;
    };
    let Some(bound) = bindings_of(root) else {
        return;
    };
    let mut added = Vec::new();
    let agents = record_at(root, &["agents", "entries"]);
    let agents = agents.map(keys).unwrap_or_default();
    for (id, accounts) in BUNDLED {
        let Some(channel) = record_at(root, &["channels", id]) else {
            continue;
        };
        if channel.is_empty() || is_off(root, channel, id) {
            continue;
        }
        for account in accounts(channel) {
            let serves = |binding: &Value| serves(binding, (id, &account), &agents);
            if !bound.iter().any(serves) {
                added.push((id, account));
            }
        }
    }
    if added.is_empty() {
        return;
    }
    let mut all = bound;
    for (channel, account) in added {
        let path = at(&["bindings"]).index(all.len());
        all.push(json!({
            "agentId": first,
            "match": { "channel": channel, "accountId": account },
        }));
        let why = format!("so that `{first}` keeps the account `{account}` of {channel}");
        log.set(&path, &why);
    }
    root.insert("bindings".to_owned(), Value::from(all));
}

/// Returns the bindings; nothing when one of them cannot be understood.
fn bindings_of(root: &Record) -> Option<Vec<Value>> {
    if value_at(root, &["plugins", "enabled"]) == Some(&Value::Bool(false)) {
        return None;
    }
    let Some(bindings) = root.get("bindings") else {
        return Some(Vec::new());
    };
    let bindings = bindings.as_array()?;
    let is_understood = |binding: &Value| {
        let binding = binding.as_object();
        binding.is_some_and(|binding| {
            let account = value_at(binding, &["match", "accountId"]);
            trimmed(binding, "agentId").is_some()
                && value_at(binding, &["match", "channel"]).is_some_and(Value::is_string)
                && account.is_none_or(Value::is_string)
        })
    };
    bindings.iter().all(is_understood).then(|| bindings.clone())
}

/// Tells whether a channel or its plugin is turned off.
fn is_off(root: &Record, channel: &Record, id: &str) -> bool {
    let off = Some(&Value::Bool(false));
    let denied = value_at(root, &["plugins", "deny"]).and_then(Value::as_array);
    let mut denied = denied.into_iter().flatten().filter_map(Value::as_str);
    let denied = denied.any(|plugin| folded(plugin) == id);
    let plugin = value_at(root, &["plugins", "entries", id, "enabled"]);
    channel.get("enabled") == off || plugin == off || denied
}

/// Returns the accounts of Telegram that are on: the named ones, and the channel's own.
fn telegram_accounts(channel: &Record) -> Vec<String> {
    let accounts = record_at(channel, &["accounts"]).into_iter().flatten();
    let named: Vec<(String, &Value)> = accounts
        .filter(|(id, _)| !id.is_empty() && !is_blocked(id))
        .map(|(id, account)| {
            let id = canonical_id(id).unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned());
            (id, account)
        })
        .collect();
    let has_token = ["botToken", "tokenFile"].iter().any(|key| {
        trimmed(channel, key).is_some() || channel.get(*key).is_some_and(Value::is_object)
    });
    let is_named = named.iter().any(|(id, _)| id == DEFAULT_ACCOUNT);
    let own = (named.is_empty() || (has_token && !is_named)).then(|| DEFAULT_ACCOUNT.to_owned());
    let on = named
        .into_iter()
        .filter(|(_, account)| account.get("enabled") != Some(&Value::Bool(false)))
        .map(|(id, _)| id);
    let mut open: Vec<String> = on.chain(own).collect();
    open.sort();
    open.dedup();
    open
}

/// Tells whether a binding says which of the agents serves a whole account.
fn serves(binding: &Value, (channel, account): (&str, &str), agents: &[String]) -> bool {
    let Some(rule) = binding.get("match").and_then(Value::as_object) else {
        return false;
    };
    let agent = binding.get("agentId").and_then(Value::as_str);
    let agent = agent.and_then(canonical_id);
    let is_main = agent.as_deref() == Some(MAIN);
    let is_known = is_main || agents.iter().any(|own| canonical_id(own) == agent);
    let is_acp = binding.get("type") == Some(&Value::from("acp"));
    let names = |key: &str| trimmed(rule, key).is_some();
    let roles = rule.get("roles").and_then(Value::as_array);
    let is_whole = !rule.contains_key("peer")
        && !names("guildId")
        && !names("teamId")
        && roles.is_none_or(Vec::is_empty);
    let bound = trimmed(rule, "channel").map(str::to_lowercase);
    let is_bound = match trimmed(rule, "accountId") {
        Some("*") => true,
        Some(bound) => canonical_id(bound).as_deref() == Some(account),
        None => account == DEFAULT_ACCOUNT,
    };
    is_known && !is_acp && is_whole && bound.as_deref() == Some(channel) && is_bound
}

/// Returns the agent that served everything in a list without a mark; `None` for any other roster.
pub(super) fn first_of_list(root: &Record) -> Option<String> {
    let agents = record_at(root, &["agents"])?;
    let list = agents.get("list")?.as_array()?;
    let is_known = |entry: &Value| {
        entry.as_object().is_some_and(|entry| {
            let mark = entry.get("default");
            trimmed(entry, "id").is_some() && mark.is_none_or(|mark| *mark == Value::Bool(false))
        })
    };
    let has_other_form = agents.contains_key("ownership") || agents.contains_key("entries");
    if has_other_form || list.len() < 2 || !list.iter().all(is_known) {
        return None;
    }
    let first = trimmed(list.first()?.as_object()?, "id")?;
    Some(canonical_id(first).unwrap_or_else(|| MAIN.to_owned()))
}
