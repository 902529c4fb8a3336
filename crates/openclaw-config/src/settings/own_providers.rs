//! `providers` of `openclaw-rs.json5`: what OpenClaw's own settings of a provider have no room for.

use std::collections::BTreeMap;
use std::time::Duration;

use openclaw_core::ProviderId;
use openclaw_core::secrets::SecretRef;
use serde_json::{Map, Value};

use super::secrets::SecretInput;
use crate::problem::{KeyPath, Problem};

/// The key in `openclaw-rs.json5`.
pub(super) const KEY: &str = "providers";

const CREDENTIALS: &str = "credentials";
const TIMEOUTS: &str = "timeouts";
const REST: &str = "rest";
const API: &str = "api";
/// What a time-out may be for.
const LIMITS: [&str; 5] = ["connect", "firstByte", "idle", "total", "stall"];

/// The most credentials of one provider.
const MOST_CREDENTIALS: usize = 32;
/// The most seconds that anything may take: a day.
const LONGEST: f64 = 86_400.0;

/// What is said about one provider.
#[derive(Clone, Debug, Default)]
pub struct OwnProvider {
    /// Further keys of it, each tried when those before it are refused (`credentials`).
    pub credentials: Vec<SecretInput>,
    /// How long things may take (`timeouts`).
    pub timeouts: OwnTimeouts,
    /// How long it is first left alone after a failure (`rest`).
    pub rest: Option<Duration>,
    /// The wire format that it speaks, where OpenClaw has no name for that (`api`).
    pub api: Option<String>,
}

/// How long a provider may take for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnTimeouts {
    /// Until the connection stands (`connect`).
    pub connect: Option<Duration>,
    /// Until the answer begins (`firstByte`).
    pub first_byte: Option<Duration>,
    /// Between two parts of the answer (`idle`).
    pub idle: Option<Duration>,
    /// For the whole answer (`total`).
    pub total: Option<Duration>,
    /// Without anything that the model wrote, whatever else comes (`stall`).
    pub stall: Option<Duration>,
}

/// Returns everything that is wrong with a `providers` at this place.
pub(super) fn problems(path: &KeyPath, providers: &Value) -> Vec<Problem> {
    let Some(providers) = providers.as_object() else {
        return vec![Problem::new(path.clone(), "expected an object")];
    };
    let mut problems = Vec::new();
    for (id, provider) in providers {
        let at = path.key(id);
        let Some(members) = provider.as_object() else {
            problems.push(Problem::new(at, "expected an object"));
            continue;
        };
        for (key, value) in members {
            let at = at.key(key);
            match key.as_str() {
                CREDENTIALS => problems.extend(of_credentials(&at, value)),
                TIMEOUTS => problems.extend(of_timeouts(&at, value)),
                REST => problems.extend(of_seconds(at, value)),
                API if api_of(value).is_none() => {
                    problems.push(Problem::new(at, "expected a text that is not empty"));
                }
                API => {}
                _ => problems.push(unknown(at, key, &[API, CREDENTIALS, REST, TIMEOUTS])),
            }
        }
    }
    problems
}

/// Reads a `providers` that was judged; what is wrong with it is left out.
pub(super) fn read(providers: Option<&Value>) -> BTreeMap<ProviderId, OwnProvider> {
    let providers = providers.and_then(Value::as_object).into_iter().flatten();
    providers
        .map(|(id, provider)| {
            let credentials = provider.get(CREDENTIALS).and_then(Value::as_array);
            let timeouts = provider.get(TIMEOUTS).and_then(Value::as_object);
            let own = OwnProvider {
                credentials: credentials
                    .into_iter()
                    .flatten()
                    .filter_map(secret_of)
                    .collect(),
                timeouts: timeouts.map(timeouts_of).unwrap_or_default(),
                rest: provider.get(REST).and_then(seconds),
                api: provider.get(API).and_then(api_of),
            };
            (ProviderId::from(id.as_str()), own)
        })
        .collect()
}

/// Returns a problem that names what could stand there.
pub(super) fn unknown(at: KeyPath, key: &str, allowed: &[&str]) -> Problem {
    let mut problem = Problem::new(at, format!("Unrecognized key: \"{key}\""));
    problem.allowed = allowed.iter().map(|key| (*key).to_owned()).collect();
    problem
}

