//! `openclaw sessions list`, in the shape that TypeScript OpenClaw's scripts read.

use std::cmp::Reverse;
use std::path::PathBuf;

use clap::Args;
use openclaw_compat::{IMPORTED, Trouble};
use openclaw_core::events::{Change, SessionSummary};
use openclaw_core::session_key::Scope;
use openclaw_core::state_dir::StateDir;
use openclaw_core::{AgentId, Clock, ProviderId, SessionEvent, SessionEventKind, SessionKey};
use openclaw_gateway::takeover::{Takeover, Waiting};
use serde::Serialize;

use super::lookup::{Parent, age, existing_log, session_id};
use crate::commands::Cx;
use crate::error::CliError;
use crate::text;

/// How many sessions are listed unless asked otherwise.
const DEFAULT_LIMIT: u32 = 100;

/// The arguments of `sessions list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// List at most N sessions
    #[arg(
        long,
        value_name = "N",
        default_value_t = DEFAULT_LIMIT,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    limit: u32,
}

impl Default for ListArgs {
    fn default() -> Self {
        Self {
            limit: DEFAULT_LIMIT,
        }
    }
}

/// The document; `active_minutes` is a filter that this program does not have.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    path: PathBuf,
    count: usize,
    total_count: u64,
    limit_applied: u32,
    has_more: bool,
    active_minutes: Option<u32>,
    sessions: Vec<Row>,
    /// What could not be read, so that sessions may be missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    key: SessionKey,
    updated_at: i64,
    age_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    session_started_at: i64,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_provider: Option<ProviderId>,
    agent_id: AgentId,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Parent>,
    events: u64,
    ended: bool,
    /// Where the session lies while it is not in the event log.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    read_only: bool,
}

pub(super) async fn list(cx: Cx<'_>, state: &StateDir, args: &ListArgs) -> Result<(), CliError> {
    let list = collect(state, args.limit).await?;
    for warning in &list.warnings {
        cx.out.warning(text::one_line(warning));
    }
    if cx.out.is_json() {
        return cx.out.document(&list);
    }
    if list.sessions.is_empty() && list.warnings.is_empty() {
        cx.out
            .note("no sessions yet; `openclaw agent --message \"hello\"` starts one");
        return Ok(());
    }
    if list.sessions.is_empty() {
        return Ok(());
    }
    table(cx, &list)?;
    if list.has_more {
        cx.out.note(format_args!(
            "{} of {} sessions; see --limit",
            list.count, list.total_count
        ));
    }
    if list.sessions.iter().any(|row| row.read_only) {
        cx.out.note(
            "sessions that are read-only lie in files of OpenClaw's; `openclaw migrate` takes them over",
        );
    }
    Ok(())
}

/// Where sessions come from is shown only if any of them branches off another.
fn table(cx: Cx<'_>, list: &List) -> Result<(), CliError> {
    let branches = list.sessions.iter().any(|row| row.parent.is_some());
    let mut header = vec!["SESSION", "UPDATED", "EVENTS", "STATUS", "MODEL"];
    header.extend(branches.then_some("BRANCH OF"));
    let rows = list
        .sessions
        .iter()
        .map(|row| {
            let mut cells = vec![
                text::one_line(row.key.as_str()).into_owned(),
                text::ago(row.age_ms),
                row.events.to_string(),
                match row {
                    Row { ended: true, .. } => "ended",
                    Row {
                        read_only: true, ..
                    } => "read-only",
                    Row { status, .. } => status,
                }
                .to_owned(),
                row.model
                    .as_deref()
                    .map(text::one_line)
                    .unwrap_or_default()
                    .into_owned(),
            ];
            if let Some(Parent { session_key, at }) = &row.parent {
                let parent = format!("{session_key} at {at}");
                cells.push(text::one_line(&parent).into_owned());
            }
            cells
        })
        .collect();
    cx.out.table(&header, rows)
}

async fn collect(state: &StateDir, limit: u32) -> Result<List, CliError> {
    let (mut sessions, mut total_count) = (Vec::new(), 0);
    let clock = Clock::system();
    let store = existing_log(state)?;
    if let Some(store) = &store {
        total_count = store.session_count().await?;
        let found = store.sessions_with_last(0, limit).await?;
        sessions = found
            .into_iter()
            .map(|(session, last)| row(&clock, session, last))
            .collect();
    }
    let takeover = Takeover::of(state);
    let waiting = takeover.waiting(store.as_ref()).await?;
    let warnings = takeover.unreadable().await;
    if !waiting.is_empty() {
        let more = u64::try_from(waiting.len()).unwrap_or(u64::MAX);
        total_count = total_count.saturating_add(more);
        sessions.extend(waiting.into_iter().map(|waiting| unread(&clock, waiting)));
        // Sorting keeps the order of those that were changed at the same moment.
        sessions.sort_by_key(|row| Reverse(row.updated_at));
        sessions.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    let count = sessions.len();
    Ok(List {
        path: state.event_log(),
        count,
        total_count,
        limit_applied: limit,
        has_more: u64::try_from(count).is_ok_and(|count| count < total_count),
        active_minutes: None,
        sessions,
        warnings: warnings.iter().map(unreadable).collect(),
    })
}

/// Says what could not be read, and what tells more about it.
fn unreadable(trouble: &Trouble) -> String {
    format!(
        "cannot read {trouble}: sessions of OpenClaw's may be missing here; `openclaw migrate` takes what can be read"
    )
}

/// Describes a session that is not in the log.
fn unread(clock: &Clock, waiting: Waiting) -> Row {
    let updated_at = waiting.updated.as_millisecond();
    Row {
        updated_at,
        age_ms: age(clock, updated_at),
        session_id: Some(waiting.session_id),
        session_started_at: waiting.started.as_millisecond(),
        status: "done",
        model: None,
        model_provider: None,
        agent_id: waiting.key.agent(),
        kind: kind(&waiting.key),
        parent: None,
        events: waiting.entries,
        ended: false,
        source: Some(waiting.source),
        read_only: true,
        key: waiting.key,
    }
}

fn kind(key: &SessionKey) -> &'static str {
    match key.scope() {
        Scope::Group { .. } => "group",
        Scope::Main | Scope::Direct { .. } | Scope::Other(_) => "direct",
    }
}

