//! A disk that fills up, and one that cannot be written to: clear errors, nothing lost, and on it
//! goes when there is room again.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use openclaw_core::env::{Env, PATH};
use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::rpc::RpcClient;
use openclaw_testkit::{
    FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat, skip_note,
};
use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::OPENCLAW;
use crate::audit::{MAIN, openclaw, recorded, sql, verify};

/// The size of the disk that fills up.
const DISK: u64 = 16 * 1024 * 1024;
/// How often it fills up.
const ROUNDS: usize = 4;
const CLIENTS: usize = 4;
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs the binary, and when it has ended, checks the log: the file system is gone after that.
const AND_CHECK: &str = r#"/bin/sh -c '"$0" "$@"; "$0" audit verify --json > "$HOME/report"'"#;

/// A home whose own folder is another file system, for what `program` starts.
struct Mounted {
    home: TestHome,
    /// Runs the binary with its arguments in there.
    program: PathBuf,
}

/// Returns bubblewrap, without which no test can have a file system of its own.
fn bubblewrap(test: &str) -> Option<PathBuf> {
    let path = Env::from_process().get_os(PATH.name)?.to_owned();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("bwrap"))
        .find(|program| program.exists());
    if found.is_none() {
        skip_note(test, "bubblewrap is not installed");
    }
    found
}

impl Mounted {
    /// Mounts something on the home's own folder, which bubblewrap's words find as `$own`.
    fn new(home: TestHome, bubblewrap: &Path, mount: &str, run: &str) -> Self {
        let own = home.state_dir().own();
        home.state_dir().read_or_create_token().unwrap();
        let program = home.path().join("mounted");
        let script = format!(
            "#!/bin/sh\nown='{}'\nexec '{}' --bind / / --dev-bind /dev /dev {mount} -- {run} '{OPENCLAW}' \"$@\"\n",
            own.display(),
            bubblewrap.display(),
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        Self { home, program }
    }

    /// Mounts a small file system.
    fn small(home: TestHome, bubblewrap: &Path) -> Self {
        let report = home.path().join("report");
        mkfifoat(CWD, &report, Mode::from_raw_mode(0o600)).unwrap();
        // The token stays where the test finds it, too.
        let token = "\"$own/gateway.token\"";
        let mount = format!("--size {DISK} --tmpfs \"$own\" --ro-bind {token} {token}");
        Self::new(home, bubblewrap, &mount, AND_CHECK)
    }

    async fn gateway(&self) -> Disk<'_> {
        let gateway = GatewayProcess::start(&self.home, &self.program).await;
        let seen = PathBuf::from(format!("/proc/{}/root", gateway.pid()));
        let own = self.home.state_dir().own();
        let own = seen.join(own.strip_prefix("/").unwrap());
        Disk {
            mounted: self,
            gateway,
            filler: own.join("filler"),
        }
    }
}

/// A running gateway and its disk.
struct Disk<'a> {
    mounted: &'a Mounted,
    gateway: GatewayProcess,
    filler: PathBuf,
}

impl Disk<'_> {
    /// Leaves no byte.
    fn fill(&self) {
        let mut filler = File::options()
            .create(true)
            .append(true)
            .open(&self.filler)
            .unwrap();
        for size in [65_536, 512, 1] {
            let err = loop {
                match filler.write_all(&vec![1; size]) {
                    Ok(()) => {}
                    Err(err) => break err,
                }
            };
            assert_eq!(err.kind(), io::ErrorKind::StorageFull);
        }
    }

    fn free(&self) {
        fs::remove_file(&self.filler).unwrap();
    }

    async fn say(&self, content: &str) -> Result<Value, Value> {
        let params = json!({ "sessionKey": MAIN, "content": content });
        self.gateway.rpc("session.message", params).await
    }

    async fn events(&self, session: &str) -> Vec<Value> {
        let (mut events, mut cursor) = (Vec::new(), json!(0));
        while cursor.is_u64() {
            let params = json!({ "sessionKey": session, "cursor": cursor, "limit": 1000 });
            let page = self.gateway.rpc("session.history", params).await.unwrap();
            events.extend(page["events"].as_array().unwrap().iter().cloned());
            cursor = page["nextCursor"].clone();
        }
        events
    }

    async fn is_healthy(&self) -> bool {
        let health = HttpRequest::get("/health").send(self.gateway.addr()).await;
        health.unwrap().json() == json!({ "status": "ok" })
    }

    /// Stops the gateway and returns what the check of the log then said.
    async fn checked(self) -> Value {
        let pid = i32::try_from(self.gateway.pid()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
        let report = self.mounted.home.path().join("report");
        let report = spawn_blocking(move || fs::read_to_string(report).unwrap());
        serde_json::from_str(&report.await.unwrap()).unwrap()
    }
}

