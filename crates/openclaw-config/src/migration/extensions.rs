//! Plugins that come with OpenClaw: each brings its own settings into the current form.

use serde_json::{Value, json};

use super::address::Address;
use super::log::{Log, at, below};
use super::models::refs::split;
use super::scope::Scope;
use super::table::{Move, Retired, apply_moves, apply_retired};
use super::tools::web::{is_retired_reasoning, plain_successor, reasoning_successor};
use super::tree::{
    Record, fill, folded, is_blocked, keys, made, prune, record_at, record_at_mut, take, text_at,
    value_at,
};

const RETIRED: &[Retired] = &[Retired::at(
    Scope::Root,
    &["plugins", "entries", "active-memory", "config", "qmd"],
    "the QMD engine is gone",
)];

const MOVED: &[Move] = &[Move {
    scope: Scope::Root,
    from: &[
        "plugins",
        "entries",
        "memory-wiki",
        "config",
        "bridge",
        "readMemoryCore",
    ],
    to: &[
        "plugins",
        "entries",
        "memory-wiki",
        "config",
        "bridge",
        "readMemoryArtifacts",
    ],
}];

/// Brings the settings of these plugins into the current form.
pub(super) fn all(root: &mut Record, log: &mut Log) {
    apply_retired(RETIRED, root, log);
    canvas(root, log);
    talk(root, log);
    llm_task(root, log);
    apply_moves(MOVED, root, log);
    ollama(root, log);
    xai(root, log);
}

/// The canvas serves no folder of its own; all that is left is whether it is on.
fn canvas(root: &mut Record, log: &mut Log) {
    const RETIRED: [&str; 3] = ["root", "port", "liveReload"];
    let place = ["plugins", "entries", "canvas", "config"];
    let own = record_at(root, &place)
        .and_then(|config| record_at(config, &["host"]))
        .cloned();
    let old = super::tree::take_record(root, "canvasHost");
    let folder = own.as_ref().and_then(|own| own.get("root"));
    let folder = folder.or_else(|| old.as_ref()?.get("root"));
    // A folder whose name a variable fills in may hold documents that are still to be moved.
    let kept = folder.filter(|folder| folder.as_str().is_some_and(|text| text.contains("${")));
    let has_retired = own.as_ref().is_some_and(|own| {
        RETIRED
            .iter()
            .any(|key| own.contains_key(*key) && !(*key == "root" && kept.is_some()))
    });
    if old.is_none() && !has_retired {
        return;
    }
    let switch = |host: &Record| host.get("enabled").filter(|on| on.is_boolean()).cloned();
    let enabled = own
        .as_ref()
        .and_then(switch)
        .or_else(|| old.as_ref().and_then(switch));
    let mut host = Record::new();
    host.extend(enabled.map(|enabled| ("enabled".to_owned(), enabled)));
    host.extend(kept.map(|folder| ("root".to_owned(), folder.clone())));
    if own.is_some() || !host.is_empty() {
        let config = made(root, &place);
        if host.is_empty() {
            take(config, "host");
        } else {
            config.insert("host".to_owned(), Value::Object(host));
        }
    }
    let path = at(&place).key("host");
    if old.is_some() {
        log.turned(
            &at(&["canvasHost"]),
            &path,
            "as far as it said whether it is on",
        );
    }
    for key in own
        .iter()
        .flat_map(|own| RETIRED.iter().filter(|key| own.contains_key(**key)))
    {
        log.removed(&path.key(key), "the canvas serves no folder of its own");
    }
}

