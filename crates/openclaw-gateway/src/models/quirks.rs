//! What a config says of the differences of models (`compat`), and what of it is not followed.

use std::collections::BTreeMap;

use openclaw_config::{Config, ModelSettings, Problem, ProviderSettings};
use openclaw_providers::Quirks;
use serde_json::{Map, Value};

/// Returns what is different about which model of a provider.
pub(super) fn of(settings: &ProviderSettings) -> BTreeMap<String, Quirks> {
    let models = settings.models.iter();
    models
        .map(|model| (model.id.clone(), Quirks::read(&compat(model))))
        .collect()
}

/// Returns everything in a config that is accepted and has no effect.
pub fn not_followed(config: &Config) -> Vec<Problem> {
    let mut all = config.not_followed.clone();
    for (id, settings) in &config.providers {
        for (index, model) in settings.models.iter().enumerate() {
            let index = index.to_string();
            all.extend(Quirks::ignored(&model.compat).iter().map(|key| {
                let path = [
                    "models",
                    "providers",
                    id.as_str(),
                    "models",
                    &index,
                    "compat",
                    key,
                ];
                let message = format!("is accepted, but has no effect on `{}`", model.id);
                Problem::new(path.into_iter().collect(), message)
            }));
        }
    }
    all
}

/// `thinkingLevelMap` says with the words of a provider what `reasoningEffortMap` says, too.
fn compat(model: &ModelSettings) -> Map<String, Value> {
    let mut compat = model.compat.clone();
    let levels: Map<String, Value> = model
        .thinking_levels
        .iter()
        .filter(|(_, word)| word.is_string())
        .map(|(level, word)| (level.clone(), word.clone()))
        .collect();
    if !levels.is_empty() {
        compat
            .entry("reasoningEffortMap")
            .or_insert_with(|| Value::Object(levels));
    }
    compat
}
