//! The forms of the seed document: `channels.telegram` with `bot_token`, `allowlist` and `routing`,
//! and `gateway.rateLimit`.
//!
//! What OpenClaw's own form can say becomes that form. What it cannot, rules for prefixes of ids and
//! for words of messages, goes into a part of its own, so that OpenClaw can read the rest.

use serde_json::{Value, json};

use super::log::{Log, at};
use super::tree::{
    Record, array_at, keys, made, prune, record_at, record_at_mut, take, text_at, unique,
};
use crate::settings::limits;

const PLACE: [&str; 2] = ["channels", "telegram"];
const TOKEN: &str = "bot_token";
const LIST: &str = "allowlist";
const ROUTES: &str = "routing";
/// The name by which the seed calls the agent that serves whatever nobody else does.
const DEFAULT_AGENT: &str = "default";

/// Brings the seed's forms into OpenClaw's; returns what only this program knows, or null.
pub(super) fn lower(root: &mut Record, log: &mut Log) -> Value {
    let mut own = Record::new();
    own.extend(rate_limit(root, log).map(|limits| (limits::KEY.to_owned(), limits)));
    own.extend(channels(root, log).map(|channels| ("channels".to_owned(), channels)));
    if own.is_empty() {
        return Value::Null;
    }
    Value::Object(own)
}

/// Takes out `gateway.rateLimit`, which OpenClaw does not know; one that is broken stays a problem.
fn rate_limit(root: &mut Record, log: &mut Log) -> Option<Value> {
    let path = at(&["gateway", limits::KEY]);
    let gateway = record_at_mut(root, &["gateway"])?;
    let value = gateway.get(limits::KEY)?;
    if !limits::is_ours(value) || !limits::problems(&path, value).is_empty() {
        return None;
    }
    let value = take(gateway, limits::KEY);
    prune(root, "gateway");
    log.turned(&path, &at(&[limits::KEY]), "in openclaw-rs.json5");
    value
}

/// Brings a messenger into OpenClaw's form; returns what only this program knows of it.
fn channels(root: &mut Record, log: &mut Log) -> Option<Value> {
    if !record_at(root, &PLACE).is_some_and(is_seed) {
        return None;
    }
    let agents = agents(root);
    let path = at(&PLACE);
    let channel = record_at_mut(root, &PLACE)?;
    if let Some(token) = take(channel, TOKEN) {
        let (from, to) = (path.key(TOKEN), path.key("botToken"));
        if channel.contains_key("botToken") {
            log.superseded(&from, &to);
        } else {
            channel.insert("botToken".to_owned(), token);
            log.moved(&from, &to);
        }
    }
    let allow = senders(channel, log);
    let (routes, bindings) = routes(channel, &agents, log);
    if !bindings.is_empty() {
        let standing = root.get("bindings").and_then(Value::as_array).cloned();
        let all = standing.unwrap_or_default().into_iter().chain(bindings);
        root.insert("bindings".to_owned(), all.collect());
    }
    let mut telegram = Record::new();
    for (key, part) in [("allow", allow), ("routes", routes)] {
        if !part.is_empty() {
            telegram.insert(key.to_owned(), Value::from(part));
        }
    }
    (!telegram.is_empty()).then(|| json!({ "telegram": telegram }))
}

/// Tells whether a channel has the seed's form, and not a broken one of OpenClaw's.
fn is_seed(channel: &Record) -> bool {
    let has = |key: &str, fits: fn(&Value) -> bool| {
        array_at(channel, &[key]).is_some_and(|list| list.iter().any(fits))
    };
    channel.contains_key(TOKEN)
        || has(LIST, |rule| rule.get("kind").is_some())
        || has(ROUTES, |rule| {
            rule.get("match").is_some() && rule.get("target").is_some()
        })
}

fn agents(root: &Record) -> Vec<String> {
    let Some(agents) = record_at(root, &["agents"]) else {
        return Vec::new();
    };
    let keyed = record_at(agents, &["entries"])
        .map(keys)
        .unwrap_or_default();
    let list = array_at(agents, &["list"]).into_iter().flatten();
    let listed = list.filter_map(|agent| Some(text_at(agent.as_object()?, &["id"])?.to_owned()));
    keyed.into_iter().chain(listed).collect()
}