/// What was said about ElevenLabs in `talk` itself is said about a provider.
fn talk(root: &mut Record, log: &mut Log) {
    const OLD: [&str; 5] = [
        "voiceId",
        "voiceAliases",
        "modelId",
        "outputFormat",
        "apiKey",
    ];
    let Some(talk) = record_at_mut(root, &["talk"]) else {
        return;
    };
    if !OLD.iter().any(|key| talk.contains_key(*key)) {
        return;
    }
    let named = super::tree::trimmed(talk, "provider").map(str::to_owned);
    let known = record_at(talk, &["providers"])
        .map(keys)
        .unwrap_or_default();
    let mut known = known.into_iter().filter(|id| !is_blocked(id));
    let provider = match (named, known.next(), known.next()) {
        (Some(named), ..) => named,
        (None, None, _) => "elevenlabs".to_owned(),
        (None, Some(only), None) => only,
        // Which of several was meant is for their owner to say.
        (None, Some(_), Some(_)) => return,
    };
    if is_blocked(&provider) {
        return;
    }
    let to = at(&["talk", "providers", &provider]);
    let mut own = Record::new();
    for key in OLD {
        if let Some(value) = take(talk, key) {
            own.insert(key.to_owned(), value);
            log.moved(&at(&["talk", key]), &to.key(key));
        }
    }
    fill(made(talk, &["providers", &provider]), own);
}

/// Tasks for models were free to choose one; that is a permission of the plugin now.
fn llm_task(root: &mut Record, log: &mut Log) {
    let place = ["plugins", "entries", "llm-task"];
    let Some(entry) = record_at_mut(root, &place) else {
        return;
    };
    let old = record_at_mut(entry, &["config"]).and_then(|config| take(config, "allowedModels"));
    let missing = ["allowModelOverride", "allowAuthProfileOverride"];
    let llm = record_at(entry, &["llm"]);
    let is_missing = |key: &&str| llm.is_none_or(|llm| !llm.contains_key(*key));
    let missing: Vec<&str> = missing.into_iter().filter(|key| is_missing(&key)).collect();
    if old.is_none() && missing.is_empty() {
        return;
    }
    made(entry, &["config"]);
    let llm = made(entry, &["llm"]);
    for key in missing {
        llm.insert(key.to_owned(), Value::Bool(true));
        let path = below(&at(&place), &["llm", key]);
        log.set(&path, "on, because tasks chose their models before");
    }
    let Some(old) = old else {
        return;
    };
    let from = below(&at(&place), &["config", "allowedModels"]);
    let to = below(&at(&place), &["llm", "allowedCompletionModels"]);
    let models = match old.as_array() {
        Some(list) if list.is_empty() => None,
        Some(list) => Some(
            list.iter()
                .filter_map(Value::as_str)
                .filter(|model| is_literal(model)),
        ),
        None => None,
    };
    let is_list = old.is_array();
    if llm.contains_key("allowedCompletionModels") {
        log.superseded(&from, &to);
    } else if let Some(models) = models {
        llm.insert("allowedCompletionModels".to_owned(), models.collect());
        log.moved(&from, &to);
    } else if is_list {
        log.removed(&from, "an empty list allowed every model");
    } else {
        llm.insert("allowedCompletionModels".to_owned(), json!([]));
        log.removed(&from, "it was no list; no model is allowed");
    }
}

/// Tells whether a reference names a model by the very name that its provider uses.
fn is_literal(reference: &str) -> bool {
    let Some((provider, model)) = split(reference) else {
        return false;
    };
    format!("{provider}/{model}") == reference
        && folded(provider) == provider
        && super::models::known::literal(provider, model)
}

/// Ollama on this machine needs no key, and its cloud has another address.
fn ollama(root: &mut Record, log: &mut Log) {
    const NO_KEY: &str = "ollama-local";
    const PROFILE: &str = "ollama:default";
    let place = ["models", "providers", "ollama"];
    let local = record_at(root, &place).is_some_and(|own| {
        text_at(own, &["api"]) == Some("ollama")
            && text_at(own, &["apiKey"]) == Some("OLLAMA_API_KEY")
    });
    let profile = value_at(root, &["auth", "profiles", PROFILE]);
    if local && profile == Some(&json!({ "provider": "ollama", "mode": "api_key" })) {
        made(root, &place).insert("apiKey".to_owned(), Value::from(NO_KEY));
        log.set(
            &at(&place).key("apiKey"),
            "to the mark of a server without keys",
        );
        if let Some(profiles) = record_at_mut(root, &["auth", "profiles"]) {
            take(profiles, PROFILE);
        }
        if let Some(auth) = record_at_mut(root, &["auth"]) {
            prune(auth, "profiles");
        }
        prune(root, "auth");
        let path = at(&["auth", "profiles", PROFILE]);
        log.removed(&path, "a server without keys needs no profile");
    }
    cloud(root, log);
}

