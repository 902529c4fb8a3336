//! Many runs at once, long ones, and what is left of those that were ended.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::time::{Duration, Instant};

use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::OPENCLAW;

const PATIENCE: Duration = Duration::from_mins(1);
const RUNS: usize = 20;

/// The time in which the gateway says that it is well, on a quiet machine; here five times as much
/// is allowed.
const HEALTHY: Duration = Duration::from_millis(50 * 5);

/// A model that asks for the command that the user names, and then says what it printed.
fn obedient() -> FakeProvider {
    let provider = FakeProvider::start();
    provider.otherwise(|seen| {
        if seen.ends_with_results() {
            let result = seen.results().last().unwrap().content.clone();
            return Reply::text(result);
        }
        let command = seen.last_user_text().to_owned();
        Reply::tool_calls([FakeCall::new(
            "exec",
            &json!({ "command": command, "yieldMs": 120_000 }),
        )])
    });
    provider
}

fn home(provider: &FakeProvider) -> TestHome {
    let home = TestHome::new();
    home.use_provider(provider, WireFormat::OpenAi)
        .lift_limits();
    home
}

async fn session(gateway: &GatewayProcess) -> String {
    let created = gateway.rpc("session.create", json!({})).await.unwrap();
    created["sessionKey"].as_str().unwrap().to_owned()
}

/// A pipe whose other end every process of a run holds: its end is theirs.
struct Lifeline {
    begun: oneshot::Receiver<()>,
    end: JoinHandle<()>,
}

impl Lifeline {
    fn new(home: &TestHome, name: &str) -> Self {
        let path = home.workspace().join(name);
        mkfifoat(CWD, &path, Mode::from_raw_mode(0o600)).unwrap();
        let (tx, begun) = oneshot::channel();
        let end = spawn_blocking(move || {
            let mut pipe = BufReader::new(File::open(path).unwrap());
            let mut first = String::new();
            pipe.read_line(&mut first).unwrap();
            assert_eq!(first, "begun\n");
            tx.send(()).unwrap();
            // Reading waits until all that have the other end have closed it.
            assert_eq!(io::read_to_string(pipe).unwrap(), "");
        });
        Self { begun, end }
    }

    async fn begun(&mut self) {
        timeout(PATIENCE, &mut self.begun).await.unwrap().unwrap();
    }

    async fn ended(self) {
        timeout(PATIENCE, self.end).await.unwrap().unwrap();
    }
}

type Said = io::Result<Result<Value, Value>>;

/// Has a turn while the test goes on.
fn turn(gateway: &GatewayProcess, session: &str, content: &str) -> JoinHandle<Said> {
    let client = gateway.rpc_client();
    let params = json!({ "sessionKey": session, "content": content });
    tokio::spawn(async move { client.call("session.message", params).await })
}

/// A command that leaves daemons behind, deaf to signals, and then waits.
fn daemons(name: &str) -> String {
    format!(
        "exec 9> {name}; trap '' TERM INT HUP; (setsid sh -c 'trap \"\" TERM; sleep 1000' \
         > /dev/null 2>&1 &); echo begun >&9; sleep 1000"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_commands_at_once_leave_the_gateway_well() {
    let provider = obedient();
    let home = home(&provider);
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut turns = JoinSet::new();
    for n in 0..RUNS {
        let session = session(&gateway).await;
        let content =
            format!("sleep 2; head -c 100000 /dev/zero | tr '\\0' x; echo; echo done-{n}");
        let turn = turn(&gateway, &session, &content);
        turns.spawn(async move { (n, turn.await.unwrap().unwrap()) });
    }
    let mut slowest = Duration::ZERO;
    let mut asked = 0_u32;
    loop {
        let began = Instant::now();
        let answer = HttpRequest::get("/health")
            .send(gateway.addr())
            .await
            .unwrap();
        assert_eq!(answer.status, 200);
        slowest = slowest.max(began.elapsed());
        asked += 1;
        if let Some(ended) = turns.try_join_next() {
            let (n, said) = ended.unwrap();
            let said = said.unwrap()["content"].as_str().unwrap().to_owned();
            assert!(said.contains(&format!("done-{n}")), "{said}");
        } else if turns.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(asked > 20, "{asked}");
    assert!(slowest < HEALTHY, "{slowest:?} of {asked}");
    gateway.terminate().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_a_turn_ends_everything_that_it_started() {
    let provider = obedient();
    let home = home(&provider);
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut life = Lifeline::new(&home, "life");
    let key = session(&gateway).await;
    let turn = turn(&gateway, &key, &daemons("life"));
    life.begun().await;
    let params = json!({ "sessionKey": key });
    gateway.rpc("session.cancel", params).await.unwrap();
    life.ended().await;
    let said = timeout(PATIENCE, turn).await.unwrap().unwrap().unwrap();
    assert!(said.is_err(), "{said:?}");
    gateway.terminate().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_gateway_ends_everything_that_it_started() {
    let provider = obedient();
    let home = home(&provider);
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut life = Lifeline::new(&home, "life");
    let key = session(&gateway).await;
    let turn = turn(&gateway, &key, &daemons("life"));
    life.begun().await;
    gateway.kill9().await;
    life.ended().await;
    assert!(timeout(PATIENCE, turn).await.unwrap().unwrap().is_err());
}

/// A thread that starts processes and then goes away takes them with it: the kernel's signal for
/// the death of a parent follows the thread. Threads of the runtime go after ten seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_of_half_a_minute_lives_to_its_end() {
    let provider = obedient();
    let home = home(&provider);
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let key = session(&gateway).await;
    let params = json!({ "sessionKey": key, "content": "sleep 30; echo awake" });
    let said = gateway.rpc("session.message", params).await.unwrap();
    let said = said["content"].as_str().unwrap();
    assert!(said.contains("awake"), "{said}");
    gateway.terminate().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_command_goes_on_in_the_background_as_configured_and_ends_with_the_gateway() {
    let provider = FakeProvider::start();
    provider.otherwise(|seen| {
        if seen.ends_with_results() {
            return Reply::text(seen.results().last().unwrap().content.clone());
        }
        let command = seen.last_user_text().to_owned();
        Reply::tool_calls([FakeCall::new("exec", &json!({ "command": command }))])
    });
    let home = TestHome::new();
    let mut config = TestHome::config_for(&provider, WireFormat::OpenAi);
    config["tools"] = json!({ "exec": { "backgroundMs": 300 } });
    home.write_config(&config.to_string());
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut life = Lifeline::new(&home, "life");
    let key = session(&gateway).await;
    let turn = turn(&gateway, &key, &daemons("life"));
    life.begun().await;
    let answer = turn.await.unwrap().unwrap().unwrap();
    let answer = answer["content"].as_str().unwrap();
    assert!(answer.contains("status: running"), "{answer}");
    gateway.terminate().await;
    life.ended().await;
    provider.assert_clean();
}
