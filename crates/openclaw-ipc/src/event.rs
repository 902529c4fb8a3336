//! An entry of the event log, as clients see it.

use openclaw_core::clock::rfc3339;
use openclaw_core::events::{EndReason, EventHash, SessionEvent, SessionEventKind};
use openclaw_core::validation::{self, AttachmentKind};
use openclaw_core::{CallId, ChannelId, MessageId, PeerId, RunId, SessionKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json_text::JsonText;

/// One recorded fact of a session; `kind` says what happened, and `data` has what the kind tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The session that it belongs to.
    pub session_key: SessionKey,
    /// Its place in the session: 1, 2, 3 … without gaps.
    pub seq: u64,
    /// Its place in the log of all sessions; later events have higher positions.
    pub position: u64,
    /// When it was recorded (RFC 3339, UTC).
    pub time: String,
    /// The `seq` of the event that brought it about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<u64>,
    /// The run that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The step of that run, from 1: one model call and the tool calls that it asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// The tool call that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<CallId>,
    /// What happened.
    #[serde(flatten)]
    pub data: EventData,
    /// What else is known about it, such as what the model wrote in the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// The record of another system that it was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<JsonText>,
    /// The SHA-256 over all this and over the event before it, in hexadecimal digits.
    pub hash: EventHash,
}

/// What happened: one of eight kinds, and what each tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "data", rename_all_fields = "camelCase")]
pub enum EventData {
    /// A conversation began.
    SessionStarted {
        /// The channel that it is on.
        channel: ChannelId,
        /// Whom it is with.
        peer_id: PeerId,
    },
    /// Somebody wrote to the agent.
    MessageReceived {
        /// The text.
        content: String,
        /// The files that came with it, without their content.
        attachments: Vec<AttachmentSummary>,
    },
    /// A messenger took a reply.
    MessageSent {
        /// The text as it was sent.
        content: String,
        /// The messenger's name for it.
        message_id: MessageId,
    },
    /// The model, or a client, asked for a tool.
    ToolCalled {
        /// The tool's name.
        tool: String,
        /// Its arguments.
        params: Value,
    },
    /// A tool call ended.
    ToolResult {
        /// The tool's name.
        tool: String,
        /// What it answered.
        result: Value,
        /// Whether it did what was asked.
        success: bool,
    },
    /// The agent answered.
    AgentResponse {
        /// The text.
        content: String,
        /// The model that wrote it.
        model: String,
        /// All tokens that the run used, in and out.
        tokens: u64,
    },
    /// The conversation ended.
    SessionEnded {
        /// Why: `requested`, or the words of whoever ended it.
        reason: String,
    },
    /// A named piece of the session's state has a new value.
    StateChanged {
        /// Its name.
        key: String,
        /// Its value from now on.
        value: Value,
    },
}

/// A file that came with a message, without its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentSummary {
    /// What it is to its sender.
    pub kind: AttachmentKind,
    /// Its media type.
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

impl From<SessionEvent> for Event {
    fn from(event: SessionEvent) -> Self {
        Self {
            session_key: event.session,
            seq: event.seq,
            position: event.position,
            time: rfc3339(event.time),
            cause: event.cause,
            run_id: event.run_id,
            step: event.step,
            call_id: event.call_id,
            data: event.kind.into(),
            // Both are JSON by their making: the payload has texts, numbers and maps with text
            // keys, and the record was checked when it was taken in.
            payload: event
                .payload
                .and_then(|payload| serde_json::to_value(payload).ok()),
            raw: event
                .raw
                .and_then(|raw| JsonText::new(raw.get().to_owned()).ok()),
            hash: event.hash,
        }
    }
}

impl From<SessionEventKind> for EventData {
    fn from(kind: SessionEventKind) -> Self {
        use SessionEventKind as Kind;
        match kind {
            Kind::SessionStarted { channel, peer_id } => Self::SessionStarted { channel, peer_id },
            Kind::MessageReceived {
                content,
                attachments,
            } => Self::MessageReceived {
                content,
                attachments: attachments.into_iter().map(Into::into).collect(),
            },
            Kind::MessageSent {
                content,
                message_id,
            } => Self::MessageSent {
                content,
                message_id,
            },
            Kind::ToolCalled { tool, params } => Self::ToolCalled { tool, params },
            Kind::ToolResult {
                tool,
                result,
                success,
            } => Self::ToolResult {
                tool,
                result,
                success,
            },
            Kind::AgentResponse {
                content,
                model,
                tokens,
            } => Self::AgentResponse {
                content,
                model,
                tokens,
            },
            Kind::SessionEnded { reason } => Self::SessionEnded {
                reason: match reason {
                    EndReason::Requested => "requested".to_owned(),
                    EndReason::Other(words) => words,
                },
            },
            Kind::StateChanged { key, value } => Self::StateChanged { key, value },
        }
    }
}

impl From<validation::Attachment> for AttachmentSummary {
    fn from(attachment: validation::Attachment) -> Self {
        Self {
            kind: attachment.kind,
            mime: attachment.mime,
            size: u64::try_from(attachment.bytes.len()).unwrap_or(u64::MAX),
            filename: attachment.filename,
        }
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::events::{Payload, RawJson, ToolPayload};
    use serde_json::json;

    use super::*;

    fn recorded(kind: SessionEventKind) -> SessionEvent {
        SessionEvent {
            session: SessionKey::parse("agent:main:main").unwrap(),
            seq: 4,
            position: 9,
            time: "2026-11-22T23:15:04.207Z".parse().unwrap(),
            cause: None,
            run_id: None,
            step: None,
            call_id: None,
            kind,
            payload: None,
            raw: None,
            hash: EventHash::START,
        }
    }

    #[test]
    fn an_event_of_the_log_goes_out_whole_and_comes_back() {
        let mut event = recorded(SessionEventKind::ToolResult {
            tool: "exec".to_owned(),
            result: json!("hello"),
            success: true,
        });
        event.cause = Some(3);
        event.run_id = Some("r".into());
        event.step = Some(1);
        event.call_id = Some("c".into());
        let tool = ToolPayload {
            duration_ms: 5,
            ..ToolPayload::default()
        };
        event.payload = Some(Payload {
            tool: Some(tool),
            ..Payload::default()
        });
        event.raw = Some(RawJson::new(r#"{"a": 1.50}"#.to_owned()).unwrap());
        let json = serde_json::to_string(&Event::from(event.clone())).unwrap();
        assert_eq!(
            json,
            r#"{"sessionKey":"agent:main:main","seq":4,"position":9,"time":"2026-11-22T23:15:04.207Z","cause":3,"runId":"r","step":1,"callId":"c","kind":"ToolResult","data":{"tool":"exec","result":"hello","success":true},"payload":{"tool":{"durationMs":5}},"raw":{"a": 1.50},"hash":"0000000000000000000000000000000000000000000000000000000000000000"}"#
        );
        assert_eq!(
            serde_json::from_str::<Event>(&json).unwrap(),
            Event::from(event)
        );
    }

    #[test]
    fn an_attachment_goes_out_without_its_content() {
        let event = recorded(SessionEventKind::MessageReceived {
            content: "look".to_owned(),
            attachments: vec![validation::Attachment {
                kind: AttachmentKind::Photo,
                mime: "image/png".to_owned(),
                bytes: vec![0; 2048],
                filename: None,
            }],
        });
        assert_eq!(
            serde_json::to_value(Event::from(event).data).unwrap()["data"]["attachments"],
            json!([{"kind": "photo", "mime": "image/png", "size": 2048}])
        );
    }
}
