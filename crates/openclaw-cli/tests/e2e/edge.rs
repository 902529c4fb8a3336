//! The HTTP edge: who is let in, and what everybody else is told.

use std::time::Duration;

use openclaw_ipc::jsonrpc::MAX_BODY;
use openclaw_testkit::http::{HttpAnswer, HttpRequest};
use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::OPENCLAW;
use crate::socket::{self, Frame, Socket};
use crate::watched::Watched;

fn call(method: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": {} }).to_string()
}

fn post(body: impl Into<Vec<u8>>) -> HttpRequest {
    HttpRequest::post("/rpc", body).header("content-type", "application/json")
}

/// Sends a request with the gateway's token.
async fn admitted(gateway: &GatewayProcess, request: HttpRequest) -> HttpAnswer {
    gateway.rpc_client().send(request).await.unwrap()
}

#[tokio::test]
async fn without_the_token_nothing_is_told_but_that_it_is_missing() {
    let home = TestHome::new();
    let patient = json!({ "gateway": { "auth": { "rateLimit": { "maxAttempts": 1000 } } } });
    home.write_config(&patient.to_string());
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let wrong = format!("Bearer {}", "0123456789abcdef".repeat(4));
    let basic = format!("Basic {}", gateway.token().expose_secret());
    for authorization in [
        None,
        Some(""),
        Some("Bearer "),
        Some(&*wrong),
        Some(&*basic),
    ] {
        let headers: Vec<(&str, &str)> = authorization
            .map(|value| ("authorization", value))
            .into_iter()
            .collect();
        let mut bodies = Vec::new();
        for request in [
            post(call("agent.list")),
            post(call("no.such.method")),
            post("{ no json"),
            HttpRequest::get("/status"),
            HttpRequest::get("/no/such/address"),
            HttpRequest::new("PUT", "/rpc"),
            HttpRequest::new("OPTIONS", "/rpc"),
            HttpRequest::new("TRACE", "/anything"),
            HttpRequest::get("/ws"),
        ] {
            let request = headers.iter().fold(request, |request, (name, value)| {
                request.header(*name, *value)
            });
            let answer = request.send(gateway.addr()).await.unwrap();
            assert_eq!(answer.status, 401, "{request:?}: {}", answer.text());
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("Bearer"), "{challenge}");
            bodies.push(answer.json());
        }
        // Who shows nothing may still do so in the first frame.
        if !headers.is_empty() {
            let answer = socket::refused(gateway.addr(), &headers).await;
            assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
            assert!(answer.contains("\r\nwww-authenticate: Bearer"), "{answer}");
            let (_, body) = answer.split_once("\r\n\r\n").unwrap();
            bodies.push(serde_json::from_str(body).unwrap());
        }
        // What exists and what does not is told apart by nothing but the id of the refusal.
        let mut ids: Vec<Value> = Vec::new();
        for body in &mut bodies {
            ids.push(body["error"]["data"]["id"].take());
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        assert_eq!(bodies[0]["error"]["data"]["kind"], "unauthenticated");
        ids.sort_by_key(Value::to_string);
        ids.dedup();
        assert!(ids.len() > 7 && ids.iter().all(Value::is_string), "{ids:?}");
    }
}

#[tokio::test]
async fn health_is_for_everybody_and_tells_nothing_else() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let health = HttpRequest::get("/health")
        .send(gateway.addr())
        .await
        .unwrap();
    assert_eq!(
        (health.status, health.json()),
        (200, json!({ "status": "ok" }))
    );
    let status = admitted(&gateway, HttpRequest::get("/status")).await;
    assert_eq!(
        (status.status, &status.json()["pid"]),
        (200, &gateway.pid().into())
    );
}