fn cloud(root: &mut Record, log: &mut Log) {
    const NEW: &str = "https://ollama.com";
    let place = ["models", "providers", "ollama-cloud"];
    let Some(own) = record_at_mut(root, &place) else {
        return;
    };
    let is_old = |own: &Record, key: &str| {
        let address = text_at(own, &[key]).and_then(Address::parse);
        address.is_some_and(|address| address.host == "ai.ollama.com")
    };
    let path = at(&place);
    let keys = ["baseUrl", "baseURL"];
    let Some(key) = keys.into_iter().find(|key| is_old(own, key)) else {
        return;
    };
    let has_new = text_at(own, &["baseUrl"]).is_some_and(|url| !url.trim().is_empty());
    if key == "baseURL" {
        take(own, key);
        if has_new {
            log.superseded(&path.key(key), &path.key("baseUrl"));
            return;
        }
    }
    own.insert("baseUrl".to_owned(), Value::from(NEW));
    log.set(
        &path.key("baseUrl"),
        "to the address that Ollama's cloud has now",
    );
}

/// Models of xAI that are gone.
fn xai(root: &mut Record, log: &mut Log) {
    let place = ["plugins", "entries", "xai", "config"];
    for area in ["webSearch", "codeExecution", "xSearch"] {
        let config = record_at_mut(root, &place);
        let Some(own) = config.and_then(|config| record_at_mut(config, &[area])) else {
            continue;
        };
        let Some(old) = text_at(own, &["model"]).map(str::to_owned) else {
            continue;
        };
        let new = match area {
            "xSearch" => plain_successor(&old),
            _ => reasoning_successor(&old),
        };
        if let Some(new) = new {
            own.insert("model".to_owned(), Value::from(new));
            log.renamed(&below(&at(&place), &[area, "model"]), &old, new);
        }
    }
    xai_media(root, log);
    xai_catalog(root, log);
}

fn xai_media(root: &mut Record, log: &mut Log) {
    let path = at(&["tools", "media", "models"]);
    let media = record_at_mut(root, &["tools", "media"]);
    let models = media.and_then(|media| media.get_mut("models")?.as_array_mut());
    for (index, model) in models.into_iter().flatten().enumerate() {
        let Some(model) = model.as_object_mut().filter(|model| is_xai(model)) else {
            continue;
        };
        let Some(name) = text_at(model, &["model"]).map(str::to_owned) else {
            continue;
        };
        let path = path.index(index).key("model");
        let sees = model.get("capabilities").and_then(Value::as_array);
        let mut sees = sees.into_iter().flatten().filter_map(Value::as_str);
        if is_retired_reasoning(&name) && sees.any(|ability| folded(ability) == "image") {
            model.insert("model".to_owned(), Value::from("grok-4.3"));
            log.renamed(&path, &name, "grok-4.3");
        } else if folded(&name) == "grok-stt" {
            take(model, "model");
            log.removed(&path, "xAI has one model for speech");
        }
    }
}

fn is_xai(model: &Record) -> bool {
    let provider = text_at(model, &["provider"])
        .map(folded)
        .unwrap_or_default();
    let has_command = model.get("command").is_some_and(|command| {
        !matches!(command, Value::Null | Value::Bool(false)) && *command != json!("")
    });
    let is_provider = match model.get("type") {
        None => !has_command,
        Some(kind) => *kind == json!("provider"),
    };
    is_provider && ["xai", "x-ai"].contains(&provider.as_str())
}

/// A model of a catalog that OpenClaw once wrote into configs: its name, whether it reasons, what
/// it reads, its context and answer sizes, and what it costs.
type Written = (
    &'static str,
    &'static str,
    bool,
    &'static [&'static str],
    [f64; 6],
);

const TEXT: &[&str] = &["text"];
const IMAGES: &[&str] = &["text", "image"];

