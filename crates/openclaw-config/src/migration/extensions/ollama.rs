//! Ollama: no key on this machine, and another address for its cloud.

use serde_json::{Value, json};
use url::Url;

use crate::migration::log::{Log, at};
use crate::migration::tree::{
    Record, made, prune, record_at, record_at_mut, take, text_at, value_at,
};

/// Ollama on this machine needs no key, and its cloud has another address.
pub(super) fn all(root: &mut Record, log: &mut Log) {
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
        let url = text_at(own, &[key]).and_then(|url| Url::parse(url.trim()).ok());
        url.is_some_and(|url| url.host_str() == Some("ai.ollama.com"))
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
