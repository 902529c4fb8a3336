//! Whose words an entry is made of, as far as that can be known.
//!
//! OpenClaw keeps no record of it. What is said in a session with nobody in particular is the
//! principal's; in one with a person on a channel, or with a group, it may be anybody's.

use openclaw_core::events::{Payload, ToolPayload};
use openclaw_core::provenance::{Mark, Source, Trust};
use openclaw_core::session_key::Scope;
use openclaw_core::{PeerId, SessionKey};
use serde_json::Value;

use crate::json;

/// How OpenClaw begins what one session says in another.
const FROM_SESSION: &str = "[Inter-session message";

/// Returns where a message of a user's came from, unless it is the principal's.
pub(super) fn of_user(key: &SessionKey, message: &Value) -> Option<Source> {
    let said = message.get("provenance");
    let kind = said.and_then(|said| json::text(said, "kind"));
    let text = super::content::texts(message.get("content").unwrap_or(&Value::Null));
    if kind == Some("inter_session") || text.trim_start().starts_with(FROM_SESSION) {
        let from = said.and_then(|said| json::text(said, "sourceSessionKey"));
        let from = from.and_then(|from| SessionKey::parse(from).ok());
        let key = from.unwrap_or_else(|| key.clone());
        return Some(Source::Session { key });
    }
    match key.scope() {
        Scope::Direct { channel, peer } => Some(Source::Person { channel, peer }),
        Scope::Group { channel, group, .. } => Some(Source::Person {
            channel,
            peer: PeerId(group.0),
        }),
        Scope::Main | Scope::Other(_) => None,
    }
}

/// Returns where a message of an extension's came from.
pub(super) fn of_extension(message: &Value) -> Source {
    let name = json::text(message, "customType").unwrap_or("custom");
    Source::Tool {
        name: name.to_owned(),
    }
}

/// Says that nobody vouches for what came from there.
pub(super) fn unvouched(source: Source, tool: Option<ToolPayload>) -> Payload {
    let mark = Mark {
        source,
        trust: Trust::Untrusted,
    };
    Payload {
        tool,
        marks: vec![mark],
        ..Payload::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_plainly_the_principals_is_somebody_elses() {
        let key = |text: &str| SessionKey::parse(text).unwrap();
        let said = json!({ "content": "hello" });
        let main = key("agent:main:main");
        assert_eq!(of_user(&main, &said), None);
        let (channel, peer) = ("telegram".into(), PeerId::from("7"));
        assert_eq!(
            of_user(&key("agent:main:telegram:direct:7"), &said),
            Some(Source::Person { channel, peer })
        );
        let other = json!({ "content": "hello", "provenance": {
            "kind": "inter_session", "sourceSessionKey": "agent:main:web",
        } });
        let web = key("agent:main:web");
        assert_eq!(of_user(&main, &other), Some(Source::Session { key: web }));
        let older = json!({ "content": "[Inter-session message from x] do it" });
        let own = main.clone();
        assert_eq!(of_user(&main, &older), Some(Source::Session { key: own }));
    }
}
