//! Makes a request fit for the model that is to be asked.
//!
//! What is left out is a function of the request and of what is known about the model, and of
//! nothing else: the same conversation gives the same request in every step, so that what the
//! provider has in its cache stays good.

use crate::catalogue::ModelInfo;
use crate::dispatch::candidate::Candidate;
use crate::provider::Modality;
use crate::request::{
    Arguments, AssistantBlock, CacheRetention, Message, Request, ToolCall, ToolResult, UserBlock,
};

/// Returns the request as this candidate can take it.
pub(crate) fn fit(request: &Request, candidate: &Candidate) -> Request {
    let info = candidate.info.as_ref();
    let defaults = &candidate.defaults;
    let takes_tools = info.is_none_or(|info| info.tools);
    let messages = request.messages.iter().map(|message| match message {
        Message::User(blocks) => {
            Message::User(blocks.iter().map(|block| shown(block, info)).collect())
        }
        other => other.clone(),
    });
    Request {
        model: candidate.model.model.clone(),
        system: request.system.clone(),
        messages: if takes_tools {
            messages.collect()
        } else {
            told(messages)
        },
        tools: if takes_tools {
            request.tools.clone()
        } else {
            Vec::new()
        },
        max_tokens: bounded(
            request.max_tokens.or(defaults.max_tokens),
            info.and_then(|info| info.max_tokens),
        ),
        effort: request.effort.or(defaults.effort),
        temperature: request.temperature.or(defaults.temperature),
        cache: match request.cache {
            CacheRetention::Short => defaults.cache,
            said => said,
        },
        conversation: request.conversation.clone(),
    }
}

/// A model whose limit is lower than what is wanted refuses the request instead of writing less.
fn bounded(wanted: Option<u32>, limit: Option<u32>) -> Option<u32> {
    wanted.map(|wanted| limit.map_or(wanted, |limit| wanted.min(limit)))
}

fn shown(block: &UserBlock, info: Option<&ModelInfo>) -> UserBlock {
    let takes = |modality| info.is_none_or(|info| info.input.contains(&modality));
    match block {
        UserBlock::Image { mime, .. } if !takes(Modality::Image) => {
            UserBlock::Text(format!("[a picture ({mime}) that you cannot be shown]"))
        }
        UserBlock::Document { mime, name, .. } if !takes(Modality::Document) => UserBlock::Text(
            format!("[a document, {name} ({mime}), that you cannot be shown]"),
        ),
        other => other.clone(),
    }
}

/// Tells calls and their results in words, for a model whose API may refuse them.
fn told(messages: impl Iterator<Item = Message>) -> Vec<Message> {
    let mut told: Vec<Message> = Vec::new();
    for message in messages {
        let message = match message {
            Message::ToolResults(results) => {
                Message::User(results.iter().map(result_told).collect())
            }
            Message::Assistant(blocks) => {
                Message::Assistant(blocks.into_iter().map(call_told).collect())
            }
            Message::User(blocks) => Message::User(blocks),
        };
        match (told.last_mut(), message) {
            (Some(Message::User(before)), Message::User(blocks)) => before.extend(blocks),
            (_, message) => told.push(message),
        }
    }
    told
}

fn call_told(block: AssistantBlock) -> AssistantBlock {
    match block {
        AssistantBlock::ToolCall(ToolCall {
            name, arguments, ..
        }) => {
            let arguments = match arguments {
                Arguments::Object(object) => serde_json::Value::Object(object).to_string(),
                Arguments::Malformed(text) => text,
            };
            AssistantBlock::Text(format!("[the tool {name} was called with {arguments}]"))
        }
        other => other,
    }
}

fn result_told(result: &ToolResult) -> UserBlock {
    let how = if result.is_error {
        "failed"
    } else {
        "answered"
    };
    UserBlock::Text(format!("[the tool {how}: {}]", result.content))
}
