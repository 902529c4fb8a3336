//! Every kind of entry that the audit stream has, provoked at the real binary and found again.
//!
//! What kinds there are is asked of the type itself, so that a kind that is added and not provoked
//! here fails the test.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use openclaw_core::access::Scope;
use openclaw_core::events::{AuditEntry, SecretChange};
use openclaw_testkit::http::{HttpAnswer, HttpRequest};
use openclaw_testkit::{
    FakeCall, FakeProvider, GatewayProcess, HomeCommand, Reply, TestHome, WireFormat,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{MAIN, OTHER, anchors, assert_intact, log, openclaw};
use crate::OPENCLAW;
use crate::socket::{self, Frame, Socket};

const KEY: &str = "sk-canary-every-kind-1";
const PLAIN_KEY: &str = "sk-canary-every-kind-2";
const GUESSED: &str = "canary-every-kind-guessed";
const MISPLACED: &str = "canary-every-kind-misplaced";
const PASSWORD: &str = "canary every kind";
const MASTER: [&str; 2] = ["canary master of every kind", "canary next of every kind"];
const MASTER_FILE: &str = "OPENCLAW_CREDENTIALS_PASSWORD_FILE";

const BRANCH: &str = "agent:main:branch";
const COPY: &str = "agent:main:copy";
const HERE: &str = "127.0.0.1";

/// How many calls and messages a minute brings.
const CALLS: u64 = 40;
const MESSAGES: u64 = 3;

/// How often, and how long at most, the gateway is asked whether it has noticed.
const ASK: Duration = Duration::from_millis(100);
const ATTEMPTS: u32 = 200;

/// A home in which everything is tried, and what must not be on record there.
struct Stage {
    home: TestHome,
    provider: FakeProvider,
    secrets: Vec<String>,
}

/// An entry, what its fields have to say, and how often it has to say that something happened.
struct Expected(&'static str, Value, u64);

/// Returns the names that a type knows, from what it says when it is given another one.
fn names<T: DeserializeOwned>(unknown: Value) -> BTreeSet<String> {
    let Err(refusal) = serde_json::from_value::<T>(unknown) else {
        panic!("it was to be refused");
    };
    // What stands between backquotes; the first is the name that is not known.
    let quoted: Vec<String> = refusal
        .to_string()
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    quoted.into_iter().skip(1).collect()
}

fn post(path: &str, body: &Value) -> HttpRequest {
    HttpRequest::post(path, body.to_string()).header("content-type", "application/json")
}

fn call(method: &str) -> HttpRequest {
    post(
        "/rpc",
        &json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": {} }),
    )
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

async fn send(gateway: &GatewayProcess, request: HttpRequest, status: u16) -> HttpAnswer {
    let answer = request.send(gateway.addr()).await.unwrap();
    assert_eq!(answer.status, status, "{request:?}: {}", answer.text());
    answer
}

impl Stage {
    fn new() -> Self {
        let (mut home, provider) = (TestHome::new(), FakeProvider::start());
        provider.expect_key(KEY);
        provider.otherwise(|_| Reply::text("noted"));
        let secrets = [
            KEY, PLAIN_KEY, GUESSED, MISPLACED, PASSWORD, MASTER[0], MASTER[1],
        ];
        home.set_env(MASTER_FILE, home.path().join("master"));
        let stage = Self {
            home,
            provider,
            secrets: secrets.map(str::to_owned).into(),
        };
        stage.home.write_config(&stage.config().to_string());
        for (name, text) in [("master", MASTER[0]), ("next", MASTER[1])] {
            let path = stage.home.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        stage
    }

    fn config(&self) -> Value {
        let mut config = TestHome::config_for(&self.provider, WireFormat::OpenAi);
        config["models"]["providers"]["fake"]["apiKey"] =
            json!({ "source": "store", "provider": "default", "id": "FAKE" });
        config["gateway"] = json!({
            "auth": { "mode": "password", "password": PASSWORD },
            "rateLimit": { "requestsPerMinute": CALLS, "messagesPerMinute": MESSAGES },
        });
        config
    }

    fn command(&self, args: &[&str]) -> HomeCommand {
        openclaw(&self.home, args)
    }

    async fn ran(&self, args: &[&str]) -> String {
        self.command(args).run().await.assert_code(0).stdout
    }

    /// Keeps a text, which is not to be on record.
    fn secret(&mut self, text: &Value) -> String {
        let text = text.as_str().unwrap().to_owned();
        self.secrets.push(text.clone());
        text
    }

    /// What becomes of the records of the credential store.
    async fn secrets(&self) -> Vec<Expected> {
        for (record, key) in [("fake", KEY), ("gone", PLAIN_KEY)] {
            let set = self.command(&["credentials", "set", record]).stdin(key);
            drop(set.run().await.assert_code(0));
        }
        self.ran(&["credentials", "remove", "gone", "--yes"]).await;
        let (old, new) = (
            self.home.path().join("master"),
            self.home.path().join("next"),
        );
        let rotate = ["credentials", "rotate", "--new-password-file"];
        drop(self.command(&rotate).arg(&new).run().await.assert_code(0));
        fs::rename(new, old).unwrap();

        let folder = self.home.state_dir().root().join("agents/main/agent");
        fs::create_dir_all(&folder).unwrap();
        let profile = json!({ "type": "api_key", "provider": "other", "key": PLAIN_KEY });
        let profiles = json!({ "version": 1, "profiles": { "other:default": profile } });
        fs::write(folder.join("auth-profiles.json"), profiles.to_string()).unwrap();
        self.ran(&["migrate", "--import-credentials", "--redact-credentials"])
            .await;
        let changed = |name: &str, change: &str, by: &str| {
            let value = json!({ "name": name, "change": change, "by": by });
            Expected("secret.changed", value, 1)
        };
        vec![
            changed("fake", "set", "openclaw credentials set"),
            changed("gone", "removed", "openclaw credentials remove"),
            changed("fake", "rotated", "openclaw credentials rotate"),
            changed("other", "imported", "openclaw migrate"),
            changed("other", "redacted", "openclaw migrate"),
        ]
    }

    /// What happens to the log itself.
    async fn log(&self) -> Vec<Expected> {
        let (first, second) = (self.file("first.sqlite"), self.file("second.sqlite"));
        let say = ["agent", "--message", "hi"];
        self.ran(&say).await;
        self.ran(&["backup", "create", "first.sqlite"]).await;
        self.ran(&["backup", "restore", "first.sqlite", "--yes"])
            .await;
        self.ran(&["backup", "create", "second.sqlite"]).await;

        let older = fs::read(log(&self.home)).unwrap();
        self.ran(&say).await;
        fs::write(log(&self.home), older).unwrap();
        for beside in ["sqlite-wal", "sqlite-shm"] {
            // What the last process left there, if anything, belongs to the newer log.
            drop(fs::remove_file(log(&self.home).with_extension(beside)));
        }
        self.ran(&say).await;
        self.ran(&["audit", "accept", "--yes"]).await;

        let mut lost = fs::read(anchors(&self.home)).unwrap();
        // Another boot of the machine wrote them, and the last slot never reached the disk.
        lost[16..32].fill(9);
        lost.truncate(lost.len() - 32);
        fs::write(anchors(&self.home), lost).unwrap();
        self.ran(&say).await;
        vec![
            Expected("backup.restored", json!({ "file": first }), 1),
            Expected("backup.created", json!({ "file": second }), 1),
            Expected("log.cut", json!({}), 1),
            Expected("log.accepted", json!({}), 1),
            Expected("anchors.renewed", json!({ "count": 1 }), 1),
        ]
    }

    /// What tools do in a session, and what becomes of sessions.
    async fn sessions(&self) -> Vec<Expected> {
        let calls = [
            FakeCall::new("write", &json!({ "path": "a.md", "content": "b" })).id("c-1"),
            FakeCall::new("exec", &json!({ "command": "exit 3" })).id("c-2"),
            FakeCall::new("no_such_tool", &json!({})).id("c-3"),
        ];
        self.provider.reply(Reply::tool_calls(calls));
        let say = ["agent", "--session", OTHER, "--message", "do it"];
        self.ran(&say).await;
        self.ran(&["sessions", "fork", OTHER, "--at", "2", "--as", BRANCH])
            .await;
        let file = self.ran(&["sessions", "export", OTHER]).await;
        let import = self.command(&["sessions", "import", "-", "--as", COPY]);
        drop(import.stdin(file).run().await.assert_code(0));
        let delete = ["sessions", "delete", BRANCH, "--yes", "--no-archive"];
        self.ran(&delete).await;
        let tool = |kind, fields: Value| {
            let mut value = json!({ "session": OTHER });
            let fields = fields.as_object().unwrap().clone();
            value.as_object_mut().unwrap().extend(fields);
            Expected(kind, value, 1)
        };
        let refused = "there is no tool `no_such_tool`; ";
        vec![
            tool("tool.called", json!({ "tool": "write", "callId": "c-1" })),
            tool(
                "tool.called",
                json!({ "tool": "no_such_tool", "callId": "c-3" }),
            ),
            tool(
                "tool.finished",
                json!({ "tool": "write", "callId": "c-1", "success": true }),
            ),
            tool(
                "tool.finished",
                json!({ "tool": "exec", "callId": "c-2", "exitCode": 3 }),
            ),
            tool(
                "tool.refused",
                json!({ "callId": "c-3", "reason": refused }),
            ),
            Expected(
                "session.forked",
                json!({ "session": BRANCH, "from": OTHER, "at": 2 }),
                1,
            ),
            Expected("session.imported", json!({ "session": COPY }), 1),
            Expected("session.deleted", json!({ "session": BRANCH }), 1),
        ]
    }

    /// How tokens come and go, and what their bearers may not do.
    async fn tokens(&mut self, gateway: &GatewayProcess) -> Vec<Expected> {
        let mut pairs = Vec::new();
        for scope in [Scope::Read, Scope::Approvals] {
            let params = json!({ "name": "test", "scopes": [scope] });
            let made = gateway.rpc("tokens.create", params).await.unwrap();
            let (access, refresh) = (&made["accessToken"], &made["refreshToken"]);
            let pair = (self.secret(access), self.secret(refresh));
            pairs.push((made["tokenId"].as_str().unwrap().to_owned(), pair));
        }
        let [(reader, read), (other, approve)] = &pairs[..] else {
            panic!("two were made");
        };
        let status = HttpRequest::get("/status").header("authorization", bearer(&approve.0));
        drop(send(gateway, status, 403).await);
        let list = call("tokens.list").header("authorization", bearer(&approve.0));
        drop(send(gateway, list, 200).await);
        // In the first frame, and not in the head.
        let auth =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "auth", "params": { "token": read.0 } });
        let mut socket = Socket::open_with(gateway.addr(), &[]).await;
        socket.send_text(&auth.to_string()).await;
        assert_eq!(socket.next_answer().await["result"]["ok"], true);
        let mut limited = 0;
        for _ in 0..CALLS * 2 {
            let call = call("agent.list").header("authorization", bearer(&read.0));
            limited += u64::from(call.send(gateway.addr()).await.unwrap().status == 429);
        }
        let refresh = || post("/auth/token", &json!({ "refreshToken": read.1 }));
        let next = send(gateway, refresh(), 200).await.json();
        for token in [&next["accessToken"], &next["refreshToken"]] {
            self.secret(token);
        }
        drop(send(gateway, refresh(), 401).await);
        self.ran(&["tokens", "revoke", other]).await;
        let entry = |kind, mut value: Value, id: &str, times| {
            value["id"] = json!(id);
            Expected(kind, value, times)
        };
        let allowed =
            json!({ "principal": format!("token {reader}"), "transport": "ws", "peer": HERE });
        let forbidden = |method: &str| {
            let value = json!({ "principal": format!("token {other}"), "method": method });
            Expected("auth.forbidden", value, 1)
        };
        vec![
            entry(
                "token.issued",
                json!({ "scopes": ["operator.read"], "by": "token" }),
                reader,
                1,
            ),
            entry(
                "token.issued",
                json!({ "scopes": ["operator.approvals"] }),
                other,
                1,
            ),
            entry(
                "token.ended",
                json!({ "reason": "its refresh token was used twice" }),
                reader,
                1,
            ),
            entry(
                "token.ended",
                json!({ "reason": "revoked by token" }),
                other,
                1,
            ),
            Expected("auth.allowed", allowed, 1),
            forbidden("GET /status"),
            forbidden("tokens.list"),
            Expected(
                "rate.limited",
                json!({ "principal": format!("token {reader}") }),
                limited,
            ),
        ]
    }

    /// How a browser logs in and out, and who writes too much.
    async fn browser(&mut self, gateway: &GatewayProcess) -> Vec<Expected> {
        let link: Value = serde_json::from_str(&self.ran(&["dashboard", "--json"]).await).unwrap();
        let code = link["url"].as_str().unwrap().split_once("#t=").unwrap().1;
        let code = self.secret(&json!(code));
        let login = send(gateway, post("/auth/login", &json!({ "code": code })), 200).await;
        let set = login
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie");
        let cookies: Vec<&str> = set
            .map(|(_, cookie)| cookie.split(';').next().unwrap())
            .collect();
        for cookie in &cookies {
            self.secret(&json!(cookie.split_once('=').unwrap().1));
        }
        let out = || HttpRequest::post("/auth/logout", "").header("cookie", cookies.join("; "));
        drop(send(gateway, out(), 200).await);
        drop(send(gateway, out(), 401).await);

        let mut limited = 0;
        for _ in 0..MESSAGES * 2 {
            let params = json!({ "sessionKey": MAIN, "content": "hi" });
            limited += u64::from(gateway.rpc("session.message", params).await.is_err());
        }
        vec![
            Expected("token.issued", json!({ "by": "login" }), 1),
            Expected("rate.limited", json!({ "principal": "token" }), limited),
        ]
    }

    /// Who is not let in, until nobody is any more.
    async fn strangers(&self, gateway: &GatewayProcess) -> Vec<Expected> {
        let wrong = bearer(GUESSED);
        drop(
            send(
                gateway,
                call("agent.list").header("authorization", &wrong),
                401,
            )
            .await,
        );
        drop(send(gateway, call("agent.list"), 401).await);
        let status = HttpRequest::get("/status").header("authorization", &wrong);
        drop(send(gateway, status, 401).await);
        let answer = socket::refused(gateway.addr(), &[("authorization", &wrong)]).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        let auth =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "auth", "params": { "token": GUESSED } });
        let mut socket = Socket::open_with(gateway.addr(), &[]).await;
        socket.send_text(&auth.to_string()).await;
        drop(socket.next_answer().await);
        assert_eq!(socket.next_frame().await, Frame::Close(1008));
        let page = call("agent.list").header("origin", "https://evil.example");
        drop(send(gateway, page, 403).await);
        let host = "GET /status HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
        let answer = socket::exchange(gateway.addr(), host).await;
        assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
        // The second use of a refresh token and of a cookie were wrong credentials, too.
        drop(
            send(
                gateway,
                post("/auth/login", &json!({ "code": GUESSED })),
                401,
            )
            .await,
        );
        drop(
            send(
                gateway,
                post("/auth/token", &json!({ "refreshToken": GUESSED })),
                401,
            )
            .await,
        );
        let guess = || post("/auth/login", &json!({ "secret": GUESSED }));
        let (mut guesses, mut status) = (0, 401);
        while status == 401 {
            status = guess().send(gateway.addr()).await.unwrap().status;
            guesses += 1;
        }
        let right = || post("/auth/login", &json!({ "secret": PASSWORD }));
        drop(send(gateway, right(), 429).await);
        let denied = |reason: &str, transport: &str, times| {
            let value = json!({ "reason": reason, "transport": transport, "peer": HERE });
            Expected("auth.denied", value, times)
        };
        vec![
            denied("no credential", "rpc", 1),
            denied("wrong credential", "rpc", 1),
            denied("wrong credential", "status", 1),
            denied("wrong credential", "ws", 2),
            denied("wrong credential", "auth", 4 + guesses),
            denied("foreign Origin", "rpc", 1),
            denied("foreign Host", "status", 1),
            denied("locked out", "auth", 1),
        ]
    }

    /// What becomes of the config, while a gateway runs and while none does.
    async fn edits(&self, mut gateway: GatewayProcess) -> Vec<Expected> {
        let mut config = self.config();
        config["gateway"]["rateLimit"]["messagesPerMinute"] = json!(MESSAGES + 1);
        self.home.write_config(&config.to_string());
        until(&gateway, "the changed config is taken up").await;
        let mut broken = config.clone();
        broken["gateway"]["auth"]["password"] = json!({ "misplaced": MISPLACED });
        self.home.write_config(&broken.to_string());
        until(&gateway, "the changed config is refused").await;
        self.home.write_config(&config.to_string());
        assert_eq!(gateway.terminate().await.0, Some(0));
        self.ran(&["config", "set", "gateway.port", "19001"]).await;
        let file = self.home.state_dir().config_file().to_owned();
        let changed = |by: &str| Expected("config.changed", json!({ "file": file, "by": by }), 1);
        vec![
            changed("gateway start"),
            changed("gateway reload"),
            changed("openclaw config set"),
            Expected("config.refused", json!({ "file": file }), 1),
            Expected(
                "secret.accessed",
                json!({ "name": "gateway.auth.password", "purpose": "gateway password" }),
                2,
            ),
        ]
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

/// Waits until the gateway says something.
async fn until(gateway: &GatewayProcess, said: &str) {
    let mut asked = tokio::time::interval(ASK);
    for _ in 0..ATTEMPTS {
        asked.tick().await;
        if gateway.stderr().contains(said) {
            return;
        }
    }
    panic!("it never said `{said}`\n{}", gateway.stderr());
}

impl Expected {
    /// Tells whether an entry says it; a text that is expected may go on.
    fn is(&self, entry: &Value) -> bool {
        let says = |(name, expected): (&String, &Value)| match (&entry["value"][name], expected) {
            (Value::String(text), Value::String(expected)) => text.starts_with(&**expected),
            (value, expected) => value == expected,
        };
        entry["kind"] == self.0 && self.1.as_object().unwrap().iter().all(says)
    }
}

#[tokio::test]
async fn every_kind_of_entry_is_provoked_and_found_without_a_secret_in_it() {
    let mut stage = Stage::new();
    let mut expected = stage.secrets().await;
    expected.extend(stage.log().await);
    expected.extend(stage.sessions().await);
    let gateway = GatewayProcess::start(&stage.home, OPENCLAW).await;
    expected.extend(stage.tokens(&gateway).await);
    expected.extend(stage.browser(&gateway).await);
    expected.extend(stage.strangers(&gateway).await);
    expected.extend(stage.edits(gateway).await);
    assert_intact(&stage.home).await;

    let list = stage
        .ran(&["audit", "list", "--json", "--limit", "1000"])
        .await;
    let entries: Value = serde_json::from_str(&list).unwrap();
    let entries = entries["data"]["entries"].as_array().unwrap();
    for expected in &expected {
        let found = entries.iter().filter(|entry| expected.is(entry));
        // What happens often is one entry that says how often.
        let times: u64 = found
            .map(|entry| entry["value"]["count"].as_u64().unwrap_or(1))
            .sum();
        let Expected(kind, value, wanted) = expected;
        assert!(*wanted > 0, "{kind} {value} was not provoked");
        assert_eq!(times, *wanted, "{kind} {value}\n{list}");
    }
    let provoked = expected
        .iter()
        .map(|expected| format!("audit.{}", expected.0));
    let kinds = names::<AuditEntry>(json!({ "key": "", "value": {} }));
    assert_eq!(provoked.collect::<BTreeSet<_>>(), kinds);
    let changes = expected
        .iter()
        .filter_map(|expected| expected.1["change"].as_str());
    let changes: BTreeSet<String> = changes.map(str::to_owned).collect();
    assert_eq!(changes, names::<SecretChange>(json!("")));

    let exported = stage.ran(&["audit", "export"]).await;
    let table = stage.ran(&["audit", "list", "--limit", "1000"]).await;
    for secret in &stage.secrets {
        for text in [&list, &exported, &table] {
            assert!(!text.contains(secret), "{secret} in\n{text}");
        }
    }
}
