//! What the gateway says unasked, over the WebSocket.
//!
//! Session events are facts and come after they are on disk; deltas and tool output are shown
//! while they happen and are never stored. A client that reads too slowly loses pieces and is told
//! how many; facts come later and are never left out, and neither are answers.

use openclaw_core::approvals::Pending;
use openclaw_core::redaction::mask_json;
use openclaw_core::{CallId, RunId, SessionKey};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::cursor::Cursor;
use crate::event::Event;
use crate::jsonrpc::VERSION;

/// A row of the table of notifications.
#[derive(Clone, Copy, Debug)]
pub struct NotificationInfo {
    /// The name on the wire.
    pub name: &'static str,
    /// What it says; Markdown.
    pub doc: &'static str,
    /// Its params as they may look, as JSON text.
    pub example: &'static str,
    /// Describes the params.
    pub params_schema: fn(&mut SchemaGenerator) -> Schema,
}

/// Makes of each entry a variant and a row of [`NOTIFICATIONS`].
macro_rules! notifications {
    ($($variant:ident($params:ident) = $name:literal, $doc:literal, $example:literal;)*) => {
        /// Something that the gateway says unasked.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Notification {
            $(#[doc = $doc] $variant($params),)*
        }

        /// Every notification, in the order of the reference page.
        pub const NOTIFICATIONS: &[NotificationInfo] = &[$(NotificationInfo {
            name: $name,
            doc: $doc,
            example: $example,
            params_schema: SchemaGenerator::subschema_for::<$params>,
        }),*];

        impl Notification {
            /// Returns the name on the wire.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }

            /// Reads a notification; one with a name from a later version is none.
            pub fn read(name: &str, params: &RawValue) -> Result<Option<Self>, serde_json::Error> {
                match name {
                    $($name => serde_json::from_str(params.get()).map(Self::$variant).map(Some),)*
                    _ => Ok(None),
                }
            }
        }

        impl Notification {
            /// Returns the notification as JSON text, with known secrets masked.
            pub fn to_json(&self) -> Result<String, serde_json::Error> {
                serde_json::to_string(self).map(mask_json)
            }
        }

        impl Serialize for Notification {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let mut object = to.serialize_struct("Notification", 3)?;
                object.serialize_field("jsonrpc", VERSION)?;
                object.serialize_field("method", self.name())?;
                match self {
                    $(Self::$variant(params) => object.serialize_field("params", params)?,)*
                }
                object.end()
            }
        }
    };
}

notifications! {
    SessionEvent(SessionEventParams) = "session.event",
        "A fact was added to the event log.",
        r#"{"event": {"sessionKey": "agent:main:main", "seq": 3, "position": 3, "time": "2026-11-22T23:15:04.391Z", "cause": 2, "runId": "0198c5a2-8a10-7c44-b1d2-5e6f7a8b9c0d", "step": 1, "callId": "call-1", "kind": "ToolCalled", "data": {"tool": "exec", "params": {"command": "ls"}}, "hash": "9c1185a5c5e9fc54612808977ee8f548b2258d31e5f0a8a7f5b5f3e7a0a1b2c3"}, "cursor": "3.9c1185a5c5e9fc54"}"#;
    SessionDelta(SessionDeltaParams) = "session.delta",
        "The model wrote some more of its answer or its reasoning.",
        r#"{"sessionKey": "agent:main:main", "runId": "0198c5a2-8a10-7c44-b1d2-5e6f7a8b9c0d", "step": 2, "channel": "text", "text": "There are "}"#;
    ToolOutput(ToolOutputParams) = "tool.output",
        "A command that a tool runs wrote something.",
        r#"{"sessionKey": "agent:main:main", "runId": "0198c5a2-8a10-7c44-b1d2-5e6f7a8b9c0d", "callId": "call-1", "stream": "stdout", "text": "a.txt\n"}"#;
    ApprovalRequested(ApprovalRequestedParams) = "approval.requested",
        "A tool call waits for somebody's consent; `approvals.resolve` answers it. It comes right before the `session.event` of the same fact, and may come again after a lost connection.",
        r#"{"approval": {"id": "0198c5a2-8b20-7d55-a1c2-1d2e3f4a5b6c", "session": "agent:main:main", "runId": "0198c5a2-8a10-7c44-b1d2-5e6f7a8b9c0d", "callId": "call-1", "shape": {"agent": "main", "tool": "exec", "arguments": {"command": "make install"}, "argv": ["/bin/sh", "-c", "make install"], "cwd": "/home/you/.openclaw/workspace", "env": ["HOME", "LANG", "PATH", "TERM"], "policy": ["sandbox: strict", "network: none"]}, "reasons": ["a web page (docs.example) came into view since your last message"], "asked": "2026-11-22T23:15:04.207Z", "expires": "2026-11-22T23:45:04.207Z"}}"#;
    StreamLagged(StreamLaggedParams) = "stream.lagged",
        "This client reads too slowly: pieces were left out here, or facts of the log wait for it. Facts are never left out.",
        r#"{"dropped": 12, "behind": 0}"#;
}

