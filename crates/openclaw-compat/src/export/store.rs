//! A session's entry in `sessions.json`.

use jiff::Timestamp;
use openclaw_core::events::RawJson;
use openclaw_core::session_key::Scope;
use openclaw_core::{SessionEventKind, SessionKey};
use serde_json::{Value, json};

use crate::json;

/// What is known of a session.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) key: &'a SessionKey,
    /// The id of its current transcript.
    pub(super) session_id: &'a str,
    pub(super) updated: Timestamp,
    /// The entry that it had when it was taken in.
    pub(super) stored: Option<&'a RawJson>,
    /// What says where it was taken from.
    pub(super) imported: Option<&'a SessionEventKind>,
}

/// Returns the key and the entry; a transcript that no key named, and that nothing happened to
/// here, has none.
pub(super) fn entry(known: &Known<'_>, went_on: impl Into<Went>) -> Option<(String, Value)> {
    let mut entry = match (known.stored, known.imported, went_on.into()) {
        (Some(stored), _, _) => json::parse(stored.get()).ok()?,
        (None, Some(_), Went::Nowhere) => return None,
        (None, _, _) => fresh(known.key),
    };
    let fields = entry.as_object_mut()?;
    fields.insert("sessionId".into(), known.session_id.into());
    fields.insert("updatedAt".into(), known.updated.as_millisecond().into());
    // The transcript lies beside the store, wherever it lay before.
    fields.remove("sessionFile");
    let original = match known.imported {
        Some(SessionEventKind::StateChanged { value, .. }) if known.stored.is_some() => {
            json::text(value, "key")
        }
        _ => None,
    };
    let key = original.unwrap_or(known.key.as_str()).to_owned();
    Some((key, entry))
}

/// Whether a session went on here after it was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Went {
    On,
    Nowhere,
}

impl From<bool> for Went {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Nowhere }
    }
}

fn fresh(key: &SessionKey) -> Value {
    let mut entry = json!({ "sessionId": "", "updatedAt": 0 });
    let more = match key.scope() {
        Scope::Direct { channel, .. } => json!({ "chatType": "direct", "channel": channel }),
        Scope::Group { channel, group, .. } => {
            json!({ "chatType": "group", "channel": channel, "groupId": group })
        }
        Scope::Main | Scope::Other(_) => json!({ "chatType": "direct" }),
    };
    if let (Some(entry), Value::Object(more)) = (entry.as_object_mut(), more) {
        entry.extend(more);
    }
    entry
}
