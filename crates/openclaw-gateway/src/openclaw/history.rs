//! `chat.history`: what was said in a session.

use openclaw_core::{SessionEvent, SessionKey};
use openclaw_ipc::RpcError;
use serde_json::{Value, json};

use super::messages::messages;
use super::methods::given::Given;
use super::methods::sessions::keys;
use crate::builder::Gateway;
use crate::rpc::store_error;

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
    let waiting = rpc.takeover.read(Some(&rpc.store), &session).await;
    let waiting = waiting.map_err(|err| store_error(&err))?;
    let wanted = limit.saturating_add(offset);
    let (started, mut all, more) = match waiting {
        Some((waiting, events)) => (Some(waiting.started), messages(&events), false),
        None => match keys::summary(rpc, &session).await? {
            Some(summary) => {
                let (all, more) = back(gateway, &session, summary.head, wanted).await?;
                (Some(summary.started), all, more)
            }
            None => (None, Vec::new(), false),
        },
    };
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
    });
    if let Some(answer) = answer.as_object_mut() {
        if let Some(started) = started {
            let id = keys::session_id(&session, started);
            answer.insert("sessionId".to_owned(), id.into());
        }
        if has_more {
            answer.insert("nextOffset".to_owned(), offset.saturating_add(shown).into());
        }
    }
    Ok(answer)
}

/// Reads a session from its end on, until there are so many messages; says whether there is more.
async fn back(
    gateway: &Gateway,
    session: &SessionKey,
    head: u64,
    wanted: u64,
) -> Result<(Vec<Value>, bool), RpcError> {
    let store = &gateway.shared.rpc.store;
    let mut events: Vec<SessionEvent> = Vec::new();
    let mut from = head.saturating_add(1);
    loop {
        let before = from;
        from = from.saturating_sub(STRETCH).max(1);
        if before > from {
            let range = from..=before.saturating_sub(1);
            let read = store.read(session, range).await;
            let mut read = read.map_err(|err| store_error(&err))?;
            read.append(&mut events);
            events = read;
        }
        let found = messages(&events);
        let far = head.saturating_sub(from) >= FARTHEST;
        if from <= 1 || far || u64::try_from(found.len()).unwrap_or(u64::MAX) >= wanted {
            return Ok((found, from > 1));
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