/// Returns the value of a rule as text; ids are written as numbers, too.
fn value_of(rule: &Value) -> Option<String> {
    match rule.get("value")? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Who may write, as the rules say it.
#[derive(Default)]
struct Senders {
    peers: Vec<String>,
    groups: Vec<String>,
    prefixes: Vec<Value>,
    /// `*` when everybody may.
    everybody: Option<&'static str>,
    /// Rules that cannot be understood; they stay where they are, and are a problem there.
    broken: Vec<Value>,
}

/// Brings the rules about senders into OpenClaw's form; returns those that have none.
fn senders(channel: &mut Record, log: &mut Log) -> Vec<Value> {
    let says_otherwise = ["dmPolicy", "groupPolicy", "allowFrom", "groups"];
    let listed = match channel.get(LIST) {
        Some(Value::Array(list)) => list.clone(),
        Some(_) => return Vec::new(),
        // Nobody may write to a bot of the seed's whose list is missing.
        None if says_otherwise.iter().any(|key| channel.contains_key(*key)) => return Vec::new(),
        None => Vec::new(),
    };
    let mut senders = Senders::default();
    for rule in listed {
        let kind = rule.get("kind").and_then(Value::as_str);
        match (kind, value_of(&rule)) {
            (Some("PeerId"), Some(peer)) => senders.peers.push(peer),
            (Some("GroupId"), Some(group)) => senders.groups.push(group),
            (Some("PeerIdPrefix"), Some(prefix)) => {
                let rule = json!({ "kind": "PeerIdPrefix", "value": prefix });
                senders.prefixes.push(rule);
            }
            (Some("Wildcard"), _) => senders.everybody = Some("*"),
            _ => senders.broken.push(rule),
        }
    }
    let path = at(&PLACE);
    let had_list = take(channel, LIST).is_some();
    senders.write(channel);
    if had_list {
        log.turned(
            &path.key(LIST),
            &path.key("allowFrom"),
            "with the policies that it means",
        );
    } else {
        log.set(
            &path.key("dmPolicy"),
            "to \"disabled\": nobody is on a list",
        );
    }
    let Senders {
        prefixes, broken, ..
    } = senders;
    if !broken.is_empty() {
        channel.insert(LIST.to_owned(), Value::from(broken));
    }
    prefixes
}

impl Senders {
    fn write(&self, channel: &mut Record) {
        let everybody = self.everybody.map(str::to_owned);
        let peers = self.peers.iter().cloned().chain(everybody).map(Value::from);
        let standing = array_at(channel, &["allowFrom"])
            .cloned()
            .unwrap_or_default();
        let allowed = unique(standing.into_iter().chain(peers));
        let direct = match self.everybody {
            Some(_) => "open",
            None if allowed.is_empty() && self.prefixes.is_empty() => "disabled",
            None => "allowlist",
        };
        let in_groups = match self.everybody {
            Some(_) => "open",
            None if allowed.is_empty() && self.groups.is_empty() => "disabled",
            None => "allowlist",
        };
        for (key, policy) in [("dmPolicy", direct), ("groupPolicy", in_groups)] {
            channel.entry(key).or_insert_with(|| Value::from(policy));
        }
        if !allowed.is_empty() {
            channel.insert("allowFrom".to_owned(), Value::from(allowed));
        }
        // Whoever writes in a group that is listed may do so, without naming the bot.
        let groups = self.groups.iter().map(String::as_str).chain(self.everybody);
        for group in groups {
            let own = made(channel, &["groups", group]);
            own.entry("groupPolicy")
                .or_insert_with(|| Value::from("open"));
            own.entry("requireMention").or_insert(Value::Bool(false));
        }
    }
}

/// Brings the rules about agents into OpenClaw's form; returns those that have none, and bindings.
///
/// A rule about words wins over every binding, so that the rules before it are kept with it.
fn routes(channel: &mut Record, agents: &[String], log: &mut Log) -> (Vec<Value>, Vec<Value>) {
    let path = at(&PLACE);
    let Some(listed) = array_at(channel, &[ROUTES]).cloned() else {
        return (Vec::new(), Vec::new());
    };
    let (mut known, broken): (Vec<Value>, Vec<Value>) = listed.into_iter().partition(is_route);
    known.sort_by_key(|rule| std::cmp::Reverse(priority(rule)));
    take(channel, ROUTES);
    log.turned(
        &path.key(ROUTES),
        &at(&["bindings"]),
        "as far as a binding can say it",
    );
    if !broken.is_empty() {
        channel.insert(ROUTES.to_owned(), Value::from(broken));
    }
    let is_about_words = |rule: &Value| ["Keyword", "Regex"].contains(&kind_of(rule));
    let last = known.iter().rposition(is_about_words);
    let own = known
        .iter()
        .take(last.map_or(0, |last| last + 1))
        .cloned()
        .collect();
    let bindings = known
        .iter()
        .filter_map(|rule| binding(rule, agents))
        .collect();
    (own, bindings)
}

fn kind_of(rule: &Value) -> &str {
    let kind = rule.get("match").and_then(|own| own.get("kind"));
    kind.and_then(Value::as_str).unwrap_or_default()
}

fn priority(rule: &Value) -> i64 {
    rule.get("priority")
        .and_then(Value::as_i64)
        .unwrap_or_default()
}

fn is_route(rule: &Value) -> bool {
    let target = rule.get("target").and_then(Value::as_str);
    let has_value = rule.get("match").and_then(value_of).is_some();
    let priority = rule.get("priority");
    let is_known = match kind_of(rule) {
        "Always" => true,
        "PeerId" | "Keyword" | "Regex" => has_value,
        _ => false,
    };
    is_known
        && target.is_some_and(|target| !target.trim().is_empty())
        && priority.is_none_or(Value::is_i64)
}

/// Returns the binding that says the same as a rule.
fn binding(rule: &Value, agents: &[String]) -> Option<Value> {
    let target = rule.get("target")?.as_str()?.trim();
    let whole = json!({ "channel": "telegram", "accountId": "*" });
    let rule = match kind_of(rule) {
        "PeerId" => {
            let peer = value_of(rule.get("match")?)?;
            let kind = if peer.starts_with('-') {
                "group"
            } else {
                "direct"
            };
            json!({ "channel": "telegram", "peer": { "kind": kind, "id": peer } })
        }
        "Always" if target != DEFAULT_AGENT || is_agent(agents, target) => whole,
        _ => return None,
    };
    Some(json!({ "agentId": target, "match": rule }))
}

fn is_agent(agents: &[String], name: &str) -> bool {
    agents.iter().any(|agent| agent == name)
}
