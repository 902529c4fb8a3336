//! What is known of a session: a row of the list.

use std::collections::BTreeMap;

use openclaw_core::events::{Change, ChatMessage, Speaker, StepPayload, UsageQuery};
use openclaw_core::session_key::Scope;
use openclaw_core::usage::UsageSum;
use openclaw_core::{
    EventStore, ModelRef, RunId, SessionEvent, SessionEventKind, SessionKey, SessionProjection,
};
use openclaw_ipc::RpcError;
use serde::Serialize;

use super::glance::{Glance, Place};
use super::keys;
use crate::openclaw::methods::agents::{self, Defaults};
use crate::rpc::{Rpc, store_error};

/// How many events at the end of a session are looked at for its last answer.
const TAIL: u64 = 16;

/// How many characters a title and a preview have.
const TITLE: usize = 60;
const PREVIEW: usize = 240;

/// What is asked for beyond the row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// What it is about.
    pub(crate) titles: bool,
    /// What was said last.
    pub(crate) last_message: bool,
}

/// A row, with the members that OpenClaw's clients read. What is not known is left out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the document has one field for each question that clients ask"
)]
pub(crate) struct Row {
    pub(crate) key: SessionKey,
    pub(crate) session_id: String,
    pub(crate) agent_id: String,
    pub(crate) kind: &'static str,
    pub(crate) chat_type: &'static str,
    is_main: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    derived_title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message_preview: Option<String>,
    created_at: i64,
    pub(crate) updated_at: i64,
    archived: bool,
    status: &'static str,
    aborted_last_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_run_id: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_run_error: Option<String>,
    has_active_run: bool,
    active_run_ids: Vec<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_session_key: Option<SessionKey>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    forked_from_parent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model_provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_tokens_fresh: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_cost_usd: Option<f64>,
}

/// What the end of a session tells.
#[derive(Debug, Default)]
struct End {
    status: Option<&'static str>,
    run: Option<RunId>,
    error: Option<String>,
    step: Option<StepPayload>,
}

/// Returns the rows of some sessions.
pub(crate) async fn rows(rpc: &Rpc, page: Vec<Glance>, asked: Asked) -> Result<Vec<Row>, RpcError> {
    let active = rpc.engine.active();
    let mut rows = Vec::with_capacity(page.len());
    for glance in page {
        rows.push(row(rpc, glance, asked, &active).await?);
    }
    Ok(rows)
}

async fn row(
    rpc: &Rpc,
    glance: Glance,
    asked: Asked,
    active: &[(SessionKey, RunId)],
) -> Result<Row, RpcError> {
    let agent = rpc.find_agent(&glance.key.agent());
    let defaults = Defaults::of(agent.as_deref());
    let end = end(&rpc.store, &glance).await?;
    let chat = if asked.titles || asked.last_message {
        chat(rpc, &glance).await?
    } else {
        Vec::new()
    };
    let runs: Vec<RunId> = active
        .iter()
        .filter(|(session, _)| *session == glance.key)
        .map(|(_, run)| run.clone())
        .collect();
    let model = end.step.as_ref().map(|step| ModelRef {
        provider: step.provider.clone(),
        model: step.model.clone(),
    });
    let window = model
        .as_ref()
        .zip(agent.as_deref())
        .and_then(|(model, agent)| agents::window(agent, model))
        .or(defaults.context_tokens);
    let usage = end.step.as_ref().map(|step| step.usage);
    let total = usage.map(|usage| {
        let cached = usage.cache_read.saturating_add(usage.cache_write);
        usage.input.saturating_add(cached)
    });
    let (kind, channel) = sort(&glance.key);
    let titled = asked.titles.then(|| title(&chat)).flatten();
    let preview = asked.last_message.then(|| last(&chat)).flatten();
    Ok(Row {
        session_id: glance.id,
        agent_id: glance.key.agent().to_string(),
        kind,
        chat_type: kind,
        is_main: glance.key.scope() == Scope::Main,
        display_name: keys::display_name(&glance.key),
        channel,
        derived_title: titled,
        last_message_preview: preview,
        created_at: glance.started.as_millisecond(),
        updated_at: glance.updated.as_millisecond(),
        archived: glance.ended,
        status: if runs.is_empty() {
            end.status.unwrap_or("done")
        } else {
            "running"
        },
        aborted_last_run: end.status == Some("killed"),
        last_run_id: end.run,
        last_run_error: end.error,
        has_active_run: !runs.is_empty(),
        active_run_ids: runs,
        forked_from_parent: glance.parent.is_some(),
        parent_session_key: glance.parent,
        model_provider: model
            .as_ref()
            .map(|model| model.provider.to_string())
            .or(defaults.model_provider),
        model: model.map(|model| model.model).or(defaults.model),
        context_tokens: window,
        input_tokens: usage.map(|usage| usage.input),
        output_tokens: usage.map(|usage| usage.output),
        total_tokens: total,
        total_tokens_fresh: total.map(|_| true),
        estimated_cost_usd: cost(rpc, &glance.key).await?,
        key: glance.key,
    })
}

