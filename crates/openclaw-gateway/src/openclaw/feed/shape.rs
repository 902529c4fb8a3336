//! The payloads of the events `agent` and `chat`.

use serde_json::{Map, Value, json};

use super::super::messages;
use super::super::runs::Running;

pub(super) fn agent_event(running: &mut Running, stream: &str, data: Value, now: i64) -> Value {
    let seq = running.next();
    json!({
        "runId": running.name,
        "sessionKey": running.session,
        "agentId": running.session.agent(),
        "stream": stream,
        "data": data,
        "seq": seq,
        "ts": now,
        "isHeartbeat": false,
    })
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
