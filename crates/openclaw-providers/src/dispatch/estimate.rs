//! How many tokens something has, when nobody counted them.
//!
//! The estimates are on the safe side: what is set aside for a call must not be less than what it
//! takes. English prose has about four bytes to a token, source code three, and scripts that need
//! several bytes for a character two.

use serde_json::Value;

use crate::request::{AssistantBlock, Message, Request, UserBlock};

/// What a picture counts for, whose tokens do not hang on its bytes: the largest that a model
/// scales them to.
const PICTURE: u64 = 5_000;

/// What a message counts for beside its words.
const ENVELOPE: u64 = 8;

/// How many tokens are set aside for the answer of a model whose limit is not known.
pub(crate) const ANSWER: u64 = 32_000;

/// Returns how many tokens a text has at most.
pub(crate) fn tokens(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text.len().saturating_sub(ascii);
    count(ascii)
        .div_ceil(3)
        .saturating_add(count(others).div_ceil(2))
}

/// Returns how many tokens a request has at most.
pub(crate) fn request(request: &Request) -> u64 {
    let tools = request.tools.iter().map(|tool| {
        sum([
            ENVELOPE,
            tokens(&tool.name),
            tokens(&tool.description),
            json(&tool.parameters),
        ])
    });
    let messages = request.messages.iter().map(message);
    tools
        .chain(messages)
        .fold(tokens(&request.system), u64::saturating_add)
}

fn message(message: &Message) -> u64 {
    let blocks = match message {
        Message::User(blocks) => sum(blocks.iter().map(said)),
        Message::Assistant(blocks) => sum(blocks.iter().map(wrote)),
        Message::ToolResults(results) => sum(results
            .iter()
            .map(|result| ENVELOPE.saturating_add(tokens(&result.content)))),
    };
    blocks.saturating_add(ENVELOPE)
}

fn said(block: &UserBlock) -> u64 {
    match block {
        UserBlock::Text(text) => tokens(text),
        UserBlock::Image { .. } => PICTURE,
        // Three quarters of Base64 are bytes, and a document is text with wrapping.
        UserBlock::Document { base64, .. } => count(base64.len()).div_ceil(4),
    }
}

fn wrote(block: &AssistantBlock) -> u64 {
    match block {
        AssistantBlock::Text(text) => tokens(text),
        AssistantBlock::Thinking(thinking) => sum([
            tokens(&thinking.text),
            thinking.redacted.as_deref().map_or(0, tokens),
        ]),
        AssistantBlock::ToolCall(call) => sum([
            ENVELOPE,
            tokens(&call.name),
            json(&Value::Object(call.arguments.to_object())),
        ]),
    }
}

fn json(value: &Value) -> u64 {
    tokens(&value.to_string())
}

fn sum(parts: impl IntoIterator<Item = u64>) -> u64 {
    parts.into_iter().fold(0, u64::saturating_add)
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_script_have_at_least_as_many_tokens_as_tokenizers_count() {
        // The counts are those of o200k_base.
        for (text, counted) in [
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("fn main() { println!(\"hello\"); }", 10),
            (
                "Das ist ein längerer deutscher Satz über Donaudampfschiffe.",
                17,
            ),
            ("こんにちは、世界。今日はいい天気ですね。", 12),
            ("", 0),
        ] {
            assert!(tokens(text) >= counted, "{text}: {}", tokens(text));
        }
    }
}
