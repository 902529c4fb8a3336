//! What the groups of QQ may do.

use serde_json::{Value, json};

use crate::migration::log::Log;
use crate::migration::tree::{Record, array_at, record_at, record_at_mut, take, text_at};
use crate::problem::KeyPath;

/// What a group may do, from the narrowest.
const PERMITS: [&str; 3] = ["none", "restricted", "full"];

/// What a group may do is one word.
pub(super) fn tools(entry: &mut Record, path: &KeyPath, log: &mut Log) {
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

/// A group's commands have no level any more; where one was narrow, the groups are off.
pub(super) fn commands(
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