/// Asserts that an error says that the disk is full, and nothing else.
fn assert_full(error: &Value) {
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("disk") && message.contains("full"),
        "{error}"
    );
    assert!(message.contains("nothing was recorded"), "{error}");
    assert_eq!(error["data"]["kind"], "unavailable", "{error}");
}

/// What one client was told.
#[derive(Default)]
struct Told {
    session: String,
    acknowledged: Vec<Value>,
}

/// How often clients were told one thing or the other.
#[derive(Clone, Copy, Default)]
struct Count {
    acknowledged: usize,
    refused: usize,
}

/// Says one thing after the other until the gateway is to be left alone.
async fn client(
    gateway: RpcClient,
    count: watch::Sender<Count>,
    stop: watch::Receiver<bool>,
) -> Told {
    let mut told = Told::default();
    let created = gateway.call("session.create", json!({})).await.unwrap();
    created.unwrap()["sessionKey"]
        .as_str()
        .unwrap()
        .clone_into(&mut told.session);
    let content = "x".repeat(3_000);
    while !*stop.borrow() {
        let params = json!({ "sessionKey": told.session, "content": content });
        match gateway.call("session.message", params).await.unwrap() {
            Ok(reply) => {
                told.acknowledged.push(reply["runId"].clone());
                count.send_modify(|count| count.acknowledged += 1);
            }
            Err(error) => {
                assert_full(&error);
                count.send_modify(|count| count.refused += 1);
            }
        }
    }
    told
}

