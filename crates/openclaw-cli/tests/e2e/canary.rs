//! Secrets that are put wherever secrets get to, and searched for in everything that comes out.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{
    Chunking, FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat,
};
use serde_json::{Value, json};

use crate::OPENCLAW;
use crate::socket::{Frame, Socket};

/// Stands in the config.
const INLINE: &str = "sk-cnry/inline+0123==\"quoted\"";
/// Stands in the config, where it has no effect.
const BOT: &str = "110201543:cnryBotAAHdqTcvCH1vGWJ";
/// Is in the environment.
const ENVIRONMENT: &str = "sk-cnry-environment-4567";
/// Opens the gateway.
const TOKEN: &str = "cnry-gateway-token-89abcdef";
/// Is in a file that the config names.
const IN_FILE: &str = "cnry-of-a-file-fedcba98";

const CANARIES: [&str; 5] = [INLINE, BOT, ENVIRONMENT, TOKEN, IN_FILE];

/// The files that are there to hold secrets: the config with its copies, and the secret file.
const KEEPERS: [&str; 2] = ["openclaw.json", "secret.txt"];

/// Everything that came out, with where it came from.
#[derive(Debug, Default)]
struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    fn add(&mut self, from: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((from.into(), bytes.into()));
    }

    fn add_folder(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let name = entry.file_name().into_string().unwrap();
            if kind.is_dir() {
                self.add_folder(&path);
            } else if kind.is_file() && !KEEPERS.iter().any(|keeper| name.starts_with(keeper)) {
                self.add(path.display().to_string(), fs::read(&path).unwrap());
            }
        }
    }

    /// Returns where a canary is, in any of the forms that it may have been put into.
    fn found(&self) -> Vec<String> {
        let needles: Vec<(&str, String)> = CANARIES
            .iter()
            .flat_map(|canary| forms(canary).into_iter().map(|form| (*canary, form)))
            .collect();
        let mut found = Vec::new();
        for (from, bytes) in &self.0 {
            let text = String::from_utf8_lossy(bytes);
            for (canary, form) in &needles {
                if let Some(at) = text.find(form) {
                    let from_byte = text.floor_char_boundary(at.saturating_sub(200));
                    let to_byte = text.ceil_char_boundary(at + form.len() + 60);
                    let around = text.get(from_byte..to_byte).unwrap();
                    found.push(format!("{canary} in {from}: {around}"));
                }
            }
        }
        found
    }
}

fn forms(canary: &str) -> Vec<String> {
    let json = json!(canary).to_string();
    let percent: String = canary
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let mut forms = vec![
        canary.to_owned(),
        json.trim_matches('"').to_owned(),
        percent,
    ];
    for lead in ["", "x", "xx"] {
        for written in [canary, json.trim_matches('"')] {
            let text = STANDARD.encode(format!("{lead}{written}"));
            forms.push(text.get(4..text.len() - 4).unwrap().to_owned());
        }
    }
    forms
}

/// What a person might have noted in the workspace, who should not have.
fn notes() -> String {
    let notes = CANARIES.map(|canary| {
        let base64 = STANDARD.encode(format!("user:{canary}\n"));
        let json = json!({ "key": canary });
        format!("plain {canary} there\n{json}\nbasic {base64}\n")
    });
    notes.concat()
}

/// A model that shows the notes in every way, repeats what is in them, and then is refused by a
/// server that quotes the key.
fn talkative() -> FakeProvider {
    let script = "cat notes; cat notes >&2; base64 -w0 notes; \
                  while IFS= read -r -n1 c; do printf %s \"$c\"; done < notes; exit 3";
    let all = CANARIES.join(" and ");
    FakeProvider::scripted([
        Reply::tool_calls([
            FakeCall::new("exec", &json!({ "command": script })),
            FakeCall::new("read", &json!({ "path": "notes" })),
            FakeCall::new("read", &json!({ "path": format!("no-such-{IN_FILE}") })),
            FakeCall::new("write", &json!({ "path": "copy", "content": all })),
        ])
        .with_text(format!("Looking for {all}."))
        .chunked(Chunking::PER_BYTE),
        Reply::text(format!("They are {all}.")).chunked(Chunking::PER_BYTE),
        Reply::status(401).saying(format!("wrong key {INLINE}, not {ENVIRONMENT}")),
        Reply::tool_calls([FakeCall::new("ls", &json!({}))]).error_event(
            1,
            "overloaded_error",
            &format!("key {INLINE}"),
        ),
        Reply::text("Once more."),
    ])
}

fn prepare(home: &mut TestHome, provider: &FakeProvider) {
    let secret = home.path().join("secret.txt");
    fs::write(&secret, IN_FILE).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&secret, private).unwrap();
    let mut config = TestHome::config_for(provider, WireFormat::Anthropic);
    config["models"]["providers"]["fake"]["apiKey"] = INLINE.into();
    config["models"]["providers"]["openai"] = json!({
        "baseUrl": provider.base_url(WireFormat::OpenAi),
        "api": "openai-completions",
        "models": [{ "id": "m", "name": "m" }],
    });
    config["models"]["providers"]["filed"] = json!({
        "baseUrl": provider.base_url(WireFormat::OpenAi),
        "api": "openai-completions",
        "apiKey": { "source": "file", "provider": "kept", "id": "value" },
        "models": [{ "id": "m", "name": "m" }],
    });
    config["secrets"]["providers"]["kept"] =
        json!({ "source": "file", "path": secret, "mode": "singleValue" });
    config["channels"]["telegram"] = json!({ "botToken": BOT, "enabled": false });
    config["agents"]["entries"] = json!({
        "main": { "default": true },
        "second": { "model": { "primary": "openai/m" } },
        "third": { "model": { "primary": "filed/m" } },
    });
    home.write_config(&format!("{config:#}\n"));
    home.set_env("OPENAI_API_KEY", ENVIRONMENT)
        .set_env("OPENCLAW_GATEWAY_TOKEN", TOKEN)
        .set_env("OPENCLAW_LOG", "trace");
    fs::write(home.workspace().join("notes"), notes()).unwrap();
}