/// What a session does is told by its last event.
fn row(clock: &Clock, session: SessionSummary, last: Option<SessionEvent>) -> Row {
    let (mut status, mut model, mut model_provider) = ("done", None, None);
    if let Some(event) = last {
        match event.kind {
            SessionEventKind::MessageReceived { .. }
            | SessionEventKind::ToolCalled { .. }
            | SessionEventKind::ToolResult { .. }
                if event.run_id.is_some() =>
            {
                status = "running";
            }
            SessionEventKind::StateChanged { key, value }
                if matches!(Change::read(&key, &value), Some(Change::RunFailed { .. })) =>
            {
                status = "failed";
            }
            // What a session that was taken over did last, it did before that.
            SessionEventKind::StateChanged { key, value } if key == IMPORTED => {
                let named = |field: &str| value.get(field)?.as_str().map(str::to_owned);
                model = named("model");
                model_provider = named("provider").map(ProviderId);
            }
            SessionEventKind::AgentResponse { model: name, .. } => {
                model = Some(name);
                let step = event.payload.and_then(|payload| payload.step);
                model_provider = step.map(|step| step.provider);
            }
            SessionEventKind::SessionStarted { .. }
            | SessionEventKind::MessageReceived { .. }
            | SessionEventKind::MessageSent { .. }
            | SessionEventKind::ToolCalled { .. }
            | SessionEventKind::ToolResult { .. }
            | SessionEventKind::SessionEnded { .. }
            | SessionEventKind::StateChanged { .. } => {}
        }
    }
    let updated_at = session.updated.as_millisecond();
    Row {
        updated_at,
        age_ms: age(clock, updated_at),
        session_id: session_id(&session.key),
        session_started_at: session.started.as_millisecond(),
        status,
        model,
        model_provider,
        agent_id: session.key.agent(),
        kind: kind(&session.key),
        parent: Parent::of(&session),
        events: session.head,
        ended: session.ended,
        source: None,
        read_only: false,
        key: session.key,
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::EventStore;
    use openclaw_core::env::Env;
    use openclaw_core::events::NewEvent;
    use openclaw_core::state_dir::Overrides;
    use serde_json::{Value, json};

    use super::*;

    fn state(root: &std::path::Path) -> StateDir {
        let overrides = Overrides {
            state_dir: Some(root.to_owned()),
            profile: None,
        };
        StateDir::locate(&Env::default(), &overrides).unwrap()
    }

    #[tokio::test]
    async fn a_missing_log_is_an_empty_list_and_stays_missing() {
        let dir = tempfile::tempdir().unwrap();
        let list = collect(&state(dir.path()), 100).await.unwrap();
        assert_eq!((list.count, list.total_count, list.has_more), (0, 0, false));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn rows_have_the_recorded_keys_with_their_meaning() {
        let dir = tempfile::tempdir().unwrap();
        let state = state(dir.path());
        let store = EventStore::open(&state.event_log()).unwrap();
        let key = SessionKey::parse("agent:main:explicit:u-1").unwrap();
        let facts: Vec<NewEvent> = vec![
            SessionEventKind::SessionStarted {
                channel: "rpc".into(),
                peer_id: "p".into(),
            }
            .into(),
            SessionEventKind::AgentResponse {
                content: "hi".into(),
                model: "m".into(),
                tokens: 3,
            }
            .into(),
        ];
        store.append(&key, facts).await.unwrap();
        let list = serde_json::to_value(collect(&state, 1).await.unwrap()).unwrap();
        assert_eq!(
            (
                &list["count"],
                &list["totalCount"],
                &list["limitApplied"],
                &list["hasMore"]
            ),
            (&json!(1), &json!(1), &json!(1), &json!(false))
        );
        assert_eq!(list["activeMinutes"], Value::Null);
        let row = &list["sessions"][0];
        assert!(row["updatedAt"].as_i64().unwrap() >= row["sessionStartedAt"].as_i64().unwrap());
        assert_eq!(
            [
                &row["key"],
                &row["sessionId"],
                &row["status"],
                &row["model"],
                &row["kind"]
            ],
            ["agent:main:explicit:u-1", "u-1", "done", "m", "direct"]
        );
    }
}
