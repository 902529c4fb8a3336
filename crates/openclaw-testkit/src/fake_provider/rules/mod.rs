//! What has to be true of every request: what the real APIs insist on, and what no history may do.

mod anthropic;
mod cache;
mod google;
mod headers;
mod ollama;
mod openai;
mod parameters;
mod responses;
mod thinking;
mod tools;
mod transcript;

use std::fmt;

use serde_json::Value;

use super::seen::{SeenRequest, Turn};
use super::wire::WireFormat;

/// How much of the offending JSON is shown, in characters.
const SHOWN: usize = 2_000;

/// Something that has to be true of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It goes to an endpoint of a wire format.
    Endpoint,
    /// Its body is a JSON object.
    Json,
    /// It has the headers of its API and the key that was expected.
    Headers,
    /// No key stands in its URL.
    KeyInUrl,
    /// It names a model.
    Model,
    /// It has a system prompt, above everything else.
    System,
    /// It bounds the answer, where the API insists on it.
    MaxTokens,
    /// It has no parameter that OpenAI's family of the model refuses.
    Parameters,
    /// It asks for thinking in a way that the API takes.
    Thinking,
    /// It marks no more for the cache than the API takes, and nothing that cannot be marked.
    Cache,
    /// Its tools are well-formed, and there when the history calls some.
    Tools,
    /// Its messages have roles that the API knows, and begin and end with what it allows.
    Role,
    /// Speakers alternate.
    Alternation,
    /// Messages have content, of kinds that the API knows.
    Content,
    /// Arguments of tool calls are an object, written as the API wants it.
    Arguments,
    /// Ids of tool calls are well-formed and not used twice in one message.
    CallId,
    /// Every tool call is answered, directly after the message that made it.
    Unanswered,
    /// Every tool result answers a call of the message before, and no other result did.
    Orphan,
    /// Nothing stands in the conversation twice.
    Repeated,
    /// The test said what to answer.
    Script,
}

/// A rule that a request broke.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// The request's number, from 1.
    pub request: u64,
    /// Where in the request, such as `messages[2]`; empty for the request as a whole.
    pub at: String,
    /// What is wrong.
    pub message: String,
    /// The offending part of the request.
    pub json: Value,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request {}", self.request)?;
        if !self.at.is_empty() {
            write!(f, ", {}", self.at)?;
        }
        write!(f, ": {} ({:?})", self.message, self.rule)?;
        if !self.json.is_null() {
            let json = format!("{:#}", self.json);
            let end = json.char_indices().nth(SHOWN);
            let shown = end.and_then(|(at, _)| json.get(..at));
            let (shown, more) = shown.map_or((json.as_str(), ""), |shown| (shown, " …"));
            write!(f, "\n    {}{more}", shown.replace('\n', "\n    "))?;
        }
        Ok(())
    }
}

/// What the test says about the requests to come.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected {
    pub(super) key: Option<String>,
    pub(super) allowed: Vec<Rule>,
    pub(super) user_texts: UserTexts,
}

/// Whether the user may write the same text twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum UserTexts {
    #[default]
    MayRepeat,
    Distinct,
}

/// What was found in one request so far.
#[derive(Debug)]
struct Findings {
    request: u64,
    list: Vec<Violation>,
}

impl Findings {
    fn add(&mut self, rule: Rule, at: impl Into<String>, message: impl Into<String>, json: &Value) {
        self.list.push(Violation {
            rule,
            request: self.request,
            at: at.into(),
            message: message.into(),
            json: json.clone(),
        });
    }
}

/// What a wire format says in its own way.
#[derive(Debug, Default)]
struct Reading {
    system: Option<String>,
    turns: Vec<Turn>,
}

/// Reads the conversation out of a request and holds everything against the rules.
pub(super) fn examine(seen: &mut SeenRequest, expected: &Expected) -> Vec<Violation> {
    let mut findings = Findings {
        request: seen.number,
        list: Vec::new(),
    };
    headers::check(seen, expected.key.as_deref(), &mut findings);
    match seen.wire {
        None => findings.add(
            Rule::Endpoint,
            "",
            format!("nothing answers `{} {}`", seen.method, seen.path),
            &Value::Null,
        ),
        Some(_) if !seen.body.is_object() => {
            findings.add(Rule::Json, "", "the body is no JSON object", &seen.body);
        }
        Some(wire) => {
            let reading = match wire {
                WireFormat::Anthropic => anthropic::read(&seen.body, &mut findings),
                WireFormat::OpenAi | WireFormat::Azure => {
                    parameters::check(&seen.body, &mut findings);
                    openai::read(&seen.body, &mut findings)
                }
                WireFormat::Responses | WireFormat::AzureResponses => {
                    parameters::check(&seen.body, &mut findings);
                    responses::read(&seen.body, &mut findings)
                }
                WireFormat::Google => google::read(&seen.body, seen.model(), &mut findings),
                WireFormat::Ollama => ollama::read(&seen.body, &mut findings),
            };
            (seen.system, seen.turns) = (reading.system, reading.turns);
            check(seen, wire, &mut findings);
            transcript::check(seen, expected.user_texts, &mut findings);
        }
    }
    findings
        .list
        .retain(|found| !expected.allowed.contains(&found.rule));
    findings.list
}

fn check(seen: &SeenRequest, wire: WireFormat, findings: &mut Findings) {
    if seen.model().is_empty() {
        findings.add(Rule::Model, "model", "no model is named", &Value::Null);
    }
    if seen
        .system
        .as_deref()
        .is_none_or(|text| text.trim().is_empty())
    {
        findings.add(Rule::System, "", "there is no system prompt", &Value::Null);
    }
    tools::check(seen, wire, findings);
}

/// Returns the member of an object, or `null`.
fn member<'a>(value: &'a Value, key: &str) -> &'a Value {
    value.get(key).unwrap_or(&Value::Null)
}

/// Returns a text that says something, or nothing.
fn said<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    member(value, key)
        .as_str()
        .filter(|text| !text.trim().is_empty())
}
