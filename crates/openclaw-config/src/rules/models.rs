//! Providers of models, and names of models.

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;

use super::facts::names;
use super::ids;
use super::walk::{self, Problems};
use crate::problem::KeyPath;

/// Hosts that are this computer.
pub(super) const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Where an agent, or all agents, say which model does what.
const SELECTORS: [&str; 5] = [
    "model",
    "utilityModel",
    "imageModel",
    "voiceModel",
    "pdfModel",
];

/// Where else a model is named, by path.
const OTHER_MODELS: [&str; 14] = [
    "agents.defaults.heartbeat.model",
    "agents.entries.*.heartbeat.model",
    "agents.defaults.compaction.model",
    "agents.defaults.compaction.memoryFlush.model",
    "agents.entries.*.tts.summaryModel",
    "channels.modelByChannel.*.*",
    "channels.discord.accounts.*.voice.model",
    "channels.discord.accounts.*.voice.tts.summaryModel",
    "channels.discord.voice.model",
    "channels.discord.voice.tts.summaryModel",
    "hooks.gmail.model",
    "hooks.mappings.*.model",
    "tools.media.*.preferredModel",
    "tts.summaryModel",
];

/// Judges what a shape cannot say about `models` and about names of models.
pub(super) fn judge(config: &Value, problems: &mut Problems) {
    judge_providers(config, problems);
    problems.demand(
        config,
        &["models.catalogRefresh.url"],
        "must be an https URL, or http on this computer",
        is_secure,
    );
    problems.demand(
        config,
        &[
            "agents.defaults.decisionModel",
            "agents.entries.*.decisionModel",
        ],
        "must be provider/model, or empty for none",
        |name| name.trim().is_empty() || ids::model(name).is_some(),
    );
    for map in ["agents.defaults.models.*", "agents.entries.*.models.*"] {
        for (path, entry) in walk::every(config, map) {
            let name = path
                .segments()
                .last()
                .map(String::as_str)
                .unwrap_or_default();
            let exact = !name.contains('*') && ids::model(name).is_some();
            for key in ["pickerRuntimes", "codeMode"] {
                if !exact && entry.get(key).is_some() {
                    problems.add(path.key(key), "needs an exact provider/model");
                }
            }
        }
        let runtimes = format!("{map}.pickerRuntimes.*");
        problems.demand(config, &[&runtimes], "must name a runtime", |id| {
            !matches!(id.trim(), "auto" | "default")
        });
    }
}

/// A provider that OpenClaw does not know has to say where it is and what it offers.
fn judge_providers(config: &Value, problems: &mut Problems) {
    for (id, provider) in walk::members(config, &["models", "providers"]) {
        if !provider.is_object() || names::PROVIDERS.contains(&ids::lower(id).as_str()) {
            continue;
        }
        let path = walk::path("models.providers").key(id);
        let only = "only a provider that OpenClaw knows can go without";
        if walk::text(provider, &["baseUrl"])
            .unwrap_or_default()
            .is_empty()
        {
            let message = format!("custom model providers must declare baseUrl; {only}");
            problems.add(path.key("baseUrl"), message);
        }
        if !provider.get("models").is_some_and(Value::is_array) {
            let message = format!("custom model providers must declare models; {only}");
            problems.add(path.key("models"), message);
        }
    }
}

fn is_secure(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => url
            .host_str()
            .is_some_and(|host| LOOPBACK_HOSTS.contains(&host)),
        _ => false,
    })
}

/// Judges the models that agents may choose between.
pub(super) fn judge_policies(config: &Value, problems: &mut Problems) {
    let aliases = |models: &Value| -> Vec<String> {
        let aliases = walk::every_text(models, "models.*.alias");
        aliases.map(|(_, alias)| ids::lower(alias)).collect()
    };
    let defaults = walk::at(config, &["agents", "defaults"]);
    let shared: BTreeSet<String> = defaults
        .map(aliases)
        .unwrap_or_default()
        .into_iter()
        .collect();
    let mut check = |pattern: &str, own: &BTreeSet<String>| {
        for (path, name) in walk::every_text(config, pattern) {
            let known = [&shared, own]
                .iter()
                .any(|aliases| aliases.contains(&ids::lower(name)));
            if !known && !is_policy(name) {
                let message = "must be an alias, provider/model, or a prefix such as provider/*";
                problems.add(
                    path,
                    format!("invalid model policy ref: \"{name}\" {message}"),
                );
            }
        }
    };
    check("agents.defaults.modelPolicy.allow.*", &BTreeSet::new());
    for (key, agent) in walk::members(config, &["agents", "entries"]) {
        let own = aliases(agent).into_iter().collect();
        // A key with a dot is refused by the shape, so it cannot be taken for a path here.
        check(&format!("agents.entries.{key}.modelPolicy.allow.*"), &own);
    }
}

