//! `sessions.describe`, `sessions.preview` and `sessions.resolve`: single sessions.

use openclaw_core::events::Speaker;
use openclaw_core::{Kind, SessionKey};
use openclaw_ipc::RpcError;
use serde_json::{Value, json};

use super::glance::{Glance, find};
use super::keys;
use super::list::by_id;
use super::row::{Asked, chat, rows, shortened};
use crate::openclaw::methods::given::Given;
use crate::openclaw::methods::none::now_ms;
use crate::rpc::Rpc;

/// How many sessions are previewed at once.
const MOST_PREVIEWS: usize = 64;

/// How many messages a preview has, and how many characters each, unless asked otherwise.
const MESSAGES: u64 = 12;
const MOST_MESSAGES: u64 = 50;
const CHARACTERS: u64 = 240;
const MOST_CHARACTERS: u64 = 2000;

/// `sessions.describe`: the row of one session, or null.
pub(crate) async fn describe(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    let key = given.needed_text("key")?;
    let agent = given.text("agentId");
    let asked = Asked {
        titles: given.flag("includeDerivedTitles").unwrap_or_default(),
        last_message: given.flag("includeLastMessage").unwrap_or_default(),
    };
    given.done()?;
    let key = keys::read(rpc, &key, agent.as_deref())?;
    let found = find(rpc, &key).await?.into_iter().collect();
    let row = rows(rpc, found, asked).await?.pop();
    Ok(json!({ "session": row }))
}

/// `sessions.preview`: the last messages of some sessions.
pub(crate) async fn preview(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    let keys = given.needed_texts("keys")?;
    let limit = given.integer("limit", 1..=u64::MAX).unwrap_or(MESSAGES);
    let most = given
        .integer("maxChars", 20..=u64::MAX)
        .unwrap_or(CHARACTERS);
    given.done()?;
    let limit = usize::try_from(limit.min(MOST_MESSAGES)).unwrap_or_default();
    let most = usize::try_from(most.min(MOST_CHARACTERS)).unwrap_or_default();
    let mut previews = Vec::new();
    for text in keys.into_iter().take(MOST_PREVIEWS) {
        let key = keys::read(rpc, &text, None).ok();
        let found = match &key {
            Some(key) => find(rpc, key).await?,
            None => None,
        };
        previews.push(match found {
            Some(glance) => previewed(rpc, &text, &glance, (limit, most)).await?,
            None => json!({ "key": text, "status": "missing", "items": [] }),
        });
    }
    Ok(json!({ "ts": now_ms(), "previews": previews }))
}

async fn previewed(
    rpc: &Rpc,
    asked: &str,
    glance: &Glance,
    (limit, most): (usize, usize),
) -> Result<Value, RpcError> {
    let chat = chat(rpc, glance).await?;
    let skip = chat.len().saturating_sub(limit);
    let item = |message: &openclaw_core::events::ChatMessage| {
        let role = match message.speaker {
            Speaker::Peer => "user",
            Speaker::Agent => "assistant",
        };
        let text = shortened(&message.content, most)?;
        Some(json!({ "role": role, "text": text }))
    };
    let items: Vec<Value> = chat.iter().skip(skip).filter_map(item).collect();
    let status = if items.is_empty() { "empty" } else { "ok" };
    Ok(json!({ "key": asked, "status": status, "items": items }))
}

/// `sessions.resolve`: the whole key of a session that is named in short.
pub(crate) async fn resolve(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    let key = given.text("key");
    let id = given.text("sessionId");
    let label = given.text("label");
    let agent = given.text("agentId");
    let spawned = given.text("spawnedBy");
    let missing = given.flag("allowMissing").unwrap_or_default();
    given.flag("includeGlobal");
    given.flag("includeUnknown");
    given.not_followed(&["shortId", "slugHint"]);
    given.done()?;
    let named = [&key, &id, &label].into_iter().flatten().next().cloned();
    let Some(named) = named else {
        let message = "Either key, sessionId, label, shortId, or reference is required";
        return Err(RpcError::new(Kind::Invalid, message).with_field("key"));
    };
    let found = match (key, id) {
        (Some(key), _) => {
            let key = keys::read(rpc, &key, agent.as_deref())?;
            find(rpc, &key).await?
        }
        (None, Some(id)) => by_id(rpc, &id).await?,
        // No session has a label here.
        (None, None) => None,
    };
    let is_agents = |key: &SessionKey| agent.as_deref().is_none_or(|id| key.agent().as_str() == id);
    let found = found.filter(|found| spawned.is_none() && is_agents(&found.key));
    match found {
        Some(found) => {
            let mut answer = json!({
                "ok": true,
                "key": found.key,
                "agentId": found.key.agent(),
            });
            let name = keys::display_name(&found.key);
            if let (Some(name), Some(answer)) = (name, answer.as_object_mut()) {
                answer.insert("displayName".to_owned(), name.into());
            }
            Ok(answer)
        }
        None if missing => Ok(json!({ "ok": false })),
        None => Err(keys::unknown(named)),
    }
}
