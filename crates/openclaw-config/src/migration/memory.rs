//! The search of memories: where it is set, and what was retired with the QMD engine.

use serde_json::{Value, json};

use super::log::{Log, at, below};
use super::scope::Scope;
use super::table::{Merge, Retired, Which};
use super::tree::{
    Record, fill, folded, made, record_at, record_at_mut, take, text_at, trimmed, unique,
};
use crate::problem::KeyPath;

/// The search of memories belongs to `memory`.
pub(super) const MERGED: &[Merge] = &[
    Merge {
        scope: Scope::Root,
        from: &["agents", "defaults", "memorySearch"],
        to: &["memory", "search"],
    },
    Merge {
        scope: Scope::Root,
        from: &["memorySearch"],
        to: &["memory", "search"],
    },
    Merge {
        scope: Scope::Agents,
        from: &["memorySearch"],
        to: &["memory", "search"],
    },
];

/// What the search of memories no longer has.
pub(super) const RETIRED: &[Retired] = &[Retired::at(
    Scope::RootAndAgents,
    &["memory", "search", "store", "path"],
    "each agent's database holds its index",
)
.only(Which::Texts)];

const SEARCH: [&str; 2] = ["memory", "search"];

/// Three settings stand in groups now.
pub(super) fn grouped(root: &mut Record, log: &mut Log) {
    const GROUPED: [(&str, &str, &str); 3] = [
        ("chunkSize", "chunking", "tokens"),
        ("chunkOverlap", "chunking", "overlap"),
        ("maxResults", "query", "maxResults"),
    ];
    Scope::RootAndAgents.visit(root, &mut |record, path| {
        let Some(search) = record_at_mut(record, &SEARCH) else {
            return;
        };
        let path = below(path, &SEARCH);
        for (key, group, name) in GROUPED {
            let Some(value) = take(search, key) else {
                continue;
            };
            let (from, to) = (path.key(key), below(&path, &[group, name]));
            match search.get_mut(group) {
                None => {
                    search.insert(group.to_owned(), json!({ name: value }));
                    log.moved(&from, &to);
                }
                Some(Value::Object(group)) if !group.contains_key(name) => {
                    group.insert(name.to_owned(), value);
                    log.moved(&from, &to);
                }
                Some(_) => log.superseded(&from, &to),
            }
        }
    });
}

/// The provider that was found by itself was OpenAI's.
pub(super) fn provider(root: &mut Record, log: &mut Log) {
    Scope::RootAndAgents.visit(root, &mut |record, path| {
        let search = record_at_mut(record, &SEARCH);
        let auto = search.filter(|search| {
            text_at(search, &["provider"]).is_some_and(|provider| folded(provider) == "auto")
        });
        if let Some(search) = auto {
            search.insert("provider".to_owned(), Value::from("openai"));
            let path = below(&below(path, &SEARCH), &["provider"]);
            log.renamed(&path, "auto", "openai");
        }
    });
}

const NO_QMD: &str = "the QMD engine is gone";

/// Keeps what the QMD engine was told to search, and removes the engine.
pub(super) fn qmd(root: &mut Record, log: &mut Log) {
    let engine = record_at(root, &["memory", "qmd"]).cloned();
    let search = record_at(root, &["memory", "search", "qmd"]).cloned();
    let in_search = at(&["memory", "search"]);
    for (from, qmd) in [
        (at(&["memory", "qmd"]), &engine),
        (at(&["memory", "search", "qmd"]), &search),
    ] {
        index_sessions(root, (&from, &in_search), qmd.as_ref(), log);
    }
    let paths = engine.as_ref().and_then(|qmd| qmd.get("paths"));
    let collections = search.as_ref().and_then(|qmd| qmd.get("extraCollections"));
    let external = [paths, collections].map(external_paths).concat();
    search_paths(root, (&at(&["memory", "qmd"]), &in_search), external, log);
    for keys in [&["backend"][..], &["qmd"], &["search", "qmd"]] {
        let path: Vec<&str> = ["memory"].iter().chain(keys).copied().collect();
        remove_pruned(root, &path, &KeyPath::root(), log);
    }
    default_qmd(root, log);
    Scope::Agents.visit(root, &mut |agent, path| {
        let qmd = record_at(agent, &["memory", "search", "qmd"]).cloned();
        let (from, to) = (
            below(path, &["memory", "search", "qmd"]),
            below(path, &SEARCH),
        );
        keep_qmd(agent, (&from, &to), qmd.as_ref(), log);
        remove_pruned(agent, &["memory", "search", "qmd"], path, log);
    });
}