fn of_credentials(path: &KeyPath, value: &Value) -> Vec<Problem> {
    let Some(credentials) = value.as_array() else {
        return vec![Problem::new(path.clone(), "expected a list of secrets")];
    };
    let mut problems = Vec::new();
    if credentials.len() > MOST_CREDENTIALS {
        let message = format!("expected at most {MOST_CREDENTIALS} secrets");
        problems.push(Problem::new(path.clone(), message));
    }
    let bad = credentials
        .iter()
        .enumerate()
        .filter(|(_, secret)| secret_of(secret).is_none());
    problems.extend(bad.map(|(index, _)| {
        Problem::new(
            path.index(index),
            "expected a secret: a text that is not empty, or {source, provider, id}",
        )
    }));
    problems
}

fn secret_of(value: &Value) -> Option<SecretInput> {
    match value {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(SecretInput::from_text(text)),
        reference => serde_json::from_value::<SecretRef>(reference.clone())
            .ok()
            .map(SecretInput::Ref),
    }
}

fn of_timeouts(path: &KeyPath, value: &Value) -> Vec<Problem> {
    let Some(members) = value.as_object() else {
        return vec![Problem::new(path.clone(), "expected an object")];
    };
    let mut problems = Vec::new();
    for (key, value) in members {
        let at = path.key(key);
        if LIMITS.contains(&key.as_str()) {
            problems.extend(of_seconds(at, value));
        } else {
            problems.push(unknown(at, key, &LIMITS));
        }
    }
    problems
}

fn api_of(value: &Value) -> Option<String> {
    let api = value.as_str()?.trim();
    (!api.is_empty()).then(|| api.to_owned())
}

fn of_seconds(at: KeyPath, value: &Value) -> Option<Problem> {
    let message = || format!("expected seconds: a number above 0 and up to {LONGEST}");
    seconds(value)
        .is_none()
        .then(|| Problem::new(at, message()))
}

fn timeouts_of(members: &Map<String, Value>) -> OwnTimeouts {
    let limit = |key| members.get(key).and_then(seconds);
    OwnTimeouts {
        connect: limit("connect"),
        first_byte: limit("firstByte"),
        idle: limit("idle"),
        total: limit("total"),
        stall: limit("stall"),
    }
}

fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64().filter(|seconds| *seconds <= LONGEST)?;
    let duration = Duration::try_from_secs_f64(seconds).ok()?;
    (!duration.is_zero()).then_some(duration)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_and_time_outs_of_a_provider_are_read() {
        let providers = json!({ "openai": {
            "credentials": ["{{ SECOND }}", { "source": "env", "provider": "default", "id": "THIRD" }],
            "timeouts": { "connect": 5, "stall": 0.5 },
            "rest": 2,
            "api": "azure-openai-completions",
        } });
        assert_eq!(problems(&KeyPath::root().key(KEY), &providers), []);
        let read = read(Some(&providers));
        let own = &read[&ProviderId::from("openai")];
        assert_eq!(own.api.as_deref(), Some("azure-openai-completions"));
        assert_eq!(own.rest, Some(Duration::from_secs(2)));
        let names: Vec<_> = own.credentials.iter().map(SecretInput::name).collect();
        assert_eq!(names, [Some("SECOND"), Some("THIRD")]);
        assert_eq!(
            own.timeouts,
            OwnTimeouts {
                connect: Some(Duration::from_secs(5)),
                stall: Some(Duration::from_millis(500)),
                ..OwnTimeouts::default()
            }
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let many = vec!["x"; 33];
        for (providers, message) in [
            (json!(1), "providers: expected an object"),
            (json!({"p": []}), "providers.p: expected an object"),
            (
                json!({"p": {"keys": []}}),
                "providers.p.keys: Unrecognized key: \"keys\"",
            ),
            (
                json!({"p": {"credentials": "x"}}),
                "providers.p.credentials: expected a list of secrets",
            ),
            (
                json!({"p": {"credentials": ["x", " "]}}),
                "providers.p.credentials.1: expected a secret: a text that is not empty, or {source, provider, id}",
            ),
            (
                json!({"p": {"credentials": many}}),
                "providers.p.credentials: expected at most 32 secrets",
            ),
            (
                json!({"p": {"timeouts": {"connect": 0}}}),
                "providers.p.timeouts.connect: expected seconds: a number above 0 and up to 86400",
            ),
            (
                json!({"p": {"timeouts": {"idle": 86401}}}),
                "providers.p.timeouts.idle: expected seconds: a number above 0 and up to 86400",
            ),
            (
                json!({"p": {"api": 1}}),
                "providers.p.api: expected a text that is not empty",
            ),
            (
                json!({"p": {"timeouts": {"read": 1}}}),
                "providers.p.timeouts.read: Unrecognized key: \"read\"",
            ),
        ] {
            let told = problems(&KeyPath::root().key(KEY), &providers);
            let told: Vec<String> = told.iter().map(ToString::to_string).collect();
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].starts_with(message), "{told:?}");
        }
    }
}
