//! Whether what is asked is what was recorded.

use openclaw_core::redaction::mask_value;
use serde_json::Value;

/// The parts of a request that have to be the same: each with what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fit([(&'static str, String); 5]);

/// Where the APIs have the messages of a conversation.
const MESSAGES: [&str; 3] = ["messages", "input", "contents"];

impl Fit {
    pub(super) fn of(method: &str, url: &str, body: &Value) -> Self {
        let address = url.split_once('?').map_or(url, |(address, _)| address);
        Self([
            ("method", method.to_owned()),
            ("address", address.to_owned()),
            ("model", text(body.get("model"))),
            ("number of messages", messages(body)),
            ("list of tools", tools(body)),
        ])
    }

    /// Returns the first part that differs: its name, what it is here and what it is there.
    pub(super) fn difference(&self, asked: &Self) -> Option<(&'static str, String, String)> {
        let mut pairs = self.0.iter().zip(&asked.0);
        let ((field, recorded), (_, asked)) = pairs.find(|(recorded, asked)| recorded != asked)?;
        Some((field, recorded.clone(), asked.clone()))
    }
}

/// Returns a request's body as a cassette has it.
pub(super) fn comparable(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).map_or(Value::Null, mask_value)
}

fn text(value: Option<&Value>) -> String {
    value
        .and_then(Value::as_str)
        .map_or_else(|| "none".to_owned(), |text| format!("`{text}`"))
}

fn messages(body: &Value) -> String {
    MESSAGES
        .iter()
        .find_map(|name| body.get(name)?.as_array())
        .map_or(0, Vec::len)
        .to_string()
}

/// Returns the names of the tools, wherever an API has them.
fn tools(body: &Value) -> String {
    let mut names = Vec::new();
    for tool in array(body.get("tools")) {
        let declared = array(tool.get("functionDeclarations"));
        for tool in declared.iter().chain((declared.is_empty()).then_some(tool)) {
            let named = tool.get("function").unwrap_or(tool).get("name");
            names.push(text(named.or_else(|| tool.get("type"))));
        }
    }
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}

fn array(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
