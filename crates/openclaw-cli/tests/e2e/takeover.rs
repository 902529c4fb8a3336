//! A home of TypeScript OpenClaw's under this binary: looked at, taken over, gone on with, given back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use openclaw_testkit::{
    FakeProvider, GatewayProcess, HomeCommand, Reply, TestHome, WireFormat, shared_dir, skip_note,
};
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::OPENCLAW;

const MAIN: &str = "agent:main:main";

/// A conversation in two turns, the first with a tool call.
const TRANSCRIPT: &str = r#"{"type":"session","version":3,"id":"s1","timestamp":"2026-02-09T10:00:00.000Z","cwd":"/w"}
{"type":"message","id":"a","parentId":null,"timestamp":"2026-02-09T10:00:01.000Z","message":{"role":"user","content":"what is the tide"}}
{"type":"message","id":"b","parentId":"a","timestamp":"2026-02-09T10:00:02.000Z","message":{"role":"assistant","content":[{"type":"toolCall","id":"t1","name":"exec","arguments":{"command":"tide"}}],"api":"anthropic-messages","provider":"anthropic","model":"m","usage":{"input":5,"output":2,"cacheRead":0,"cacheWrite":0,"totalTokens":7},"stopReason":"toolUse"}}
{"type":"message","id":"c","parentId":"b","timestamp":"2026-02-09T10:00:03.000Z","message":{"role":"toolResult","toolCallId":"t1","toolName":"exec","content":[{"type":"text","text":"low"}],"isError":false}}
{"type":"message","id":"d","parentId":"c","timestamp":"2026-02-09T10:00:04.000Z","message":{"role":"assistant","content":[{"type":"text","text":"It is low."}],"api":"anthropic-messages","provider":"anthropic","model":"m","usage":{"input":9,"output":3,"cacheRead":0,"cacheWrite":0,"totalTokens":12},"stopReason":"stop"}}
"#;

fn openclaw(home: &TestHome, args: &[&str]) -> HomeCommand {
    home.command(OPENCLAW).args(args)
}

async fn answer(home: &TestHome, args: &[&str]) -> Value {
    let ran = openclaw(home, args).arg("--json").run().await;
    ran.assert_code(0).json()
}

/// Every file of a state directory with the hash of its bytes, but for what is ours.
fn theirs(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("openclaw-rs") {
            continue;
        }
        if path.is_dir() {
            found.extend(theirs(&path));
        } else {
            let hash = format!("{:x}", Sha256::digest(fs::read(&path).unwrap()));
            found.insert(path, hash);
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::write(target, fs::read(&path).unwrap()).unwrap();
        }
    }
}

/// A home whose state directory is a copy of a recorded one.
fn recorded(name: &str) -> Option<TestHome> {
    let source = shared_dir().map(|dir| dir.join("compat").join(name));
    let Some(source) = source.filter(|source| source.is_dir()) else {
        skip_note(
            name,
            "no recordings in ../shared/compat, and OPENCLAW_SHARED has none",
        );
        return None;
    };
    let home = TestHome::new();
    copy(&source, home.state_dir().root());
    Some(home)
}

/// A home with one conversation, of this test's making.
fn written() -> TestHome {
    let home = TestHome::new();
    let sessions = home.state_dir().root().join("agents/main/sessions");
    fs::create_dir_all(&sessions).unwrap();
    fs::write(sessions.join("s1.jsonl"), TRANSCRIPT).unwrap();
    let store = json!({ MAIN: { "sessionId": "s1", "updatedAt": 1_770_631_204_000_i64 } });
    fs::write(sessions.join("sessions.json"), store.to_string()).unwrap();
    home
}

/// How many sessions, events and tool calls the source has, counted by this test.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    sessions: usize,
    events: usize,
    calls: usize,
}

