//! The providers that Codex had of its own, which are OpenAI's.

use serde_json::Value;

use crate::migration::log::{Log, at};
use crate::migration::scope::Scope;
use crate::migration::tree::{
    Record, array_at, fill, folded, keys, record_at, record_at_mut, take, text_at, value_at,
};
use crate::problem::KeyPath;

const OPENAI: &str = "openai";
const CODEX: &str = "codex";
const OLD_API: &str = "openai-codex-responses";
const NEW_API: &str = "openai-chatgpt-responses";
const PROVIDERS: [&str; 2] = ["models", "providers"];

/// What a provider sets for all its models, and a model cannot set for itself.
const OF_PROVIDER: [&str; 9] = [
    "apiKey",
    "auth",
    "request",
    "timeoutSeconds",
    "region",
    "injectNumCtxForOpenAICompat",
    "localService",
    "headers",
    "authHeader",
];

/// What OpenAI's provider would set for models that are added to it.
const OF_OPENAI: [&str; 14] = [
    "apiKey",
    "auth",
    "contextWindow",
    "contextTokens",
    "maxTokens",
    "timeoutSeconds",
    "region",
    "injectNumCtxForOpenAICompat",
    "params",
    "agentRuntime",
    "localService",
    "headers",
    "authHeader",
    "request",
];

fn is_codex(provider: &str) -> bool {
    ["codex", "openai-codex"].contains(&folded(provider).as_str())
}

/// Moves Codex's providers to OpenAI's, where that changes nothing for any model.
pub(in crate::migration) fn providers(root: &mut Record, log: &mut Log) {
    let kept = wildcards(root);
    let Some(providers) = record_at_mut(root, &PROVIDERS) else {
        return;
    };
    for id in keys(providers) {
        let path = at(&PROVIDERS).key(&id);
        let is_kept = is_codex(&id) && kept.contains(&folded(&id));
        let Some(provider) = record_at_mut(providers, &[&id]).filter(|_| !is_kept) else {
            continue;
        };
        rename_api(provider, &path, log);
        if !is_codex(&id) {
            continue;
        }
        let moved = provider.clone();
        let openai = keys(providers)
            .into_iter()
            .find(|key| folded(key) == OPENAI);
        let Some(openai) = openai else {
            let moved = with_runtimes(&id, moved);
            providers.insert(OPENAI.to_owned(), Value::Object(moved));
            take(providers, &id);
            log.moved(&path, &at(&PROVIDERS).key(OPENAI));
            continue;
        };
        let target = record_at(providers, &[&openai])
            .cloned()
            .unwrap_or_default();
        let added = added_models(&target, &moved);
        if collides(&target, &moved, &id) || (!added.is_empty() && is_blocked(&target, &moved)) {
            continue;
        }
        let to = at(&PROVIDERS).key(&openai);
        if added.is_empty() {
            log.superseded(&path, &to);
        } else {
            let added = added.into_iter().map(|model| merged(model, &moved, &id));
            let standing = array_at(&target, &["models"]).cloned().unwrap_or_default();
            let models: Vec<Value> = standing
                .into_iter()
                .chain(added.map(Value::Object))
                .collect();
            let mut target = target;
            target.insert("models".to_owned(), Value::from(models));
            providers.insert(openai, Value::Object(target));
            log.merged(&path, &to);
        }
        take(providers, &id);
    }
}

/// Returns Codex's providers of which every model may be chosen: moving them would allow more.
fn wildcards(root: &mut Record) -> Vec<String> {
    let mut found = Vec::new();
    Scope::AgentsAndDefaults.visit(root, &mut |agent, _| {
        let allow = array_at(agent, &["modelPolicy", "allow"]);
        for entry in allow.into_iter().flatten().filter_map(Value::as_str) {
            let provider = entry.trim().strip_suffix("/*").map(folded);
            found.extend(provider.filter(|provider| is_codex(provider)));
        }
    });
    found
}

fn rename_api(provider: &mut Record, path: &KeyPath, log: &mut Log) {
    let mut rename = |owner: &mut Record, path: &KeyPath| {
        if text_at(owner, &["api"]) == Some(OLD_API) {
            owner.insert("api".to_owned(), Value::from(NEW_API));
            log.renamed(&path.key("api"), OLD_API, NEW_API);
        }
    };
    rename(provider, path);
    let models = provider.get_mut("models").and_then(Value::as_array_mut);
    for (index, model) in models.into_iter().flatten().enumerate() {
        if let Some(model) = model.as_object_mut() {
            rename(model, &path.key("models").index(index));
        }
    }
}

fn models(provider: &Record) -> Vec<&Record> {
    let models = array_at(provider, &["models"]).into_iter().flatten();
    models.filter_map(Value::as_object).collect()
}

fn name_of(model: &Record) -> Option<(&'static str, &str)> {
    let named = |key| text_at(model, &[key]).filter(|name| !name.is_empty());
    match named("id") {
        Some(id) => Some(("id", id)),
        None => Some(("name", named("name")?)),
    }
}

/// Returns the models of Codex that OpenAI's provider does not have.
fn added_models<'a>(openai: &Record, codex: &'a Record) -> Vec<&'a Record> {
    let has = |(key, name): (&str, &str)| {
        models(openai)
            .iter()
            .any(|model| text_at(model, &[key]) == Some(name))
    };
    let is_new = |model: &&Record| name_of(model).is_some_and(|name| !has(name));
    models(codex).into_iter().filter(is_new).collect()
}