/// Returns what kind of conversation it is, and the channel that it is on.
fn sort(key: &SessionKey) -> (&'static str, Option<String>) {
    match key.scope() {
        Scope::Group { channel, .. } => ("group", Some(channel.to_string())),
        Scope::Direct { channel, .. } => ("direct", Some(channel.to_string())),
        Scope::Main | Scope::Other(_) => ("direct", None),
    }
}

/// Returns what the calls of a session cost, as far as that is known.
async fn cost(rpc: &Rpc, key: &SessionKey) -> Result<Option<f64>, RpcError> {
    let query = UsageQuery {
        session: Some(key.clone()),
        ..UsageQuery::default()
    };
    let sums: BTreeMap<String, UsageSum> = rpc
        .store
        .usage(query, |_| String::new())
        .await
        .map_err(|err| store_error(&err))?;
    let sum = sums.into_values().next();
    Ok(sum
        .filter(|sum| sum.unpriced == 0)
        .map(|sum| sum.cost.usd()))
}

/// Reads the last events of a session: what it does is told by the last one, which model thinks
/// in it by the last answer.
async fn end(store: &EventStore, glance: &Glance) -> Result<End, RpcError> {
    let Place::Log(head) = glance.place else {
        return Ok(End::default());
    };
    let tail = head.saturating_sub(TAIL).max(1)..=head;
    let events = store.read(&glance.key, tail).await;
    let events = events.map_err(|err| store_error(&err))?;
    let mut end = End::default();
    for event in events.iter().rev() {
        // What was before belongs to another conversation.
        if matches!(event.kind, SessionEventKind::SessionStarted { .. }) {
            break;
        }
        if end.status.is_none() {
            end.status = status(event, &mut end.error);
            end.run.clone_from(&event.run_id);
        }
        let step = event
            .payload
            .as_ref()
            .and_then(|payload| payload.step.as_ref());
        if let Some(step) = step {
            end.step = Some(step.clone());
            break;
        }
    }
    Ok(end)
}

/// Returns how the run that an event belongs to stands; nothing if it belongs to none.
fn status(event: &SessionEvent, error: &mut Option<String>) -> Option<&'static str> {
    event.run_id.as_ref()?;
    Some(match &event.kind {
        SessionEventKind::AgentResponse { .. } | SessionEventKind::MessageSent { .. } => "done",
        SessionEventKind::StateChanged { key, value } => match Change::read(key, value) {
            Some(Change::RunFailed { kind, message, .. }) => {
                let cancelled = kind == openclaw_core::Kind::Cancelled;
                *error = (!cancelled).then_some(message);
                if cancelled { "killed" } else { "failed" }
            }
            Some(Change::RunCutOff { .. }) => "failed",
            _ => return None,
        },
        SessionEventKind::MessageReceived { .. }
        | SessionEventKind::ToolCalled { .. }
        | SessionEventKind::ToolResult { .. } => "running",
        SessionEventKind::SessionStarted { .. } | SessionEventKind::SessionEnded { .. } => {
            return None;
        }
    })
}

/// Returns the conversation of a session as people see it.
pub(super) async fn chat(rpc: &Rpc, glance: &Glance) -> Result<Vec<ChatMessage>, RpcError> {
    let projection = match glance.place {
        Place::Log(_) => rpc.store.projection(&glance.key, None).await,
        Place::File => rpc
            .takeover
            .read(Some(&rpc.store), &glance.key)
            .await
            .map(|read| read.map(|(_, events)| SessionProjection::project(events.iter())))
            .map(Option::unwrap_or_default),
    };
    let projection = projection.map_err(|err| store_error(&err))?;
    Ok(projection.chat().cloned().collect())
}

fn title(chat: &[ChatMessage]) -> Option<String> {
    let first = chat
        .iter()
        .find(|message| message.speaker == Speaker::Peer)?;
    shortened(&first.content, TITLE)
}

fn last(chat: &[ChatMessage]) -> Option<String> {
    shortened(&chat.last()?.content, PREVIEW)
}

/// Returns a text on one line with at most so many characters; nothing if there is nothing in it.
pub(super) fn shortened(text: &str, most: usize) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= most {
        return (!line.is_empty()).then_some(line);
    }
    let kept: String = line.chars().take(most.saturating_sub(1)).collect();
    Some(format!("{}…", kept.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_on_one_line() {
        assert_eq!(shortened("  a\n b ", 10).as_deref(), Some("a b"));
        assert_eq!(shortened("abcdef", 4).as_deref(), Some("abc…"));
        assert_eq!(shortened(" \n", 4), None);
    }
}
