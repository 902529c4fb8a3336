//! The request line and the headers.

use serde_json::Value;

use super::{Findings, Rule};
use crate::fake_provider::seen::SeenRequest;
use crate::fake_provider::wire::WireFormat;

pub(super) fn check(seen: &SeenRequest, key: Option<&str>, findings: &mut Findings) {
    let query = seen.query.as_deref().unwrap_or_default();
    let spelled_out = key.is_some_and(|key| seen.path.contains(key) || query.contains(key));
    if spelled_out || query.to_ascii_lowercase().contains("key=") {
        let url = Value::from(format!("{}?{query}", seen.path));
        findings.add(Rule::KeyInUrl, "", "the URL carries a key", &url);
    }
    let Some(wire) = seen.wire else { return };
    let kind = seen.header("content-type").unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        let message = format!("content-type is `{kind}` and not application/json");
        findings.add(Rule::Headers, "", message, &Value::Null);
    }
    if wire == WireFormat::Anthropic && seen.header("anthropic-version").is_none() {
        findings.add(
            Rule::Headers,
            "",
            "no anthropic-version header",
            &Value::Null,
        );
    }
    if wire == WireFormat::Azure && !query.contains("api-version=") {
        let message = "no api-version, which the address of a deployment needs";
        findings.add(Rule::Headers, "", message, &query.into());
    }
    let Some(key) = key else { return };
    let (name, wanted) = match wire {
        WireFormat::Anthropic if key.starts_with("sk-ant-oat") => {
            ("authorization", format!("Bearer {key}"))
        }
        WireFormat::Anthropic => ("x-api-key", key.to_owned()),
        WireFormat::OpenAi | WireFormat::Responses | WireFormat::Ollama => {
            ("authorization", format!("Bearer {key}"))
        }
        WireFormat::Azure | WireFormat::AzureResponses => ("api-key", key.to_owned()),
        WireFormat::Google => ("x-goog-api-key", key.to_owned()),
    };
    let found = seen.header(name);
    if found != Some(wanted.as_str()) {
        let message = format!("the header {name} does not carry the key");
        findings.add(Rule::Headers, "", message, &found.into());
    }
}
