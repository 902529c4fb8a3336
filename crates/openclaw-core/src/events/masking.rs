//! Taking known secrets out of an event before it is recorded.
//!
//! What is in the log stays there, so this is the last moment. It covers what is recorded as it
//! happens; what is imported keeps its form, for it has to be the same when it is exported again.

use serde_json::Value;

use super::payload::{Block, Payload};
use super::{NewEvent, SessionEventKind};
use crate::redaction::{mask_value, masked};
use crate::validation::Attachment;

impl NewEvent {
    /// Returns the event with known secrets masked.
    pub(super) fn masked(self) -> Self {
        // A record of another system is that system's own.
        if self.raw.is_some() {
            return self;
        }
        Self {
            kind: kind(self.kind),
            payload: self.payload.map(payload),
            ..self
        }
    }
}

fn kind(kind: SessionEventKind) -> SessionEventKind {
    use SessionEventKind as Kind;
    match kind {
        Kind::MessageReceived {
            content,
            attachments,
        } => Kind::MessageReceived {
            content: masked(content),
            attachments: attachments.into_iter().map(attachment).collect(),
        },
        Kind::MessageSent {
            content,
            message_id,
        } => Kind::MessageSent {
            content: masked(content),
            message_id,
        },
        Kind::ToolCalled { tool, params } => Kind::ToolCalled {
            tool: masked(tool),
            params: mask_value(params),
        },
        Kind::ToolResult {
            tool,
            result,
            success,
        } => Kind::ToolResult {
            tool: masked(tool),
            result: mask_value(result),
            success,
        },
        Kind::AgentResponse {
            content,
            model,
            tokens,
        } => Kind::AgentResponse {
            content: masked(content),
            model: masked(model),
            tokens,
        },
        Kind::StateChanged { key, value } => Kind::StateChanged {
            key,
            value: mask_value(value),
        },
        // They name who speaks, and are told apart by it.
        kind @ (Kind::SessionStarted { .. } | Kind::SessionEnded { .. }) => kind,
    }
}

/// Of a file only text is looked through; in anything else a mask would be damage.
fn attachment(attachment: Attachment) -> Attachment {
    let bytes = match String::from_utf8(attachment.bytes) {
        Ok(text) => masked(text).into_bytes(),
        Err(not_text) => not_text.into_bytes(),
    };
    Attachment {
        bytes,
        filename: attachment.filename.map(masked),
        ..attachment
    }
}

fn payload(payload: Payload) -> Payload {
    let Payload { step, tool, other } = payload;
    let step = step.map(|mut step| {
        step.blocks.iter_mut().for_each(block);
        step
    });
    let tool = tool.map(|mut tool| {
        tool.refused = tool.refused.map(masked);
        tool
    });
    let other = match mask_value(Value::Object(other)) {
        Value::Object(other) => other,
        _ => serde_json::Map::new(),
    };
    Payload { step, tool, other }
}

fn block(block: &mut Block) {
    match block {
        Block::Text(text) => *text = masked(std::mem::take(text)),
        Block::Thinking(thinking) => {
            let text = masked(thinking.text.clone());
            if text != thinking.text {
                thinking.text = text;
                // It was for other words.
                thinking.signature = None;
            }
        }
        Block::Call(_) => {}
    }
}
