//! What families of OpenAI's models refuse.

use serde_json::Value;

use super::{Findings, Rule, member};

/// Models that think take the first words of their names from here.
const THINKING: &[&str] = &["o1", "o3", "o4", "gpt-5", "gpt-6"];

/// Models that do not.
const PLAIN: &[&str] = &["gpt-3.5", "gpt-4"];

pub(super) fn check(body: &Value, findings: &mut Findings) {
    let model = member(body, "model").as_str().unwrap_or_default();
    let is_one = |names: &[&str]| names.iter().any(|name| model.starts_with(name));
    let refused: &[&str] = if is_one(THINKING) && !model.contains("-chat") {
        &["temperature", "top_p", "max_tokens", "presence_penalty"]
    } else if is_one(PLAIN) {
        &["reasoning_effort", "reasoning"]
    } else {
        &[]
    };
    for name in refused {
        let value = member(body, name);
        if !value.is_null() {
            let message = format!("`{model}` refuses this parameter");
            findings.add(Rule::Parameters, *name, message, value);
        }
    }
}
