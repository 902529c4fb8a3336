//! `tools.sandbox.tools`: what may be called where commands are confined.
//!
//! OpenClaw has these lists wherever an agent is in its sandbox. Here every agent is, so they count
//! from when the config has some: what they leave out is what OpenClaw leaves out then.

use openclaw_core::tool_rules::{Entry, Lists, Pattern, Place};

use super::lists::{ALLOW, ALSO_ALLOW, DENY, Lookup, entry_of};
use crate::problem::KeyPath;

/// What is allowed where the lists do not say so themselves.
const DEFAULT_ALLOW: [&str; 16] = [
    "exec",
    "process",
    "read",
    "ls",
    "write",
    "edit",
    "apply_patch",
    IMAGE,
    "sessions_list",
    "sessions_history",
    "sessions_search",
    "sessions_send",
    "sessions_spawn",
    "sessions_yield",
    "subagents",
    "session_status",
];

/// What is denied where the lists do not say so themselves, nor allow it.
const DEFAULT_DENY: [&str; 7] = [
    "browser",
    "canvas",
    "computer",
    "mobile_ui",
    "nodes",
    "automations",
    "gateway",
];

/// Is allowed beside whatever else is, unless it is denied.
const IMAGE: &str = "view_image";

/// Reads the lists of an agent, or of nobody in particular.
pub(super) fn read(lookup: &Lookup<'_>, agent: Option<&str>) -> Option<Lists> {
    let shared = vec!["tools", "sandbox", "tools"];
    let own = agent.map(|id| vec!["agents", "entries", id, "tools", "sandbox", "tools"]);
    let places: Vec<Vec<&str>> = own.into_iter().chain([shared]).collect();
    // The nearest place that has a list counts, for each list by itself.
    let list = |key: &'static str| {
        places.iter().find_map(|keys| {
            let path: KeyPath = keys.iter().copied().collect();
            let list = lookup.list(&path.key(key), lookup.raw(keys)?.get(key))?;
            Some((path, list))
        })
    };
    let (allow, also, deny) = (list(ALLOW), list(ALSO_ALLOW), list(DENY));
    let said = [&allow, &also, &deny].into_iter().flatten().next()?;
    let place = lookup.place(&said.0);
    let allow = allow.map(|(_, list)| list);
    let also = also.map_or_else(Vec::new, |(_, list)| list);
    let deny = deny.map_or_else(
        || {
            default_deny(
                &place,
                &[allow.as_deref().unwrap_or_default(), &also].concat(),
            )
        },
        |(_, list)| list,
    );
    Some(Lists {
        allow: Some(allowed(&place, allow, also, &deny)),
        also_allow: None,
        deny,
        place,
    })
}

/// An empty list allows everything, also when others are named beside it.
fn allowed(
    place: &Place,
    allow: Option<Vec<Entry>>,
    also: Vec<Entry>,
    deny: &[Entry],
) -> Vec<Entry> {
    let mut allow = match allow {
        Some(allow) if allow.is_empty() => return allow,
        Some(allow) => allow,
        None => usual(place, &DEFAULT_ALLOW),
    };
    allow.extend(also);
    let names = |list: &[Entry]| {
        let exact = Pattern::exact(IMAGE);
        list.iter().any(|entry| entry.tools.contains(&exact))
    };
    if !names(deny) && !names(&allow) {
        allow.extend(entry_of(IMAGE, place.file.clone()));
    }
    allow
}

fn default_deny(place: &Place, allowed: &[Entry]) -> Vec<Entry> {
    let mut deny = usual(place, &DEFAULT_DENY);
    deny.retain(|entry| allowed.iter().all(|other| !other.names(&entry.written)));
    deny
}

fn usual(place: &Place, tools: &[&str]) -> Vec<Entry> {
    let entries = tools.iter();
    entries
        .filter_map(|tool| entry_of(tool, place.file.clone()))
        .collect()
}