/// Calls a method over the socket and keeps every frame until the answer is there.
async fn call(socket: &mut Socket, seen: &mut Seen, method: &str, params: Value) -> Value {
    let call = json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": params });
    socket.send_text(&call.to_string()).await;
    loop {
        let Frame::Text(text) = socket.next_frame().await else {
            panic!("the gateway closed the socket");
        };
        let message: Value = serde_json::from_str(&text).unwrap();
        seen.add(format!("the socket during {method}"), text);
        if message["id"] == method {
            return message;
        }
    }
}

/// What is asked over HTTP: methods, and requests that are wrong.
async fn over_http(gateway: &GatewayProcess, seen: &mut Seen) {
    let session = "agent:main:main";
    let bodies = [
        json!({ "method": "session.history", "params": { "sessionKey": session } }),
        json!({ "method": "session.list", "params": {} }),
        json!({ "method": "agent.list", "params": {} }),
        json!({ "method": "session.history", "params": { "sessionKey": format!("agent:main:{BOT}") } }),
        json!({ "method": format!("no.{IN_FILE}"), "params": {} }),
        json!({ "method": "session.list", "params": { INLINE: 1 } }),
    ];
    for mut body in bodies {
        body["jsonrpc"] = "2.0".into();
        body["id"] = ENVIRONMENT.into();
        let request = HttpRequest::post("/rpc", body.to_string())
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {TOKEN}"));
        let answer = request.send(gateway.addr()).await.unwrap();
        seen.add(format!("the answer to {body}"), answer.body);
    }
    let status = HttpRequest::get("/status").header("authorization", format!("Bearer {TOKEN}"));
    let status = status.send(gateway.addr()).await.unwrap();
    seen.add("/status", status.body);
}

async fn over_the_command_line(home: &TestHome, seen: &mut Seen) {
    let commands: &[&[&str]] = &[
        &["sessions", "list"],
        &["sessions", "show", "agent:main:main"],
        &["sessions", "events", "agent:main:main"],
        &["sessions", "search", "cnry"],
        &["sessions", "export", "agent:main:main"],
        &["audit", "list"],
        &["audit", "export"],
        &["config", "get"],
        &["config", "validate"],
        &["doctor"],
        &["status"],
        &[
            "agent",
            "--agent",
            "second",
            "--message",
            "and what do you say?",
        ],
        &[
            "agent",
            "--agent",
            "third",
            "--message",
            "and what do you say?",
        ],
        &["no-such-command"],
    ];
    for args in commands {
        for json in [false, true] {
            let json = if json { &["--json"][..] } else { &[] };
            let ran = home.command(OPENCLAW).args(*args).args(json).run().await;
            seen.add(format!("stdout of {}", ran.command), ran.stdout);
            seen.add(format!("stderr of {}", ran.command), ran.stderr);
        }
    }
}

#[tokio::test]
async fn no_secret_comes_out_anywhere() {
    let provider = talkative();
    for _ in 0..8 {
        provider
            .reply(Reply::status(401).saying(format!("wrong key {ENVIRONMENT}, not {IN_FILE}")));
    }
    let mut home = TestHome::new();
    prepare(&mut home, &provider);
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut seen = Seen::default();

    let mut socket = Socket::open(&gateway).await;
    let session = "agent:main:main";
    for text in ["show the notes", "again", "and again"] {
        let content = format!("{text} with {}", CANARIES.join(" or "));
        let attachment = json!({
            "kind": "document", "mime": "text/plain", "filename": format!("{BOT}.txt"),
            "data": STANDARD.encode(&content),
        });
        let params =
            json!({ "sessionKey": session, "content": content, "attachments": [attachment] });
        call(&mut socket, &mut seen, "session.message", params).await;
    }
    let params = json!({
        "sessionKey": session, "tool": "exec",
        "params": { "command": format!("echo {IN_FILE}; cat notes") },
    });
    call(&mut socket, &mut seen, "tools.execute", params).await;
    over_http(&gateway, &mut seen).await;
    over_the_command_line(&home, &mut seen).await;
    gateway.terminate().await;

    seen.add("the gateway's log", gateway.stderr());
    seen.add_folder(home.state_dir().root());
    for request in provider.requests() {
        seen.add("a request to the model", request.body.to_string());
    }
    // The workspace is the user's own, and it has the notes from before.
    let workspace: PathBuf = home.workspace();
    seen.0
        .retain(|(from, _)| !from.starts_with(workspace.to_str().unwrap()));
    let found = seen.found();
    assert!(
        found.is_empty(),
        "{} times:\n{}",
        found.len(),
        found.join("\n")
    );

    // What was looked at is what was meant to be looked at.
    let all: Vec<u8> = seen.0.into_iter().flat_map(|(_, bytes)| bytes).collect();
    let all = String::from_utf8_lossy(&all);
    for expected in [
        "plain [REDACTED] there",
        "Looking for [REDACTED] and",
        "tool.output",
    ] {
        assert!(all.contains(expected), "{expected}");
    }
    let sent: Vec<Arc<_>> = provider.requests();
    assert_eq!(sent[0].header("x-api-key"), Some(INLINE));
    provider.take_violations();
}
