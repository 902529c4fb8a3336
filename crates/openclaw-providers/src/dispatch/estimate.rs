//! How many tokens something has, when nobody counted them.
//!
//! The estimates are on the safe side: what is set aside for a call must not be less than what it
//! takes. English prose has about four bytes to a token, source code three, and scripts that need
//! several bytes for a character two.

use serde_json::Value;

use crate::request::{AssistantBlock, Message, Request, ToolSpec, UserBlock};

/// What a picture counts for, whose tokens do not hang on its bytes: the largest that a model
/// scales them to.
const PICTURE: u64 = 5_000;

/// What a document counts for at most that is more than text, such as a PDF of scanned pages: more
/// than the window of any model does not get through.
const DOCUMENT: u64 = 1_000_000;

/// What a message counts for beside its words.
const ENVELOPE: u64 = 8;

/// How many tokens are set aside for the answer of a model whose limit is not known.
pub(crate) const ANSWER: u64 = 32_000;

/// How many bytes a text has, whether it comes at once or in pieces: pieces of a few letters do not
/// have more tokens together than the text that they make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes {
    ascii: u64,
    others: u64,
}

impl Bytes {
    pub(crate) fn add(&mut self, text: &str) {
        let ascii = text.bytes().filter(u8::is_ascii).count();
        let others = text.len().saturating_sub(ascii);
        self.ascii = self.ascii.saturating_add(count(ascii));
        self.others = self.others.saturating_add(count(others));
    }

    /// Adds bytes of which nobody knows what they say.
    pub(crate) const fn add_unread(&mut self, bytes: u64) {
        self.ascii = self.ascii.saturating_add(bytes);
    }

    /// Returns how many tokens they are at most.
    pub(crate) const fn tokens(self) -> u64 {
        self.ascii
            .div_ceil(3)
            .saturating_add(self.others.div_ceil(2))
    }
}

/// Returns how many tokens a text has at most.
pub fn tokens(text: &str) -> u64 {
    let mut bytes = Bytes::default();
    bytes.add(text);
    bytes.tokens()
}

/// Returns how many tokens of thought are in what only their provider can read, at most: four letters
/// of Base64 are three bytes, which are a token.
pub(crate) fn sealed(base64: &str) -> u64 {
    count(base64.len()).div_ceil(4)
}

/// How many tokens something has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// At most.
    pub(crate) most: u64,
    /// Those of `most` that are of text which every provider reads and counts. How many tokens a
    /// picture or a PDF has, its bytes do not tell, and earlier thoughts need not count again.
    pub(crate) text: u64,
}

impl Size {
    const fn text(tokens: u64) -> Self {
        Self {
            most: tokens,
            text: tokens,
        }
    }

    const fn at_most(tokens: u64) -> Self {
        Self {
            most: tokens,
            text: 0,
        }
    }

    const fn and(self, other: Self) -> Self {
        Self {
            most: self.most.saturating_add(other.most),
            text: self.text.saturating_add(other.text),
        }
    }
}

impl Request {
    /// Returns how many tokens it has at most, estimated from its size.
    pub fn tokens_at_most(&self) -> u64 {
        request(self).most
    }
}

impl Message {
    /// Returns how many tokens it has at most, estimated from its size.
    pub fn tokens_at_most(&self) -> u64 {
        message(self).most
    }
}

impl ToolSpec {
    /// Returns how many tokens it has at most, estimated from its size.
    pub fn tokens_at_most(&self) -> u64 {
        tool(self).most
    }
}

fn tool(tool: &ToolSpec) -> Size {
    sum([
        Size::at_most(ENVELOPE),
        text(&tool.name),
        text(&tool.description),
        json(&tool.parameters),
    ])
}

/// Returns how many tokens a request has.
pub(crate) fn request(request: &Request) -> Size {
    let tools = request.tools.iter().map(tool);
    let messages = request.messages.iter().map(message);
    sum(tools.chain(messages)).and(text(&request.system))
}

fn message(message: &Message) -> Size {
    let blocks = match message {
        Message::User(blocks) => sum(blocks.iter().map(said)),
        Message::Assistant(blocks) => sum(blocks.iter().map(wrote)),
        Message::ToolResults(results) => sum(results
            .iter()
            .map(|result| text(&result.content).and(Size::at_most(ENVELOPE)))),
    };
    blocks.and(Size::at_most(ENVELOPE))
}

fn said(block: &UserBlock) -> Size {
    match block {
        UserBlock::Text(words) => text(words),
        UserBlock::Image { .. } => Size::at_most(PICTURE),
        // Three quarters of Base64 are bytes, and a document is text with wrapping.
        UserBlock::Document { mime, base64, .. } => {
            let tokens = count(base64.len()).div_ceil(4);
            if mime.starts_with("text/") {
                Size::text(tokens)
            } else {
                Size::at_most(tokens.min(DOCUMENT))
            }
        }
    }
}

fn wrote(block: &AssistantBlock) -> Size {
    match block {
        AssistantBlock::Text(words) => text(words),
        AssistantBlock::Thinking(thinking) => {
            let [signature, redacted] = [&thinking.signature, &thinking.redacted]
                .map(|hidden| hidden.as_deref().map_or(0, sealed));
            Size::at_most(
                tokens(&thinking.text)
                    .max(signature)
                    .saturating_add(redacted),
            )
        }
        AssistantBlock::ToolCall(call) => sum([
            Size::at_most(ENVELOPE),
            text(&call.name),
            json(&Value::Object(call.arguments.to_object())),
        ]),
    }
}

fn text(text: &str) -> Size {
    Size::text(tokens(text))
}

fn json(value: &Value) -> Size {
    text(&value.to_string())
}

fn sum(parts: impl IntoIterator<Item = Size>) -> Size {
    parts.into_iter().fold(Size::default(), Size::and)
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

    #[test]
    fn a_text_has_as_many_tokens_in_pieces_as_at_once() {
        let text = "Grüße an alle, die das hier lesen.";
        let mut bytes = Bytes::default();
        for letter in text.chars() {
            bytes.add(letter.encode_utf8(&mut [0; 4]));
        }
        assert_eq!(bytes.tokens(), tokens(text));
    }

    #[test]
    fn of_pictures_documents_and_earlier_thoughts_no_count_is_sure() {
        let base64 = "A".repeat(40_000_000);
        let mime = |mime: &str| UserBlock::Document {
            mime: mime.to_owned(),
            name: "a".to_owned(),
            base64: base64.clone(),
        };
        let picture = UserBlock::Image {
            mime: "image/png".to_owned(),
            base64: base64.clone(),
        };
        let thoughts = AssistantBlock::Thinking(crate::request::Thinking {
            text: "x".repeat(30),
            signature: Some("A".repeat(80)),
            redacted: Some("A".repeat(8)),
            by: None,
        });
        assert_eq!(said(&picture), Size::at_most(PICTURE));
        assert_eq!(said(&mime("application/pdf")), Size::at_most(DOCUMENT));
        assert_eq!(said(&mime("text/plain")), Size::text(10_000_000));
        assert_eq!(wrote(&thoughts), Size::at_most(22));
    }
}