/// Waits until clients have been told that much more.
async fn until(counts: &mut watch::Receiver<Count>, more: Count) {
    let before = *counts.borrow();
    let reached = |count: &Count| {
        count.acknowledged >= before.acknowledged + more.acknowledged
            && count.refused >= before.refused + more.refused
    };
    let reached = counts.wait_for(reached);
    timeout(PATIENCE, reached).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_nothing_is_acknowledged_and_nothing_is_lost() {
    let Some(bubblewrap) = bubblewrap("on_a_full_disk_nothing_is_acknowledged_and_nothing_is_lost")
    else {
        return;
    };
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.lift_limits();
    provider.otherwise(|_| Reply::text("noted"));
    provider.keep_requests(4);
    home.use_provider(&provider, WireFormat::OpenAi);
    let mounted = Mounted::small(home, &bubblewrap);
    let disk = mounted.gateway().await;
    let (count, mut counts) = watch::channel(Count::default());
    let (mut clients, stop) = (JoinSet::new(), watch::Sender::new(false));
    for _ in 0..CLIENTS {
        clients.spawn(client(
            disk.gateway.rpc_client(),
            count.clone(),
            stop.subscribe(),
        ));
    }
    let (some, none) = (
        Count {
            acknowledged: 12,
            refused: 0,
        },
        Count {
            acknowledged: 0,
            refused: 12,
        },
    );
    for _ in 0..ROUNDS {
        until(&mut counts, some).await;
        disk.fill();
        until(&mut counts, none).await;
        assert!(disk.is_healthy().await);
        let sessions = disk.gateway.rpc("session.list", json!({})).await.unwrap();
        assert_eq!(sessions["sessions"].as_array().unwrap().len(), CLIENTS);
        disk.free();
    }
    until(&mut counts, some).await;
    stop.send_replace(true);
    for told in clients.join_all().await {
        assert!(!told.acknowledged.is_empty());
        check(&told, &disk.events(&told.session).await);
    }
    let report = disk.checked().await;
    assert_eq!(report["data"]["intact"], true, "{report:#}");
    provider.assert_clean();
}

/// Every acknowledged message is there with its answer, and there are no gaps.
fn check(told: &Told, events: &[Value]) {
    let seqs: Vec<u64> = events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(
        seqs,
        (1..=u64::try_from(events.len()).unwrap()).collect::<Vec<_>>()
    );
    for run in &told.acknowledged {
        let kinds: Vec<&str> = events
            .iter()
            .filter(|event| event["runId"] == *run)
            .map(|event| event["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["MessageReceived", "AgentResponse"], "{run}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_fills_the_disk_ends_with_that_error_and_the_next_one_goes_on() {
    let Some(bubblewrap) =
        bubblewrap("a_turn_that_fills_the_disk_ends_with_that_error_and_the_next_one_goes_on")
    else {
        return;
    };
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.lift_limits();
    let write = FakeCall::new("write", &json!({ "path": "a", "content": "b" }));
    provider
        .reply(Reply::text("first"))
        // While these are held, the disk fills up.
        .reply(Reply::text("z".repeat(200_000)).hold_headers())
        .reply(
            Reply::tool_calls([write])
                .with_text("z".repeat(200_000))
                .hold_headers(),
        )
        .otherwise(|_| Reply::text("on it goes"));
    home.use_provider(&provider, WireFormat::OpenAi);
    let mounted = Mounted::small(home, &bubblewrap);
    let disk = mounted.gateway().await;
    assert_eq!(disk.say("one").await.unwrap()["content"], "first");
    for n in 1..=2 {
        let (outcome, ()) = tokio::join!(disk.say("two"), async {
            provider.wait_for_holds(n).await;
            disk.fill();
            provider.release();
        });
        assert_full(&outcome.unwrap_err());
        assert!(disk.is_healthy().await);
        disk.free();
    }
    // The tool was never run: its call could not be recorded.
    assert!(!mounted.home.workspace().join("a").exists());
    assert_eq!(disk.say("three").await.unwrap()["content"], "on it goes");
    let report = disk.checked().await;
    assert_eq!(report["data"]["intact"], true, "{report:#}");
    provider.assert_clean();
}

#[tokio::test]
async fn a_state_directory_that_cannot_be_written_to_is_told_so() {
    let Some(bubblewrap) = bubblewrap("a_state_directory_that_cannot_be_written_to_is_told_so")
    else {
        return;
    };
    let home = recorded().await;
    let before = fs::read(home.state_dir().event_log()).unwrap();
    let mounted = Mounted::new(home, &bubblewrap, "--ro-bind \"$own\" \"$own\"", "");
    for args in [
        &["gateway", "run", "--port", "0"][..],
        &["agent", "--message", "hi"],
        &["backup", "create", "here.sqlite"],
    ] {
        let ran = mounted
            .home
            .command(&mounted.program)
            .args(args)
            .run()
            .await;
        let ran = ran.assert_code(69);
        assert!(ran.stderr.to_lowercase().contains("read-only"), "{ran}");
    }
    let ran = mounted
        .home
        .command(&mounted.program)
        .args(["doctor", "--json"]);
    let ran = ran.run().await.assert_code(1);
    let finding = &ran.json()["findings"][0];
    assert_eq!(
        (&finding["checkId"], &finding["severity"]),
        (&json!("store.permissions"), &json!("error")),
        "{ran}"
    );
    assert_eq!(
        fs::read(mounted.home.state_dir().event_log()).unwrap(),
        before
    );
    assert_eq!(verify(&mounted.home).await.0, Some(0));
    drop(
        openclaw(&mounted.home, &["sessions", "list"])
            .run()
            .await
            .assert_code(0),
    );
}

#[tokio::test]
async fn a_run_that_lost_its_session_ends_with_that_error_and_it_is_on_record() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.lift_limits();
    provider
        .reply(Reply::text("too late").hold_headers())
        .otherwise(|_| Reply::text("here again"));
    home.use_provider(&provider, WireFormat::OpenAi);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let say = || {
        gateway.rpc(
            "session.message",
            json!({ "sessionKey": MAIN, "content": "hi" }),
        )
    };
    let (outcome, ()) = tokio::join!(say(), async {
        provider.wait_for_holds(1).await;
        // What happens when another process takes the session over.
        let taken = "UPDATE sessions SET fence = fence + 1, owner = NULL WHERE key = ?1";
        sql(&home).execute(taken, [MAIN]).unwrap();
        provider.release();
    });
    let error = outcome.unwrap_err();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("has passed to another process"), "{error}");
    assert_eq!(say().await.unwrap()["content"], "here again");
    let params = json!({ "sessionKey": MAIN });
    let history = gateway.rpc("session.history", params).await.unwrap();
    let failed: Vec<&Value> = history["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["data"]["key"] == "run.failed")
        .map(|event| &event["data"]["value"]["message"])
        .collect();
    assert_eq!(failed, [message]);
}
