//! `models.providers`: where models are served, and what is said about them.

use std::collections::BTreeMap;
use std::time::Duration;

use openclaw_core::ProviderId;
use serde_json::{Map, Value};

use super::reader::{Reader, whole_number};
use super::request::RequestSettings;
use super::secrets::SecretInput;

/// What has no effect in an entry of `models.providers.<id>.models`.
const WITHOUT_EFFECT: [&str; 2] = ["agentRuntime", "mediaInput"];
const NO_EFFECT: &str = "is accepted, but has no effect in this version";

/// One entry of `models.providers`.
#[derive(Clone, Debug, Default)]
pub struct ProviderSettings {
    /// Where the provider's API is (`baseUrl`).
    pub base_url: Option<String>,
    /// The wire format that it speaks (`api`), such as `openai-completions`.
    pub api: Option<String>,
    /// Its API key, or where to find it (`apiKey`).
    pub api_key: Option<SecretInput>,
    /// Whether the key is a bearer token, whatever the API's own header is (`authHeader`, or `auth`
    /// with `token` or `oauth`).
    pub bearer: bool,
    /// What is sent with every request (`headers`, then `request.headers`).
    pub headers: Vec<(String, SecretInput)>,
    /// What this provider's API is told beside the request (`params`).
    pub params: Map<String, Value>,
    /// The most tokens that its models may write in one answer (`maxTokens`).
    pub max_tokens: Option<u32>,
    /// How long it may take to answer, and may be silent (`timeoutSeconds`).
    pub timeout: Option<Duration>,
    /// How requests get there (`request`).
    pub request: RequestSettings,
    /// What is said about its models (`models`).
    pub models: Vec<ModelSettings>,
}

/// One entry of `models.providers.<id>.models`.
#[derive(Clone, Debug, Default)]
pub struct ModelSettings {
    /// The provider's name for the model.
    pub id: String,
    /// Its name for people (`name`).
    pub name: Option<String>,
    /// The wire format, where it is not the provider's (`api`).
    pub api: Option<String>,
    /// The address, where it is not the provider's (`baseUrl`).
    pub base_url: Option<String>,
    /// How many tokens a conversation with it may have (`contextTokens`, or `contextWindow`).
    pub context_window: Option<u64>,
    /// The most tokens that it may write in one answer (`maxTokens`).
    pub max_tokens: Option<u32>,
    /// What its tokens cost, as far as that is said (`cost`).
    pub cost: Map<String, Value>,
    /// What it can be shown, by OpenClaw's names (`input`).
    pub input: Option<Vec<String>>,
    /// Whether it can be told to think (`reasoning`).
    pub reasoning: Option<bool>,
    /// Where its server differs from others of its kind (`compat`).
    pub compat: Map<String, Value>,
    /// What is sent with every request for it (`headers`).
    pub headers: Vec<(String, SecretInput)>,
    /// How much it thinks at each level, in its provider's words (`thinkingLevelMap`).
    pub thinking_levels: Map<String, Value>,
    /// What this model's API is told beside the request (`params`).
    pub params: Map<String, Value>,
}

impl ProviderSettings {
    /// Returns what is said about a model, if anything is.
    pub fn model(&self, id: &str) -> Option<&ModelSettings> {
        self.models.iter().find(|model| model.id == id)
    }
}

