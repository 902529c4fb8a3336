//! What is to be configured, checked against what the gateway can do.

use openclaw_core::ModelRef;
use openclaw_gateway::providers::{PROVIDERS, WELL_KNOWN, WellKnown};
use serde_json::{Map, Value, json};

use super::{OnboardArgs, OnboardError};
use crate::error::CliError;

/// The API of a provider that is not known by name.
const DEFAULT_API: &str = "openai-completions";

/// The longest name of a provider or a variable.
const MAX_NAME: usize = 128;

/// A config that is about to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) provider: String,
    pub(super) api: String,
    pub(super) base_url: Option<String>,
    pub(super) api_key_env: Option<String>,
    /// What the config calls the key in the credential store.
    pub(super) stored_key: Option<String>,
    pub(super) model: String,
    pub(super) port: Option<u16>,
}

impl Plan {
    /// Checks the flags; the first that is missing or wrong is named.
    pub(super) fn of(args: OnboardArgs) -> Result<Self, OnboardError> {
        let provider = args.provider.ok_or_else(|| OnboardError::Missing {
            flag: "--provider",
            why: " with --non-interactive".to_owned(),
            usual: Some(names().join("|")),
        })?;
        check(
            "--provider",
            &provider,
            is_provider_name,
            "use a-z, 0-9, `-` and `_`",
        )?;
        let known = WELL_KNOWN.iter().find(|known| known.id == provider);
        let base_url = base_url(args.base_url, known, &provider)?;
        let api = api(args.api, known, base_url.as_deref())?;
        let stored_key = args.store_key.then(|| store_id(&provider));
        let api_key_env = match stored_key {
            Some(_) => None,
            None => api_key_env(args.api_key_env, known)?,
        };
        let model = match (args.model, known) {
            (Some(model), _) => model,
            (None, Some(known)) => known.default_model.to_owned(),
            (None, None) => {
                return Err(OnboardError::Missing {
                    flag: "--model",
                    why: format!(" for the provider `{provider}`"),
                    usual: None,
                });
            }
        };
        check(
            "--model",
            &model,
            is_model_name,
            "a model's name has no spaces",
        )?;
        Ok(Self {
            provider,
            api,
            base_url,
            api_key_env,
            stored_key,
            model,
            port: args.port,
        })
    }

    /// Returns the model with its provider, as configs name it.
    pub(super) fn model_ref(&self) -> String {
        let provider = self.provider.as_str().into();
        ModelRef {
            provider,
            model: self.model.clone(),
        }
        .to_string()
    }

    /// Returns the config as text: JSON, which JSON5 contains, in the forms that TypeScript
    /// OpenClaw writes.
    pub(super) fn config_text(&self) -> Result<String, CliError> {
        let mut provider = Map::new();
        if let Some(url) = &self.base_url {
            provider.insert("baseUrl".to_owned(), json!(url));
        }
        provider.insert("api".to_owned(), json!(self.api));
        if let Some(name) = &self.api_key_env {
            let reference = json!({ "source": "env", "provider": "default", "id": name });
            provider.insert("apiKey".to_owned(), reference);
        }
        if let Some(id) = &self.stored_key {
            let reference = json!({ "source": "store", "provider": "default", "id": id });
            provider.insert("apiKey".to_owned(), reference);
        }
        provider.insert(
            "models".to_owned(),
            json!([{ "id": self.model, "name": self.model }]),
        );
        let mut gateway = json!({ "mode": "local", "bind": "loopback" });
        if let (Some(port), Some(gateway)) = (self.port, gateway.as_object_mut()) {
            gateway.insert("port".to_owned(), Value::from(port));
        }
        let config = json!({
            "agents": { "defaults": { "model": { "primary": self.model_ref() } } },
            "models": { "providers": { self.provider.as_str(): provider } },
            "gateway": gateway,
        });
        let text = serde_json::to_string_pretty(&config).map_err(CliError::Json)?;
        Ok(text + "\n")
    }
}

fn names() -> Vec<&'static str> {
    WELL_KNOWN.iter().map(|known| known.id).collect()
}

