//! Tools that were set up and allowed, but that a profile took away again.
//!
//! A profile and a list of allowed tools both had to allow a tool. Where a tool was set up and
//! listed, and only the profile took it away, the list says everything now.

use serde_json::Value;

use super::catalog::{expanded, is_built_in, profile};
use super::conflicts::of_provider;
use super::policy::allows;
use crate::migration::log::{Log, at};
use crate::migration::scope::Scope;
use crate::migration::tree::{
    Record, is_blocked, keys, record_at, record_at_mut, take, text_at, texts, unique,
};
use crate::problem::KeyPath;

/// What setting up a part of the tools is meant to allow.
const SECTIONS: [(&str, &[&str]); 2] = [
    ("exec", &["exec", "process"]),
    ("fs", &["read", "write", "edit"]),
];

/// What a list of tools takes from another one.
#[derive(Clone, Debug, Default)]
struct Inherited {
    profile: Option<String>,
    also: Option<Vec<String>>,
}

/// Lets lists allow what was set up and listed.
pub(in crate::migration) fn all(root: &mut Record, log: &mut Log) {
    let global = record_at(root, &["tools"]).cloned().unwrap_or_default();
    let inherited = Inherited {
        profile: text_at(&global, &["profile"]).map(str::to_owned),
        also: Some(texts(global.get("alsoAllow")).unwrap_or_default()),
    };
    if let Some(tools) = record_at_mut(root, &["tools"]) {
        let path = at(&["tools"]);
        let configured = sections(tools);
        allow(tools, &path, (&Inherited::default(), &configured), log);
        let of_tools = Inherited {
            also: None,
            ..inherited.clone()
        };
        providers(tools, (&path, None), (&of_tools, &configured), log);
    }
    let settled = record_at(root, &["tools"]).cloned().unwrap_or_default();
    Scope::Agents.visit(root, &mut |agent, path| {
        let Some(tools) = record_at_mut(agent, &["tools"]) else {
            return;
        };
        let path = path.key("tools");
        let own = sections(tools);
        let shared = sections(&global).into_iter();
        let shared = shared.filter(|_| text_at(tools, &["profile"]).is_none());
        let configured = unique(shared.chain(own));
        allow(tools, &path, (&inherited, &configured), log);
        let of_tools = Inherited {
            profile: text_at(tools, &["profile"])
                .map(str::to_owned)
                .or_else(|| inherited.profile.clone()),
            also: None,
        };
        providers(
            tools,
            (&path, Some(&settled)),
            (&of_tools, &configured),
            log,
        );
    });
}

fn sections(tools: &Record) -> Vec<String> {
    let set_up = SECTIONS
        .iter()
        .filter(|(key, _)| record_at(tools, &[key]).is_some());
    let names = set_up.flat_map(|(_, tools)| tools.iter().map(|tool| (*tool).to_owned()));
    names.collect()
}

fn providers(
    tools: &mut Record,
    (path, global): (&KeyPath, Option<&Record>),
    (inherited, configured): (&Inherited, &[String]),
    log: &mut Log,
) {
    if configured.is_empty() {
        return;
    }
    let named = record_at(tools, &["byProvider"])
        .map(keys)
        .unwrap_or_default();
    for key in named.into_iter().filter(|key| !is_blocked(key)) {
        let global = global.map(|global| (at(&["tools"]), global));
        let context = super::conflicts::provider_key(&key);
        let shared = global
            .as_ref()
            .and_then(|global| of_provider(global, &context));
        let shared = shared.map(|(_, policy)| policy);
        let of_shared = shared.and_then(|policy| text_at(policy, &["profile"]));
        let Some(policy) = record_at_mut(tools, &["byProvider", &key]) else {
            continue;
        };
        if text_at(policy, &["profile"]).is_none() && of_shared.is_none() {
            continue;
        }
        let inherited = Inherited {
            profile: of_shared
                .map(str::to_owned)
                .or_else(|| inherited.profile.clone()),
            also: shared.and_then(|policy| texts(policy.get("alsoAllow"))),
        };
        let path = path.key("byProvider").key(&key);
        allow(policy, &path, (&inherited, configured), log);
    }
}

/// Lets one list allow everything that is meant, and its profile nothing less.
fn allow(
    tools: &mut Record,
    path: &KeyPath,
    (inherited, configured): (&Inherited, &[String]),
    log: &mut Log,
) {
    let own = text_at(tools, &["profile"]).or(inherited.profile.as_deref());
    let Some(name) = own.filter(|name| !name.is_empty() && *name != "full") else {
        return;
    };
    let listed = texts(tools.get("allow")).unwrap_or_default();
    let also = texts(tools.get("alsoAllow"));
    let besides = also
        .clone()
        .or_else(|| inherited.also.clone())
        .unwrap_or_default();
    let of_profile = profile(name).map(|tools| unique(tools.into_iter().chain(besides)));
    let explicit = unique(listed.iter().cloned().chain(also.iter().flatten().cloned()));
    if listed.is_empty() {
        return;
    }
    let is_lost = |tool: &&String| {
        let is_kept = of_profile.as_ref().is_none_or(|list| allows(list, tool));
        let is_besides = also.as_ref().is_some_and(|also| allows(also, tool));
        allows(&explicit, tool) && (!is_kept || is_besides)
    };
    let lost = unique(configured.iter().filter(is_lost).cloned());
    if lost.is_empty() {
        return;
    }
    let of_profile = expanded(&of_profile.unwrap_or_default());
    let listed = expanded(&explicit);
    let built_in: Vec<String> = if of_profile.iter().any(|tool| tool == "*") {
        listed.clone()
    } else {
        of_profile
            .iter()
            .filter(|tool| allows(&explicit, tool))
            .cloned()
            .collect()
    };
    let is_other = |entry: &String| {
        let one = std::slice::from_ref(entry);
        entry != "*" && !is_built_in(entry) && !of_profile.iter().any(|tool| allows(one, tool))
    };
    let others = listed.into_iter().filter(is_other);
    let all = unique(built_in.into_iter().chain(others).chain(lost));
    tools.insert("allow".to_owned(), Value::from(all));
    let why = "to what was meant: what is set up and listed is allowed";
    log.set(&path.key("allow"), why);
    if take(tools, "alsoAllow").is_some() {
        log.merged(&path.key("alsoAllow"), &path.key("allow"));
    }
    tools.insert("profile".to_owned(), Value::from("full"));
    log.set(
        &path.key("profile"),
        "to \"full\", so that the list says everything",
    );
}