impl Reader<'_> {
    pub(super) fn providers(&mut self) -> BTreeMap<ProviderId, ProviderSettings> {
        let ids: Vec<&str> = self
            .members(&["models", "providers"])
            .map(|(id, _)| id)
            .collect();
        ids.into_iter()
            .map(|id| (ProviderId::from(id), self.provider(id)))
            .collect()
    }

    /// `auth.order`: which sign-in of a provider comes first.
    pub(super) fn sign_in_order(&self) -> BTreeMap<ProviderId, Vec<String>> {
        self.members(&["auth", "order"])
            .map(|(provider, names)| {
                let names = names.as_array().into_iter().flatten();
                let names = names.filter_map(Value::as_str).map(str::to_owned);
                (ProviderId::from(provider), names.collect())
            })
            .collect()
    }

    fn provider(&mut self, id: &str) -> ProviderSettings {
        let at = |key| ["models", "providers", id, key];
        let auth = self.string(&at("auth"));
        if auth.as_deref() == Some("aws-sdk") {
            self.not_followed(&at("auth"), "this way to sign in is not known here");
        }
        let tokens = matches!(auth.as_deref(), Some("token" | "oauth"));
        let models = self.raw(&at("models")).and_then(Value::as_array);
        for (index, model) in models.into_iter().flatten().enumerate() {
            self.model_settings_without_effect(id, index, model);
        }
        let mut headers = self.headers(&at("headers"));
        headers.extend(self.headers(&["models", "providers", id, "request", "headers"]));
        ProviderSettings {
            base_url: self.string(&at("baseUrl")),
            api: self.string(&at("api")),
            api_key: self.secret(&at("apiKey")),
            bearer: self.raw(&at("authHeader")).map_or(tokens, is_true),
            headers,
            params: members_of(self.raw(&at("params"))),
            max_tokens: self.raw(&at("maxTokens")).and_then(tokens_of),
            timeout: self.number(&at("timeoutSeconds")).map(Duration::from_secs),
            request: self.request(id),
            models: models.into_iter().flatten().filter_map(model_of).collect(),
        }
    }

    /// The list of models is followed as a whole, but for what is named here.
    fn model_settings_without_effect(&mut self, id: &str, index: usize, model: &Value) {
        let index = index.to_string();
        let at = ["models", "providers", id, "models", &index];
        for key in WITHOUT_EFFECT {
            if model.get(key).is_some() {
                self.not_followed(&[&at[..], &[key]].concat(), NO_EFFECT);
            }
        }
    }

    /// Returns the headers of an object, each of which may be a secret.
    pub(super) fn headers(&mut self, path: &[&str]) -> Vec<(String, SecretInput)> {
        let names: Vec<&str> = self.members(path).map(|(name, _)| name).collect();
        names
            .into_iter()
            .filter_map(|name| {
                let value = self.secret(&[path, &[name]].concat())?;
                Some((name.to_owned(), value))
            })
            .collect()
    }
}

fn model_of(model: &Value) -> Option<ModelSettings> {
    let text = |key| {
        let text = model.get(key).and_then(Value::as_str)?;
        (!text.trim().is_empty()).then(|| text.to_owned())
    };
    let window = |key| model.get(key).and_then(whole_number).filter(|n| *n > 0);
    let inputs = |input: &Value| {
        let names = input.as_array()?.iter().filter_map(Value::as_str);
        Some(names.map(str::to_owned).collect())
    };
    let headers = model.get("headers").and_then(Value::as_object);
    let headers = headers
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), SecretInput::from_text(value.as_str()?))));
    Some(ModelSettings {
        id: text("id")?,
        name: text("name"),
        api: text("api"),
        base_url: text("baseUrl"),
        context_window: window("contextTokens").or_else(|| window("contextWindow")),
        max_tokens: model.get("maxTokens").and_then(tokens_of),
        cost: members_of(model.get("cost")),
        input: model.get("input").and_then(inputs),
        reasoning: model.get("reasoning").and_then(Value::as_bool),
        compat: members_of(model.get("compat")),
        headers: headers.collect(),
        thinking_levels: members_of(model.get("thinkingLevelMap")),
        params: members_of(model.get("params")),
    })
}

fn tokens_of(value: &Value) -> Option<u32> {
    let tokens = whole_number(value).filter(|tokens| *tokens > 0)?;
    Some(u32::try_from(tokens).unwrap_or(u32::MAX))
}

