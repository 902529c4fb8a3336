//! Lists of tools that say both what is allowed, and what is allowed besides.
//!
//! Both are not valid together. They become one list where that changes nothing about what any
//! agent may use; elsewhere they are left for their owner.

use serde_json::Value;

use super::catalog::{policy_names, profile};
use super::policy::{ROOTS, allows, is_policy, walk};
use crate::migration::log::{Log, at, below};
use crate::migration::scope::Scope;
use crate::migration::tree::{Record, array_at, folded, keys, record_at, texts, unique};
use crate::problem::KeyPath;

/// Makes one list of two where that changes nothing.
pub(in crate::migration) fn all(root: &mut Record, log: &mut Log) {
    let consumers = consumers(root);
    for area in ROOTS {
        let Some(value) = root.get_mut(area) else {
            continue;
        };
        walk(value, &at(&[area]), &mut |own, path| {
            let keys = path.segments();
            if keys.ends_with(&["tools".to_owned(), "sandbox".to_owned()]) {
                return false;
            }
            if let Some((allow, also)) = lists(own).filter(|_| is_policy(path)) {
                let mut profiles = consumers.iter().filter(|(own, _)| own == path);
                if profiles.all(|(_, profile)| needs_none(profile.as_ref(), &also)) {
                    let allow = unique(allow.into_iter().chain(also));
                    own.insert("allow".to_owned(), Value::from(allow));
                    own.insert("alsoAllow".to_owned(), Value::Array(Vec::new()));
                    log.merged(&path.key("alsoAllow"), &path.key("allow"));
                }
            }
            true
        });
    }
}

/// Returns both lists, if both say something.
fn lists(own: &Record) -> Option<(Vec<String>, Vec<String>)> {
    let list = |key: &str| {
        let list = texts(own.get(key))?;
        let is_whole = own.get(key)?.as_array()?.len() == list.len();
        (is_whole && !list.is_empty()).then_some(list)
    };
    Some((list("allow")?, list("alsoAllow")?))
}

/// Tells whether a profile allows by itself what is allowed besides.
fn needs_none(name: Option<&Value>, also: &[String]) -> bool {
    let name = match name {
        None | Some(Value::Null) => return true,
        Some(name) => name.as_str(),
    };
    let Some(allowed) = name.and_then(profile) else {
        return false;
    };
    let also = policy_names(also);
    // Reading the gateway's config is a right that only a list of its own gives.
    let reads_config = !also.is_empty() && allows(&also, "gateway");
    allowed.iter().any(|tool| tool == "*")
        || (!reads_config && also.iter().all(|tool| allowed.contains(tool)))
}

/// Where a list of what is allowed besides stands, and a profile that it is added to.
type Consumer = (KeyPath, Option<Value>);

fn consumers(root: &mut Record) -> Vec<Consumer> {
    let mut agents: Vec<(KeyPath, Record)> = Vec::new();
    Scope::Agents.visit(root, &mut |agent, path| {
        if let Some(tools) = record_at(agent, &["tools"]) {
            agents.push((path.key("tools"), tools.clone()));
        }
    });
    let roster = record_at(root, &["agents"]);
    let has_roster =
        roster.is_some_and(|own| own.contains_key("entries") || own.contains_key("list"));
    let place = ["agents", "defaults", "tools"];
    if let Some(tools) = record_at(root, &place).filter(|_| !has_roster) {
        agents.push((at(&place), tools.clone()));
    }
    let global = record_at(root, &["tools"]).map(|tools| (at(&["tools"]), tools));
    let mut found = Vec::new();
    let one = [None].into_iter();
    for agent in one.chain(
        agents
            .iter()
            .map(|(path, tools)| Some((path.clone(), tools))),
    ) {
        found.extend(consumer(global.as_ref(), agent.as_ref()));
        let by_provider = |policy: Option<&(KeyPath, &Record)>| {
            policy
                .and_then(|(_, tools)| record_at(tools, &["byProvider"]))
                .map(keys)
        };
        let named = [by_provider(global.as_ref()), by_provider(agent.as_ref())];
        let named = named.into_iter().flatten().flatten();
        let contexts = named.flat_map(|key| {
            let key = provider_key(&key);
            let provider = key.split('/').next().unwrap_or_default().to_owned();
            [key, provider]
        });
        for context in unique(contexts) {
            let global = global
                .as_ref()
                .and_then(|policy| of_provider(policy, &context));
            let agent = agent
                .as_ref()
                .and_then(|policy| of_provider(policy, &context));
            found.extend(consumer(global.as_ref(), agent.as_ref()));
        }
    }
    found
}

fn consumer(
    global: Option<&(KeyPath, &Record)>,
    agent: Option<&(KeyPath, &Record)>,
) -> Option<Consumer> {
    let supplies = |(_, policy): &&(KeyPath, &Record)| array_at(policy, &["alsoAllow"]).is_some();
    let (path, _) = agent.filter(supplies).or(global.filter(supplies))?;
    let profile = |policy: Option<&(KeyPath, &Record)>| {
        let profile = policy.and_then(|(_, policy)| policy.get("profile"));
        profile.filter(|profile| !profile.is_null()).cloned()
    };
    Some((path.clone(), profile(agent).or_else(|| profile(global))))
}

/// Returns a provider's name, or a model's with its provider, as policies are found by.
pub(super) fn provider_key(key: &str) -> String {
    let key = folded(key);
    match key.split_once('/') {
        Some((provider, model)) if !provider.is_empty() => {
            let provider = provider.trim();
            if model.is_empty() {
                provider.to_owned()
            } else {
                format!("{provider}/{model}")
            }
        }
        _ => key,
    }
}

/// Returns the policy of a provider or a model, and where it stands.
pub(super) fn of_provider<'a>(
    (path, tools): &(KeyPath, &'a Record),
    context: &str,
) -> Option<(KeyPath, &'a Record)> {
    let policies = record_at(tools, &["byProvider"])?;
    let provider = context.split('/').next().unwrap_or_default();
    [context, provider].into_iter().find_map(|wanted| {
        let fitting = policies.iter().filter_map(|(key, policy)| {
            let policy = policy.as_object()?;
            (!wanted.is_empty() && provider_key(key) == wanted).then_some((key, policy))
        });
        let fitting: Vec<_> = fitting.collect();
        let exact = fitting.iter().find(|(key, _)| folded(key) == wanted);
        let (key, policy) = exact.or(fitting.first())?;
        Some((below(path, &["byProvider", key]), *policy))
    })
}
