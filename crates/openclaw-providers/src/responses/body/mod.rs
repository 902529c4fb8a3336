//! The body of a request in the Responses API.

mod input;

use openclaw_core::ProviderId;
use serde::Serialize;
use serde_json::{Map, Value};

use self::input::Item;
use crate::openai::body::caching;
use crate::quirks::{Dialect, Switch};
use crate::request::{Effort, Request, ToolSpec};

/// The smallest limit that the API takes.
const LEAST_TOKENS: u32 = 16;

/// What the API adds to an answer when it is asked to: thoughts that can be carried back.
const ENCRYPTED: &str = "reasoning.encrypted_content";

#[derive(Clone, Debug, Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<&'static str>,
    /// By which name the prompt is cached, and how long.
    #[serde(flatten)]
    caching: Map<String, Value>,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
}

#[derive(Clone, Debug, Serialize)]
struct Reasoning {
    effort: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
    /// The API takes a missing one for true, and refuses optional arguments then.
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// Writes a request to the model that the server calls `model`.
pub(super) fn of<'a>(
    request: &'a Request,
    model: &'a str,
    dialect: &Dialect,
    own: &ProviderId,
) -> Body<'a> {
    let beside = !request.system.is_empty() && dialect.does(Switch::Instructions);
    let strict = dialect.does(Switch::StrictMode).then_some(false);
    let tool = |spec: &'a ToolSpec| Tool {
        kind: "function",
        name: &spec.name,
        description: &spec.description,
        parameters: &spec.parameters,
        strict,
    };
    let temperature = request.temperature;
    let reasoning = reasoning(request, dialect);
    let thinks = dialect.reasons() || reasoning.as_ref().is_some_and(|it| it.summary.is_some());
    Body {
        model,
        stream: true,
        // What is not said to be kept is not kept, wherever the field is known.
        store: (dialect.quirks.says(Switch::Store) != Some(false)).then_some(false),
        instructions: beside.then_some(&request.system),
        max_output_tokens: request.max_tokens.map(|most| most.max(LEAST_TOKENS)),
        temperature: temperature.filter(|_| dialect.does(Switch::Temperature)),
        reasoning,
        include: thinks.then_some(ENCRYPTED).into_iter().collect(),
        caching: caching(request, dialect),
        input: input::of(request, dialect, own),
        tools: request.tools.iter().map(tool).collect(),
    }
}

/// A summary is asked for only where somebody asked the model to think.
fn reasoning(request: &Request, dialect: &Dialect) -> Option<Reasoning> {
    let effort = request.effort?;
    let word = dialect.effort(effort)?;
    Some(Reasoning {
        effort: word.to_owned(),
        summary: (effort != Effort::Off).then_some("auto"),
    })
}

#[cfg(test)]
mod tests;
