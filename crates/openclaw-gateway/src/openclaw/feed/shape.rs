//! The payloads of the events `agent` and `chat`.

use serde_json::{Map, Value, json};

use super::super::messages;
use super::super::runs::Running;

pub(super) fn agent_event(running: &mut Running, stream: &str, data: Value, now: i64) -> Value {
    let seq = running.next();
    let mut event = Map::new();
    event.insert("runId".to_owned(), json!(running.name));
    event.insert("sessionKey".to_owned(), json!(running.session));
    event.insert("agentId".to_owned(), json!(running.session.agent()));
    event.insert("stream".to_owned(), json!(stream));
    event.insert("data".to_owned(), data);
    event.insert("seq".to_owned(), json!(seq));
    event.insert("ts".to_owned(), json!(now));
    event.insert("isHeartbeat".to_owned(), json!(false));
    event.into()
}

pub(super) fn chat_event(running: &Running, state: &str) -> Map<String, Value> {
    let mut chat = Map::new();
    chat.insert("runId".to_owned(), json!(running.name));
    chat.insert("sessionKey".to_owned(), json!(running.session));
    chat.insert("agentId".to_owned(), json!(running.session.agent()));
    chat.insert("seq".to_owned(), json!(running.seq));
    chat.insert("state".to_owned(), json!(state));
    chat
}

pub(super) fn said(text: &str, now: i64) -> Value {
    json!({"role": "assistant", "content": [messages::text(text)], "timestamp": now})
}
