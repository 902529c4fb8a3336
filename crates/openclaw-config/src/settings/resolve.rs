//! From what the file says to what it means, with every problem named.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::{
    Bind, Config, DEFAULT_PORT, GatewaySettings, ModelSettings, ProviderSettings, RawConfig,
    SecretInput,
};
use openclaw_core::secrets::SecretRef;
use openclaw_core::{ApiKey, ModelRef, ProviderId};

use crate::problem::{KeyPath, Problem};

/// Returns the meaning of a document, or everything that is wrong with it.
pub(super) fn resolve(raw: &RawConfig) -> Result<Config, Vec<Problem>> {
    let mut reader = Reader {
        raw,
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    let model = reader.model();
    let workspace = reader
        .string(&["agents", "defaults", "workspace"])
        .map(PathBuf::from);
    let providers = reader.providers();
    let gateway = reader.gateway();
    let maintenance = reader.maintenance();
    if reader.problems.is_empty() {
        Ok(Config {
            model,
            workspace,
            providers,
            gateway,
            maintenance,
            warnings: reader.warnings,
        })
    } else {
        Err(reader.problems)
    }
}

/// Reads a document area by area, and notes what is wrong on the way.
pub(super) struct Reader<'a> {
    raw: &'a RawConfig,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Reader<'_> {
    /// `agents.defaults.model` is a text, or an object with `primary`.
    fn model(&mut self) -> Option<ModelRef> {
        const AT: [&str; 4] = ["agents", "defaults", "model", "primary"];
        let short = self
            .raw
            .get(AT.split_last().map_or(&[], |(_, parent)| parent));
        let path: &[&str] = match short {
            Some(Value::String(_)) => AT.split_last().map_or(&AT, |(_, parent)| parent),
            _ => &AT,
        };
        let text = self.string(path)?;
        text.parse()
            .map_err(|err| self.problem(path, format!("{err}")))
            .ok()
    }

    fn providers(&mut self) -> BTreeMap<ProviderId, ProviderSettings> {
        let at = ["models", "providers"];
        let ids: Vec<String> = match self.raw.get(&at) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(map)) => map.keys().cloned().collect(),
            Some(other) => {
                self.expected(&at, "an object of providers by id", other);
                Vec::new()
            }
        };
        ids.iter()
            .map(|id| (ProviderId::from(id.as_str()), self.provider(id)))
            .collect()
    }

    fn provider(&mut self, id: &str) -> ProviderSettings {
        let at = ["models", "providers", id];
        if let Some(other) = self.raw.get(&at).filter(|value| !value.is_object()) {
            self.expected(&at, "an object", other);
            return ProviderSettings::default();
        }
        let base = ["models", "providers", id, "baseUrl"];
        let base_url = self.string(&base);
        if let Some(url) = base_url.as_deref().filter(|url| !is_http(url)) {
            self.problem(
                &base,
                format!("`{url}` is no address that starts with http:// or https://"),
            );
        }
        ProviderSettings {
            base_url,
            api: self.string(&["models", "providers", id, "api"]),
            api_key: self.secret(&["models", "providers", id, "apiKey"]),
            models: self.models(id),
        }
    }

    fn models(&mut self, provider: &str) -> Vec<ModelSettings> {
        let at = ["models", "providers", provider, "models"];
        let entries = match self.raw.get(&at) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(entries)) => entries.clone(),
            Some(other) => {
                self.expected(&at, "an array of models", other);
                return Vec::new();
            }
        };
        let mut models = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let path = at.iter().copied().collect::<KeyPath>().index(index);
            let Some(id) = entry.get("id").and_then(Value::as_str) else {
                self.problems.push(Problem::new(
                    path.key("id"),
                    "expected the model's id as text",
                ));
                continue;
            };
            let max_tokens = match entry.get("maxTokens") {
                None | Some(Value::Null) => None,
                Some(value) => {
                    let tokens = whole_number(value).and_then(|n| u32::try_from(n).ok());
                    if tokens.is_none_or(|n| n == 0) {
                        self.problems.push(Problem::new(
                            path.key("maxTokens"),
                            format!("expected a whole number above 0, found {}", shown(value)),
                        ));
                    }
                    tokens
                }
            };
            models.push(ModelSettings {
                id: id.to_owned(),
                max_tokens,
            });
        }
        models
    }

    fn gateway(&mut self) -> GatewaySettings {
        GatewaySettings {
            port: self.port(),
            bind: self.bind(),
            token: self.token(),
        }
    }

    fn port(&mut self) -> u16 {
        let at = ["gateway", "port"];
        let Some(value) = self.raw.get(&at) else {
            return DEFAULT_PORT;
        };
        let port = whole_number(value)
            .and_then(|n| u16::try_from(n).ok())
            .filter(|n| *n > 0);
        port.unwrap_or_else(|| {
            self.expected(&at, "a port from 1 to 65535", value);
            DEFAULT_PORT
        })
    }

    fn bind(&mut self) -> Bind {
        let at = ["gateway", "bind"];
        match self.string(&at).as_deref() {
            None | Some("loopback" | "auto") => Bind::Loopback,
            Some("lan") => Bind::Lan,
            Some(other @ ("custom" | "tailnet")) => {
                self.warning(
                    &at,
                    format!("`{other}` is not supported; listening on loopback"),
                );
                Bind::Loopback
            }
            Some(other) => {
                self.problem(
                    &at,
                    format!("`{other}` is none of auto, lan, loopback, custom, tailnet"),
                );
                Bind::Loopback
            }
        }
    }

    fn token(&mut self) -> Option<SecretInput> {
        let at = ["gateway", "auth", "mode"];
        match self.string(&at).as_deref() {
            None | Some("token") => {}
            Some(other @ ("none" | "password" | "trusted-proxy")) => {
                self.warning(
                    &at,
                    format!("`{other}` is not supported; a bearer token is required"),
                );
            }
            Some(other) => self.problem(
                &at,
                format!("`{other}` is none of none, token, password, trusted-proxy"),
            ),
        }
        self.secret(&["gateway", "auth", "token"])
    }

    pub(super) fn value(&self, path: &[&str]) -> Option<Value> {
        self.raw.get(path).cloned()
    }

    pub(super) fn string(&mut self, path: &[&str]) -> Option<String> {
        match self.raw.get(path)? {
            Value::String(text) => Some(text.clone()),
            other => {
                self.expected(path, "text", other);
                None
            }
        }
    }

    /// A secret is text, `${VARIABLE}`, or `{source, provider, id}`.
    fn secret(&mut self, path: &[&str]) -> Option<SecretInput> {
        match self.raw.get(path)? {
            Value::String(text) => Some(variable(text).map_or_else(
                || SecretInput::Inline(ApiKey::new(text.clone())),
                |id| {
                    SecretInput::Ref(SecretRef::Env {
                        provider: "default".to_owned(),
                        id,
                    })
                },
            )),
            value @ Value::Object(_) => match serde_json::from_value(value.clone()) {
                Ok(reference) => Some(SecretInput::Ref(reference)),
                Err(err) => {
                    self.problem(
                        path,
                        format!("not a secret reference that can be followed: {err}"),
                    );
                    None
                }
            },
            other => {
                // The value is not quoted: it may be half of a secret.
                let found = type_name(other);
                self.problem(
                    path,
                    format!("expected text or a secret reference, found {found}"),
                );
                None
            }
        }
    }

    pub(super) fn expected(&mut self, path: &[&str], what: &str, found: &Value) {
        self.problem(path, format!("expected {what}, found {}", shown(found)));
    }

    pub(super) fn problem(&mut self, path: &[&str], message: String) {
        self.problems
            .push(Problem::new(path.iter().copied().collect(), message));
    }

    pub(super) fn warning(&mut self, path: &[&str], message: String) {
        self.warnings
            .push(Problem::new(path.iter().copied().collect(), message));
    }
}