fn base_url(
    given: Option<String>,
    known: Option<&WellKnown>,
    provider: &str,
) -> Result<Option<String>, OnboardError> {
    let Some(url) = given else {
        return match known {
            Some(known) => Ok(known.base_url.map(str::to_owned)),
            None => Err(OnboardError::Missing {
                flag: "--base-url",
                why: format!(
                    " for the provider `{provider}`, which is none of {}",
                    names().join(", ")
                ),
                usual: Some("http://HOST:PORT/v1".to_owned()),
            }),
        };
    };
    let is_http = |url: &str| {
        let rest = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("https://"));
        rest.is_some_and(|rest| !rest.is_empty())
            && !url.chars().any(|c| c.is_whitespace() || c.is_control())
    };
    check(
        "--base-url",
        &url,
        is_http,
        "an address starts with http:// or https://",
    )?;
    // A key in an address would end up in a file, which is what --api-key-env is there to avoid.
    let authority = url.split('/').nth(2).unwrap_or_default();
    if authority.contains('@') {
        return Err(OnboardError::Bad {
            flag: "--base-url",
            value: url.replace(authority, "[...]"),
            reason: "leave user and password out of it".to_owned(),
        });
    }
    Ok(Some(url))
}

fn api(
    given: Option<String>,
    known: Option<&WellKnown>,
    base_url: Option<&str>,
) -> Result<String, OnboardError> {
    let Some(api) = given else {
        return Ok(known
            .map_or(DEFAULT_API, |known| known.api_at(base_url))
            .to_owned());
    };
    let apis: Vec<&str> = PROVIDERS.iter().map(|spec| spec.api).collect();
    if apis.contains(&api.as_str()) {
        return Ok(api);
    }
    let reason = format!("it is none of {}", apis.join(", "));
    Err(OnboardError::Bad {
        flag: "--api",
        value: api,
        reason,
    })
}

fn api_key_env(
    given: Option<String>,
    known: Option<&WellKnown>,
) -> Result<Option<String>, OnboardError> {
    let usual = known.and_then(|known| known.api_key_env);
    match (given, usual) {
        (Some(name), _) => {
            // A text of another form may be the key itself, so it is not repeated.
            if !is_variable_name(&name) {
                return Err(OnboardError::Bad {
                    flag: "--api-key-env",
                    value: "[...]".to_owned(),
                    reason: "name the variable that holds the key, in A-Z, 0-9 and `_`".to_owned(),
                });
            }
            Ok(Some(name))
        }
        (None, Some(usual)) => Err(OnboardError::Missing {
            flag: "--api-key-env",
            why: known
                .map(|known| format!(" for the provider `{}`", known.id))
                .unwrap_or_default(),
            usual: Some(usual.to_owned()),
        }),
        (None, None) => Ok(None),
    }
}

/// Returns what a config calls the key of a provider in the credential store, in the form that
/// TypeScript OpenClaw's config schema demands.
fn store_id(provider: &str) -> String {
    provider.to_ascii_uppercase().replace('-', "_")
}

fn check(
    flag: &'static str,
    value: &str,
    legal: impl Fn(&str) -> bool,
    reason: &str,
) -> Result<(), OnboardError> {
    if legal(value) {
        return Ok(());
    }
    let (value, reason) = (value.to_owned(), reason.to_owned());
    Err(OnboardError::Bad {
        flag,
        value,
        reason,
    })
}

fn is_provider_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    (1..=MAX_NAME).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(legal)
}

fn is_model_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && !name.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// The form that TypeScript OpenClaw's config schema demands: `^[A-Z][A-Z0-9_]{0,127}$`.
fn is_variable_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(legal)
}

#[cfg(test)]
mod tests {
    use openclaw_config::{Config, SecretInput};
    use openclaw_core::env::Env;
    use openclaw_core::secrets::SecretRef;
    use openclaw_core::state_dir::{Overrides, StateDir};

    use super::*;

