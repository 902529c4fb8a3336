//! Telling the redaction layer of every secret that stands in a config.
//!
//! That holds for all of them, whether or not they have an effect here: a tool may well show the file.

use openclaw_core::env::Env;
use openclaw_core::redaction;
use serde_json::Value;

use super::secrets::SecretInput;
use crate::redact::{REDACTED, names_secret, redact};

/// The fewest bytes of a variable's value that is taken for a secret by the variable's name alone.
const MIN_BY_NAME: usize = 16;

/// The key of a certificate authority: its certificate, or the path of a file with it.
const AUTHORITY: &str = "ca";

const PEM: &str = "-----BEGIN";

/// Makes the secrets of a config known, and those of the environment.
pub(super) fn learn(config: &Value, env: &Env) {
    walk(config, &redact(config));
    let secrets = env.iter().filter(|(name, _)| names_secret(name));
    for (_name, value) in secrets {
        // Variables with such names may also say where a secret is.
        let place = value.contains(|c: char| c.is_whitespace()) || value.contains("//");
        if value.len() >= MIN_BY_NAME && !place && !value.starts_with(['/', '~', '.']) {
            redaction::learn_text(value);
        }
    }
}

/// Makes the secrets of `openclaw-rs.json5` known: the keys of its providers, and the variables of
/// sandboxed commands that are named like one.
pub(super) fn learn_own(own: &Value) {
    let shared = own.get("sandbox");
    let agents = shared.and_then(|sandbox| sandbox.get("agents")?.as_object());
    let agents = agents.into_iter().flatten().map(|(_, agent)| agent);
    shared
        .into_iter()
        .chain(agents)
        .filter_map(|layer| layer.get("env")?.as_object())
        .flatten()
        .filter(|(name, _)| names_secret(name))
        .for_each(|(_, value)| hidden_below(value));
    let providers = own.get("providers").and_then(Value::as_object);
    let credentials = providers
        .into_iter()
        .flatten()
        .filter_map(|(_, provider)| provider.get("credentials")?.as_array())
        .flatten();
    // Of a reference, all texts are names.
    credentials
        .filter(|credential| credential.is_string())
        .for_each(hidden_below);
}

/// Goes through a config and what may be shown of it.
fn walk(config: &Value, shown: &Value) {
    match (config, shown) {
        (Value::Object(members), Value::Object(shown)) => {
            // Of a reference, the id is left out of what is shown, and it is a name.
            let reference = members.contains_key("source") && members.contains_key("id");
            for (key, value) in members.iter().filter(|(key, _)| !reference || *key != "id") {
                if key == AUTHORITY && value.as_str().is_some_and(|text| !text.contains(PEM)) {
                    // Where a file is may be told; what cannot be read has to be named.
                    continue;
                }
                walk(value, shown.get(key).unwrap_or(&Value::Null));
            }
        }
        (Value::Array(items), Value::Array(shown)) => {
            for (item, shown) in items.iter().zip(shown) {
                walk(item, shown);
            }
        }
        (hidden, Value::String(mask)) if mask == REDACTED => hidden_below(hidden),
        _ => {}
    }
}

/// Makes every text in something secret known.
fn hidden_below(value: &Value) {
    match value {
        Value::String(text) if text != REDACTED => {
            if let SecretInput::Inline(secret) = SecretInput::from_text(text) {
                redaction::learn(&secret);
            }
            if let Some(password) = password_in_url(text) {
                redaction::learn_text(password);
            }
        }
        Value::Array(items) => items.iter().for_each(hidden_below),
        Value::Object(members) => members.values().for_each(hidden_below),
        _ => {}
    }
}

fn password_in_url(text: &str) -> Option<&str> {
    let (_scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _host) = authority.rsplit_once('@')?;
    user.split_once(':').map(|(_name, password)| password)
}

#[cfg(test)]
mod tests {
    use openclaw_core::redaction::mask;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_shown_of_a_config_is_masked() {
        let mut env = Env::default();
        for (name, value) in [
            ("ANY_API_KEY", "of-the-environment"),
            ("ANY_FLAVOUR", "vanilla-and-strawberry"),
            ("ANY_PRIVATE_KEY", "/where/the/private/key/is"),
        ] {
            env.set(name, value);
        }
        let config = json!({
            "channels": { "telegram": { "botToken": "110201543:AAHdqTcvCH1vGWJx" } },
            "models": { "providers": {
                "one": { "apiKey": "sk-one-0123456789", "baseUrl": "https://me:open-sesame@example.org/v1" },
                "two": { "apiKey": { "source": "env", "provider": "default", "id": "PROVIDER_TWO_KEY" } },
                "three": { "apiKey": "{{ PROVIDER_THREE }}" },
                "four": { "apiKey": "${PROVIDER_FOUR}" },
            } },
            "mcp": { "servers": { "s": { "env": { "ANY": "value-of-an-env" } } } },
        });
        learn(&config, &env);
        let text = "110201543:AAHdqTcvCH1vGWJx sk-one-0123456789 open-sesame value-of-an-env";
        assert_eq!(mask(text), "[REDACTED] [REDACTED] [REDACTED] [REDACTED]");
        assert_eq!(
            mask("of-the-environment vanilla-and-strawberry /where/the/private/key/is"),
            "[REDACTED] vanilla-and-strawberry /where/the/private/key/is"
        );
        let names = "PROVIDER_TWO_KEY {{ PROVIDER_THREE }} ${PROVIDER_FOUR} telegram default";
        assert_eq!(mask(names), names);
    }

    #[test]
    fn what_a_provider_is_shown_beside_its_key_is_masked() {
        let config = json!({ "models": { "providers": { "one": {
            "headers": { "x-tenant-pass": "tenant-0123456789" },
            "models": [{ "id": "m", "headers": { "x-of-the-model": "model-0123456789" } }],
            "request": {
                "headers": { "x-way": "header-of-the-way-1" },
                "auth": { "mode": "authorization-bearer", "token": "bearer-0123456789" },
                "tls": { "ca": "/etc/authority-of-the-house.pem" },
                "proxy": { "mode": "explicit-proxy", "url": "http://me:proxy-sesame@127.0.0.1:3128" },
            },
        }, "two": { "request": { "auth": { "mode": "header", "headerName": "x-key", "value": "value-of-a-header" } } } } } });
        learn(&config, &Env::default());
        learn_own(&json!({ "providers": { "one": { "credentials": [
            "second-key-0123456789",
            { "source": "env", "provider": "default", "id": "NAME_OF_THE_THIRD" },
        ] } }, "sandbox": {
            "env": { "NPM_TOKEN": "npm-0123456789abcdef" },
            "agents": { "web": { "env": { "WEB_API_KEY": "web-0123456789abcdef" } } },
        } }));
        for secret in [
            "tenant-0123456789",
            "model-0123456789",
            "header-of-the-way-1",
            "bearer-0123456789",
            "proxy-sesame",
            "value-of-a-header",
            "second-key-0123456789",
            "npm-0123456789abcdef",
            "web-0123456789abcdef",
        ] {
            assert_eq!(mask(secret), "[REDACTED]", "{secret}");
        }
        for name in ["NAME_OF_THE_THIRD", "/etc/authority-of-the-house.pem"] {
            assert_eq!(mask(name), name);
        }
    }
}