fn members_of(value: Option<&Value>) -> Map<String, Value> {
    let members = value.and_then(Value::as_object);
    members.cloned().unwrap_or_default()
}

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::{meaning, not_followed};
    use crate::settings::{ProxySettings, RequestAuth};

    #[test]
    fn a_provider_is_read_with_its_way_and_its_models() {
        let config = meaning(
            "{ models: { providers: { mine: {
                 baseUrl: 'https://models.example/v1', api: 'openai-responses', apiKey: 'sk', authHeader: true,
                 headers: { 'x-tenant': 'ours', 'x-pass': '${TENANT_PASS}' }, params: { apiVersion: '2026-01-01' },
                 maxTokens: 9000, timeoutSeconds: 600,
                 request: {
                   headers: { 'x-way': 'here' },
                   auth: { mode: 'header', headerName: 'x-key', prefix: 'Key ', value: 'of-the-header' },
                   proxy: { mode: 'explicit-proxy', url: 'http://127.0.0.1:3128', tls: { ca: 'PROXY PEM' } },
                   tls: { ca: 'PEM' } },
                 models: [{ id: 'm', name: 'M', baseUrl: 'https://m.example', contextWindow: 200000.0, contextTokens: 100000,
                   maxTokens: 8192, cost: { input: 1, output: 2.5 }, input: ['text', 'image'], reasoning: true,
                   compat: { supportsTools: false }, headers: { 'x-m': '1' }, thinkingLevelMap: { high: 'deep' } },
                   { id: 'free-of-claims' }, { name: 'nameless' }] } } } }",
        );
        let provider = &config.providers[&ProviderId::from("mine")];
        let headers: Vec<&str> = provider.headers.iter().map(|(name, _)| &**name).collect();
        assert_eq!(headers, ["x-tenant", "x-pass", "x-way"]);
        assert!(matches!(provider.headers[1].1.name(), Some("TENANT_PASS")));
        assert!(provider.bearer);
        assert_eq!(provider.max_tokens, Some(9000));
        assert_eq!(provider.timeout, Some(Duration::from_mins(10)));
        assert_eq!(provider.params["apiVersion"], "2026-01-01");
        assert_eq!(
            provider.request.proxy,
            ProxySettings::Url("http://127.0.0.1:3128".to_owned())
        );
        assert_eq!(provider.request.authorities.len(), 2);
        assert!(matches!(
            &provider.request.auth,
            Some(RequestAuth::Header { name, prefix, .. }) if name == "x-key" && prefix == "Key "
        ));
        assert_eq!(provider.models.len(), 2);
        let model = provider.model("m").unwrap();
        assert_eq!(model.context_window, Some(100_000));
        assert_eq!(model.cost["output"], 2.5);
        assert_eq!(model.input.as_deref().unwrap(), ["text", "image"]);
        assert_eq!(model.compat["supportsTools"], false);
        assert_eq!(provider.model("free-of-claims").unwrap().max_tokens, None);
        assert_eq!(not_followed(&config), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_done_for_a_provider_is_named_once() {
        let config = meaning(
            "{ models: { providers: { mine: { baseUrl: 'https://x.example', auth: 'aws-sdk', region: 'here',
                 request: { tls: { insecureSkipVerify: true, cert: 'PEM' }, proxy: { mode: 'env-proxy', tls: { insecureSkipVerify: true } }, allowPrivateNetwork: true },
                 models: [{ id: 'm', mediaInput: {}, cost: { input: 1 } }] } } } }",
        );
        let mut named = not_followed(&config);
        named.sort();
        assert_eq!(
            named,
            [
                "models.providers.mine.auth",
                "models.providers.mine.models.0.mediaInput",
                "models.providers.mine.region",
                "models.providers.mine.request.allowPrivateNetwork",
                "models.providers.mine.request.proxy.tls.insecureSkipVerify",
                "models.providers.mine.request.tls.cert",
                "models.providers.mine.request.tls.insecureSkipVerify",
            ]
        );
        let refused = config
            .not_followed
            .iter()
            .filter(|problem| problem.to_string().contains("is refused: without looking"));
        assert_eq!(refused.count(), 2);
    }

    #[test]
    fn a_price_below_nothing_stays_what_was_said_of_it() {
        for cost in [
            "{ input: -1 }",
            "{ tieredPricing: [{ range: [0], input: 1, output: -1, cacheRead: 0, cacheWrite: 0 }] }",
        ] {
            let config = meaning(&format!(
                "{{ models: {{ providers: {{ mine: {{ models: [{{ id: 'm', cost: {cost} }}] }} }} }} }}"
            ));
            let provider = &config.providers[&ProviderId::from("mine")];
            assert!(!provider.model("m").unwrap().cost.is_empty(), "{cost}");
        }
    }
}