    fn args(flags: &[(&str, &str)]) -> OnboardArgs {
        let flag = |name: &str| {
            flags
                .iter()
                .find(|(flag, _)| *flag == name)
                .map(|(_, value)| (*value).to_owned())
        };
        OnboardArgs {
            non_interactive: true,
            provider: flag("provider"),
            api_key_env: flag("api-key-env"),
            store_key: false,
            base_url: flag("base-url"),
            api: flag("api"),
            model: flag("model"),
            port: flag("port").map(|port| port.parse().unwrap()),
        }
    }

    fn refused(flags: &[(&str, &str)]) -> String {
        Plan::of(args(flags)).unwrap_err().to_string()
    }

    #[test]
    fn the_config_means_what_was_asked_for() {
        let plan = Plan::of(args(&[
            ("provider", "mine"),
            ("base-url", "http://127.0.0.1:8000/v1"),
            ("model", "org/m"),
            ("api-key-env", "MY_KEY"),
            ("port", "4000"),
        ]))
        .unwrap();
        let text = plan.config_text().unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("openclaw.json"), text).unwrap();
        let here = Overrides {
            state_dir: Some(dir.path().to_owned()),
            profile: None,
        };
        let env = Env::from_iter([("MY_KEY", "sk")]);
        let state = StateDir::locate(&env, &here).unwrap();
        let config = Config::load(&state, &env).unwrap();
        assert!(config.warnings.is_empty() && config.not_followed.is_empty());
        let agent = config.default_agent().unwrap();
        assert_eq!(agent.model.as_ref().unwrap().to_string(), "mine/org/m");
        assert_eq!(config.gateway.port, 4000);
        let provider = &config.providers[&"mine".into()];
        assert_eq!(provider.api.as_deref(), Some("openai-completions"));
        assert_eq!(
            provider.base_url.as_deref(),
            Some("http://127.0.0.1:8000/v1")
        );
        let Some(SecretInput::Ref(SecretRef::Env { id, .. })) = &provider.api_key else {
            panic!("{provider:?}")
        };
        assert_eq!(id, "MY_KEY");
    }

    #[test]
    fn a_known_provider_needs_only_its_key() {
        for known in WELL_KNOWN {
            let mut flags = vec![("provider", known.id)];
            flags.extend(known.api_key_env.map(|name| ("api-key-env", name)));
            let plan = Plan::of(args(&flags)).unwrap();
            assert_eq!(
                (
                    plan.api.as_str(),
                    plan.model.as_str(),
                    plan.base_url.as_deref()
                ),
                (known.api, known.default_model, known.base_url)
            );
        }
    }

    #[test]
    fn names_the_flag_that_is_missing() {
        assert!(refused(&[]).starts_with("--provider is required"));
        assert!(refused(&[("provider", "anthropic")]).starts_with("--api-key-env is required"));
        assert!(refused(&[("provider", "mine")]).starts_with("--base-url is required"));
        let url = ("base-url", "http://h/v1");
        assert!(refused(&[("provider", "mine"), url]).starts_with("--model is required"));
    }

    #[test]
    fn never_repeats_what_may_be_a_key() {
        let message = refused(&[("provider", "anthropic"), ("api-key-env", "sk-ant-canary")]);
        assert!(!message.contains("canary"), "{message}");
        let url = ("base-url", "http://user:canary@host/v1");
        let message = refused(&[("provider", "mine"), url, ("model", "m")]);
        assert!(!message.contains("canary"), "{message}");
    }

    #[test]
    fn refuses_names_that_lead_elsewhere() {
        let url = ("base-url", "http://h/v1");
        for provider in ["", "a/b", "A", "a b", "../x", "1"] {
            assert!(
                refused(&[("provider", provider), url]).contains("--provider"),
                "{provider}"
            );
        }
        for url in ["ftp://h", "http://", "h", "http://h /v1"] {
            let flags = [("provider", "mine"), ("base-url", url), ("model", "m")];
            assert!(refused(&flags).contains("--base-url"), "{url}");
        }
        let flags = [
            ("provider", "mine"),
            url,
            ("model", "m"),
            ("api", "telepathy"),
        ];
        assert!(refused(&flags).contains("anthropic-messages"));
    }
}
