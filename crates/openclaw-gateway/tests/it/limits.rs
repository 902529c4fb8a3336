//! Limits, as clients of a real socket meet them.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use openclaw_config::GatewayRefusal;
use openclaw_core::access::SharedSecret;
use openclaw_core::env::Env;
use openclaw_core::state_dir::Overrides;
use openclaw_core::{EventStore, Kind, SessionKey};
use openclaw_gateway::agents::TaskScope;
use openclaw_gateway::{GatewayBuilder, GatewayError, Home};
use openclaw_ipc::methods::{NoParams, ToolsList};
use openclaw_ipc::{Client, ClientError, Endpoint};
use openclaw_testkit::http::HttpAnswer;
use openclaw_testkit::rpc::RpcClient;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{builder, key, running};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools.list"}"#;

/// Answers a bearer this often in an hour.
async fn limited(calls: u32, dir: &TempDir, scope: &TaskScope) -> RpcClient {
    let gateway = builder(dir)
        .with_token(SharedSecret::token(key()).unwrap())
        .with_rate_limit(calls, Duration::from_hours(1))
        .build();
    running(gateway, scope).await
}

fn codes(answer: &HttpAnswer) -> Vec<Option<i64>> {
    let code = |answer: &Value| answer.pointer("/error/code")?.as_i64();
    answer.json().as_array().unwrap().iter().map(code).collect()
}

#[tokio::test]
async fn a_call_too_many_is_told_when_to_try_again() {
    let (scope, dir) = (TaskScope::new(), tempfile::tempdir().unwrap());
    let client = limited(2, &dir, &scope).await;
    for _ in 0..2 {
        assert_eq!(client.post(CALL).await.unwrap().status, 200);
    }
    let answer = client.post(CALL).await.unwrap();
    assert_eq!(answer.status, 429);
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    let millis = answer.json()["error"]["data"]["retryAfterMs"]
        .as_u64()
        .unwrap();
    assert_eq!(seconds, millis.div_ceil(1000));
    assert!((1700..=1800).contains(&seconds), "{seconds}");
    assert_eq!(scope.close(Duration::from_secs(10)).await, 0);
}

#[tokio::test]
async fn each_member_of_a_batch_counts_and_so_does_a_method_that_is_none() {
    let limited_code = Some(i64::from(Kind::Limited.rpc_code()));
    let (scope, dir) = (TaskScope::new(), tempfile::tempdir().unwrap());
    let client = limited(4, &dir, &scope).await;
    let unknown = CALL.replace("tools.list", "tools.drop");
    let batch = format!("[{CALL},{unknown},{CALL}]");
    let answer = client.post(batch.clone()).await.unwrap();
    assert_eq!(codes(&answer), [None, Some(-32601), None]);
    let answer = client.post(batch.clone()).await.unwrap();
    // A part of it was done, so that the whole must not be sent again.
    assert_eq!(answer.status, 200);
    assert_eq!(codes(&answer), [None, limited_code, limited_code]);
    let answer = client.post(batch).await.unwrap();
    assert_eq!(answer.status, 429);
    assert_eq!(codes(&answer), [limited_code; 3]);
    assert_eq!(scope.close(Duration::from_secs(10)).await, 0);
}

#[tokio::test]
async fn a_websocket_is_the_same_client() {
    let (scope, dir) = (TaskScope::new(), tempfile::tempdir().unwrap());
    let gateway = builder(&dir)
        .with_token(SharedSecret::token(key()).unwrap())
        .with_rate_limit(2, Duration::from_hours(1))
        .build();
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let listening = gateway.listen(None, loopback).await.unwrap();
    let addr = listening.addr();
    let stop = scope.stop().clone();
    drop(scope.spawn(
        "gateway",
        async move { listening.run(stop.cancelled()).await },
    ));
    let endpoint = Endpoint {
        host: addr.ip().to_string(),
        port: addr.port(),
    };
    let mut client = Client::connect(&endpoint, &key()).await.unwrap();
    for _ in 0..2 {
        client.call::<ToolsList>(&NoParams {}).await.unwrap();
    }
    let err = client.call::<ToolsList>(&NoParams {}).await.unwrap_err();
    let ClientError::Rpc(error) = &err else {
        panic!("{err:?}");
    };
    assert_eq!(error.kind(), Kind::Limited);
    assert!(err.retry_after().unwrap() > Duration::from_mins(29));
    let over_http = RpcClient::new(addr, key()).post(CALL).await.unwrap();
    assert_eq!(over_http.status, 429);
    drop(client);
    assert_eq!(scope.close(Duration::from_secs(10)).await, 0);
}

#[tokio::test]
async fn a_session_that_has_had_its_messages_keeps_nothing_of_the_next() {
    let (scope, dir) = (TaskScope::new(), tempfile::tempdir().unwrap());
    let gateway = builder(&dir)
        .with_token(SharedSecret::token(key()).unwrap())
        .with_rate_limit(1000, Duration::from_secs(1))
        .build();
    let client = running(gateway, &scope).await;
    let params = |session: &str| json!({ "sessionKey": session, "content": "hello" });
    let mut kinds = Vec::new();
    for _ in 0..31 {
        let answer = client
            .call("session.message", params("agent:none:main"))
            .await;
        kinds.push(answer.unwrap().unwrap_err()["data"]["kind"].clone());
    }
    let last = kinds.pop();
    // There is no such agent; only the last message was not even looked at.
    assert_eq!(kinds, vec![json!("notfound"); 30]);
    assert_eq!(last, Some(json!("limited")));
    let other = client
        .call("session.message", params("agent:none:other"))
        .await;
    assert_eq!(other.unwrap().unwrap_err()["data"]["kind"], "notfound");
    assert_eq!(scope.close(Duration::from_secs(10)).await, 0);
    let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
    let session = SessionKey::parse("agent:none:main").unwrap();
    let events = store.read(&session, 1..=u64::MAX).await.unwrap_or_default();
    assert!(events.is_empty());
}

#[tokio::test]
async fn without_authentication_it_listens_for_this_computer_only() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join(".openclaw");
    fs::create_dir(&state).unwrap();
    let config = json!({ "gateway": { "auth": { "mode": "none" }, "bind": "lan" } });
    fs::write(state.join("openclaw.json"), config.to_string()).unwrap();
    let env: Env = [("HOME", dir.path())].into_iter().collect();
    let home = Home::open(env, &Overrides::default()).unwrap();
    let build = || GatewayBuilder::from_home(&home).unwrap().build();
    for at in ["0.0.0.0:0", "[::]:0"] {
        let at: SocketAddr = at.parse().unwrap();
        for home in [Some(&home), None] {
            let refused = build().listen(home, at).await.map(drop);
            let Err(GatewayError::Refused(refusal)) = refused else {
                panic!("{at}: {refused:?}");
            };
            assert_eq!(refusal, GatewayRefusal::OpenToOthers(at.ip()));
        }
    }
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    drop(build().listen(Some(&home), loopback).await.unwrap());
}