/// Params of `session.event`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionEventParams {
    /// The event.
    pub event: Box<Event>,
    /// The place behind it: whoever passes it to `events.subscribe` gets what comes after it.
    pub cursor: Cursor,
}

impl From<Event> for SessionEventParams {
    fn from(event: Event) -> Self {
        Self {
            cursor: Cursor::from(&event),
            event: Box::new(event),
        }
    }
}

/// Params of `session.delta`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionDeltaParams {
    /// The session that the run is in.
    pub session_key: SessionKey,
    /// The run.
    pub run_id: RunId,
    /// The step of the run, from 1.
    pub step: u32,
    /// What the text is.
    pub channel: DeltaChannel,
    /// The text that was added.
    pub text: String,
}

/// What a delta is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeltaChannel {
    /// Text for the reader.
    Text,
    /// The model's reasoning.
    Thinking,
}

/// Params of `tool.output`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolOutputParams {
    /// The session that the call is in.
    pub session_key: SessionKey,
    /// The run that the call is part of; none when a client made the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The tool call.
    pub call_id: CallId,
    /// Where the command wrote to.
    pub stream: OutputStream,
    /// What it wrote; bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// Where a command writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutputStream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

/// Params of `approval.requested`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRequestedParams {
    /// What is asked for, and why.
    pub approval: Box<Pending>,
}

/// Params of `stream.lagged`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamLaggedParams {
    /// How many notifications of pieces were left out.
    pub dropped: u64,
    /// How many events of the log are recorded and not sent yet; they follow.
    #[serde(default)]
    pub behind: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_notification_reads_back_as_its_example_says() {
        for row in NOTIFICATIONS {
            let params = RawValue::from_string(row.example.to_owned()).unwrap();
            let notification = Notification::read(row.name, &params).unwrap().unwrap();
            let example: Value = serde_json::from_str(row.example).unwrap();
            assert_eq!(
                serde_json::to_value(notification).unwrap(),
                json!({"jsonrpc": "2.0", "method": row.name, "params": example})
            );
        }
    }

    #[test]
    fn no_notification_carries_a_secret() {
        let secret = "cnry-of-a-notification-0123456789";
        openclaw_core::redaction::learn_text(secret);
        let quoted = serde_json::json!({ "said": secret }).to_string();
        let notification = Notification::SessionDelta(SessionDeltaParams {
            session_key: "agent:main:main".parse().unwrap(),
            run_id: RunId::generate(),
            step: 1,
            channel: DeltaChannel::Text,
            text: quoted,
        });
        let told: Value = serde_json::from_str(&notification.to_json().unwrap()).unwrap();
        assert_eq!(told["params"]["text"], r#"{"said":"[REDACTED]"}"#);
    }

    #[test]
    fn a_notification_of_a_later_version_is_passed_over() {
        let params = RawValue::from_string("{}".to_owned()).unwrap();
        assert_eq!(
            Notification::read("sessions.merged", &params).unwrap(),
            None
        );
        assert!(Notification::read("session.delta", &params).is_err());
    }
}
