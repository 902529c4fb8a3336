//! `chat.history`: what was said in a session since it last began.

use std::sync::Arc;

use openclaw_core::{SessionEvent, SessionEventKind, SessionKey};
use openclaw_ipc::RpcError;
use serde_json::{Value, json};

use super::messages::{messages, own_name};
use super::methods::agents::Defaults;
use super::methods::given::Given;
use super::methods::sessions::{Asked, find, keys, rows};
use crate::builder::Gateway;
use crate::rpc::{Rpc, store_error};

/// How many messages `chat.history` has unless asked otherwise, and at most.
const PAGE: u64 = 200;
const MOST: u64 = 1000;
/// How many events are read at once, going back, and at most.
const STRETCH: u64 = 512;
const FARTHEST: u64 = 16_384;
/// How many bytes of messages an answer has at most.
const ENOUGH: usize = 6 << 20;
/// How many characters a text may be asked to be cut to.
const LONGEST: u64 = 500_000;

/// `chat.history`: the conversation, its end first.
pub(super) async fn history(gateway: &Gateway, mut given: Given) -> Result<Value, RpcError> {
    let key = given.needed_text("sessionKey")?;
    let agent = given.text("agentId");
    let limit = given.integer("limit", 1..=MOST).unwrap_or(PAGE);
    let offset = given.integer("offset", 0..=u64::MAX).unwrap_or_default();
    let longest = given.integer("maxChars", 1..=LONGEST);
    given.passes_over(&[
        "cursor",
        "pendingBefore",
        "inputRunIds",
        "messageId",
        "sessionId",
    ]);
    given.done()?;
    let rpc = &gateway.shared.rpc;
    let session = keys::read(rpc, &key, agent.as_deref())?;
    let row = match find(rpc, &session).await? {
        Some(glance) => rows(rpc, vec![glance], Asked::default()).await?.pop(),
        None => None,
    };
    let wanted = limit.saturating_add(offset);
    let (events, more) = events(rpc, &session, wanted).await?;
    let mut all = messages(&events);
    let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    all.truncate(all.len().saturating_sub(count(offset)));
    let mut first = all.len().saturating_sub(count(limit));
    let mut bytes = 0_usize;
    for at in (first..all.len()).rev() {
        if let (Some(longest), Some(message)) = (longest, all.get_mut(at)) {
            shorten(message, count(longest));
        }
        bytes = bytes.saturating_add(all.get(at).map_or(0, |message| message.to_string().len()));
        if bytes > ENOUGH && at > first {
            first = at;
            break;
        }
    }
    let page = all.split_off(first);
    let has_more = more || first > 0;
    let shown = u64::try_from(page.len()).unwrap_or_default();
    let mut answer = json!({
        "sessionKey": session,
        "messages": page,
        "pendingInputs": {"items": [], "total": 0},
        "hasMore": has_more,
        "defaults": Defaults::of(rpc.find_agent(&session.agent()).as_deref()),
    });
    if let Some(answer) = answer.as_object_mut() {
        if let Some(row) = row {
            answer.insert("sessionId".to_owned(), json!(row.session_id));
            answer.insert("sessionInfo".to_owned(), json!(row));
        }
        // Looked at last: whoever is told that a run goes on is told of its end afterwards.
        if let Some(name) = in_flight(rpc, &session, &events) {
            let run = json!({"runId": name, "text": ""});
            answer.insert("inFlightRun".to_owned(), run);
        }
        if has_more {
            answer.insert("nextOffset".to_owned(), offset.saturating_add(shown).into());
        }
    }
    Ok(answer)
}

/// Returns the client's name for the message whose run goes on in a session.
fn in_flight(rpc: &Rpc, session: &SessionKey, events: &[SessionEvent]) -> Option<String> {
    let active = rpc.engine.active();
    let (_, run) = active.iter().find(|(of, _)| of == session)?;
    let message = events.iter().rev().find(|event| {
        let is_message = matches!(event.kind, SessionEventKind::MessageReceived { .. });
        is_message && event.run_id.as_ref() == Some(run)
    })?;
    let name = own_name(message)?;
    let under_way = rpc.floor.under_way(session);
    under_way.into_iter().find(|known| known == name)
}

/// Reads the end of a session, with so many messages if there are; says whether there are more.
async fn events(
    rpc: &Rpc,
    session: &SessionKey,
    wanted: u64,
) -> Result<(Arc<Vec<SessionEvent>>, bool), RpcError> {
    let waiting = rpc.takeover.read(Some(&rpc.store), session).await;
    let waiting = waiting.map_err(|err| store_error(&err))?;
    match (waiting, keys::summary(rpc, session).await?) {
        (Some((_, events)), _) => Ok((events, false)),
        (None, Some(summary)) => {
            let (events, more) = back(rpc, session, summary.head, wanted).await?;
            Ok((Arc::new(events), more))
        }
        (None, None) => Ok((Arc::default(), false)),
    }
}

/// Reads a session in the log from its end on, but not beyond its last start.
async fn back(
    rpc: &Rpc,
    session: &SessionKey,
    head: u64,
    wanted: u64,
) -> Result<(Vec<SessionEvent>, bool), RpcError> {
    let mut events: Vec<SessionEvent> = Vec::new();
    let mut from = head.saturating_add(1);
    loop {
        let before = from;
        from = from.saturating_sub(STRETCH).max(1);
        if before > from {
            let range = from..=before.saturating_sub(1);
            let read = rpc.store.read(session, range).await;
            let mut read = read.map_err(|err| store_error(&err))?;
            let start = read.iter().rposition(|event| {
                // A later start begins another conversation.
                matches!(event.kind, SessionEventKind::SessionStarted { .. })
            });
            drop(read.drain(..start.unwrap_or_default()));
            read.append(&mut events);
            events = read;
            if start.is_some() {
                return Ok((events, false));
            }
        }
        let found = u64::try_from(messages(&events).len()).unwrap_or(u64::MAX);
        let far = head.saturating_sub(from) >= FARTHEST;
        if from <= 1 || far || found >= wanted {
            return Ok((events, from > 1));
        }
    }
}

/// Cuts the texts of a message.
fn shorten(message: &mut Value, longest: usize) {
    let cut = |text: &mut String| {
        if let Some((at, _)) = text.char_indices().nth(longest) {
            text.truncate(at);
            text.push_str("\n...(truncated)...");
        }
    };
    match message.get_mut("content") {
        Some(Value::String(text)) => cut(text),
        Some(Value::Array(blocks)) => {
            for block in blocks {
                for name in ["text", "thinking"] {
                    if let Some(Value::String(text)) = block.get_mut(name) {
                        cut(text);
                    }
                }
            }
        }
        _ => {}
    }
}
