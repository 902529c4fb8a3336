//! xAI: models that are gone.

use serde_json::{Value, json};

use crate::migration::log::{Log, at, below};
use crate::migration::tools::web::{is_retired_reasoning, plain_successor, reasoning_successor};
use crate::migration::tree::{Record, folded, record_at, record_at_mut, take, text_at};

/// Models of xAI that are gone.
pub(super) fn all(root: &mut Record, log: &mut Log) {
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
    media(root, log);
    catalog(root, log);
}

fn media(root: &mut Record, log: &mut Log) {
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
fn catalog(root: &mut Record, log: &mut Log) {
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
