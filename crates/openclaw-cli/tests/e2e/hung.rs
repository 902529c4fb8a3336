//! A model that says nothing and a tool that does not end hold up nobody else.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

/// How long the health of the gateway may take, of which a program that was built to be fast takes
/// a fifth: this one was not, and the machine has other things to do.
const HEALTH: Duration = Duration::from_millis(250);
/// How many turns are measured in each of the sessions.
const TURNS: usize = 50;
/// How many sessions take turns side by side.
const SESSIONS: usize = 4;
/// What the hung command makes when it has begun.
const BEGUN: &str = "begun";

fn provider() -> FakeProvider {
    let provider = FakeProvider::start();
    provider.otherwise(|seen| match seen.last_user_text() {
        "hang" => Reply::hang(),
        "run" if !seen.ends_with_results() => {
            let command = json!({ "command": format!("touch {BEGUN}; sleep 600") });
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

/// Takes turns in sessions of their own, side by side, and returns how long 99 of 100 took at most.
async fn turns(gateway: &GatewayProcess) -> Duration {
    let of_session = || async {
        let session = session(gateway).await;
        let mut took = Vec::new();
        for n in 0..TURNS {
            let params = json!({ "sessionKey": session, "content": format!("turn {n}") });
            let start = Instant::now();
            gateway.rpc("session.message", params).await.unwrap();
            took.push(start.elapsed());
        }
        took
    };
    let sessions = join_all((0..SESSIONS).map(|_| of_session())).await;
    let mut took = sessions.concat();
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

/// Waits until the command of the hung tool runs.
async fn command_has_begun(home: &TestHome) {
    let file = home.workspace().join(BEGUN);
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
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
    command_has_begun(&home).await;

    let after = turns(&gateway).await;
    assert!(
        after < before * 5 + Duration::from_millis(50),
        "99 of 100 turns took at most {before:?} before and {after:?} after"
    );
    let mut slowest = Duration::ZERO;
    for _ in 0..50 {
        let start = Instant::now();
        let health = HttpRequest::get("/health").send(gateway.addr()).await;
        assert_eq!(health.unwrap().status, 200);
        slowest = slowest.max(start.elapsed());
    }
    assert!(slowest < HEALTH, "/health took {slowest:?}");
    println!("p99 of a turn: {before:?}, beside what hangs {after:?}; /health: {slowest:?}");
    for task in hung {
        assert!(!task.is_finished());
        task.abort();
    }
}
