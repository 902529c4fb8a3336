//! `health` and `status`: that the gateway works, and what it has to do with.

use std::time::Instant;

use openclaw_ipc::RpcError;
use serde_json::{Value, json};

use super::agents::Defaults;
use super::given::Given;
use super::none::now_ms;
use super::sessions::{Asked, Glance, glances, rows};
use crate::rpc::Rpc;

/// How many sessions are shown of all of them, and of each agent.
const RECENT: usize = 5;
const RECENT_IN_STATUS: usize = 10;

/// How OpenClaw shows a heartbeat that is off.
const OFF: &str = "disabled";

/// `health`.
pub(super) async fn health(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    given.flag("probe");
    given.flag("includeSensitive");
    given.done()?;
    snapshot(rpc).await
}

/// Returns the answer to `health`, which the first answer on a socket has, too.
pub(crate) async fn snapshot(rpc: &Rpc) -> Result<Value, RpcError> {
    let began = Instant::now();
    let glances = glances(rpc).await?;
    let recent = |of: &mut dyn Iterator<Item = &Glance>| -> Value {
        let now = now_ms();
        let age = |glance: &Glance| {
            let updated = glance.updated.as_millisecond();
            json!({
                "key": glance.key,
                "updatedAt": updated,
                "age": now.saturating_sub(updated).max(0),
            })
        };
        of.take(RECENT).map(age).collect()
    };
    let path = rpc.store.path();
    let first = rpc.agent(None)?.id.clone();
    let agents: Vec<Value> = rpc
        .agents
        .all()
        .iter()
        .map(|agent| {
            let own = || {
                glances
                    .iter()
                    .filter(|glance| glance.key.agent() == agent.id)
            };
            json!({
                "agentId": agent.id,
                "name": agent.name,
                "isDefault": agent.id == first,
                "heartbeat": { "enabled": false, "every": OFF, "everyMs": null },
                "sessions": { "path": path, "count": own().count(), "recent": recent(&mut own()) },
            })
        })
        .collect();
    Ok(json!({
        "ok": true,
        "ts": now_ms(),
        "durationMs": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "plugins": { "loaded": [], "errors": [], "unavailable": [] },
        "channels": {},
        "channelOrder": [],
        "channelLabels": {},
        "heartbeatSeconds": 0,
        "defaultAgentId": first,
        "agents": agents,
        "sessions": {
            "path": path,
            "count": glances.len(),
            "recent": recent(&mut glances.iter()),
        },
    }))
}

/// `status`.
pub(super) async fn status(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    given.passes_over(&["includeChannelSummary"]);
    given.done()?;
    let all = glances(rpc).await?;
    let first = rpc.agent(None)?;
    let path = rpc.store.path();
    let agents = rpc.agents.all();
    let heartbeat = |id| json!({ "agentId": id, "enabled": false, "every": OFF, "everyMs": null });
    let mut by_agent = Vec::new();
    for agent in agents.iter() {
        let own = || all.iter().filter(|glance| glance.key.agent() == agent.id);
        let page: Vec<Glance> = own().take(RECENT_IN_STATUS).cloned().collect();
        by_agent.push(json!({
            "agentId": agent.id,
            "path": path,
            "count": own().count(),
            "recent": recent(rpc, page).await?,
        }));
    }
    let page = all.iter().take(RECENT_IN_STATUS).cloned().collect();
    Ok(json!({
        "runtimeVersion": env!("CARGO_PKG_VERSION"),
        "heartbeat": {
            "defaultAgentId": first.id,
            "agents": agents.iter().map(|agent| heartbeat(&agent.id)).collect::<Vec<_>>(),
        },
        "channelSummary": [],
        "queuedSystemEvents": [],
        "degradedPlugins": [],
        "sessions": {
            "paths": [path],
            "count": all.len(),
            "defaults": Defaults::of(Some(&first)),
            "recent": recent(rpc, page).await?,
            "byAgent": by_agent,
        },
        "pid": std::process::id(),
    }))
}

/// Returns the rows of sessions with how full each one's window is.
async fn recent(rpc: &Rpc, page: Vec<Glance>) -> Result<Vec<Value>, RpcError> {
    let now = now_ms();
    let rows = rows(rpc, page, Asked::default()).await?;
    let row = |row: super::sessions::Row| {
        let left = row.context_tokens.zip(row.total_tokens);
        let percent = left.map(|(window, used)| {
            used.saturating_mul(100)
                .checked_div(window)
                .unwrap_or_default()
                .min(100)
        });
        json!({
            "agentId": row.agent_id,
            "key": row.key,
            "kind": row.kind,
            "sessionId": row.session_id,
            "updatedAt": row.updated_at,
            "age": now.saturating_sub(row.updated_at).max(0),
            "inputTokens": row.input_tokens,
            "outputTokens": row.output_tokens,
            "totalTokens": row.total_tokens,
            "totalTokensFresh": row.total_tokens.is_some(),
            "remainingTokens": left.map(|(window, used)| window.saturating_sub(used)),
            "percentUsed": percent,
            "model": row.model,
            "contextTokens": row.context_tokens,
            "flags": [],
        })
    };
    Ok(rows.into_iter().map(row).collect())
}
