//! Secrets that are put wherever secrets get to, and searched for in everything that comes out.

mod later;
mod seen;

use std::fs;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::identity::IdentityServer;
use openclaw_testkit::{
    Chunking, FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat,
};
use serde_json::{Value, json};

use self::seen::Seen;
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

/// Is in the encrypted store.
const STORED: &str = "sk-cnry-of-the-store-00112233";
/// Opens the store.
const MASTER: &str = "cnry master passphrase 44556677";

const CANARIES: [&str; 7] = [INLINE, BOT, ENVIRONMENT, TOKEN, IN_FILE, STORED, MASTER];

/// The canaries, and what an identity server gave out.
fn secrets(server: &IdentityServer) -> Vec<String> {
    let mut secrets = server.secrets();
    assert!(secrets.len() > 2);
    secrets.extend(CANARIES.map(str::to_owned));
    secrets
}

/// What a person might have noted in the workspace, who should not have.
fn notes(server: &IdentityServer) -> String {
    // Codes and verifiers are used up by now, and nobody knows them any more.
    let mut noted = server.secrets();
    noted.retain(|secret| secret.contains("access") || secret.contains("refresh"));
    assert_eq!(noted.len(), 2);
    noted.extend(CANARIES.map(str::to_owned));
    let notes = noted.iter().map(|canary| {
        let base64 = STANDARD.encode(format!("user:{canary}\n"));
        let json = json!({ "key": canary });
        format!("plain {canary} there\n{json}\nbasic {base64}\n")
    });
    notes.collect()
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

fn prepare(home: &mut TestHome, provider: &FakeProvider, server: &IdentityServer) {
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
    for (name, key) in [
        (
            "sealed",
            json!({ "source": "store", "provider": "default", "id": "SEALED_KEY" }),
        ),
        ("signed", Value::Null),
    ] {
        config["models"]["providers"][name] = json!({
            "baseUrl": provider.base_url(WireFormat::OpenAi),
            "api": "openai-completions",
            "models": [{ "id": "m", "name": "m" }],
        });
        if !key.is_null() {
            config["models"]["providers"][name]["apiKey"] = key;
        }
    }
    config["secrets"]["providers"]["kept"] =
        json!({ "source": "file", "path": secret, "mode": "singleValue" });
    config["channels"]["telegram"] = json!({ "botToken": BOT, "enabled": false });
    config["agents"]["entries"] = json!({
        "main": { "default": true },
        "second": { "model": { "primary": "openai/m" } },
        "third": { "model": { "primary": "filed/m" } },
        "fourth": { "model": { "primary": "sealed/m" } },
        "fifth": { "model": { "primary": "signed/m" } },
    });
    home.write_config(&format!("{config:#}\n"));
    let own = json!({
        "oauth": { "signed": server.settings() },
        "rateLimit": { "requestsPerMinute": 1_000_000, "messagesPerMinute": 1_000_000 },
    });
    let file = home
        .state_dir()
        .config_file()
        .with_file_name("openclaw-rs.json5");
    fs::write(file, own.to_string()).unwrap();
    home.set_env("OPENAI_API_KEY", ENVIRONMENT)
        .set_env("OPENCLAW_GATEWAY_TOKEN", TOKEN)
        .set_env("OPENCLAW_CREDENTIALS_PASSWORD", MASTER)
        .set_env("OPENCLAW_LOG", "trace");
}

/// Puts a key into the store, signs in, and has all of it noted where the model can read it.
async fn fill(home: &TestHome, server: &IdentityServer, seen: &mut Seen) {
    let set = home
        .command(OPENCLAW)
        .args(["credentials", "set", "sealed_key"]);
    let set = set.stdin(format!("{STORED}\n")).run().await;
    let login = ["configure", "--section", "auth", "--login", "signed"];
    let follow = async |line: String| {
        let url = line.trim_end().strip_prefix("open  ").unwrap().to_owned();
        server.browse(&url).await;
    };
    let login = home
        .command(OPENCLAW)
        .args(login)
        .run_answering(follow)
        .await;
    for ran in [set, login] {
        let ran = ran.assert_code(0);
        seen.add(format!("stdout of {}", ran.command), ran.stdout);
        seen.add(format!("stderr of {}", ran.command), ran.stderr);
    }
    fs::write(home.workspace().join("notes"), notes(server)).unwrap();
    // The agents' own folder is told to the model from the beginning.
    fs::write(home.workspace().join("AGENTS.md"), notes(server)).unwrap();
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
        &["sessions", "state", "agent:main:main"],
        &["sessions", "replay", "--dry-run", "agent:main:main"],
        &["sessions", "replay", "agent:main:main"],
        &["sessions", "export", "agent:main:main"],
        &["sessions", "show", STORED],
        &["audit", "list"],
        &["audit", "export"],
        &["config", "get"],
        &["config", "get", "models.providers.fake.apiKey"],
        &["config", "get", "channels.telegram"],
        &["config", "validate"],
        &["credentials", "list"],
        &["credentials", "verify"],
        &["credentials", "set", STORED],
        &["tokens", "list"],
        &["skills", "list"],
        &["doctor"],
        &["status"],
        &["agent", "--agent", "second", "--message", "and you?"],
        &["agent", "--agent", "third", "--message", "and you?"],
        &["agent", "--agent", "fourth", "--message", "and you?"],
        &["agent", "--agent", "fifth", "--message", "and you?"],
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
    // The agents with the model `m` are asked by the gateway, which knows all of them. A replay of
    // the other asks by itself, and resolves no key but its own.
    provider.otherwise(|request| {
        let others = [IN_FILE, STORED].join(" or ");
        let others = if request.model() == "m" { &others } else { BOT };
        Reply::status(401).saying(format!("wrong key {ENVIRONMENT}, not {others}"))
    });
    let server = IdentityServer::start();
    let mut home = TestHome::new();
    let mut seen = Seen::default();
    prepare(&mut home, &provider, &server);
    fill(&home, &server, &mut seen).await;
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;

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
    // A replay resolves the key of its own model and no other, so it cannot know them in a file.
    fs::remove_file(home.workspace().join("AGENTS.md")).unwrap();
    over_the_command_line(&home, &mut seen).await;
    gateway.terminate().await;

    seen.add("the gateway's log", gateway.stderr());
    seen.add_folder(home.state_dir().root());
    for request in provider.requests() {
        seen.add("a request to the model", request.body.to_string());
    }
    // The workspace is the user's own, and it has the notes from before.
    seen.leave_out(&home.workspace());
    let secrets = secrets(&server);
    seen.assert_without(&secrets);

    // What was looked at is what was meant to be looked at.
    for expected in [
        "plain [REDACTED] there",
        "Looking for [REDACTED] and",
        "tool.output",
        "session.delta",
        "sealed_key",
        "oauth.signed",
    ] {
        assert!(seen.has(expected), "{expected}");
    }
    let sent: Vec<Arc<_>> = provider.requests();
    assert_eq!(sent[0].header("x-api-key"), Some(INLINE));
    let access = secrets.iter().find(|secret| secret.contains("access"));
    for key in [STORED, access.unwrap()] {
        let bearer = format!("Bearer {key}");
        let mut used = sent.iter().map(|request| request.header("authorization"));
        assert!(used.any(|used| used == Some(&bearer)), "{key} was not used");
    }
    provider.take_violations();
}
