//! What the owner does: secrets, the log itself, sessions and their tools, the config.

use std::fs;

use openclaw_testkit::{FakeCall, GatewayProcess, Reply};
use serde_json::{Value, json};

use super::{ASKED, Expected, KEY, MESSAGES, MISPLACED, PLAIN_KEY, Stage};
use crate::audit::{MAIN, anchors, log, sql};
use crate::containment::neighbour;

const BRANCH: &str = "agent:main:branch";
const COPY: &str = "agent:main:copy";
const SAY: [&str; 3] = ["agent", "--message", "hi"];

impl Stage {
    /// What becomes of the records of the credential store.
    pub(super) async fn secrets(&self) -> Vec<Expected> {
        for (record, key) in [("fake", KEY), ("gone", PLAIN_KEY)] {
            let set = self.command(&["credentials", "set", record]).stdin(key);
            drop(set.run().await.assert_code(0));
        }
        self.ran(&["credentials", "remove", "gone", "--yes"]).await;
        let [old, new] = ["master", "next"].map(|name| self.home.path().join(name));
        let rotate = ["credentials", "rotate", "--new-password-file"];
        drop(self.command(&rotate).arg(&new).run().await.assert_code(0));
        fs::rename(new, old).unwrap();

        let folder = self.home.state_dir().root().join("agents/main/agent");
        fs::create_dir_all(&folder).unwrap();
        let profile = json!({ "type": "api_key", "provider": "other", "key": PLAIN_KEY });
        let profiles = json!({ "version": 1, "profiles": { "other:default": profile } });
        fs::write(folder.join("auth-profiles.json"), profiles.to_string()).unwrap();
        let import = ["migrate", "--import-credentials", "--redact-credentials"];
        self.ran(&import).await;
        let changed = |name: &str, change: &str, by: &str| {
            let value = json!({ "name": name, "change": change, "by": by });
            Expected::once("secret.changed", value)
        };
        vec![
            changed("fake", "set", "openclaw credentials set"),
            changed("gone", "set", "openclaw credentials set"),
            changed("gone", "removed", "openclaw credentials remove"),
            changed("fake", "rotated", "openclaw credentials rotate"),
            changed("other", "imported", "openclaw migrate"),
            changed("other", "redacted", "openclaw migrate"),
        ]
    }

    /// What happens to the log itself.
    pub(super) async fn log(&self) -> Vec<Expected> {
        let [first, second] =
            ["first.sqlite", "second.sqlite"].map(|name| self.home.path().join(name));
        self.ran(&SAY).await;
        self.ran(&["backup", "create", "first.sqlite"]).await;
        let restore = ["backup", "restore", "first.sqlite", "--yes"];
        self.ran(&restore).await;
        self.ran(&["backup", "create", "second.sqlite"]).await;

        let (older, from) = (fs::read(log(&self.home)).unwrap(), self.end() + 1);
        self.ran(&SAY).await;
        let to = self.end();
        fs::write(log(&self.home), older).unwrap();
        for beside in ["sqlite-wal", "sqlite-shm"] {
            // What the last process left there, if anything, belongs to the newer log.
            drop(fs::remove_file(log(&self.home).with_extension(beside)));
        }
        self.ran(&SAY).await;
        let events = self.end();
        self.ran(&["audit", "accept", "--yes"]).await;

        let mut lost = fs::read(anchors(&self.home)).unwrap();
        // Another boot of the machine wrote them, and the last slot never reached the disk.
        lost[16..32].fill(9);
        lost.truncate(lost.len() - 32);
        fs::write(anchors(&self.home), lost).unwrap();
        self.ran(&SAY).await;
        let accepted = json!({ "events": events, "reason": "accepted by the owner…" });
        vec![
            Expected::once("backup.restored", json!({ "file": first })),
            Expected::once("backup.created", json!({ "file": second })),
            Expected::once("log.cut", json!({ "from": from, "to": to })),
            Expected::once("log.accepted", accepted),
            Expected::once("anchors.renewed", json!({ "count": 1 })),
        ]
    }

    /// Returns the last position of the log.
    fn end(&self) -> i64 {
        let last = "SELECT max(position) FROM events";
        sql(&self.home)
            .query_row(last, [], |row| row.get(0))
            .unwrap()
    }

    /// What tools do in a session, and what becomes of sessions.
    pub(super) async fn sessions(&self) -> Vec<Expected> {
        let written = json!({ "path": "a.md", "content": "b" });
        self.provider.reply(Reply::tool_calls([
            FakeCall::new("write", &written).id("c-1"),
            FakeCall::new("exec", &json!({ "command": "exit 3" })).id("c-2"),
            FakeCall::new("no_such_tool", &json!({})).id("c-3"),
        ]));
        self.ran(&SAY).await;
        let fork = ["sessions", "fork", MAIN, "--at", "2", "--as", BRANCH];
        self.ran(&fork).await;
        let file = self.ran(&["sessions", "export", MAIN]).await;
        let events = file.lines().count() - 1;
        let import = self.command(&["sessions", "import", "-", "--as", COPY]);
        drop(import.stdin(file).run().await.assert_code(0));
        let delete = ["sessions", "delete", BRANCH, "--yes", "--no-archive"];
        self.ran(&delete).await;
        let tool = |kind, tool: &str, call: &str, mut value: Value| {
            value["session"] = json!(MAIN);
            value["tool"] = json!(tool);
            value["callId"] = json!(call);
            Expected::once(kind, value)
        };
        let wrote = json!({ "success": true });
        let ran = json!({ "success": false, "sandbox": "strict", "exitCode": 3 });
        let refused = json!({ "reason": "there is no tool `no_such_tool`…" });
        let forked = json!({ "session": BRANCH, "from": MAIN, "at": 2 });
        let deleted = json!({ "session": BRANCH, "reason": "requested" });
        vec![
            tool("tool.called", "write", "c-1", json!({})),
            tool("tool.called", "exec", "c-2", json!({})),
            tool("tool.called", "no_such_tool", "c-3", json!({})),
            tool("tool.finished", "write", "c-1", wrote),
            tool("tool.finished", "exec", "c-2", ran),
            tool("tool.refused", "no_such_tool", "c-3", refused),
            Expected::once("session.forked", forked),
            Expected::once(
                "session.imported",
                json!({ "session": COPY, "events": events }),
            ),
            Expected::once("session.deleted", deleted),
        ]
    }