/// Returns `NAME` of `${NAME}`.
fn variable(text: &str) -> Option<String> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    let legal = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (!name.is_empty() && name.chars().all(legal)).then(|| name.to_owned())
}

fn is_http(url: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| url.len() > scheme.len() && url.starts_with(scheme))
}

/// JSON5 numbers arrive as floating point when they were written so; `8080.0` is a whole number.
fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64().filter(|n| n.fract() == 0.0)?;
        format!("{number:.0}").parse().ok()
    })
}

pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
        Value::String(text) => format!("`{}`", text.chars().take(60).collect::<String>()),
        Value::Null | Value::Array(_) | Value::Object(_) => type_name(value).to_owned(),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<Config, Vec<Problem>> {
        resolve(&RawConfig::parse(text).unwrap())
    }

    #[test]
    fn an_empty_config_means_the_defaults() {
        let config = resolved("{}").unwrap();
        assert_eq!(
            (config.gateway.port, config.gateway.bind),
            (DEFAULT_PORT, Bind::Loopback)
        );
        assert!(
            config.model.is_none() && config.providers.is_empty() && config.warnings.is_empty()
        );
    }

    #[test]
    fn reads_a_provider_with_its_key_and_models() {
        let config = resolved(
            "{ models: { providers: { p: { baseUrl: 'http://127.0.0.1:1/v1', api: 'openai-completions',
                 apiKey: '${P_KEY}', models: [{ id: 'm', maxTokens: 4096 }] } } },
               agents: { defaults: { model: { primary: 'p/org/m' } } } }",
        )
        .unwrap();
        let provider = &config.providers[&ProviderId::from("p")];
        assert_eq!(
            provider.models,
            [ModelSettings {
                id: "m".into(),
                max_tokens: Some(4096)
            }]
        );
        let Some(SecretInput::Ref(SecretRef::Env { id, .. })) = &provider.api_key else {
            panic!("{provider:?}")
        };
        assert_eq!(id, "P_KEY");
        let model = config.model.unwrap();
        assert_eq!(
            (model.provider.as_str(), model.model.as_str()),
            ("p", "org/m")
        );
    }

    #[test]
    fn reports_every_problem_at_once() {
        let problems = resolved(
            "{ gateway: { port: 70000, bind: 'moon', auth: { token: 5 } },
               models: { providers: { p: { baseUrl: 'ftp://x', models: [{}] } } },
               agents: { defaults: { model: 'no-slash' } } }",
        )
        .unwrap_err();
        let paths: Vec<String> = problems
            .iter()
            .map(|problem| problem.path.to_string())
            .collect();
        assert_eq!(
            paths,
            [
                "agents.defaults.model",
                "models.providers.p.baseUrl",
                "models.providers.p.models.0.id",
                "gateway.port",
                "gateway.bind",
                "gateway.auth.token"
            ]
        );
    }

    #[test]
    fn never_prints_an_inline_key() {
        let config = resolved("{ models: { providers: { p: { apiKey: 'sk-canary' } } } }").unwrap();
        assert!(!format!("{config:?}").contains("canary"));
    }
}
