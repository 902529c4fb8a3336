//! A conversation as the Responses API has it: a list of items.

use std::borrow::Cow;

use openclaw_core::ProviderId;
use serde::Serialize;
use serde_json::Value;

use crate::ids::{WireIds, wire_name};
use crate::openai::body::{data_url, result_text};
use crate::quirks::{Dialect, Switch};
use crate::request::{AssistantBlock, Message, Request, Thinking, UserBlock};
use crate::responses::thoughts::Sealed;

/// A thing that was said or done.
///
/// Only thoughts carry the ids that the provider gave: with them it asks for the thoughts that
/// belong to an item, and these may be gone.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message {
        role: &'static str,
        content: Vec<Part<'a>>,
    },
    Reasoning {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        summary: Vec<Summary<'a>>,
        encrypted_content: String,
    },
    FunctionCall {
        call_id: String,
        name: Cow<'a, str>,
        arguments: String,
    },
    FunctionCallOutput {
        call_id: String,
        output: Cow<'a, str>,
    },
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    InputText {
        text: &'a str,
    },
    InputImage {
        image_url: String,
        detail: &'static str,
    },
    InputFile {
        filename: &'a str,
        file_data: String,
    },
    OutputText {
        text: &'a str,
    },
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Summary<'a> {
    SummaryText { text: &'a str },
}

/// Writes the conversation, and the system prompt before it where it has no place of its own.
pub(super) fn of<'a>(request: &'a Request, dialect: &Dialect, own: &ProviderId) -> Vec<Item<'a>> {
    let ids = WireIds::of(&request.messages);
    let mut items = Vec::new();
    if !request.system.is_empty() && !dialect.does(Switch::Instructions) {
        let developer = dialect.does(Switch::DeveloperRole);
        let text = &request.system;
        items.push(Item::Message {
            role: if developer { "developer" } else { "system" },
            content: vec![Part::InputText { text }],
        });
    }
    for message in &request.messages {
        match message {
            Message::User(blocks) => items.extend(user(blocks)),
            Message::Assistant(blocks) => assistant(blocks, own, &ids, &mut items),
            Message::ToolResults(results) => {
                let outputs = results.iter().map(|result| Item::FunctionCallOutput {
                    call_id: ids.get(&result.call_id).to_owned(),
                    output: result_text(result),
                });
                items.extend(outputs);
            }
        }
    }
    items
}

fn user(blocks: &[UserBlock]) -> Option<Item<'_>> {
    (!blocks.is_empty()).then(|| Item::Message {
        role: "user",
        content: blocks.iter().map(part).collect(),
    })
}

fn part(block: &UserBlock) -> Part<'_> {
    match block {
        UserBlock::Text(text) => Part::InputText { text },
        UserBlock::Image { mime, base64 } => Part::InputImage {
            image_url: data_url(mime, base64),
            detail: "auto",
        },
        UserBlock::Document { mime, name, base64 } => Part::InputFile {
            filename: name,
            file_data: data_url(mime, base64),
        },
    }
}

fn assistant<'a>(
    blocks: &'a [AssistantBlock],
    own: &ProviderId,
    ids: &WireIds<'_>,
    items: &mut Vec<Item<'a>>,
) {
    for block in blocks {
        let item = match block {
            AssistantBlock::Text(text) => (!text.trim().is_empty()).then(|| Item::Message {
                role: "assistant",
                content: vec![Part::OutputText { text }],
            }),
            AssistantBlock::Thinking(thinking) => reasoning(thinking, own),
            AssistantBlock::ToolCall(call) => Some(Item::FunctionCall {
                call_id: ids.get(&call.id).to_owned(),
                name: wire_name(&call.name),
                arguments: Value::Object(call.arguments.to_object()).to_string(),
            }),
        };
        items.extend(item);
    }
    // The API refuses thoughts that nothing came of.
    while items
        .pop_if(|item| matches!(item, Item::Reasoning { .. }))
        .is_some()
    {}
}

/// Thoughts that are not sealed would be looked up at the provider, which kept none.
fn reasoning<'a>(thinking: &'a Thinking, own: &ProviderId) -> Option<Item<'a>> {
    let signature = thinking.signature.as_deref();
    let sealed = Sealed::of_signature(signature.filter(|_| thinking.is_by(own))?)?;
    let text = thinking.text.as_str();
    let summary = (!text.is_empty()).then_some(Summary::SummaryText { text });
    Some(Item::Reasoning {
        id: sealed.reasoning_id,
        summary: summary.into_iter().collect(),
        encrypted_content: sealed.encrypted,
    })
}