fn is_policy(name: &str) -> bool {
    let name = name.trim();
    let whole = |segment: &str| {
        !segment.is_empty()
            && !segment.contains('*')
            && !segment.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    let mut segments: Vec<&str> = name.split('/').map(str::trim).collect();
    let exact =
        ids::model(name).is_some() && segments.len() > 1 && segments.iter().all(|s| whole(s));
    let prefix = segments.pop() == Some("*");
    exact
        || (prefix && !segments.is_empty() && segments.iter().all(|segment| whole(segment)))
        || matches!(
            ids::lower(name).as_str(),
            "openrouter:auto" | "openrouter:free"
        )
}

/// Finds names of models that are no longer there.
pub(super) fn judge_retired(config: &Value, problems: &mut Problems) {
    for (path, name) in all_named(config) {
        if is_retired(&name) {
            problems.add(path, format!("Unknown model: {}", name.trim()));
        }
    }
}

/// Returns every name of a model, and where it stands.
fn all_named(config: &Value) -> Vec<(KeyPath, String)> {
    let mut selectors: Vec<String> = OTHER_MODELS.iter().map(|path| (*path).to_owned()).collect();
    let mut choosers = vec!["tools.exec.reviewer.model".to_owned()];
    choosers.push("agents.entries.*.tools.exec.reviewer.model".to_owned());
    let mut found = Vec::new();
    for agent in ["agents.defaults", "agents.entries.*"] {
        choosers.extend(SELECTORS.iter().map(|key| format!("{agent}.{key}")));
        choosers.push(format!("{agent}.subagents.model"));
        choosers
            .extend(["image", "video", "music"].map(|kind| format!("{agent}.mediaModels.{kind}")));
        for (path, _) in walk::every(config, &format!("{agent}.models.*")) {
            let name = path.segments().last().cloned().unwrap_or_default();
            found.push((path, name));
        }
    }
    for chooser in choosers {
        selectors.push(format!("{chooser}.primary"));
        selectors.push(format!("{chooser}.fallbacks.*"));
        selectors.push(chooser);
    }
    for selector in &selectors {
        let named = walk::every_text(config, selector);
        found.extend(named.map(|(path, name)| (path, name.to_owned())));
    }
    found
}

/// Returns the models that are named for an agent, or for all agents where it has none of its own.
pub(super) fn named(config: &Value, key: &str, agent: &Value) -> Vec<String> {
    let own = |name: &str| agent.get(name).is_some();
    let applies = |path: &KeyPath| {
        let segments: Vec<&str> = path.segments().iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["agents", "entries", other, ..] => *other == key,
            ["agents", "defaults", "model"] | ["agents", "defaults", "model", "primary"] => {
                walk::at(agent, &["model", "primary"]).is_none()
                    && !agent.get("model").is_some_and(Value::is_string)
            }
            ["agents", "defaults", "model", "fallbacks", _] => {
                walk::at(agent, &["model", "fallbacks"]).is_none()
            }
            ["agents", "defaults", "heartbeat", "model"] => !own("heartbeat"),
            ["agents", "defaults", "utilityModel"] => !own("utilityModel"),
            ["agents", "defaults", "subagents", ..] => !own("subagents"),
            _ => true,
        }
    };
    let named = all_named(config).into_iter();
    named
        .filter(|(path, _)| applies(path))
        .map(|(_, name)| name)
        .collect()
}

/// Returns the model that a short name stands for.
pub(super) fn alias<'a>(config: &'a Value, name: &str) -> Option<&'a str> {
    let name = ids::lower(name);
    let mut models = walk::members(config, &["agents", "defaults", "models"]);
    let named = models.find(|(_, entry)| {
        walk::text(entry, &["alias"]).is_some_and(|alias| ids::lower(alias) == name)
    });
    named.map(|(model, _)| model)
}

fn is_retired(name: &str) -> bool {
    let Some((provider, model)) = name.trim().split_once('/') else {
        return false;
    };
    let (provider, model) = (ids::lower(provider), ids::lower(model));
    let named = (provider.as_str(), model.as_str());
    names::RETIRED_MODELS.contains(&named)
        || (names::GOOGLE_PROVIDERS.contains(&named.0)
            && names::RETIRED_GOOGLE_MODELS.contains(&named.1))
}
