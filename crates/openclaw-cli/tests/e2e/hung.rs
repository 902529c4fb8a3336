//! A model that says nothing and a tool that does not end hold up nobody else.

use std::time::{Duration, Instant};

use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

/// How long the health of the gateway may take, five times: the machine has other things to do.
const HEALTH: Duration = Duration::from_millis(5 * 50);
/// How many turns are measured.
const TURNS: usize = 20;

fn provider() -> FakeProvider {
    let provider = FakeProvider::start();
    provider.otherwise(|seen| match seen.last_user_text() {
        "hang" => Reply::hang(),
        "run" if !seen.ends_with_results() => {
            let command = json!({ "command": "sleep 600" });
            Reply::tool_calls([FakeCall::new("exec", &command)])
        }
        _ => Reply::text("done"),
    });
    provider
}

async fn session(gateway: &GatewayProcess) -> Value {
    let created = gateway.rpc("session.create", json!({})).await.unwrap();
    created["sessionKey"].clone()
}

/// Takes turns in a session of its own and returns how long each took, the longest last.
async fn turns(gateway: &GatewayProcess) -> Vec<Duration> {
    let session = session(gateway).await;
    let mut took = Vec::new();
    for n in 0..TURNS {
        let params = json!({ "sessionKey": session, "content": format!("turn {n}") });
        let start = Instant::now();
        gateway.rpc("session.message", params).await.unwrap();
        took.push(start.elapsed());
    }
    took.sort_unstable();
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_hung_call_of_a_model_and_one_of_a_tool_hold_up_nobody() {
    let (home, provider) = (TestHome::new(), provider());
    home.lift_limits();
    home.use_provider(&provider, WireFormat::OpenAi);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let before = turns(&gateway).await;

    let mut hung = Vec::new();
    for content in ["hang", "run"] {
        let (client, key) = (gateway.rpc_client(), session(&gateway).await);
        let params = json!({ "sessionKey": key, "content": content });
        hung.push(tokio::spawn(async move {
            client.call("session.message", params).await
        }));
    }
    provider.wait_for_holds(1).await;

    let after = turns(&gateway).await;
    let (before, after) = (before[TURNS / 2], after[TURNS / 2]);
    assert!(
        after < before * 5 + Duration::from_millis(50),
        "a turn took {before:?} before and {after:?} after"
    );
    let mut slowest = Duration::ZERO;
    for _ in 0..50 {
        let start = Instant::now();
        let health = HttpRequest::get("/health").send(gateway.addr()).await;
        assert_eq!(health.unwrap().status, 200);
        slowest = slowest.max(start.elapsed());
    }
    assert!(slowest < HEALTH, "/health took {slowest:?}");
    for task in hung {
        assert!(!task.is_finished());
        task.abort();
    }
}