/// What stood in the defaults of agents is said once for all of them now.
fn default_qmd(root: &mut Record, log: &mut Log) {
    let Some(defaults) = record_at_mut(root, &["agents", "defaults"]) else {
        return;
    };
    let path = at(&["agents", "defaults"]);
    let search = record_at(defaults, &SEARCH).cloned();
    let Some(mut search) = search.filter(|search| search.contains_key("qmd")) else {
        return;
    };
    take(defaults, "memory");
    let qmd = take(&mut search, "qmd");
    let from = below(&path, &["memory", "search", "qmd"]);
    log.removed(&from, NO_QMD);
    if !search.is_empty() {
        log.merged(&below(&path, &SEARCH), &at(&SEARCH));
    }
    fill(made(root, &SEARCH), search);
    let qmd = qmd.as_ref().and_then(Value::as_object);
    keep_qmd(root, (&from, &at(&SEARCH)), qmd, log);
}

fn keep_qmd(
    record: &mut Record,
    places: (&KeyPath, &KeyPath),
    qmd: Option<&Record>,
    log: &mut Log,
) {
    index_sessions(record, places, qmd, log);
    let external = external_paths(qmd.and_then(|qmd| qmd.get("extraCollections")));
    search_paths(record, places, external, log);
}

fn remove_pruned(record: &mut Record, path: &[&str], here: &KeyPath, log: &mut Log) {
    let Some((last, parents)) = path.split_last() else {
        return;
    };
    let owner = record_at_mut(record, parents);
    if owner.and_then(|owner| take(owner, last)).is_none() {
        return;
    }
    log.removed(&below(here, path), NO_QMD);
    let mut rest = parents;
    while let Some((last, parents)) = rest.split_last() {
        if let Some(owner) = record_at_mut(record, parents) {
            super::tree::prune(owner, last);
        }
        rest = parents;
    }
}

/// Sessions stay searchable when the engine was told to index them.
fn index_sessions(
    record: &mut Record,
    (from, to): (&KeyPath, &KeyPath),
    qmd: Option<&Record>,
    log: &mut Log,
) {
    let sessions = qmd.and_then(|qmd| record_at(qmd, &["sessions"]));
    if sessions.and_then(|sessions| sessions.get("enabled")) != Some(&Value::Bool(true)) {
        return;
    }
    let search = made(record, &SEARCH);
    let before = search.clone();
    if search.get("experimental").is_none_or(Value::is_object) {
        let experimental = made(search, &["experimental"]);
        experimental
            .entry("sessionMemory")
            .or_insert(Value::Bool(true));
    }
    match search.get_mut("sources") {
        None => {
            search.insert("sources".to_owned(), json!(["memory", "sessions"]));
        }
        Some(Value::Array(sources)) if sources.is_empty() => {
            *sources = vec![Value::from("memory"), Value::from("sessions")];
        }
        Some(Value::Array(sources)) if !sources.contains(&Value::from("sessions")) => {
            sources.push(Value::from("sessions"));
        }
        Some(_) => {}
    }
    if *search != before {
        let from = below(from, &["sessions", "enabled"]);
        log.turned(&from, &to.key("sources"), "and turned its indexing on");
    }
}

/// Returns the folders and files that the engine was told to search besides its own.
fn external_paths(value: Option<&Value>) -> Vec<Value> {
    let entries = value.and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .filter_map(|entry| {
            let path = trimmed(entry, "path")?;
            Some(match trimmed(entry, "pattern") {
                Some(pattern) => json!({ "path": path, "pattern": pattern }),
                None => Value::from(path),
            })
        })
        .collect()
}

fn search_paths(
    record: &mut Record,
    (from, to): (&KeyPath, &KeyPath),
    external: Vec<Value>,
    log: &mut Log,
) {
    if external.is_empty() {
        return;
    }
    let search = made(record, &SEARCH);
    let standing = search.get("extraPaths").and_then(Value::as_array);
    let standing = standing
        .into_iter()
        .flatten()
        .filter_map(|entry| match entry {
            Value::String(path) if !path.trim().is_empty() => Some(Value::from(path.trim())),
            Value::Object(_) => external_paths(Some(&json!([entry]))).pop(),
            _ => None,
        });
    let standing = unique(standing);
    let before = standing.len();
    let paths = unique(standing.into_iter().chain(external));
    if paths.len() > before {
        search.insert("extraPaths".to_owned(), Value::from(paths));
        log.turned(
            from,
            &to.key("extraPaths"),
            "as far as it named other folders",
        );
    }
}
