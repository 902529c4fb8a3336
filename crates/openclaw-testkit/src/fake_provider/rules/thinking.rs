//! How Anthropic Messages is told to think.

use serde_json::Value;

use super::{Findings, Rule, member};

/// The least budget that the API takes.
const LEAST: u64 = 1024;

const EFFORTS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];

pub(super) fn check(body: &Value, findings: &mut Findings) {
    let thinking = member(body, "thinking");
    let mut add =
        |message: &str, json: &Value| findings.add(Rule::Thinking, "thinking", message, json);
    let thinks = match member(thinking, "type").as_str() {
        None if thinking.is_null() => false,
        Some("disabled") => false,
        Some("adaptive") => {
            if !member(thinking, "budget_tokens").is_null() {
                add("a budget, and the model is to decide itself", thinking);
            }
            true
        }
        Some("enabled") => {
            let budget = member(thinking, "budget_tokens")
                .as_u64()
                .unwrap_or_default();
            let most = member(body, "max_tokens").as_u64().unwrap_or_default();
            if budget < LEAST || budget >= most {
                add("a budget below 1024, or not below max_tokens", thinking);
            }
            if waits_without_thoughts(body) {
                add(
                    "the calls that are answered have no thoughts before them",
                    thinking,
                );
            }
            true
        }
        _ => {
            add("a kind of thinking that the API does not know", thinking);
            false
        }
    };
    let temperature = member(body, "temperature");
    if thinks && !temperature.is_null() && temperature != 1 {
        add("a temperature besides thinking", temperature);
    }
    let effort = member(member(body, "output_config"), "effort");
    if !effort.is_null() && !effort.as_str().is_some_and(|name| EFFORTS.contains(&name)) {
        add("an effort that the API does not know", effort);
    }
}

/// A model with a budget wants the message whose calls are answered to begin with its thoughts.
fn waits_without_thoughts(body: &Value) -> bool {
    let kind = |message: Option<&Value>| {
        let first = member(message?, "content").get(0)?;
        member(first, "type").as_str().map(str::to_owned)
    };
    let messages = member(body, "messages").as_array();
    let mut last = messages.into_iter().flatten().rev();
    kind(last.next()).as_deref() == Some("tool_result")
        && !kind(last.next()).is_some_and(|kind| kind.contains("thinking"))
}
