//! What Google Gemini wants, and how it writes a conversation.

use serde_json::Value;

use super::{Findings, Reading, Rule, member, said};
use crate::fake_provider::seen::{Said, SeenCall, SeenResult, Turn, text_of};

pub(super) fn read(body: &Value, model: &str, findings: &mut Findings) -> Reading {
    let system = member(member(body, "systemInstruction"), "parts");
    let texts: Vec<&str> = list(system).iter().filter_map(text_of).collect();
    let mut reader = Reader {
        turns: Vec::new(),
        open: Vec::new(),
        signs: model.starts_with("gemini-3"),
    };
    for (index, content) in list(member(body, "contents")).iter().enumerate() {
        let at = format!("contents[{index}]");
        let parts = list(member(content, "parts"));
        if parts.is_empty() {
            findings.add(Rule::Content, &at, "a content without parts", content);
        }
        match member(content, "role").as_str() {
            Some("user") => reader.user(parts, &at, findings),
            Some("model") => reader.model(parts, at, findings),
            _ => findings.add(
                Rule::Role,
                &at,
                "a role that the API does not know",
                content,
            ),
        }
    }
    Reading {
        system: (!texts.is_empty()).then(|| texts.join("\n")),
        turns: reader.turns,
    }
}

struct Reader {
    turns: Vec<Turn>,
    /// Ids and names of the calls without a result; one without an id has its place for an id.
    open: Vec<(String, String)>,
    /// Whether the model insists on signatures.
    signs: bool,
}

impl Reader {
    fn user(&mut self, parts: &[Value], at: &str, findings: &mut Findings) {
        let mut said = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let at = format!("{at}.parts[{index}]");
            if member(part, "functionResponse").is_object() {
                let result = self.result(member(part, "functionResponse"), &at, findings);
                let said = Said::Result(result);
                self.turns.push(Turn { at, said });
                continue;
            }
            let data = member(part, "inlineData");
            let has_words = text_of(part).is_some_and(|text| !text.trim().is_empty());
            let has_data = ["mimeType", "data"]
                .iter()
                .all(|key| member(data, key).is_string());
            if !has_words && !has_data {
                findings.add(Rule::Content, at, "a part that a user cannot send", part);
            }
            said.push(part.clone());
        }
        if !said.is_empty() {
            self.turns.push(Turn {
                at: at.to_owned(),
                said: Said::User(said),
            });
        }
    }

    fn model(&mut self, parts: &[Value], at: String, findings: &mut Findings) {
        let mut said = Vec::new();
        let mut calls = Vec::new();
        self.open.clear();
        for (index, part) in parts.iter().enumerate() {
            let at = format!("{at}.parts[{index}]");
            let signature = member(part, "thoughtSignature").as_str();
            if member(part, "functionCall").is_object() {
                if self.signs && calls.is_empty() && signature.is_none() {
                    let message = "the first call of a step without its signature";
                    findings.add(Rule::Content, &at, message, part);
                }
                calls.push(self.call(member(part, "functionCall"), &at, findings));
                continue;
            }
            let has_words = text_of(part).is_some_and(|text| !text.trim().is_empty());
            if !has_words && signature.is_none() {
                findings.add(Rule::Content, &at, "a part that a model cannot send", part);
            }
            said.push(part.clone());
        }
        let said = Said::Assistant { parts: said, calls };
        self.turns.push(Turn { at, said });
    }

    fn call(&mut self, call: &Value, at: &str, findings: &mut Findings) -> SeenCall {
        let name = said(call, "name").unwrap_or_default();
        if name.is_empty() {
            findings.add(Rule::Content, at, "a call without a function", call);
        }
        if !member(call, "args").is_object() {
            findings.add(Rule::Arguments, at, "the arguments are no object", call);
        }
        let id = said(call, "id").unwrap_or(at).to_owned();
        self.open.push((id.clone(), name.to_owned()));
        SeenCall {
            id,
            name: name.to_owned(),
            arguments: member(call, "args").clone(),
        }
    }

    /// A result without an id is of the first call of its name that has none yet.
    fn result(&mut self, response: &Value, at: &str, findings: &mut Findings) -> SeenResult {
        let name = said(response, "name").unwrap_or_default();
        let given = said(response, "id");
        let place = self.open.iter().position(|(id, open)| match given {
            Some(given) => id == given,
            None => open == name,
        });
        let (id, called) = match place.map(|place| self.open.remove(place)) {
            Some(open) => open,
            None => (given.unwrap_or(name).to_owned(), name.to_owned()),
        };
        if called != name {
            let message = format!("a result of `{name}` for a call of `{called}`");
            findings.add(Rule::Content, at, message, response);
        }
        let outcome = member(response, "response");
        let content = ["output", "error"]
            .iter()
            .find_map(|key| outcome.get(key)?.as_str());
        if content.is_none() {
            let message = "a response without `output` or `error`";
            findings.add(Rule::Content, at, message, response);
        }
        SeenResult {
            call_id: id,
            content: content.unwrap_or_default().to_owned(),
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