    /// Where a command gets to, and where it does not.
    pub(super) async fn egress(&self) -> Vec<Expected> {
        let (listed, other) = (neighbour("listed"), neighbour("other"));
        let config = self.home.state_dir().config_file().to_owned();
        // What migrating has put there stays.
        let before = fs::read_to_string(config.with_file_name("openclaw-rs.json5")).unwrap();
        let own = json!({ "sandbox": {
            "level": "relaxed",
            "network": "proxy",
            "egress": { "private": [format!("127.0.0.1:{listed}")] },
        } });
        self.home.write_own(&own.to_string());
        let command = format!("curl -m 9 127.0.0.1:{listed}; curl -m 9 127.0.0.1:{other}");
        let call = FakeCall::new("exec", &json!({ "command": command }));
        self.provider.reply(Reply::tool_calls([call]));
        self.ran(&SAY).await;
        self.home.write_own(&before);
        let asked = |kind, port| {
            let host = format!("127.0.0.1:{port}");
            Expected::once(kind, json!({ "session": MAIN, "host": host }))
        };
        vec![
            asked("egress.allowed", listed),
            asked("egress.refused", other),
        ]
    }

    /// What is asked for, allowed for good, and taken back.
    pub(super) async fn approvals(&self, gateway: &GatewayProcess) -> Vec<Expected> {
        let call = FakeCall::new("exec", &json!({ "command": ASKED })).id("c-4");
        self.provider.reply(Reply::tool_calls([call]));
        let message = json!({ "sessionKey": MAIN, "content": "hi" });
        let said = gateway.rpc("session.message", message);
        let answered = async {
            let mut client = gateway.client().await;
            let approval = loop {
                let heard = client.next_notification().await.unwrap();
                let heard = serde_json::to_value(&heard).unwrap();
                if heard["method"] == "approval.requested" {
                    break heard["params"]["approval"].clone();
                }
            };
            let always = json!({ "id": approval["id"], "decision": "allow-always" });
            gateway.rpc("approvals.resolve", always).await.unwrap();
            approval["id"].clone()
        };
        let (said, approval) = tokio::join!(said, answered);
        assert_eq!(said.unwrap()["content"], "noted");
        let grants = gateway.rpc("approvals.grants", json!({})).await.unwrap();
        let digest = &grants["grants"][0]["digest"];
        let withdraw = json!({ "digest": digest });
        gateway.rpc("approvals.withdraw", withdraw).await.unwrap();
        let request = json!({
            "session": MAIN, "approval": approval, "callId": "c-4", "tool": "exec",
            "digest": digest,
        });
        let decision = json!({
            "session": MAIN, "approval": approval, "callId": "c-4", "allowed": true,
            "answer": "allow-always", "by": "token",
        });
        vec![
            Expected::once("approval.requested", request),
            Expected::once("approval.decided", decision),
            Expected::once(
                "grant.withdrawn",
                json!({ "digest": digest, "by": "token" }),
            ),
        ]
    }

    /// What may be spent.
    pub(super) async fn caps(&self) -> Vec<Expected> {
        let raise = ["usage", "raise", "unattended", "--usd", "3"];
        self.ran(&raise).await;
        let value = json!({ "cap": "unattended", "usd": 3.0, "by": "local-owner" });
        vec![Expected::once("cap.raised", value)]
    }

    /// What becomes of the config, while a gateway runs and while none does.
    pub(super) async fn edits(&self, mut gateway: GatewayProcess) -> Vec<Expected> {
        let mut config = self.config();
        config["gateway"]["rateLimit"]["messagesPerMinute"] = json!(MESSAGES + 1);
        self.home.write_config(&config.to_string());
        self.recorded("gateway reload").await;
        let mut broken = config.clone();
        broken["gateway"]["auth"]["password"] = json!({ "misplaced": MISPLACED });
        self.home.write_config(&broken.to_string());
        self.recorded("config.refused").await;
        self.home.write_config(&config.to_string());
        assert_eq!(gateway.terminate().await.0, Some(0));
        self.ran(&["config", "set", "gateway.port", "19001"]).await;
        let file = self.home.state_dir().config_file().to_owned();
        let changed =
            |by: &str| Expected::once("config.changed", json!({ "file": file, "by": by }));
        // By each command that talked to the agent and is still on record, by the one that raised
        // a cap, by the gateway when it started, and when its config changed.
        let read = |name: &str, purpose: &str| {
            let value = json!({ "name": name, "purpose": purpose });
            Expected("secret.accessed", value, 5 + 1 + 1 + 1)
        };
        vec![
            changed("gateway start"),
            changed("gateway reload"),
            changed("openclaw config set"),
            Expected::once("config.refused", json!({ "file": file })),
            read("gateway.auth.password", "gateway password"),
            read("FAKE", "provider fake"),
        ]
    }
}