#[tokio::test]
async fn only_json_by_post_and_of_a_bounded_size_is_taken() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
    ] {
        let request = HttpRequest::post("/rpc", call("agent.list"));
        let answer = admitted(&gateway, request.header("content-type", content_type)).await;
        assert_eq!(answer.status, 415, "{content_type}: {}", answer.text());
    }
    let none = admitted(&gateway, HttpRequest::post("/rpc", call("agent.list"))).await;
    assert_eq!(none.status, 415, "{}", none.text());
    let charset = HttpRequest::post("/rpc", call("agent.list"))
        .header("content-type", "application/json; charset=utf-8");
    assert_eq!(admitted(&gateway, charset).await.status, 200);

    // A size that is too large is refused before a byte of the body is there.
    let mut stream = TcpStream::connect(gateway.addr()).await.unwrap();
    let head = format!(
        "POST /rpc HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        gateway.token().expose_secret(),
        MAX_BODY + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 16];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413 Pay");

    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer = admitted(&gateway, HttpRequest::new(method, "/rpc")).await;
        assert_eq!(answer.status, 405, "{method}");
    }
    assert_eq!(
        admitted(&gateway, HttpRequest::get("/nothing"))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_batch_is_answered_as_one_and_a_notification_not_at_all() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let list = |id: Value| json!({ "jsonrpc": "2.0", "id": id, "method": "agent.list" });
    let silent = json!({ "jsonrpc": "2.0", "method": "agent.list" });
    let unknown = json!({ "jsonrpc": "2.0", "id": "u", "method": "no.such" });

    let batch = json!([list(json!(1)), silent, unknown, 5, list(json!("b"))]);
    let answer = admitted(&gateway, post(batch.to_string())).await;
    assert_eq!(answer.status, 200);
    let answers = answer.json();
    let codes: Vec<(&Value, &Value)> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["id"], &one["error"]["code"]))
        .collect();
    let null = &Value::Null;
    assert_eq!(
        codes,
        [
            (&json!(1), null),
            (&json!("u"), &json!(-32601)),
            (null, &json!(-32600)),
            (&json!("b"), null),
        ]
    );
    for body in [silent.to_string(), json!([silent, silent]).to_string()] {
        let answer = admitted(&gateway, post(body)).await;
        assert_eq!((answer.status, answer.text()), (204, String::new()));
    }
}

#[tokio::test]
async fn calls_at_the_same_time_are_answered_by_their_id() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.reply(Reply::text("at last").hold_after(0));
    home.use_provider(&provider, WireFormat::OpenAi);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut socket = Socket::open(&gateway).await;
    let params = json!({ "sessionKey": "agent:main:main", "content": "hi" });
    let slow =
        json!({ "jsonrpc": "2.0", "id": "slow", "method": "session.message", "params": params });
    let quick = json!({ "jsonrpc": "2.0", "id": "quick", "method": "agent.list" });
    socket.send_text(&slow.to_string()).await;
    provider.wait_for_holds(1).await;
    socket.send_text(&quick.to_string()).await;

    let answer = socket.next_answer().await;
    assert_eq!(
        (&answer["id"], answer["error"].is_null()),
        (&json!("quick"), true)
    );
    provider.release();
    let answer = socket.next_answer().await;
    assert_eq!(
        (&answer["id"], &answer["result"]["content"]),
        (&json!("slow"), &json!("at last"))
    );
}

#[tokio::test]
async fn what_is_no_text_closes_the_socket() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut socket = Socket::open(&gateway).await;
    // Text that is no request is answered and does no harm.
    socket.send_text("{ no json").await;
    assert_eq!(socket.next_answer().await["error"]["code"], -32700);
    socket.send_binary(b"{}").await;
    assert_eq!(socket.next_frame().await, Frame::Close(1003));
}

#[tokio::test]
async fn a_closed_terminal_stops_the_gateway_in_order() {
    let home = TestHome::new();
    let gateway = Watched::start(&home, &["gateway", "run", "--port", "0"]).await;
    let (ready, gateway) = gateway.read_until("\n").await;
    assert!(ready.starts_with("ready http://127.0.0.1:"), "{ready}");
    drop(gateway.end_by(Signal::HUP).await.assert_code(0));
}

#[tokio::test]
async fn an_idle_gateway_stops_at_once_and_says_so_to_open_sockets() {
    let home = TestHome::new();
    for _ in 0..5 {
        let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
        let mut socket = Socket::open(&gateway).await;
        let (code, took) = gateway.terminate().await;
        assert_eq!(code, Some(0), "{}", gateway.stderr());
        // Two seconds on a quiet machine; five times that on one that is not.
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert_eq!(socket.next_frame().await, Frame::Close(1001));
    }
}