impl Source {
    fn of_texts<'a>(transcripts: impl IntoIterator<Item = Vec<&'a str>>) -> Self {
        let mut source = Self {
            sessions: 0,
            events: 0,
            calls: 0,
        };
        for entries in transcripts {
            source.sessions += 1;
            source.events += entries.len();
            let calls = |entry: &&str| entry.matches(r#""type":"toolCall""#).count();
            source.calls += entries.iter().map(calls).sum::<usize>();
        }
        source
    }

    fn of_files(folder: &Path) -> Self {
        let files = theirs(&folder.join("agents/main/sessions"));
        let texts: Vec<String> = files
            .into_keys()
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .map(|path| fs::read_to_string(path).unwrap())
            .collect();
        Self::of_texts(texts.iter().map(|text| text.lines().collect()))
    }

    fn of_database(folder: &Path) -> Self {
        let path = folder.join("agents/main/agent/openclaw-agent.sqlite");
        let database = Connection::open(path).unwrap();
        let mut rows = database
            .prepare("SELECT session_id, coalesce(event_json, '') FROM transcript_events")
            .unwrap();
        let rows: Vec<(String, String)> = rows
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let mut sessions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (session, text) in &rows {
            sessions.entry(session).or_default().push(text);
        }
        Self::of_texts(sessions.into_values())
    }

    fn reported(taken: &Value) -> Self {
        let count = |name: &str| usize::try_from(taken[name].as_u64().unwrap()).unwrap();
        Self {
            sessions: count("sessions"),
            events: count("events"),
            calls: count("toolCalls"),
        }
    }
}

/// Lists, looks, takes and takes again; the counts are those of the source, which stays as it was.
async fn is_taken_over(home: &TestHome, source: &Source, form: &str) {
    let root = home.state_dir().root().to_owned();
    let agents = root.join("agents");
    let (before, of_agents) = (theirs(&root), theirs(&agents));
    let marks = (Some(json!(form)), Some(json!(true)));
    assert_eq!(marked(home).await, vec![marks; source.sessions]);
    let shown = answer(home, &["sessions", "show", MAIN]).await;
    assert_eq!(shown["data"]["readOnly"], true);

    let looked = sessions(home, &["migrate", "--dry-run"]).await;
    assert!(!root.join("openclaw-rs").exists());
    assert_eq!(theirs(&root), before);
    assert_eq!(looked["left"], json!([]));
    let (taken, added) = (&looked["taken"], &looked["taken"]["added"]);
    assert_eq!(
        [taken, added].map(Source::reported),
        [source.clone(), source.clone()]
    );

    assert_eq!(sessions(home, &["migrate"]).await, looked);
    let again = sessions(home, &["migrate"]).await;
    let taken = &again["taken"];
    assert_eq!(
        (Source::reported(taken), &taken["added"]["recorded"]),
        (source.clone(), &json!(0))
    );

    assert_eq!(marked(home).await, vec![(None, None); source.sessions]);
    let same = answer(home, &["sessions", "show", MAIN]).await;
    assert_eq!(same["data"]["messages"], shown["data"]["messages"]);
    let verified = openclaw(home, &["audit", "verify"]).run().await;
    drop(verified.assert_code(0));
    // The config of the home that is used is brought up to date; where the sessions lie, nothing is.
    assert_eq!(theirs(&agents), of_agents);
}

/// What each session in the list says about where it lies.
async fn marked(home: &TestHome) -> Vec<(Option<Value>, Option<Value>)> {
    let listed = answer(home, &["sessions", "list"]).await;
    let rows = listed["sessions"].as_array().unwrap();
    rows.iter()
        .map(|row| (row.get("source").cloned(), row.get("readOnly").cloned()))
        .collect()
}

/// What a migration says about the sessions.
async fn sessions(home: &TestHome, args: &[&str]) -> Value {
    let answer = answer(home, args).await;
    let areas = answer["data"]["areas"].as_array().unwrap();
    let area = areas.iter().find(|area| area["area"] == "sessions");
    area.unwrap().clone()
}

