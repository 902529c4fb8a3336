//! kill -9 at any moment: what was acknowledged is there, whole and in order.

use std::time::Duration;

use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::OPENCLAW;

const ROUNDS: u64 = 10;
const CLIENTS: usize = 4;
const MESSAGES: usize = 200;
const PATIENCE: Duration = Duration::from_mins(1);

/// What one client was told before the gateway died.
struct Acknowledged {
    session: String,
    runs: Vec<String>,
}

/// Every third message sets off a tool call.
fn provider() -> FakeProvider {
    let provider = FakeProvider::start();
    provider.keep_requests(8);
    provider.otherwise(|seen| {
        let tool = seen.last_user_text().ends_with('3') && !seen.ends_with_results();
        if tool {
            Reply::tool_calls([FakeCall::new(
                "write",
                &json!({ "path": "a", "content": "b" }),
            )])
        } else {
            Reply::text("done")
        }
    });
    provider
}

async fn client(
    gateway: openclaw_testkit::rpc::RpcClient,
    done: watch::Sender<usize>,
) -> Option<Acknowledged> {
    let created = gateway.call("session.create", json!({})).await.ok()?.ok()?;
    let session = created["sessionKey"].as_str()?.to_owned();
    let mut runs = Vec::new();
    for n in 0..MESSAGES / CLIENTS {
        let params = json!({ "sessionKey": session, "content": format!("message {n}") });
        match gateway.call("session.message", params).await {
            Ok(Ok(reply)) => runs.push(reply["runId"].as_str()?.to_owned()),
            // The gateway is dead, or was dying.
            Ok(Err(_)) | Err(_) => break,
        }
        done.send_modify(|count| *count += 1);
    }
    Some(Acknowledged { session, runs })
}

async fn events(gateway: &GatewayProcess, session: &str) -> Vec<Value> {
    let mut events = Vec::new();
    let mut cursor = json!(0);
    while cursor.is_u64() {
        let params = json!({ "sessionKey": session, "cursor": cursor, "limit": 1000 });
        let page = gateway.rpc("session.history", params).await.unwrap();
        events.extend(page["events"].as_array().unwrap().iter().cloned());
        cursor = page["nextCursor"].clone();
    }
    events
}

fn check(acknowledged: &Acknowledged, events: &[Value]) {
    let seqs: Vec<u64> = events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(
        seqs,
        (1..=u64::try_from(events.len()).unwrap()).collect::<Vec<_>>()
    );
    for run in &acknowledged.runs {
        let of_run: Vec<&str> = events
            .iter()
            .filter(|event| event["runId"] == **run)
            .map(|event| event["kind"].as_str().unwrap())
            .collect();
        assert_eq!(
            of_run.first(),
            Some(&"MessageReceived"),
            "run {run}: {of_run:?}"
        );
        assert_eq!(
            of_run.last(),
            Some(&"AgentResponse"),
            "run {run}: {of_run:?}"
        );
        let count = |kind: &str| of_run.iter().filter(|of| **of == kind).count();
        assert_eq!(
            count("ToolCalled"),
            count("ToolResult"),
            "run {run}: {of_run:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9_at_any_moment() {
    let (home, provider) = (TestHome::new(), provider());
    home.lift_limits();
    home.use_provider(&provider, WireFormat::OpenAi);
    let (mut total, mut cut) = (0, 0);
    for round in 0..ROUNDS {
        let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
        let (done, mut progress) = watch::channel(0);
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(client(gateway.rpc_client(), done.clone()));
        }
        // Another moment in every round and every run of the test.
        let moment =
            usize::try_from((round * 7919 + u64::from(std::process::id()) * 31) % 190).unwrap();
        timeout(PATIENCE, progress.wait_for(|count| *count >= moment))
            .await
            .unwrap()
            .unwrap();
        gateway.kill9().await;
        let acknowledged: Vec<Acknowledged> =
            clients.join_all().await.into_iter().flatten().collect();

        let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
        for client in &acknowledged {
            check(client, &events(&gateway, &client.session).await);
            total += client.runs.len();
            cut += usize::from(client.runs.len() < MESSAGES / CLIENTS);
            // The session that was cut off takes the next message.
            let params = json!({ "sessionKey": client.session, "content": "still there?" });
            let reply = gateway.rpc("session.message", params).await.unwrap();
            assert_eq!(reply["content"], "done", "killed after {moment} answers");
        }
        // The next round needs the state directory: wait until this one is gone.
        gateway.kill9().await;
    }
    provider.assert_clean();
    assert!(
        total > 300 && cut > 10,
        "too little happened: {total} turns, {cut} cut off"
    );
}
