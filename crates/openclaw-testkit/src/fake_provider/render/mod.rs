//! From a [`Reply`](super::Reply) to what its wire format sends.

mod anthropic;
mod google;
mod ollama;
mod openai;
mod responses;

use serde_json::Value;

use super::reply::{FakeCall, Message};
use super::wire::WireFormat;

/// What an answer takes over from its request.
#[derive(Clone, Debug)]
pub(super) struct Asked<'a> {
    pub(super) wire: WireFormat,
    /// The request's number, which all ids are made from.
    pub(super) number: u64,
    pub(super) model: &'a str,
    /// Whether an OpenAI stream ends with the token counts.
    pub(super) include_usage: bool,
}

/// Returns the event stream of an answer; each text is one event with its empty line.
pub(super) fn events(message: &Message, asked: &Asked<'_>) -> Vec<String> {
    match asked.wire {
        WireFormat::Anthropic => anthropic::events(message, asked),
        WireFormat::OpenAi | WireFormat::Azure => openai::events(message, asked),
        WireFormat::Google => google::events(message, asked),
        WireFormat::Ollama => ollama::events(message, asked),
        WireFormat::Responses | WireFormat::AzureResponses => responses::events(message, asked),
    }
}

/// Returns the document of an answer that does not stream.
pub(super) fn document(message: &Message, asked: &Asked<'_>) -> Value {
    match asked.wire {
        WireFormat::Anthropic => anthropic::document(message, asked),
        WireFormat::OpenAi | WireFormat::Azure => openai::document(message, asked),
        WireFormat::Google => google::document(message, asked),
        WireFormat::Ollama => ollama::document(message, asked),
        WireFormat::Responses | WireFormat::AzureResponses => responses::document(message, asked),
    }
}

/// Returns the event by which a stream says that it failed.
pub(super) fn error_event(wire: WireFormat, kind: &str, message: &str) -> String {
    match wire {
        WireFormat::Anthropic => anthropic::error_event(kind, message),
        WireFormat::OpenAi | WireFormat::Azure => openai::error_event(kind, message),
        WireFormat::Google => google::error_event(kind, message),
        WireFormat::Ollama => ollama::error_event(message),
        WireFormat::Responses | WireFormat::AzureResponses => responses::error_event(kind, message),
    }
}

/// Returns the document of an HTTP error.
pub(super) fn error(
    asked: &Asked<'_>,
    status: u16,
    kind: Option<&str>,
    message: Option<&str>,
) -> Value {
    match asked.wire {
        WireFormat::Anthropic => anthropic::error(asked, status, kind, message),
        WireFormat::OpenAi | WireFormat::Responses => openai::error(status, kind, message),
        WireFormat::Azure | WireFormat::AzureResponses => {
            openai::azure_error(status, kind, message)
        }
        WireFormat::Google => google::error(status, kind, message),
        WireFormat::Ollama => ollama::error(status, message),
    }
}

fn call_id(call: &FakeCall, asked: &Asked<'_>, index: usize) -> String {
    let prefix = match asked.wire {
        WireFormat::Anthropic => "toolu",
        _ => "call",
    };
    call.id
        .clone()
        .unwrap_or_else(|| format!("{prefix}_{:06}_{index}", asked.number))
}

/// Cuts words as models stream them: each piece ends with a space, if it can.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

/// Cuts JSON into small pieces that mean nothing by themselves.
fn fragments(json: &str) -> Vec<String> {
    let chars: Vec<char> = json.chars().collect();
    chars
        .chunks(8)
        .map(|piece| piece.iter().collect())
        .collect()
}
