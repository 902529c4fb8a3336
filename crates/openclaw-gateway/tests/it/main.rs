//! The gateway as an embedding program builds it, over a real socket.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod audit;
mod embed;
mod limits;
mod live;
mod policy;
mod web;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use openclaw_core::access::{Admitted, SharedSecret};
use openclaw_core::env::Env;
use openclaw_core::state_dir::Overrides;
use openclaw_core::{ApiKey, EventStore, Kind};
use openclaw_gateway::agents::{TaskScope, ToolRegistry};
use openclaw_gateway::{Gateway, GatewayBuilder, GatewayError, Home};
use openclaw_ipc::methods::{NoParams, ToolsList};
use openclaw_testkit::rpc::RpcClient;
use serde_json::json;
use tempfile::TempDir;

const TOKEN: &str = "0123456789abcdef";

fn key() -> ApiKey {
    ApiKey::new(TOKEN.to_owned())
}

fn builder(dir: &TempDir) -> GatewayBuilder<EventStore> {
    let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
    GatewayBuilder::new()
        .with_event_store(store)
        .with_tool_registry(ToolRegistry::standard())
}

/// Answers on a free port until the scope is closed.
async fn running(gateway: Gateway, scope: &TaskScope) -> RpcClient {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let listening = gateway.listen(None, loopback).await.unwrap();
    let client = RpcClient::new(listening.addr(), key());
    let stop = scope.stop().clone();
    drop(scope.spawn(
        "gateway",
        async move { listening.run(stop.cancelled()).await },
    ));
    client
}

#[tokio::test]
async fn a_caller_above_the_rate_limit_is_refused() {
    let (dir, scope) = (tempfile::tempdir().unwrap(), TaskScope::new());
    let gateway = builder(&dir)
        .with_token(SharedSecret::token(key()).unwrap())
        .with_rate_limit(2, Duration::from_hours(1))
        .build();
    let client = running(gateway, &scope).await;
    for _ in 0..2 {
        assert!(client.call("tools.list", json!({})).await.unwrap().is_ok());
    }
    let error = client
        .call("tools.list", json!({}))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error["code"], Kind::Limited.rpc_code(), "{error}");
    assert_eq!(scope.close(Duration::from_secs(10)).await, 0);
}

#[tokio::test]
async fn a_gateway_without_a_token_lets_nobody_in_but_its_own_process() {
    let (dir, scope) = (tempfile::tempdir().unwrap(), TaskScope::new());
    let gateway = builder(&dir).build();
    let client = running(gateway.clone(), &scope).await;
    let refused = client
        .post(r#"{"jsonrpc":"2.0","id":1,"method":"tools.list"}"#)
        .await
        .unwrap();
    assert_eq!(refused.status, 401);
    let tools = gateway
        .call::<ToolsList>(Admitted::local_owner(), NoParams {})
        .await
        .unwrap()
        .tools;
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ToolRegistry::standard().names());
    assert_eq!(scope.close(Duration::from_secs(10)).await, 0);
}

#[tokio::test]
async fn a_workspace_that_commands_could_not_work_in_is_refused_and_nothing_is_written_there() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join(".openclaw");
    let agents = state.join("agents");
    std::fs::create_dir_all(agents.join("main/agent")).unwrap();
    std::fs::create_dir(state.join("credentials")).unwrap();
    for workspace in [
        dir.path(),
        &state,
        &state.join("openclaw-rs"),
        &state.join("credentials"),
        &agents,
        &agents.join("main/agent"),
        &agents.join("main/agent/new"),
        Path::new("/"),
        Path::new("/etc"),
    ] {
        let config = json!({ "agents": { "defaults": { "workspace": workspace } } });
        std::fs::write(state.join("openclaw.json"), config.to_string()).unwrap();
        let env: Env = [("HOME", dir.path())].into_iter().collect();
        let home = Home::open(env, &Overrides::default()).unwrap();
        let refused = GatewayBuilder::from_home(&home).map(drop);
        assert!(
            matches!(refused, Err(GatewayError::BadWorkspace(_))),
            "{refused:?}"
        );
        let seeded = workspace.join("AGENTS.md");
        assert!(!seeded.exists(), "{}", seeded.display());
        assert!(!agents.join("main/agent/new").exists());
    }
}

#[tokio::test]
async fn one_gateway_works_on_a_state_directory() {
    let dir = tempfile::tempdir().unwrap();
    let env: Env = [("HOME", dir.path())].into_iter().collect();
    let home = Home::open(env, &Overrides::default()).unwrap();
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let build = || GatewayBuilder::from_home(&home).unwrap().build();

    assert_eq!(home.running().unwrap(), None);
    let first = build().listen(Some(&home), loopback).await.unwrap();
    assert_eq!(home.running().unwrap().unwrap().port, first.addr().port());
    let second = build().listen(Some(&home), loopback).await;
    assert!(
        matches!(second, Err(GatewayError::AlreadyRunning { .. })),
        "{second:?}"
    );
    drop(first);
    assert_eq!(home.running().unwrap(), None);
    assert!(build().listen(Some(&home), loopback).await.is_ok());
}
