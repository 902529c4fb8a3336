//! The body of a request to the Gemini API.
//!
//! What the API cannot carry is left out: the names of files, thoughts that nobody signed or that
//! another provider did, and the ids of calls that this program made up (such calls and their
//! results are told apart by name and order, and results are put into the order of the calls).

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;

use openclaw_core::{CallId, ProviderId};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::google::schema::cleaned;
use crate::google::signature::Place;
use crate::google::thinking::{Config, Family};
use crate::ids::{is_made_up, wire_name};
use crate::request::{AssistantBlock, Message, Request, ToolCall, ToolResult, ToolSpec, UserBlock};

/// Stands for the signature of a call that Gemini did not make, as its documentation has it.
///
/// See <https://ai.google.dev/gemini-api/docs/thought-signatures>.
const UNSIGNED: &str = "skip_thought_signature_validator";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<'a>>,
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tools<'a>>,
    generation_config: Generation,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Generation {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<Config>,
}

#[derive(Debug, Serialize)]
struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: Vec<Part<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(flatten)]
    payload: Payload<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Payload<'a> {
    Text(&'a str),
    InlineData(Blob<'a>),
    FunctionCall(Call<'a>),
    FunctionResponse(Answered<'a>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Blob<'a> {
    mime_type: &'a str,
    data: &'a str,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: Cow<'a, str>,
    args: Map<String, Value>,
}

#[derive(Debug, Serialize)]
struct Answered<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: Cow<'a, str>,
    response: Outcome<'a>,
}

/// The API wants an object; these are the keys that its documentation names.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome<'a> {
    Output(&'a str),
    Error(&'a str),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tools<'a> {
    function_declarations: Vec<Function<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters_json_schema: Value,
}

impl<'a> From<Payload<'a>> for Part<'a> {
    fn from(payload: Payload<'a>) -> Self {
        Self {
            payload,
            thought: None,
            thought_signature: None,
        }
    }
}

/// Writes a request for this provider, whose signatures are the only ones that it takes.
pub(super) fn of<'a>(request: &'a Request, provider: &ProviderId) -> Body<'a> {
    let family = Family::of(&request.model);
    let mut calls = Calls::default();
    let mut contents = Vec::new();
    for message in &request.messages {
        let (role, parts) = match message {
            Message::User(blocks) => ("user", blocks.iter().filter_map(user).collect()),
            Message::Assistant(blocks) => {
                calls.note(blocks);
                ("model", answer(blocks, provider, family))
            }
            Message::ToolResults(results) => ("user", calls.responses(results)),
        };
        if !parts.is_empty() {
            let role = Some(role);
            contents.push(Content { role, parts });
        }
    }
    let functions = request.tools.iter().map(function).collect::<Vec<_>>();
    let tools = (!functions.is_empty()).then_some(Tools {
        function_declarations: functions,
    });
    Body {
        system_instruction: words(&request.system).map(|data| Content {
            role: None,
            parts: vec![data.into()],
        }),
        contents,
        tools: tools.into_iter().collect(),
        generation_config: Generation {
            max_output_tokens: request.max_tokens,
            temperature: request.temperature,
            thinking_config: family.thinking(request.effort),
        },
    }
}

/// The calls of a conversation so far.
#[derive(Debug, Default)]
struct Calls<'a> {
    places: HashMap<&'a CallId, (usize, &'a str)>,
}

impl<'a> Calls<'a> {
    fn note(&mut self, blocks: &'a [AssistantBlock]) {
        for block in blocks {
            if let AssistantBlock::ToolCall(call) = block {
                let place = self.places.len();
                self.places.insert(&call.id, (place, &call.name));
            }
        }
    }

    /// Writes results in the order of their calls.
    fn responses(&self, results: &'a [ToolResult]) -> Vec<Part<'a>> {
        let place = |result: &ToolResult| self.places.get(&result.call_id).copied();
        let mut results = results.iter().collect::<Vec<_>>();
        results.sort_by_key(|result| place(result).map_or(usize::MAX, |(place, _)| place));
        let parts = results.into_iter().map(|result| {
            let name = place(result).map_or("", |(_, name)| name);
            Payload::FunctionResponse(Answered {
                id: id(&result.call_id),
                name: wire_name(name),
                response: if result.is_error {
                    Outcome::Error(&result.content)
                } else {
                    Outcome::Output(&result.content)
                },
            })
        });
        parts.map(Part::from).collect()
    }
}

fn user(block: &UserBlock) -> Option<Part<'_>> {
    let data = match block {
        UserBlock::Text(text) => words(text)?,
        UserBlock::Image { mime, base64 } | UserBlock::Document { mime, base64, .. } => {
            Payload::InlineData(Blob {
                mime_type: mime,
                data: base64,
            })
        }
    };
    Some(data.into())
}

/// The API refuses texts of nothing.
fn words(text: &str) -> Option<Payload<'_>> {
    (!text.trim().is_empty()).then_some(Payload::Text(text))
}

fn answer<'a>(
    blocks: &'a [AssistantBlock],
    provider: &ProviderId,
    family: Family,
) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    // The signature of the part that comes next.
    let mut ahead = None;
    let mut is_first_call = true;
    for block in blocks {
        match block {
            AssistantBlock::Thinking(thinking) if thinking.is_by(provider) => {
                match thinking.signature.as_deref().and_then(Place::read) {
                    Some((Place::Thoughts, signature)) => parts.push(Part {
                        payload: Payload::Text(&thinking.text),
                        thought: Some(true),
                        thought_signature: Some(signature),
                    }),
                    Some((Place::Nothing, signature)) => parts.push(Part {
                        thought_signature: Some(signature),
                        ..Payload::Text("").into()
                    }),
                    Some(next) => ahead = Some(next),
                    None => {}
                }
            }
            AssistantBlock::Thinking(_) => {}
            AssistantBlock::Text(text) => {
                parts.extend(match taken(&mut ahead, Place::Words) {
                    None => words(text).map(Part::from),
                    thought_signature => Some(Part {
                        thought_signature,
                        ..Payload::Text(text).into()
                    }),
                });
            }
            AssistantBlock::ToolCall(call) => {
                let signed = taken(&mut ahead, Place::Call);
                let must = std::mem::take(&mut is_first_call) && family.wants_signed_calls();
                parts.push(Part {
                    thought_signature: signed.or(must.then_some(UNSIGNED)),
                    ..function_call(call).into()
                });
            }
        }
    }
    parts
}

fn taken<'a>(ahead: &mut Option<(Place, &'a str)>, here: Place) -> Option<&'a str> {
    let (place, signature) = ahead.take()?;
    (place == here).then_some(signature)
}

fn function_call(call: &ToolCall) -> Payload<'_> {
    Payload::FunctionCall(Call {
        id: id(&call.id),
        name: wire_name(&call.name),
        args: call.arguments.to_object(),
    })
}

fn id(id: &CallId) -> Option<&str> {
    (!is_made_up(id)).then_some(id.as_str())
}

fn function(spec: &ToolSpec) -> Function<'_> {
    Function {
        name: &spec.name,
        description: &spec.description,
        parameters_json_schema: cleaned(&spec.parameters),
    }
}
