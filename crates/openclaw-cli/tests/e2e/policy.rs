//! Which tools may be called, by whom: one gateway, its owner and a stranger, and what the command
//! line says about it.

use std::fs;

use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Ran, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

/// A model that does what it is told: it reads the file or runs the command that the message is.
fn obedient() -> FakeProvider {
    let provider = FakeProvider::start();
    provider.otherwise(|seen| {
        if seen.ends_with_results() {
            let said: Vec<&str> = seen
                .results()
                .iter()
                .map(|it| it.content.as_str())
                .collect();
            return Reply::text(said.last().copied().unwrap_or_default());
        }
        let said = seen.last_user_text();
        Reply::tool_calls([match said.strip_prefix("read ") {
            Some(path) => FakeCall::new("read", &json!({ "path": path })),
            None => FakeCall::new("exec", &json!({ "command": said })),
        }])
    });
    provider
}

fn home(provider: &FakeProvider, more: &Value, rules: &Value) -> TestHome {
    let home = TestHome::new();
    let mut config = TestHome::config_for(provider, WireFormat::OpenAi);
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    home.write_config(&serde_json::to_string_pretty(&config).unwrap());
    home.write_own(&json!({ "policy": { "rules": rules } }).to_string());
    home
}

/// Says something in a direct chat on Telegram, as this peer.
async fn says(gateway: &GatewayProcess, peer: &str, text: &str) -> String {
    let chat = json!({ "channel": "telegram", "peerId": peer });
    let session = gateway.rpc("session.create", chat).await.unwrap();
    let params = json!({
        "sessionKey": session["sessionKey"], "content": text, "sender": { "peer": peer },
    });
    let reply = gateway.rpc("session.message", params).await.unwrap();
    reply["content"].as_str().unwrap().to_owned()
}

async fn explain(home: &TestHome, args: &[&str]) -> Ran {
    let command = home.command(OPENCLAW).args(["policy", "explain"]);
    command.args(args).run().await
}

#[tokio::test]
async fn one_gateway_gives_its_owner_commands_and_a_stranger_nothing() {
    let provider = obedient();
    let owners = json!({ "commands": { "ownerAllowFrom": ["telegram:4711"] } });
    let home = home(&provider, &owners, &json!([]));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;

    let own = json!({ "sessionKey": "agent:main:main", "content": "echo mine" });
    let reply = gateway.rpc("session.message", own).await.unwrap();
    assert!(
        reply["content"].as_str().unwrap().contains("mine\n"),
        "{reply}"
    );

    let said = says(&gateway, "4711", "echo by-phone").await;
    assert!(said.contains("by-phone\n"), "{said}");
    assert!(provider.last_request().tools().contains(&"exec"));

    let said = says(&gateway, "666", "echo stolen > stolen").await;
    assert!(said.contains("default for guests"), "{said}");
    let offered = provider.last_request();
    let ours = ["exec", "read", "write", "ls", "message"];
    assert!(ours.iter().all(|tool| !offered.tools().contains(tool)));
    assert!(!home.workspace().join("stolen").exists());
    provider.assert_clean();
}

#[tokio::test]
async fn a_rule_gives_a_stranger_some_files_and_no_others() {
    let provider = obedient();
    let rule = json!({
        "tool": "read", "channel": "telegram", "sender": "666",
        "args": { "/path": "public-*" }, "decision": "allow", "because": "these are for everybody",
    });
    let owners = json!({ "commands": { "ownerAllowFrom": ["telegram:4711"] } });
    let home = home(&provider, &owners, &json!([rule]));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    for name in ["public-hours", "private-diary"] {
        fs::write(home.workspace().join(name), "what is in it").unwrap();
    }

    let said = says(&gateway, "666", "read public-hours").await;
    assert!(said.contains("what is in it"), "{said}");
    assert_eq!(provider.last_request().tools(), ["read"]);
    let said = says(&gateway, "666", "read private-diary").await;
    assert!(said.contains("default for guests"), "{said}");
    let said = says(&gateway, "667", "read public-hours").await;
    assert!(said.contains("default for guests"), "{said}");
    let said = says(&gateway, "4711", "read private-diary").await;
    assert!(said.contains("what is in it"), "{said}");
}

#[tokio::test]
async fn what_policy_takes_away_is_neither_listed_nor_run() {
    let provider = obedient();
    let denied = json!({ "tools": { "deny": ["group:runtime"] } });
    let home = home(&provider, &denied, &json!([]));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;

    let listed = gateway.rpc("tools.list", json!({})).await.unwrap();
    let names: Vec<&str> = listed["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"read") && !names.contains(&"exec"),
        "{names:?}"
    );

    let call = json!({ "tool": "bash", "params": { "command": "echo no" } });
    let ran = gateway.rpc("tools.execute", call).await.unwrap();
    assert_eq!(ran["success"], false);
    assert!(
        ran["result"].as_str().unwrap().contains("tools.deny"),
        "{ran}"
    );
}

