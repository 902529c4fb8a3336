//! Azure's addresses.
//!
//! A model is a deployment there. Two forms of address are in use:
//! `…/openai/deployments/D/chat/completions?api-version=V`, which names the deployment and needs a
//! version, and `…/openai/v1/chat/completions`, which needs neither. Which one is used follows from
//! the base URL; one that names a resource alone is asked in the second form, as OpenClaw does, or
//! in the first if a dated version is configured.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::quirks::{Api, Server};

/// The version that the first form is asked in when none is configured, as in OpenClaw.
const API_VERSION: &str = "2024-12-01-preview";

/// The version of `…/models/chat/completions`.
const MODELS_VERSION: &str = "2024-05-01-preview";

/// What a configuration says of deployments: `params.apiVersion`, `params.deployment` for every
/// model, `params.deployments` for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deployments {
    version: Option<String>,
    only: Option<String>,
    by_model: BTreeMap<String, String>,
}

impl Deployments {
    pub(crate) fn of(params: &Map<String, Value>) -> Self {
        let text = |name| params.get(name).and_then(Value::as_str).map(str::to_owned);
        let by_model = params.get("deployments").and_then(Value::as_object);
        let by_model = by_model.into_iter().flatten();
        let by_model = by_model.filter_map(|(model, name)| {
            let name = name.as_str()?;
            Some((model.clone(), name.to_owned()))
        });
        Self {
            version: text("apiVersion"),
            only: text("deployment"),
            by_model: by_model.collect(),
        }
    }

    /// Returns the deployment of a model; its own name if none is configured.
    pub(crate) fn name<'a>(&'a self, model: &'a str) -> &'a str {
        let known = self.by_model.get(model).or(self.only.as_ref());
        known.map_or(model, String::as_str)
    }

    /// Returns where an API is asked for a deployment.
    pub(crate) fn address(&self, base_url: &str, api: Api, deployment: &str) -> String {
        let (path, query) = base_url.split_once('?').unwrap_or((base_url, ""));
        let path = path.trim_end_matches('/');
        let operation = operation(api);
        let path = path.strip_suffix(&format!("/{operation}")).unwrap_or(path);
        let version = self.version.as_deref().filter(|version| *version != "v1");
        let dated =
            version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()));
        let (place, usual) = if let Some((root, rest)) = path.split_once("/openai/deployments/") {
            let own = rest.split('/').next().filter(|own| !own.is_empty());
            let deployment = own.map_or_else(|| in_path(deployment), Cow::Borrowed);
            (by_deployment(root, api, &deployment), Some(API_VERSION))
        } else if path.ends_with("/openai/v1") {
            (format!("{path}/{operation}"), None)
        } else if path.ends_with("/models") {
            (format!("{path}/{operation}"), Some(MODELS_VERSION))
        } else {
            let path = path.strip_suffix("/deployments").unwrap_or(path);
            let root = path.strip_suffix("/openai").unwrap_or(path);
            if dated || query.contains("api-version=") {
                let deployment = in_path(deployment);
                (by_deployment(root, api, &deployment), Some(API_VERSION))
            } else {
                (format!("{root}/openai/v1/{operation}"), None)
            }
        };
        let version = version.or(usual).map(|v| format!("api-version={v}"));
        let version = version.filter(|_| !query.contains("api-version="));
        let query = [query]
            .into_iter()
            .chain(version.as_deref())
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("&");
        if query.is_empty() {
            place
        } else {
            format!("{place}?{query}")
        }
    }
}

/// The Responses API of that form names the deployment in the body.
fn by_deployment(root: &str, api: Api, deployment: &str) -> String {
    match api {
        Api::Chat => format!("{root}/openai/deployments/{deployment}/chat/completions"),
        Api::Responses => format!("{root}/openai/responses"),
    }
}

/// Returns what stands behind the base URL.
pub(crate) const fn operation(api: Api) -> &'static str {
    match api {
        Api::Chat => "chat/completions",
        Api::Responses => "responses",
    }
}

