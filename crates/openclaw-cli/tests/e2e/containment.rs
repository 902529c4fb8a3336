//! The owner's settings of the sandbox: what they come to, where they show, and that they hold.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use openclaw_testkit::{FakeCall, FakeProvider, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::audit::{entries, openclaw};

const MAIN: &str = "agent:main:main";

/// Returns the lines of an explanation, each as `name = value (decided by)`.
async fn explained(home: &TestHome, args: &[&str]) -> (Option<i32>, Vec<String>) {
    let ran = openclaw(home, &["sandbox", "explain", "--json"])
        .args(args)
        .run()
        .await;
    let lines = ran.json()["data"]["lines"].as_array().unwrap().clone();
    let line = |line: &Value| {
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        format!(
            "{} = {} ({})",
            text("name"),
            text("value"),
            text("decidedBy")
        )
    };
    (ran.code, lines.iter().map(line).collect())
}

fn has(lines: &[String], begin: &str, end: &str) {
    let found = lines
        .iter()
        .any(|line| line.starts_with(begin) && line.ends_with(end));
    assert!(found, "{begin} … {end} in\n{}", lines.join("\n"));
}

/// Lets an agent run a shell command; returns what the tool answered.
async fn exec(home: &TestHome, provider: &FakeProvider, agent: &str, script: &str) -> Value {
    let call = FakeCall::new("exec", &json!({ "command": script }));
    provider.reply(Reply::tool_calls([call]));
    provider.reply(Reply::text("done"));
    let say = ["agent", "--json", "--message", "work", "--session"];
    let session = format!("agent:{agent}:main");
    let ran = openclaw(home, &say).arg(&session).run().await;
    drop(ran.assert_code(0));
    let events = ["sessions", "events", &session, "--json", "--limit", "1000"];
    let events = openclaw(home, &events).run().await.assert_code(0).json();
    let mut events = events["data"]["events"].as_array().unwrap().iter().rev();
    let result = events.find_map(|event| {
        let is_result = event.to_string().contains("ToolResult");
        is_result.then(|| event.clone())
    });
    result.unwrap()
}

/// Answers every request on a port of the loopback device with one word.
pub(crate) fn neighbour(word: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            drop(stream.read(&mut request));
            let length = word.len();
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length";
            drop(write!(stream, "{head}: {length}\r\n\r\n{word}"));
        }
    }));
    port
}

#[tokio::test]
async fn every_line_of_a_policy_names_what_decided_it() {
    let home = TestHome::new();
    let (code, lines) = explained(&home, &[]).await;
    assert_eq!(code, Some(0), "{lines:#?}");
    has(&lines, "level = strict: ", "(default)");
    has(&lines, "workspace = ", ", read and write (default)");
    has(&lines, "network = none", "(default)");
    has(&lines, "protected = .openclaw, .vscode, ", "(always)");
    has(&lines, "memory = 1536 MiB", "(default)");
    has(&lines, "degraded = refused", "(default)");

    home.write_own(
        "{ sandbox: { level: 'relaxed', network: 'proxy', egress: { allow: ['crates.io'] }, \
         protect: ['ci'], env: { SHADE: 'hidden-value' }, limits: { memoryMb: 512 }, \
         agents: { main: { limits: { processes: 9 } } } } }",
    );
    let (code, lines) = explained(&home, &["--tool", "bash", "--agent", "main"]).await;
    assert_eq!(code, Some(0), "{lines:#?}");
    for (begin, path) in [
        ("level = relaxed: ", "level"),
        ("network = proxy: ", "network"),
        ("egress allow = crates.io ", "egress.allow"),
        ("protected = ci ", "protect"),
        ("variables = SHADE ", "env.SHADE"),
        ("memory = 512 MiB ", "limits.memoryMb"),
        ("processes = 9 ", "agents.main.limits.processes"),
    ] {
        has(
            &lines,
            begin,
            &format!("(openclaw-rs.json5: sandbox.{path})"),
        );
    }
    assert!(!lines.join("\n").contains("hidden-value"), "{lines:#?}");

    let (code, lines) = explained(&home, &["--tool", "write"]).await;
    assert_eq!(code, Some(0));
    has(&lines, "runs = in the gateway itself", "(always)");
    has(
        &lines,
        "protected = ci ",
        "(openclaw-rs.json5: sandbox.protect)",
    );
    assert!(!lines.iter().any(|line| line.starts_with("network")));
}

#[tokio::test]
async fn a_policy_is_a_table_for_people_and_what_is_not_there_is_an_error() {
    let home = TestHome::new();
    let ran = openclaw(&home, &["sandbox", "explain"]).run().await;
    let ran = ran.assert_code(0);
    for text in [
        "WHAT",
        "DECIDED BY",
        "strict: ",
        "GUARD",
        "bubblewrap",
        "seccomp",
    ] {
        assert!(ran.stdout.contains(text), "{text} in\n{ran}");
    }
    for (args, told) in [
        (["--tool", "fly"], "apply_patch, edit, exec, find, grep"),
        (["--agent", "nobody"], "nobody"),
    ] {
        let ran = openclaw(&home, &["sandbox", "explain"]).args(args);
        let ran = ran.run().await.assert_code(3);
        assert!(ran.stderr.contains(told), "{ran}");
        assert_eq!(ran.stdout, "");
    }
}