const WRITTEN: [Written; 10] = [
    (
        "grok-3",
        "Grok 3",
        false,
        TEXT,
        [131_072.0, 8192.0, 3.0, 15.0, 0.75, 0.0],
    ),
    (
        "grok-3-fast",
        "Grok 3 Fast",
        false,
        TEXT,
        [131_072.0, 8192.0, 5.0, 25.0, 1.25, 0.0],
    ),
    (
        "grok-3-mini",
        "Grok 3 Mini",
        true,
        TEXT,
        [131_072.0, 8192.0, 0.3, 0.5, 0.075, 0.0],
    ),
    (
        "grok-3-mini-fast",
        "Grok 3 Mini Fast",
        true,
        TEXT,
        [131_072.0, 8192.0, 0.6, 4.0, 0.15, 0.0],
    ),
    (
        "grok-4",
        "Grok 4",
        true,
        TEXT,
        [256_000.0, 64_000.0, 3.0, 15.0, 0.75, 0.0],
    ),
    (
        "grok-4-0709",
        "Grok 4 0709",
        false,
        TEXT,
        [256_000.0, 64_000.0, 3.0, 15.0, 0.75, 0.0],
    ),
    (
        "grok-4-fast",
        "Grok 4 Fast",
        true,
        IMAGES,
        [2_000_000.0, 30_000.0, 0.2, 0.5, 0.05, 0.0],
    ),
    (
        "grok-4-fast-non-reasoning",
        "Grok 4 Fast (Non-Reasoning)",
        false,
        IMAGES,
        [2_000_000.0, 30_000.0, 0.2, 0.5, 0.05, 0.0],
    ),
    (
        "grok-4-1-fast",
        "Grok 4.1 Fast",
        true,
        IMAGES,
        [2_000_000.0, 30_000.0, 0.2, 0.5, 0.05, 0.0],
    ),
    (
        "grok-4-1-fast-non-reasoning",
        "Grok 4.1 Fast (Non-Reasoning)",
        false,
        IMAGES,
        [2_000_000.0, 30_000.0, 0.2, 0.5, 0.05, 0.0],
    ),
];

/// Removes models that OpenClaw itself once wrote into the config, and nobody has edited.
fn xai_catalog(root: &mut Record, log: &mut Log) {
    let place = ["models", "providers", "xai"];
    let provider = record_at_mut(root, &place);
    let models = provider.and_then(|provider| provider.get_mut("models")?.as_array_mut());
    let Some(models) = models else {
        return;
    };
    let before = models.len();
    models.retain(|model| !model.as_object().is_some_and(is_written));
    let removed = before - models.len();
    if removed > 0 {
        let path = at(&place).key("models");
        let text = format!("removed {removed} models from `{path}` that came from an old catalog");
        log.push(&path, Some(&path), text);
    }
}

fn is_written(model: &Record) -> bool {
    const KEYS: [&str; 7] = [
        "id",
        "name",
        "reasoning",
        "input",
        "cost",
        "contextWindow",
        "maxTokens",
    ];
    const COST: [&str; 4] = ["input", "output", "cacheRead", "cacheWrite"];
    let id = text_at(model, &["id"]).map(folded).unwrap_or_default();
    let Some(cost) = record_at(model, &["cost"]) else {
        return false;
    };
    let is_plain = model.keys().all(|key| KEYS.contains(&key.as_str()))
        && cost.keys().all(|key| COST.contains(&key.as_str()));
    let number = |record: &Record, key: &str| record.get(key).and_then(Value::as_f64);
    let sizes = ["contextWindow", "maxTokens"].map(|key| number(model, key));
    let prices = COST.map(|key| number(cost, key));
    let numbers: Vec<Option<f64>> = sizes.into_iter().chain(prices).collect();
    is_plain
        && WRITTEN.iter().any(|(own, name, reasons, input, written)| {
            *own == id
                && text_at(model, &["name"]) == Some(name)
                && model.get("reasoning") == Some(&Value::Bool(*reasons))
                && model.get("input") == Some(&json!(input))
                && numbers
                    .iter()
                    .copied()
                    .eq(written.iter().copied().map(Some))
        })
}
