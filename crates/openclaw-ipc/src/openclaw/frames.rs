//! The envelope: requests and their answers, and events.
//!
//! One frame is one text message of JSON. A client sends `req`, the gateway `res` and `event`.

use openclaw_core::decode::excerpt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::OpenclawError;

/// The longest id of a request, in bytes.
const MAX_ID: usize = 256;

/// A request of a client.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestFrame {
    /// The client's own name for it.
    pub id: String,
    /// The method's name.
    pub method: String,
    /// Its params; null where none are given.
    pub params: Value,
}

/// What a text message of a client is.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadFrame {
    /// A request.
    Request(RequestFrame),
    /// A request that cannot be read, whose id can.
    Unfit {
        /// The id to answer to.
        id: String,
        /// What is wrong with it.
        error: OpenclawError,
    },
}

/// Why a text message is no frame that could be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not JSON.
    #[error("the frame is not JSON")]
    NotJson,
    /// It is of another protocol.
    #[error(
        "the frame is JSON-RPC: this address speaks OpenClaw's protocol, `/ws` speaks JSON-RPC"
    )]
    JsonRpc,
    /// It is no request.
    #[error("the frame is no request: {0}")]
    NotARequest(String),
}

impl RequestFrame {
    /// Reads a text message.
    pub fn read(text: &str) -> Result<ReadFrame, Unreadable> {
        let frame: Value = serde_json::from_str(text).map_err(|_quotes_it| Unreadable::NotJson)?;
        let Value::Object(mut members) = frame else {
            return Err(Unreadable::NotARequest("must be object".to_owned()));
        };
        if members.contains_key("jsonrpc") {
            return Err(Unreadable::JsonRpc);
        }
        let id = match members.remove("id") {
            Some(Value::String(id)) if (1..=MAX_ID).contains(&id.len()) => id,
            Some(_) => {
                let message = format!("at /id: must be a string of 1 to {MAX_ID} bytes");
                return Err(Unreadable::NotARequest(message));
            }
            None => {
                let message = "must have required property 'id'".to_owned();
                return Err(Unreadable::NotARequest(message));
            }
        };
        let unfit = |message: &str| {
            let error = OpenclawError::invalid(format!("invalid request frame: {message}"));
            Ok(ReadFrame::Unfit {
                id: id.clone(),
                error,
            })
        };
        if members.remove("type") != Some(Value::from("req")) {
            return unfit("at /type: must be equal to constant");
        }
        let method = match members.remove("method") {
            Some(Value::String(method)) if !method.is_empty() => method,
            Some(_) => return unfit("at /method: must be a string that is not empty"),
            None => return unfit("must have required property 'method'"),
        };
        let params = members.remove("params").unwrap_or_default();
        // What tracing headers say counts for nothing here.
        drop(members.remove("traceparent"));
        if let Some((name, _)) = members.into_iter().next() {
            return unfit(&format!(
                "at root: unexpected property '{}'",
                excerpt(&name)
            ));
        }
        Ok(ReadFrame::Request(Self { id, method, params }))
    }
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResponseFrame {
    /// The request's id.
    pub id: String,
    /// What came of it.
    pub outcome: Result<Value, OpenclawError>,
}

impl ResponseFrame {
    /// Returns the frame as text.
    pub fn to_json(&self) -> String {
        match &self.outcome {
            Ok(payload) => json!({"type": "res", "id": self.id, "ok": true, "payload": payload}),
            Err(error) => json!({"type": "res", "id": self.id, "ok": false, "error": error}),
        }
        .to_string()
    }
}

/// Something that the gateway says unasked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "event", rename_all = "camelCase")]
pub struct EventFrame {
    /// What sort of event it is.
    pub event: String,
    /// What it says.
    pub payload: Value,
    /// Its number on this connection, without a gap; events to one client only have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Which versions of what everybody sees it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_version: Option<StateVersion>,
}

/// How often what everybody sees has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateVersion {
    /// Who is connected.
    pub presence: u64,
    /// How the gateway is.
    pub health: u64,
}

impl EventFrame {
    /// Makes an event that is said to one client only, and not numbered.
    pub fn new(event: &str, payload: Value) -> Self {
        Self {
            event: event.to_owned(),
            payload,
            seq: None,
            state_version: None,
        }
    }

    /// Returns the frame as text.
    pub fn to_json(&self) -> String {
        let mut frame = json!({"type": "event", "event": self.event, "payload": self.payload});
        if let Some(members) = frame.as_object_mut() {
            if let Some(seq) = self.seq {
                members.insert("seq".to_owned(), seq.into());
            }
            if let Some(version) = self.state_version {
                let version = json!({"presence": version.presence, "health": version.health});
                members.insert("stateVersion".to_owned(), version);
            }
        }
        frame.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_with_and_without_params() {
        let read = |text: &str| RequestFrame::read(text).unwrap();
        let request = |params| {
            ReadFrame::Request(RequestFrame {
                id: "r1".to_owned(),
                method: "health".to_owned(),
                params,
            })
        };
        let frame = r#"{"type":"req","id":"r1","method":"health","params":{"a":1}}"#;
        assert_eq!(read(frame), request(json!({"a": 1})));
        let frame = r#"{"type":"req","id":"r1","method":"health","traceparent":"00-x"}"#;
        assert_eq!(read(frame), request(Value::Null));
    }

    #[test]
    fn what_has_an_id_is_answered() {
        for (frame, message) in [
            (
                r#"{"id":"r1","method":"health"}"#,
                "at /type: must be equal to constant",
            ),
            (
                r#"{"type":"res","id":"r1","ok":true}"#,
                "at /type: must be equal to constant",
            ),
            (
                r#"{"type":"req","id":"r1"}"#,
                "must have required property 'method'",
            ),
            (
                r#"{"type":"req","id":"r1","method":7}"#,
                "at /method: must be a string that is not empty",
            ),
            (
                r#"{"type":"req","id":"r1","method":"health","more":1}"#,
                "at root: unexpected property 'more'",
            ),
        ] {
            let ReadFrame::Unfit { id, error } = RequestFrame::read(frame).unwrap() else {
                panic!("{frame}");
            };
            assert_eq!(id, "r1");
            assert_eq!(error.message, format!("invalid request frame: {message}"));
        }
    }

    #[test]
    fn what_has_none_cannot_be() {
        let unreadable = |text: &str| RequestFrame::read(text).unwrap_err();
        assert_eq!(unreadable("{"), Unreadable::NotJson);
        assert_eq!(
            unreadable(r#"{"jsonrpc":"2.0","id":1,"method":"agent.list"}"#),
            Unreadable::JsonRpc
        );
        for text in [
            "[]",
            "1",
            r#"{"type":"req","id":1,"method":"x"}"#,
            r#"{"type":"req"}"#,
        ] {
            assert!(
                matches!(unreadable(text), Unreadable::NotARequest(_)),
                "{text}"
            );
        }
    }

    #[test]
    fn an_event_is_numbered_only_where_everybody_gets_it() {
        let mut event = EventFrame::new("tick", json!({"ts": 1}));
        assert_eq!(
            event.to_json(),
            r#"{"type":"event","event":"tick","payload":{"ts":1}}"#
        );
        event.seq = Some(7);
        let read: Value = serde_json::from_str(&event.to_json()).unwrap();
        assert_eq!(read["seq"], 7);
    }
}