#[tokio::test]
async fn the_home_of_february_is_listed_looked_at_and_taken_over() {
    let Some(home) = recorded("home-2026.2") else {
        return;
    };
    let source = Source::of_files(home.state_dir().root());
    is_taken_over(&home, &source, "openclaw-jsonl").await;
    let shown = openclaw(&home, &["sessions", "show", MAIN]).run().await;
    assert!(shown.stdout.contains("THINK about this please"), "{shown}");
    assert!(shown.stdout.contains("FAKE thoughtful reply."), "{shown}");
}

#[tokio::test]
async fn the_home_of_september_is_listed_looked_at_and_taken_over() {
    let Some(home) = recorded("home-2026.9") else {
        return;
    };
    let source = Source::of_database(home.state_dir().root());
    is_taken_over(&home, &source, "openclaw-sqlite").await;
    let shown = openclaw(&home, &["sessions", "show", MAIN]).run().await;
    assert!(shown.stdout.contains("Hello from a phone"), "{shown}");
}

#[tokio::test]
async fn a_gateway_shows_what_waits_and_takes_it_in_when_it_is_spoken_to() {
    let (home, provider) = (written(), FakeProvider::start());
    home.use_provider(&provider, WireFormat::Anthropic);
    provider.reply(Reply::text("As I said, low."));
    // A gateway makes its agents' workspace; what the agents of OpenClaw have stays as it was.
    let agents = home.state_dir().root().join("agents");
    let before = theirs(&agents);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let listed = gateway.rpc("session.list", json!({})).await.unwrap();
    let row = &listed["sessions"][0];
    assert_eq!(
        (
            &row["sessionKey"],
            &row["source"],
            &row["readOnly"],
            &row["events"]
        ),
        (
            &json!(MAIN),
            &json!("openclaw-jsonl"),
            &json!(true),
            &json!(5)
        )
    );
    let asked = json!({ "sessionKey": MAIN, "limit": 3 });
    let page = gateway.rpc("session.history", asked).await.unwrap();
    assert_eq!(page["events"][2]["data"]["content"], "what is the tide");
    let rest = json!({ "sessionKey": MAIN, "cursor": page["nextCursor"] });
    let rest = gateway.rpc("session.history", rest).await.unwrap();
    assert_eq!(rest["events"][2]["data"]["content"], "It is low.");
    assert_eq!(rest["nextCursor"], Value::Null);

    let message = json!({ "sessionKey": MAIN, "content": "and now?" });
    let reply = gateway.rpc("session.message", message).await.unwrap();
    assert_eq!(reply["content"], "As I said, low.");
    let seen = provider.last_request();
    assert_eq!(seen.user_texts(), ["what is the tide", "and now?"]);
    assert_eq!((seen.calls().len(), seen.results().len()), (1, 1));
    let listed = gateway.rpc("session.list", json!({})).await.unwrap();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
    assert!(listed["sessions"][0].get("source").is_none(), "{listed}");
    drop(gateway);
    let again = sessions(&home, &["migrate"]).await;
    assert_eq!(again["taken"]["added"]["recorded"], 0);
    assert_eq!(theirs(&agents), before);
    provider.assert_clean();
}

#[tokio::test]
async fn a_command_that_needs_the_log_names_the_way_there() {
    let home = written();
    let ran = openclaw(&home, &["sessions", "events", MAIN]).run().await;
    assert_eq!(ran.code, Some(3), "{ran}");
    assert!(ran.stderr.contains("openclaw migrate"), "{ran}");
}

