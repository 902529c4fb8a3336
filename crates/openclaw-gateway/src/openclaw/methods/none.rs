//! What OpenClaw has and this program has none of: their lists are empty, which is the truth.
//!
//! Methods that would change one of these are not in the table, so that a client is told that they
//! are unknown.

use openclaw_core::Clock;
use openclaw_ipc::RpcError;
use serde_json::{Value, json};

use super::given::Given;

/// How many jobs a page of `cron.list` has unless asked otherwise, and at most.
const CRON_PAGE: u64 = 50;
const MOST_CRON: u64 = 200;

/// `commands.list`: no text of a message is a command here; all of them go to the agent.
pub(super) fn commands(mut given: Given) -> Result<Value, RpcError> {
    for name in ["sessionKey", "agentId", "provider"] {
        given.text(name);
    }
    given.one_of("scope", &["text", "native", "both"]);
    given.flag("includeArgs");
    given.done()?;
    Ok(json!({ "commands": [] }))
}

/// `question.list`: agents ask no structured questions.
pub(super) fn questions(given: Given) -> Result<Value, RpcError> {
    given.done()?;
    Ok(json!({ "questions": [] }))
}

/// `taskSuggestions.list`: agents suggest no tasks.
pub(super) fn suggestions(mut given: Given) -> Result<Value, RpcError> {
    given.text("sessionKey");
    given.text("agentId");
    given.done()?;
    Ok(json!({ "suggestions": [] }))
}

/// `node.list`: no other machine serves this gateway.
pub(super) fn nodes(given: Given) -> Result<Value, RpcError> {
    given.done()?;
    Ok(json!({ "ts": now_ms(), "nodes": [] }))
}

/// `cron.list`: nothing runs by the clock.
pub(super) fn cron(mut given: Given) -> Result<Value, RpcError> {
    let limit = given.integer("limit", 1..=MOST_CRON).unwrap_or(CRON_PAGE);
    let offset = given.integer("offset", 0..=u64::MAX).unwrap_or_default();
    for name in ["includeDisabled", "compact", "includeDeliveryPreviews"] {
        given.flag(name);
    }
    given.any_text("query");
    given.text("agentId");
    given.one_of("enabled", &["all", "enabled", "disabled"]);
    given.one_of(
        "scheduleKind",
        &["all", "at", "every", "cron", "on-exit", "stream"],
    );
    given.one_of(
        "lastRunStatus",
        &["all", "ok", "error", "skipped", "unknown"],
    );
    given.one_of("trigger", &["all", "conditional", "unconditional"]);
    given.one_of("sortBy", &["nextRunAtMs", "updatedAtMs", "name"]);
    given.one_of("sortDir", &["asc", "desc"]);
    given.done()?;
    Ok(json!({
        "jobs": [],
        "total": 0,
        "offset": offset,
        "limit": limit,
        "hasMore": false,
        "nextOffset": null,
        "deliveryPreviews": {},
    }))
}

/// `last-heartbeat`: there are no heartbeats, so there was no last one.
pub(super) fn last_heartbeat(given: Given) -> Result<Value, RpcError> {
    given.done()?;
    Ok(Value::Null)
}

/// `usage.status`: what providers leave of a plan is not asked for.
pub(super) fn plans(given: Given) -> Result<Value, RpcError> {
    given.done()?;
    Ok(json!({ "updatedAt": now_ms(), "providers": [] }))
}

/// `channels.status`: no messenger is connected.
pub(super) fn channels(mut given: Given) -> Result<Value, RpcError> {
    given.flag("probe");
    given.integer("timeoutMs", 0..=u64::MAX);
    given.text("channel");
    given.done()?;
    Ok(json!({
        "ts": now_ms(),
        "channelOrder": [],
        "channelLabels": {},
        "channelDetailLabels": {},
        "channelSystemImages": {},
        "channelMeta": [],
        "channels": {},
        "channelAccounts": {},
        "channelDefaultAccountId": {},
    }))
}

/// Returns what time it is, as OpenClaw counts: in milliseconds.
pub(super) fn now_ms() -> i64 {
    Clock::system().now().as_millisecond()
}
