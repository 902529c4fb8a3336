//! kill -9 in the midst of turns: nothing runs twice, the log says what nobody knows, and every
//! session goes on.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use openclaw_core::env::Env;
use openclaw_testkit::rpc::RpcClient;
use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::OPENCLAW;
use crate::measured::figures;

/// How often the gateway is killed in the short form.
const POINTS: u64 = 8;
/// How many times a turn of the test calls a tool with an effect.
const CALLS: usize = 3;
const SESSIONS: usize = 3;
const PATIENCE: Duration = Duration::from_mins(1);

/// Each message leads to commands that append a line to a file, one after the other, and then to
/// an answer.
fn provider() -> FakeProvider {
    let provider = FakeProvider::start();
    provider.keep_requests(8);
    provider.otherwise(|seen| {
        let task = seen
            .user_texts()
            .iter()
            .rev()
            .flat_map(|text| text.lines().rev())
            .find_map(|line| line.strip_prefix("task ").map(str::to_owned));
        let last = seen.last_user_text();
        let done = seen.results().len();
        let begun = seen.calls().len();
        match task {
            Some(task) if last.ends_with(&format!("task {task}")) && begun < CALLS => {
                let command = format!("echo {task}-{begun} >> effects");
                Reply::tool_calls([FakeCall::new("exec", &json!({ "command": command }))])
            }
            _ => Reply::text(format!("done after {done}")),
        }
    });
    provider
}

/// Sends tasks to new sessions until the gateway is gone; returns the sessions.
async fn client(gateway: RpcClient, name: String) -> Vec<String> {
    let mut sessions = Vec::new();
    for n in 0.. {
        let Ok(Ok(created)) = gateway.call("session.create", json!({})).await else {
            break;
        };
        let session = created["sessionKey"].as_str().unwrap().to_owned();
        sessions.push(session.clone());
        let params = json!({ "sessionKey": session, "content": format!("task {name}-{n}") });
        if !matches!(gateway.call("session.message", params).await, Ok(Ok(_))) {
            break;
        }
    }
    sessions
}

/// What the log of a session says.
#[derive(Debug, Default)]
struct Told {
    /// Calls without a result.
    open: usize,
    /// Runs without an end.
    unended: usize,
    /// Calls of which nobody knows whether they took effect.
    unknown: usize,
}

async fn told(gateway: &GatewayProcess, session: &str) -> Told {
    let params = json!({ "sessionKey": session, "limit": 1000 });
    let page = gateway.rpc("session.history", params).await.unwrap();
    let events = page["events"].as_array().unwrap();
    let of_kind = |kind: &str| events.iter().filter(|event| event["kind"] == *kind).count();
    let of_key = |key: &str| {
        let changes = events.iter().filter(|event| event["data"]["key"] == *key);
        changes
            .map(|event| event["data"]["value"].clone())
            .collect::<Vec<Value>>()
    };
    let unknown = of_key("run.cut_off");
    Told {
        open: of_kind("ToolCalled") - of_kind("ToolResult"),
        unended: of_kind("MessageReceived") - of_kind("AgentResponse") - of_key("run.failed").len(),
        unknown: unknown
            .iter()
            .map(|cut_off| cut_off["unknown"].as_array().unwrap().len())
            .sum(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_runs_twice_and_the_log_says_what_is_unknown() {
    let points = match Env::from_process().get("OPENCLAW_SOAK_ROUNDS") {
        // The long form: a hundred points at least.
        Some(rounds) => rounds.parse::<u64>().unwrap().max(100),
        None => POINTS,
    };
    let (home, provider) = (TestHome::new(), provider());
    home.lift_limits();
    home.use_provider(&provider, WireFormat::OpenAi);
    let (mut all, mut unknown) = (0, 0);
    for point in 0..points {
        let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
        let mut clients = JoinSet::new();
        for n in 0..SESSIONS {
            clients.spawn(client(gateway.rpc_client(), format!("{point}-{n}")));
        }
        // Another moment in every round and every run of the test.
        let seed = u64::from(std::process::id()).wrapping_mul(31);
        let moment = (point * 7919 + seed) % 1500;
        sleep(Duration::from_millis(50 + moment)).await;
        gateway.kill9().await;
        let sessions: Vec<String> = clients.join_all().await.into_iter().flatten().collect();

        let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
        for session in &sessions {
            let told = told(&gateway, session).await;
            assert_eq!(
                (told.open, told.unended),
                (0, 0),
                "{session} after {moment} ms"
            );
            unknown += told.unknown;
            let params = json!({ "sessionKey": session, "content": "still there?" });
            let reply = timeout(PATIENCE, gateway.rpc("session.message", params)).await;
            let reply = reply.unwrap().unwrap();
            let content = reply["content"].as_str().unwrap();
            assert!(content.starts_with("done"), "{content}");
        }
        all += sessions.len();
        gateway.kill9().await;
    }
    let effects = fs::read_to_string(home.workspace().join("effects")).unwrap_or_default();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for line in effects.lines() {
        *times.entry(line).or_default() += 1;
    }
    times.retain(|_, times| *times > 1);
    assert_eq!(
        times,
        BTreeMap::new(),
        "these effects took place more than once"
    );
    provider.assert_clean();
    figures(&format!(
        "killed {points} times in the midst of turns: {all} sessions, {} effects, none twice, {unknown} calls unknown",
        effects.lines().count()
    ));
    assert!(all > 0);
}