#[tokio::test]
async fn a_setting_that_is_none_is_refused_by_its_place_and_nothing_runs() {
    let home = TestHome::new();
    home.write_own("{ sandbox: { network: 'proxy' } }");
    for args in [
        &["sandbox", "explain"][..],
        &["sandbox", "exec", "--", "true"],
    ] {
        let ran = openclaw(&home, args).run().await.assert_code(78);
        assert!(ran.stderr.contains("sandbox.network"), "{ran}");
    }
}

#[tokio::test]
async fn doctor_and_status_warn_of_what_the_owner_has_let_go_of() {
    let home = TestHome::new();
    home.write_own(
        "{ sandbox: { level: 'relaxed', network: 'host', allowDegraded: true, \
         agents: { ghost: { level: 'none' } } } }",
    );
    home.write_config("{}");
    let ran = openclaw(&home, &["doctor", "--json"]).run().await;
    let document = ran.assert_code(1).json();
    let findings = document["findings"].as_array().unwrap();
    let named = |id: &str| {
        let finding = findings.iter().find(|finding| finding["checkId"] == id);
        finding.unwrap_or_else(|| panic!("no {id} in {document:#}"))
    };
    for id in ["sandbox.allow-degraded", "sandbox.level", "sandbox.network"] {
        assert_eq!(named(id)["severity"], "warning");
    }
    let ghost = named("config.not-followed").to_string();
    assert!(ghost.contains("sandbox.agents.ghost"), "{ghost}");
    let level = named("sandbox.level").to_string();
    assert!(
        level.contains("openclaw-rs.json5: sandbox.level"),
        "{level}"
    );

    let ran = openclaw(&home, &["status"]).run().await.assert_code(4);
    for text in [
        "sandbox.allowDegraded",
        "run at level relaxed",
        "this machine's network",
    ] {
        assert!(ran.stdout.contains(text), "{text} in\n{ran}");
    }
    let ran = openclaw(&home, &["status", "--json"]).run().await;
    let sandbox = ran.json()["sandbox"].clone();
    assert_eq!(sandbox["allowDegraded"], true);
    assert_eq!(sandbox["guards"][0]["name"], "bubblewrap");
    assert_eq!(sandbox["guards"][0]["present"], true);
}

#[tokio::test]
async fn each_agent_runs_its_commands_as_its_own_settings_say() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    let mut config = TestHome::config_for(&provider, WireFormat::OpenAi);
    config["agents"]["entries"] = json!({ "main": {}, "free": {}, "shut": {} });
    home.write_config(&config.to_string());
    home.write_own(
        "{ sandbox: { env: { SHADE: 'green' }, protect: ['kept'], agents: { \
         free: { level: 'none' }, shut: { limits: { openFiles: 17 }, env: { SHADE: 'red' } } } } }",
    );
    let outside = home.path().join("outside");
    fs::write(&outside, "outside").unwrap();
    let script = format!("echo $SHADE; cat {} || ulimit -n", outside.display());
    for (agent, level, printed) in [
        ("main", "strict", "green\\n4096\\n"),
        ("free", "none", "green\\noutside"),
        ("shut", "strict", "red\\n17\\n"),
    ] {
        let result = exec(&home, &provider, agent, &script).await.to_string();
        assert!(
            result.contains(&format!("\"sandbox\":\"{level}\"")),
            "{result}"
        );
        assert!(result.contains(printed), "{result}");
    }

    let write = json!({ "path": "kept", "content": "x" });
    provider.reply(Reply::tool_calls([FakeCall::new("write", &write)]));
    provider.reply(Reply::text("done"));
    let say = ["agent", "--message", "write", "--session", MAIN];
    drop(openclaw(&home, &say).run().await.assert_code(0));
    assert!(!home.workspace().join("kept").exists());
}

#[tokio::test]
async fn a_command_reaches_through_the_proxy_what_the_owner_lists_and_nothing_else() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.use_provider(&provider, WireFormat::OpenAi);
    let (listed, other) = (neighbour("listed"), neighbour("other"));
    let own = json!({ "sandbox": {
        "level": "relaxed",
        "network": "proxy",
        "egress": { "private": [format!("127.0.0.1:{listed}")] },
    } });
    home.write_own(&own.to_string());
    let script = format!(
        "curl -sS -m 10 http://127.0.0.1:{listed}/; echo; curl -sS -m 10 http://127.0.0.1:{other}/; \
         curl -sS -m 10 --noproxy '*' http://127.0.0.1:{listed}/ || echo alone"
    );
    let result = exec(&home, &provider, "main", &script).await.to_string();
    assert!(result.contains("listed\\n"), "{result}");
    assert!(result.contains("alone\\n"), "{result}");
    assert!(!result.contains("\\nother"), "{result}");

    let entries = entries(&home, "egress").await;
    let is = |kind: &str, port: u16| {
        entries.iter().any(|entry| {
            entry["kind"] == kind
                && entry["value"]["session"] == MAIN
                && entry["value"]["host"] == format!("127.0.0.1:{port}")
        })
    };
    assert!(is("egress.allowed", listed), "{entries:#?}");
    assert!(is("egress.refused", other), "{entries:#?}");
}