#[tokio::test]
async fn another_home_is_taken_over_and_written_out_again() {
    let (source, home) = (written(), TestHome::new());
    let from = source.state_dir().root().to_owned();
    let from = from.to_str().unwrap();
    let before = theirs(source.state_dir().root());
    let taken = sessions(&home, &["migrate", "--from", from]).await;
    assert_eq!(taken["taken"]["events"], 5);
    assert_eq!(theirs(source.state_dir().root()), before);
    let out = home.path().join("back");
    let args = [
        "sessions",
        "export",
        "--format",
        "openclaw-jsonl",
        "--all",
        "--out",
    ];
    let written = answer(&home, &[&args[..], &[out.to_str().unwrap()]].concat()).await;
    assert_eq!(written["data"]["events"], 5);
    let text = fs::read_to_string(out.join("agents/main/sessions/s1.jsonl")).unwrap();
    assert_eq!(text, TRANSCRIPT);
    let again = openclaw(&home, &args).arg(&out).run().await;
    assert_eq!(again.code, Some(1), "{again}");
    let nowhere = openclaw(&home, &["migrate", "--from", "/no/such/home"])
        .run()
        .await;
    assert_eq!(nowhere.code, Some(3), "{nowhere}");
}

#[tokio::test]
async fn migrations_at_the_same_time_take_each_session_once() {
    let home = written();
    let migrate = || openclaw(&home, &["migrate", "--json"]).run();
    let (a, b, c) = tokio::join!(migrate(), migrate(), migrate());
    let mut recorded = 0;
    for ran in [a, b, c] {
        let area = &ran.assert_code(0).json()["data"]["areas"];
        let sessions = area.as_array().unwrap().iter();
        let area = sessions.last().unwrap();
        assert_eq!(
            (&area["area"], &area["left"]),
            (&json!("sessions"), &json!([]))
        );
        recorded += area["taken"]["added"]["sessions"].as_u64().unwrap();
    }
    assert_eq!(recorded, 1);
    let listed = answer(&home, &["sessions", "list"]).await;
    assert_eq!(listed["count"], 1);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_told_by_the_list_and_by_doctor() {
    let home = written();
    let doctor = |home| async move {
        let ran = openclaw(home, &["doctor", "--json"]).run().await;
        let found = ran.json()["findings"].as_array().unwrap().clone();
        let ours = |finding: &&Value| {
            finding["checkId"]
                .as_str()
                .unwrap()
                .starts_with("sessions.")
        };
        found.iter().filter(ours).cloned().collect::<Vec<Value>>()
    };
    let found = doctor(&home).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["checkId"], "sessions.waiting");
    assert!(
        found[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("1 session waits")
    );

    let store = home
        .state_dir()
        .root()
        .join("agents/main/sessions/sessions.json");
    fs::write(&store, "{\"agent:main:main\": {").unwrap();
    let found = doctor(&home).await;
    assert_eq!(found[0]["checkId"], "sessions.unreadable", "{found:?}");
    assert_eq!(found[1]["fixHint"], "openclaw migrate", "{found:?}");
    let ran = openclaw(&home, &["sessions", "list"]).run().await;
    assert!(ran.stderr.contains("warning: cannot read "), "{ran}");
    assert!(ran.stderr.contains("openclaw migrate"), "{ran}");
    assert!(ran.stdout.contains("agent:main:recovered:s1"), "{ran}");
    let listed = answer(&home, &["sessions", "list"]).await;
    assert_eq!(listed["warnings"].as_array().unwrap().len(), 1, "{listed}");
}

#[tokio::test]
async fn another_key_than_its_own_is_told() {
    let home = written();
    sessions(&home, &["migrate"]).await;
    let file = home
        .state_dir()
        .root()
        .join("agents/main/sessions/s1.jsonl");
    let other = TRANSCRIPT.replace("It is low.", "It is high.");
    fs::write(file, other).unwrap();
    let ran = openclaw(&home, &["migrate", "--dry-run"]).run().await;
    let key = "taken under `agent:main:main:openclaw:s1`";
    assert!(ran.stdout.contains(key), "{ran}");
    let taken = sessions(&home, &["migrate"]).await;
    assert!(
        taken["notes"][0]["why"].as_str().unwrap().ends_with(key),
        "{taken}"
    );
}
