//! The greeting: what a client is told that was let in.

use openclaw_core::ApiKey;
use openclaw_core::Clock;
use openclaw_core::SessionKey;
use openclaw_ipc::jsonrpc::MAX_SOCKET_MESSAGE;
use openclaw_ipc::methods::Disclosed;
use openclaw_ipc::openclaw::connect::{
    HelloAuth, HelloFeatures, HelloPolicy, HelloServer, OPERATOR,
};
use openclaw_ipc::openclaw::{HelloOk, OpenclawMethod};
use serde_json::{Value, json};

use super::Client;
use super::feed::EVENTS;
use super::handshake::Means;
use super::methods::health;
use super::talk::TICK;
use crate::builder::Gateway;

/// What clients ask before they use it: `models.list` says of each model whether it can be asked.
const CAPABILITIES: &[&str] = &["published-model-catalog"];

/// Greets a client.
pub(super) async fn hello(
    gateway: &Gateway,
    client: &Client,
    means: Means,
    token: Option<ApiKey>,
) -> HelloOk {
    let shared = &gateway.shared;
    let method = means.named(&shared.rpc.access);
    let now = Clock::system().now().as_millisecond();
    HelloOk {
        protocol: client.protocol,
        server: HelloServer {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            boot_id: shared.rpc.floor.boot().to_owned(),
            conn_id: client.conn_id.clone(),
        },
        features: HelloFeatures {
            methods: OpenclawMethod::ALL.iter().map(|one| one.as_str()).collect(),
            events: EVENTS.to_vec(),
            capabilities: CAPABILITIES.to_vec(),
        },
        snapshot: snapshot(gateway, now).await,
        auth: HelloAuth {
            method,
            role: OPERATOR,
            scopes: client
                .rights
                .iter()
                .map(openclaw_ipc::openclaw::Right::as_str)
                .collect(),
            issued_at_ms: token.is_some().then_some(now),
            device_token: token.map(|token| Disclosed::from(token).0),
        },
        policy: HelloPolicy {
            max_payload: MAX_SOCKET_MESSAGE,
            max_buffered_bytes: MAX_SOCKET_MESSAGE,
            tick_interval_ms: u64::try_from(TICK.as_millis()).unwrap_or_default(),
        },
    }
}

/// Returns how things stand.
async fn snapshot(gateway: &Gateway, now: i64) -> Value {
    let shared = &gateway.shared;
    let rpc = &shared.rpc;
    let health = health::snapshot(&shared.rpc).await.unwrap_or_else(|err| {
        tracing::warn!(%err, "the health of the gateway is not known");
        json!({})
    });
    let agent = rpc.agents.first();
    let main = agent
        .as_ref()
        .and_then(|agent| SessionKey::main(&agent.id).ok());
    let uptime = now.saturating_sub(shared.started.as_millisecond());
    let version = shared.rpc.floor.version();
    json!({
        "presence": shared.rpc.floor.presence(now),
        "health": health,
        "stateVersion": version,
        "uptimeMs": uptime.max(0),
        "sessionDefaults": {
            "defaultAgentId": agent.as_ref().map(|agent| agent.id.as_str()),
            "mainKey": "main",
            "mainSessionKey": main.as_ref().map(SessionKey::as_str),
            "scope": "per-sender",
        },
    })
}
