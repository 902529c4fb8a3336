//! The gateway's process and its `/rpc`, with stand-ins that do one thing each.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;

use openclaw_core::ApiKey;
use openclaw_testkit::rpc::RpcClient;
use openclaw_testkit::{GatewayProcess, TestHome};
use serde_json::{Value, json};

/// Says that it is ready as the gateway does, and stops with code 7 when it is asked to.
const STAND_IN: &str = r#"#!/bin/sh
trap 'echo stopping >&2; exit 7' TERM
mkdir -p "$HOME/.openclaw/openclaw-rs"
echo secret > "$HOME/.openclaw/openclaw-rs/gateway.token"
echo "$@" >&2
echo "ready http://127.0.0.1:1 pid $$"
while :; do sleep 0.01; done
"#;

fn stand_in(home: &TestHome) -> PathBuf {
    let file = home.path().join("openclaw");
    fs::write(&file, STAND_IN).unwrap();
    fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    file
}

/// Answers one call with `answer` and returns what was called.
async fn call(answer: Value) -> (String, std::io::Result<Result<Value, Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut request = String::new();
        let mut buffer = [0; 4096];
        while !request.ends_with('}') {
            let n = stream.read(&mut buffer).unwrap();
            request.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
        }
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all((head + &answer).as_bytes()).unwrap();
        request.replace(&addr.to_string(), "ADDR")
    });
    let client = RpcClient::new(addr, ApiKey::new("secret".to_owned()));
    let outcome = client.call("agent.list", json!({"a": 1})).await;
    (server.join().unwrap(), outcome)
}

#[tokio::test]
async fn a_gateway_is_stopped_or_killed() {
    let home = TestHome::new();
    let openclaw = stand_in(&home);
    let mut gateway = GatewayProcess::start(&home, &openclaw).await;
    assert_eq!(gateway.token().expose_secret(), "secret");
    assert_eq!(gateway.addr(), ([127, 0, 0, 1], 1).into());
    assert_eq!(gateway.terminate().await.0, Some(7));
    assert_eq!(gateway.stderr(), "gateway run --port 0\nstopping\n");

    let adapt = |command: openclaw_testkit::HomeCommand| command.arg("--more");
    let mut gateway = GatewayProcess::start_with(&home, &openclaw, adapt).await;
    gateway.kill9().await;
    assert_eq!(gateway.stderr(), "gateway run --port 0 --more\n");
    assert!(
        gateway
            .rpc_client()
            .call("agent.list", json!({}))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_call_is_written_out_and_its_answer_taken_apart() {
    let answer = json!({"jsonrpc": "2.0", "id": 1, "result": [2]});
    let (request, outcome) = call(answer).await;
    assert_eq!(outcome.unwrap(), Ok(json!([2])));
    insta::assert_snapshot!(request.replace('\r', ""));

    let answer = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1}});
    assert_eq!(call(answer).await.1.unwrap(), Err(json!({"code": 1})));
}

#[tokio::test]
#[should_panic(expected = "no answer to `agent.list`")]
async fn an_answer_to_another_call_fails_the_test() {
    drop(call(json!({"jsonrpc": "2.0", "id": 2, "result": []})).await);
}
