//! What OpenAI Responses wants, and how it writes a conversation.

use serde_json::Value;

use super::{Findings, Reading, Rule, member, said};
use crate::fake_provider::seen::{Said, SeenCall, SeenResult, Turn, text_of};

pub(super) fn read(body: &Value, findings: &mut Findings) -> Reading {
    let mut reader = Reader {
        system: said(body, "instructions").map(str::to_owned),
        turns: Vec::new(),
        thoughts: None,
        stores: member(body, "store") != false,
    };
    let input = member(body, "input").as_array();
    for (index, item) in input.into_iter().flatten().enumerate() {
        reader.item(item, format!("input[{index}]"), findings);
    }
    reader.end_thoughts(findings);
    Reading {
        system: reader.system,
        turns: reader.turns,
    }
}

struct Reader {
    system: Option<String>,
    turns: Vec<Turn>,
    /// Thoughts that nothing has followed yet, and where they stand.
    thoughts: Option<(String, Value)>,
    /// Whether the provider keeps answers, so that thoughts may be named by their id alone.
    stores: bool,
}

impl Reader {
    fn item(&mut self, item: &Value, at: String, findings: &mut Findings) {
        match (member(item, "type").as_str(), member(item, "role").as_str()) {
            (Some("message") | None, Some("assistant")) => {
                let parts = contents(item, &at, &["output_text", "refusal"], findings);
                self.model(at, parts, None);
            }
            (Some("message") | None, Some("user")) => {
                self.end_thoughts(findings);
                let known = ["input_text", "input_image", "input_file"];
                let said = Said::User(contents(item, &at, &known, findings));
                self.turns.push(Turn { at, said });
            }
            (Some("message") | None, Some("system" | "developer")) => {
                let parts = contents(item, &at, &["input_text"], findings);
                if !self.turns.is_empty() || self.system.is_some() {
                    let message = "a system prompt that is not first";
                    findings.add(Rule::System, &at, message, item);
                }
                let texts: Vec<&str> = parts.iter().filter_map(text_of).collect();
                self.system = Some(texts.join("\n"));
            }
            (Some("reasoning"), _) => self.reasoning(item, at, findings),
            (Some("function_call"), _) => {
                let call = call(item, &at, findings);
                self.model(at, Vec::new(), Some(call));
            }
            (Some("function_call_output"), _) => {
                self.end_thoughts(findings);
                let output = member(item, "output");
                if !output.is_string() {
                    findings.add(Rule::Content, &at, "an output that is no text", item);
                }
                let said = Said::Result(SeenResult {
                    call_id: said(item, "call_id").unwrap_or_default().to_owned(),
                    content: output.as_str().unwrap_or_default().to_owned(),
                });
                self.turns.push(Turn { at, said });
            }
            _ => findings.add(Rule::Role, &at, "an item that the API does not know", item),
        }
    }

    fn reasoning(&mut self, item: &Value, at: String, findings: &mut Findings) {
        self.end_thoughts(findings);
        if !member(item, "summary").is_array() {
            findings.add(Rule::Thinking, &at, "thoughts without a summary", item);
        }
        if !self.stores && said(item, "encrypted_content").is_none() {
            let message = "thoughts by their id alone, and nothing is stored";
            findings.add(Rule::Thinking, &at, message, item);
        }
        self.model(at.clone(), vec![item.clone()], None);
        self.thoughts = Some((at, item.clone()));
    }

    /// Adds to what the model did last: the items of one answer stand one after the other.
    fn model(&mut self, place: String, more: Vec<Value>, call: Option<SeenCall>) {
        self.thoughts = None;
        if let Some(Said::Assistant { parts, calls }) =
            self.turns.last_mut().map(|turn| &mut turn.said)
        {
            parts.extend(more);
            calls.extend(call);
            return;
        }
        let calls = call.into_iter().collect();
        self.turns.push(Turn {
            at: place,
            said: Said::Assistant { parts: more, calls },
        });
    }

    /// The API takes no thoughts without what they led to.
    fn end_thoughts(&mut self, findings: &mut Findings) {
        if let Some((at, item)) = self.thoughts.take() {
            let message = "thoughts without the item that has to follow them";
            findings.add(Rule::Thinking, at, message, &item);
        }
    }
}

fn contents(item: &Value, at: &str, known: &[&str], findings: &mut Findings) -> Vec<Value> {
    let content = member(item, "content");
    let parts = match content {
        Value::String(_) => vec![content.clone()],
        Value::Array(parts) => parts.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    let empty = |part: &Value| text_of(part).is_some_and(|text| text.trim().is_empty());
    if parts.is_empty() || parts.iter().any(empty) {
        findings.add(Rule::Content, at, "a message that says nothing", item);
    }
    let foreign = |part: &&Value| {
        let kind = member(part, "type").as_str();
        !part.is_string() && !kind.is_some_and(|kind| known.contains(&kind))
    };
    for part in parts.iter().filter(foreign) {
        findings.add(Rule::Content, at, "a part of another kind of message", part);
    }
    parts
}

fn call(item: &Value, at: &str, findings: &mut Findings) -> SeenCall {
    let id = said(item, "call_id").unwrap_or_default();
    if id.is_empty() {
        findings.add(Rule::CallId, at, "a call without an id", item);
    }
    let name = said(item, "name").unwrap_or_default();
    if name.is_empty() {
        findings.add(Rule::Content, at, "a call without a function", item);
    }
    let arguments = member(item, "arguments");
    let read: Option<Value> = arguments
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    if !read.as_ref().is_some_and(Value::is_object) {
        let message = "the arguments are no text of a JSON object";
        findings.add(Rule::Arguments, at, message, item);
    }
    SeenCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: read.unwrap_or_else(|| arguments.clone()),
    }
}
