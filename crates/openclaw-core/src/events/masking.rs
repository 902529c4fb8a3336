//! Taking known secrets out of an event before it is recorded.
//!
//! What is in the log stays there, so this is the last moment. It covers what is recorded as it
//! happens; what is imported keeps its form, for it has to be the same when it is exported again.

use serde_json::Value;

use super::payload::{Block, CallOutcome, Payload};
use super::{EndReason, NewEvent, SessionEventKind};
use crate::ids::CallId;
use crate::provenance::{Mark, Source};
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
            // A provider chooses the ids of its calls, so they are words of its own, too.
            call_id: self.call_id.map(call_id),
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
        Kind::SessionEnded {
            reason: EndReason::Other(why),
        } => Kind::SessionEnded {
            reason: EndReason::Other(masked(why)),
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
    let Payload {
        step,
        mut calls,
        tool,
        mut marks,
        other,
    } = payload;
    let step = step.map(|mut step| {
        step.model = masked(step.model);
        step.stop = masked(step.stop);
        step.blocks.iter_mut().for_each(block);
        step
    });
    for call in &mut calls {
        call.model = masked(std::mem::take(&mut call.model));
        if let CallOutcome::Failed { message, .. } = &mut call.outcome {
            *message = masked(std::mem::take(message));
        }
    }
    let tool = tool.map(|mut tool| {
        tool.refused = tool.refused.map(masked);
        tool
    });
    marks.iter_mut().for_each(mark);
    let other = match mask_value(Value::Object(other)) {
        Value::Object(other) => other,
        _ => serde_json::Map::new(),
    };
    Payload {
        step,
        calls,
        tool,
        marks,
        other,
    }
}

fn mark(mark: &mut Mark) {
    let text = match &mut mark.source {
        Source::Web { host: text }
        | Source::Webhook { name: text }
        | Source::File { path: text }
        | Source::Written { path: text }
        | Source::Skill { name: text }
        | Source::Tool { name: text } => text,
        // They name who speaks, and are told apart by it.
        Source::Principal
        | Source::Person { .. }
        | Source::Session { .. }
        | Source::Workspace
        | Source::Command => return,
    };
    *text = masked(std::mem::take(text));
}

fn call_id(id: CallId) -> CallId {
    CallId(masked(id.0))
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
        Block::Call(id) => *id = call_id(id.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::RawJson;
    use super::super::payload::{CallPayload, StepPayload, Thinking, ToolPayload};
    use super::*;
    use crate::ids::MessageId;
    use crate::kind::Kind as ErrorKind;
    use crate::provenance::Trust;
    use crate::redaction::{learn_text, mask};
    use crate::usage::Usage;
    use crate::validation::AttachmentKind;

    const SECRET: &str = "cnry-of-an-event-0123456789";

    /// Every kind that can quote something, with the secret wherever it quotes.
    fn kinds() -> Vec<SessionEventKind> {
        use SessionEventKind as Kind;
        let said = || format!("so {SECRET} there");
        vec![
            Kind::MessageReceived {
                content: said(),
                attachments: vec![Attachment {
                    kind: AttachmentKind::Document,
                    mime: "text/plain".to_owned(),
                    bytes: said().into_bytes(),
                    filename: Some(said()),
                }],
            },
            Kind::MessageSent {
                content: said(),
                message_id: MessageId("1".to_owned()),
            },
            Kind::ToolCalled {
                tool: said(),
                params: json!({ "command": [said()] }),
            },
            Kind::ToolResult {
                tool: said(),
                result: json!({ "stdout": said() }),
                success: true,
            },
            Kind::AgentResponse {
                content: said(),
                model: said(),
                tokens: 1,
            },
            Kind::StateChanged {
                key: "note".to_owned(),
                value: json!([said()]),
            },
        ]
    }

    fn everything_else() -> Payload {
        let said = || format!("so {SECRET} there");
        let thinking = Thinking {
            text: said(),
            signature: Some("over these words".to_owned()),
            redacted: None,
        };
        let step = StepPayload {
            provider: "fake".into(),
            model: said(),
            stop: said(),
            usage: Usage::default(),
            blocks: vec![
                Block::Text(said()),
                Block::Thinking(thinking),
                Block::Call(CallId(said())),
            ],
        };
        let tool = ToolPayload {
            refused: Some(said()),
            ..ToolPayload::default()
        };
        let call = CallPayload {
            provider: "fake".into(),
            model: said(),
            credential: None,
            outcome: CallOutcome::Failed {
                kind: ErrorKind::Unavailable,
                message: said(),
            },
            usage: Usage::default(),
            cost: None,
            latency_ms: 1,
            first_token_ms: None,
            skipped: 0,
        };
        let mut other = serde_json::Map::new();
        drop(other.insert("more".to_owned(), json!({ "deep": [said()] })));
        Payload {
            step: Some(step),
            calls: vec![call],
            tool: Some(tool),
            marks: vec![Mark {
                source: Source::Web { host: said() },
                trust: Trust::Untrusted,
            }],
            other,
        }
    }

    #[test]
    fn a_secret_is_recorded_in_no_part_of_any_event() {
        learn_text(SECRET);
        for kind in kinds() {
            let event = NewEvent {
                call_id: Some(CallId(format!("call-{SECRET}"))),
                payload: Some(everything_else()),
                ..NewEvent::from(kind)
            };
            let masked = event.masked();
            let written = serde_json::to_string(&masked.kind).unwrap();
            let payload = masked.payload.unwrap();
            let beside = serde_json::to_string(&payload).unwrap();
            for text in [&written, &beside, &masked.call_id.unwrap().0] {
                assert!(text.contains("[REDACTED]"), "{text}");
                // An attachment is in base64 there, which the table knows, too.
                assert_eq!(mask(text), *text);
            }
            let block = payload.step.unwrap().blocks.into_iter().nth(1);
            let Some(Block::Thinking(thinking)) = block else {
                panic!("{beside}");
            };
            assert_eq!(thinking.signature, None);
        }
    }

    #[test]
    fn what_is_imported_stays_as_it_was() {
        learn_text(SECRET);
        for kind in kinds() {
            let imported = NewEvent {
                raw: Some(RawJson::new(format!("{{\"said\":\"{SECRET}\"}}")).unwrap()),
                ..NewEvent::from(kind)
            };
            assert_eq!(imported.clone().masked(), imported);
        }
    }
}
