//! Bad input: a precise error with the right code, and nothing half done.

use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

#[tokio::test]
async fn without_bubblewrap_nothing_runs_and_the_model_hears_what_to_install() {
    let (mut home, provider) = (TestHome::new(), FakeProvider::start());
    provider
        .reply(Reply::tool_calls([FakeCall::new(
            "exec",
            &json!({ "command": "touch ran" }),
        )]))
        .reply(Reply::text("sorry"));
    home.use_provider(&provider, WireFormat::OpenAi);
    let empty = home.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    home.set_env("PATH", &empty);

    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let params = json!({ "sessionKey": "agent:main:main", "content": "go" });
    assert_eq!(
        gateway.rpc("session.message", params).await.unwrap()["content"],
        "sorry"
    );
    let last = provider.last_request();
    let said = &last.results()[0];
    assert!(said.content.contains("install bubblewrap"), "{said:?}");
    assert!(!home.workspace().join("ran").exists());

    let folder = home.workspace();
    let ran = home
        .command(OPENCLAW)
        .args(["sandbox", "exec", "--level", "strict", "--workspace"])
        .arg(&folder)
        .args(["--timeout", "5", "--", "/bin/touch", "ran"])
        .run()
        .await
        .assert_code(6);
    assert!(ran.stderr.contains("install bubblewrap"), "{}", ran.stderr);
    assert!(!folder.join("ran").exists());
    provider.assert_clean();
}

#[tokio::test]
async fn every_bad_call_gets_its_code() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    for (method, params, code) in [
        ("session.teleport", json!({}), -32601),
        ("session.message", json!({}), -32602),
        (
            "session.message",
            json!({ "sessionKey": "nonsense", "content": "x" }),
            -32602,
        ),
        (
            "session.message",
            json!({ "sessionKey": "agent:main:main", "content": "a\u{0}b" }),
            -32602,
        ),
        (
            "session.message",
            json!({ "sessionKey": "agent:main:main", "content": "x", "odd": 1 }),
            -32602,
        ),
        (
            "session.message",
            json!({ "sessionKey": "agent:main:gone", "content": "x" }),
            -32004,
        ),
        (
            "session.message",
            json!({ "sessionKey": "agent:nobody:main", "content": "x" }),
            -32004,
        ),
        // There is no model: the config is to blame.
        (
            "session.message",
            json!({ "sessionKey": "agent:main:main", "content": "x" }),
            -32078,
        ),
        (
            "session.history",
            json!({ "sessionKey": "agent:main:gone" }),
            -32004,
        ),
        (
            "session.end",
            json!({ "sessionKey": "agent:main:gone" }),
            -32004,
        ),
        ("session.create", json!({ "agentId": "nobody" }), -32004),
        ("agent.status", json!({ "agentId": "nobody" }), -32004),
        ("tools.execute", json!({ "tool": "teleport" }), -32004),
        (
            "tools.execute",
            json!({ "tool": "exec", "params": { "cmd": "ls" } }),
            -32602,
        ),
    ] {
        let error = gateway.rpc(method, params.clone()).await.unwrap_err();
        assert_eq!(error["code"], code, "{method} {params}: {error}");
        assert!(error["data"]["kind"].is_string(), "{error}");
    }
    let client = gateway.rpc_client();
    for (body, code) in [
        ("{", -32700),
        ("[]", -32600),
        ("5", -32600),
        (r#"{"id":1}"#, -32600),
    ] {
        let answer: Value = client.post(body).await.unwrap().json();
        assert_eq!(answer["error"]["code"], code, "{body}: {answer}");
    }
    let nested = "[".repeat(100_000);
    let answer: Value = client.post(nested).await.unwrap().json();
    assert_eq!(answer["error"]["code"], -32600, "{answer}");
}

#[tokio::test]
async fn a_session_that_has_ended_takes_no_message() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.otherwise(|_| Reply::text("yes"));
    provider.expect_key("sk-test");
    home.use_provider(&provider, WireFormat::Anthropic);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let created = gateway
        .rpc(
            "session.create",
            json!({ "channel": "web", "peerId": "a:b" }),
        )
        .await
        .unwrap();
    let session = &created["sessionKey"];
    assert_eq!(session, "agent:main:web:direct:a%3Ab");
    let ended = gateway
        .rpc(
            "session.end",
            json!({ "sessionKey": session, "reason": "done" }),
        )
        .await
        .unwrap();
    assert_eq!(ended, json!({ "ended": true, "seq": 2 }));
    let late = gateway
        .rpc(
            "session.message",
            json!({ "sessionKey": session, "content": "x" }),
        )
        .await;
    assert_eq!(late.unwrap_err()["data"]["kind"], "conflict");
    let twice = gateway
        .rpc("session.end", json!({ "sessionKey": session }))
        .await;
    assert_eq!(twice.unwrap_err()["data"]["kind"], "conflict");

    let again = gateway
        .rpc(
            "session.create",
            json!({ "channel": "web", "peerId": "a:b" }),
        )
        .await
        .unwrap();
    assert_eq!(&again["sessionKey"], session);
    let reply = gateway
        .rpc(
            "session.message",
            json!({ "sessionKey": session, "content": "hi" }),
        )
        .await;
    assert_eq!(reply.unwrap()["content"], "yes");
    provider.assert_clean();
}

#[tokio::test]
async fn a_gateway_that_cannot_start_says_why() {
    let home = TestHome::new();
    home.write_config("{ gateway: { port: 'nine' },\n agents: { defaults: { model: 5 } } }");
    let run = || {
        home.command(OPENCLAW)
            .args(["gateway", "run", "--port", "0"])
            .run()
    };
    let ran = run().await.assert_code(78);
    assert!(
        ran.stderr.contains("gateway.port") && ran.stderr.contains("agents.defaults.model"),
        "{}",
        ran.stderr
    );

    home.write_config("{ gateway: { port: 1,, } }");
    assert!(run().await.assert_code(78).stderr.contains("1:"));

    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    home.write_config("{}");
    let ran = home
        .command(OPENCLAW)
        .args(["gateway", "run", "--port", &port])
        .run()
        .await
        .assert_code(69);
    assert!(ran.stderr.contains(&port), "{}", ran.stderr);
}

#[tokio::test]
async fn an_agent_without_its_key_is_there_and_says_what_it_lacks() {
    let home = TestHome::new();
    home.write_config(
        "{ agents: { defaults: { model: 'p/m' } }, models: { providers: { p: { api: 'openai-completions',
           baseUrl: 'http://127.0.0.1:1/v1', apiKey: '${NOT_SET_ANYWHERE}',
           models: [{ id: 'm', name: 'm' }] } } } }",
    );
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let params = json!({ "sessionKey": "agent:main:main", "content": "hi" });
    let refused = gateway.rpc("session.message", params).await.unwrap_err();
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("NOT_SET_ANYWHERE"),
        "{refused}"
    );
    assert!(gateway.stderr().contains("NOT_SET_ANYWHERE"));
}
