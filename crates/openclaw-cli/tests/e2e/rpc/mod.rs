//! JSON-RPC 2.0 as a foreign client finds it, over HTTP and WebSocket.

mod crowd;
mod cuts;
mod order;
mod resume;
mod slow;
mod spec;
mod types;

use openclaw_testkit::GatewayProcess;
use serde_json::{Value, json};

use crate::socket::{Frame, Socket};

/// Returns the next message of a socket that is no notification.
async fn next_reply(socket: &mut Socket) -> Value {
    loop {
        let message = next_message(socket).await;
        if message.get("method").is_none() {
            return message;
        }
    }
}

async fn next_message(socket: &mut Socket) -> Value {
    let Frame::Text(text) = socket.next_frame().await else {
        panic!("the gateway closed the socket");
    };
    serde_json::from_str(&text).unwrap()
}

/// Calls a method over a socket and waits for the answer, passing over notifications.
async fn call(socket: &mut Socket, method: &str, params: Value) -> Result<Value, Value> {
    let call = json!({"jsonrpc": "2.0", "id": method, "method": method, "params": params});
    socket.send_text(&call.to_string()).await;
    let mut reply = next_reply(socket).await;
    assert_eq!(reply["id"], method);
    match reply.get("error") {
        Some(error) => Err(error.clone()),
        None => Ok(reply["result"].take()),
    }
}

async fn new_session(gateway: &GatewayProcess, peer: &str) -> String {
    let params = json!({"channel": "rpc", "peerId": peer});
    let created = gateway.rpc("session.create", params).await.unwrap();
    created["sessionKey"].as_str().unwrap().to_owned()
}

/// Returns every event of the log, read page by page over HTTP.
async fn log(gateway: &GatewayProcess) -> Vec<Value> {
    let (mut events, mut cursor) = (Vec::new(), json!("0"));
    loop {
        let params = json!({"cursor": cursor, "limit": 100});
        let mut page = gateway.rpc("events.list", params).await.unwrap();
        events.append(page["events"].as_array_mut().unwrap());
        cursor = page["nextCursor"].take();
        if page["more"] == false {
            return events;
        }
    }
}

fn positions(events: &[Value]) -> Vec<u64> {
    let positions = events.iter().map(|event| event["position"].as_u64());
    positions.map(Option::unwrap).collect()
}