/// Tells whether both providers have a model that differs.
fn collides(openai: &Record, codex: &Record, id: &str) -> bool {
    let same_defaults = OF_PROVIDER
        .iter()
        .all(|key| openai.get(*key) == codex.get(*key));
    models(codex).into_iter().any(|model| {
        let Some((key, name)) = name_of(model) else {
            return false;
        };
        let moved = merged(model, codex, id);
        let mut twins = models(openai).into_iter();
        twins.any(|twin| {
            let is_twin = text_at(twin, &[key]) == Some(name);
            is_twin && !(same_defaults && merged(twin, openai, OPENAI) == moved)
        })
    })
}

fn is_blocked(openai: &Record, codex: &Record) -> bool {
    OF_PROVIDER.iter().any(|key| codex.contains_key(*key))
        || OF_OPENAI.iter().any(|key| openai.contains_key(*key))
}

/// Returns a model with what its provider set for it.
fn merged(model: &Record, provider: &Record, id: &str) -> Record {
    let mut model = model.clone();
    let is_listed = is_listed_by_command(&model, id);
    let runtime = runtime_of(&model, provider, id);
    for key in ["baseUrl", "api"] {
        let own = text_at(&model, &[key]).unwrap_or_default();
        let of_provider = text_at(provider, &[key]).filter(|value| !value.is_empty());
        if let Some(value) = of_provider.filter(|_| own.is_empty()) {
            let value = Value::from(value);
            model.insert(key.to_owned(), value);
        }
    }
    for key in ["contextWindow", "contextTokens", "maxTokens"] {
        if let Some(value) = provider.get(key).filter(|value| value.is_number()) {
            model.entry(key).or_insert(value.clone());
        }
    }
    if let Some(defaults) = record_at(provider, &["params"]) {
        match model.get_mut("params") {
            None => {
                model.insert("params".to_owned(), Value::Object(defaults.clone()));
            }
            Some(Value::Object(own)) => {
                for (key, value) in defaults {
                    own.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
            Some(_) => {}
        }
    }
    let own_runtime = record_at(provider, &["agentRuntime"]);
    if let Some(runtime) = runtime {
        model.insert("agentRuntime".to_owned(), Value::Object(runtime));
    } else if let Some(runtime) = own_runtime {
        let runtime = Value::Object(runtime.clone());
        model.entry("agentRuntime").or_insert(runtime);
    }
    if is_listed {
        let source = Value::from("models-add");
        model.entry("metadataSource").or_insert(source);
    }
    model
}

fn with_runtimes(id: &str, mut provider: Record) -> Record {
    let whole = provider.clone();
    let models = provider.get_mut("models").and_then(Value::as_array_mut);
    for model in models
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        if let Some(runtime) = runtime_of(model, &whole, id) {
            model.insert("agentRuntime".to_owned(), Value::Object(runtime));
        }
    }
    provider
}

/// What a model of Codex runs on has to be said, once it is no model of Codex any more.
fn runtime_of(model: &Record, provider: &Record, id: &str) -> Option<Record> {
    if folded(id) != CODEX {
        return None;
    }
    let as_codex = |runtime: Option<&Record>| {
        let own = Record::from_iter([("id".to_owned(), Value::from(CODEX))]);
        let mut runtime = runtime.cloned().unwrap_or_default();
        take(&mut runtime, "id");
        fill(&mut runtime, own);
        runtime
    };
    let named = |owner: &Record| {
        let id = value_at(owner, &["agentRuntime", "id"]).and_then(Value::as_str);
        id.map(folded).filter(|id| !id.is_empty())
    };
    match named(model).as_deref() {
        Some("auto") => Some(as_codex(record_at(model, &["agentRuntime"]))),
        Some(_) => None,
        None => {
            let runtime = record_at(provider, &["agentRuntime"]);
            match named(provider).as_deref() {
                Some("auto") | None => Some(as_codex(runtime)),
                Some(_) => runtime.cloned(),
            }
        }
    }
}

/// Tells whether a model was listed by the command that adds models, and never edited.
fn is_listed_by_command(model: &Record, provider: &str) -> bool {
    const NUMBERS: [(&[&str], f64); 7] = [
        (&["cost", "input"], 5.0),
        (&["cost", "output"], 30.0),
        (&["cost", "cacheRead"], 0.5),
        (&["cost", "cacheWrite"], 0.0),
        (&["contextWindow"], 400_000.0),
        (&["contextTokens"], 272_000.0),
        (&["maxTokens"], 128_000.0),
    ];
    let id = text_at(model, &["id"]).map(folded).unwrap_or_default();
    let api = text_at(model, &["api"]).unwrap_or_default();
    let numbers = NUMBERS
        .iter()
        .all(|(path, number)| value_at(model, path).and_then(Value::as_f64) == Some(*number));
    is_codex(provider)
        && ["gpt-5.5", "gpt-5.5-pro"].contains(&id.as_str())
        && [OLD_API, NEW_API].contains(&api)
        && model.get("reasoning") == Some(&Value::Bool(true))
        && model.get("input") == Some(&serde_json::json!(["text", "image"]))
        && numbers
}