#[tokio::test]
async fn explain_names_the_rule_that_decided_with_and_without_a_gateway() {
    let provider = obedient();
    let config = json!({ "tools": {
        "profile": "coding",
        "exec": { "mode": "ask" },
        "toolsBySender": { "channel:telegram:666": { "allow": ["group:fs"], "deny": ["write"] } },
    } });
    let rules = json!([{ "tool": "exec", "args": { "/command": "git *" }, "decision": "allow" }]);
    let home = home(&provider, &config, &rules);
    for running in [false, true] {
        let gateway = if running {
            Some(GatewayProcess::start(&home, OPENCLAW).await)
        } else {
            None
        };
        for (args, code, decision, rule) in [
            (&["--tool", "read"][..], 0, "allow", "default"),
            (&["--tool", "message"], 6, "deny", "tools.profile"),
            (
                &["--tool", "bash", "--args", r#"{"command": "make"}"#],
                7,
                "ask",
                "tools.exec.mode",
            ),
            (
                &["--tool", "exec", "--args", r#"{"command": "git log"}"#],
                0,
                "allow",
                "policy.rules.0",
            ),
            (
                &[
                    "--tool",
                    "write",
                    "--channel",
                    "telegram",
                    "--sender",
                    "666",
                ],
                6,
                "deny",
                "tools.toolsBySender.channel:telegram:666.deny",
            ),
            (
                &["--tool", "read", "--channel", "telegram", "--sender", "666"],
                0,
                "allow",
                "tools.toolsBySender.channel:telegram:666.allow",
            ),
            (
                &["--tool", "read", "--channel", "telegram"],
                6,
                "deny",
                "default for guests",
            ),
        ] {
            let ran = explain(&home, args).await.assert_code(code);
            assert!(ran.stdout.contains(rule), "{ran}");
            let args = [args, &["--json"]].concat();
            let ran = explain(&home, &args).await.assert_code(code);
            let data = ran.json()["data"].clone();
            assert_eq!(
                (&data["decision"], &data["rule"]),
                (&decision.into(), &rule.into()),
                "{ran}"
            );
            let file = data["file"].as_str().unwrap_or_default();
            assert_eq!(rule.starts_with("default"), file.is_empty(), "{ran}");
            assert!(data["layers"].as_array().unwrap().len() > 1, "{ran}");
        }
        drop(gateway);
    }
}

#[tokio::test]
async fn explain_names_what_there_is_in_place_of_what_there_is_not() {
    let home = home(&obedient(), &json!({}), &json!([]));
    for (args, listed) in [
        (&["--tool", "exce"][..], "exec"),
        (&["--tool", "exec", "--agent", "mian"], "main"),
    ] {
        let ran = explain(&home, args).await.assert_code(3);
        assert!(ran.stderr.contains("there are:"), "{ran}");
        assert!(ran.stderr.contains(listed), "{ran}");
    }
    for args in [
        &["--tool", "exec", "--sender", "666"][..],
        &["--tool", "exec", "--args", "[]"],
        &["--tool", "exec", "--model", "nonsense"],
    ] {
        let ran = explain(&home, args).await.assert_code(2);
        assert!(ran.stderr.starts_with("error: "), "{ran}");
    }
}

#[tokio::test]
async fn explain_foresees_that_a_guest_is_asked_about_whatever_a_rule_allows() {
    let given = json!(["exec", "read", "web_fetch"]);
    let rule = json!({ "tool": given, "standing": "guest", "decision": "allow" });
    let home = home(&obedient(), &json!({}), &json!([rule]));
    let guest = ["--channel", "telegram", "--sender", "666"];
    let fetch = r#"{"url": "http://docs.example/"}"#;
    let made_up = "asks first while something untrusted is in view, unless somebody else";
    let in_view = "asks first while something untrusted is in view";
    for (args, guest, code, (decision, rule), (says, why)) in [
        (
            &["--tool", "exec"][..],
            &guest[..],
            7,
            ("ask", "provenance"),
            (json!("ask"), "what a guest writes is untrusted"),
        ),
        (
            &["--tool", "read"],
            &guest,
            0,
            ("allow", "policy.rules.0"),
            (Value::Null, "asks first about what runs"),
        ),
        (
            &["--tool", "web_fetch", "--args", fetch],
            &guest,
            0,
            ("allow", "policy.rules.0"),
            (Value::Null, made_up),
        ),
        // Whether something untrusted is in view of a principal is not known before it is.
        (
            &["--tool", "exec"],
            &[],
            0,
            ("allow", "default"),
            (Value::Null, in_view),
        ),
    ] {
        let args = [args, guest, &["--json"]].concat();
        let ran = explain(&home, &args).await.assert_code(code);
        let data = ran.json()["data"].clone();
        assert_eq!(
            (&data["decision"], &data["rule"]),
            (&decision.into(), &rule.into()),
            "{ran}"
        );
        let gate = data["layers"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&gate["rule"], &gate["says"]),
            (&json!("provenance"), &says),
            "{ran}"
        );
        assert!(gate["reason"].as_str().unwrap().starts_with(why), "{ran}");
    }

    let off = json!({
        "policy": { "rules": [{ "tool": "exec", "standing": "guest", "decision": "allow" }] },
        "provenance": { "enabled": false },
    });
    home.write_own(&off.to_string());
    let args = [&["--tool", "exec"], &guest[..]].concat();
    let ran = explain(&home, &args).await.assert_code(0);
    assert!(ran.stdout.contains("is turned off"), "{ran}");
}