/// Tells whether an address is Azure's: by its host, or, for a gateway in front of Azure, by its
/// form.
pub(crate) fn is_azure(base_url: &str) -> bool {
    let (path, query) = base_url.split_once('?').unwrap_or((base_url, ""));
    Server::of(base_url) == Server::Azure
        || path.contains("/openai/deployments/")
        || query.contains("api-version=")
}

/// Characters that would end a segment of a path are escaped; the rest is the URL parser's.
fn in_path(name: &str) -> Cow<'_, str> {
    if !name.contains(['/', '?', '#', '%', '\\']) {
        return Cow::Borrowed(name);
    }
    let escaped = name.chars().map(|c| match c {
        '/' | '?' | '#' | '%' | '\\' => format!("%{:02X}", u32::from(c)),
        c => c.to_string(),
    });
    Cow::Owned(escaped.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployments(params: &Value) -> Deployments {
        Deployments::of(params.as_object().unwrap())
    }

    fn address(base_url: &str, api: Api, version: Option<&str>) -> String {
        let params = version.map_or(json!({}), |version| json!({"apiVersion": version}));
        deployments(&params).address(base_url, api, "my gpt/5")
    }

    #[test]
    fn every_form_of_address_is_understood() {
        let r = "https://r.openai.azure.com";
        for (base, version, chat, responses) in [
            (
                "",
                None,
                "/openai/v1/chat/completions",
                "/openai/v1/responses",
            ),
            (
                "/openai/",
                Some("2025-01-01"),
                "/openai/deployments/my gpt%2F5/chat/completions?api-version=2025-01-01",
                "/openai/responses?api-version=2025-01-01",
            ),
            (
                "/openai/v1/",
                Some("preview"),
                "/openai/v1/chat/completions?api-version=preview",
                "/openai/v1/responses?api-version=preview",
            ),
            (
                "/openai/v1",
                Some("v1"),
                "/openai/v1/chat/completions",
                "/openai/v1/responses",
            ),
            (
                "/openai/deployments/d1",
                None,
                "/openai/deployments/d1/chat/completions?api-version=2024-12-01-preview",
                "/openai/responses?api-version=2024-12-01-preview",
            ),
            (
                "/openai/deployments/d1/chat/completions?api-version=2024-10-21",
                Some("2025-01-01"),
                "/openai/deployments/d1/chat/completions?api-version=2024-10-21",
                "/openai/responses?api-version=2024-10-21",
            ),
            (
                "?api-version=2024-10-21",
                None,
                "/openai/deployments/my gpt%2F5/chat/completions?api-version=2024-10-21",
                "/openai/responses?api-version=2024-10-21",
            ),
            (
                "/models",
                None,
                "/models/chat/completions?api-version=2024-05-01-preview",
                "/models/responses?api-version=2024-05-01-preview",
            ),
        ] {
            let base = format!("{r}{base}");
            let asked = [Api::Chat, Api::Responses].map(|api| address(&base, api, version));
            assert_eq!(asked, [format!("{r}{chat}"), format!("{r}{responses}")]);
        }
    }

    #[test]
    fn azure_is_known_by_its_host_and_by_its_form() {
        for (url, azure) in [
            ("https://r.openai.azure.com", true),
            ("https://r.services.ai.azure.com/models", true),
            ("https://gateway.example/openai/deployments/d", true),
            (
                "https://gateway.example/openai?api-version=2024-10-21",
                true,
            ),
            ("https://gateway.example/openai/v1", false),
            ("https://api.openai.com/v1", false),
        ] {
            assert_eq!(is_azure(url), azure, "{url}");
        }
    }

    #[test]
    fn a_model_is_a_deployment() {
        let params = json!({"deployment": "all", "deployments": {"gpt-5": "mine"}});
        let some = deployments(&params);
        assert_eq!(some.name("gpt-5"), "mine");
        assert_eq!(some.name("gpt-4o"), "all");
        assert_eq!(deployments(&json!({})).name("gpt-4o"), "gpt-4o");
    }
}
