//! The names of sessions, as OpenClaw's clients write them.

use jiff::Timestamp;
use openclaw_core::events::SessionSummary;
use openclaw_core::session_key::Scope;
use openclaw_core::{Kind, SessionKey};
use openclaw_ipc::RpcError;
use sha2::{Digest as _, Sha256};
use uuid::Builder;

use crate::openclaw::methods::agents;
use crate::rpc::{Rpc, store_error};

/// What a whole key begins with; everything else is the end of one.
const WHOLE: &str = "agent:";

/// Reads the name of a session: a whole key, or what a key has after its agent. `agent` is whose
/// session that is; the default agent's unless given.
pub(crate) fn read(rpc: &Rpc, text: &str, agent: Option<&str>) -> Result<SessionKey, RpcError> {
    let text = text.trim();
    let key = if text.starts_with(WHOLE) {
        SessionKey::parse(text)
    } else {
        let agent = agents::find(rpc, agent)?;
        SessionKey::parse(&format!("{WHOLE}{}:{text}", agent.id))
    };
    let invalid = |message: String| RpcError::new(Kind::Invalid, message).with_field("key");
    let key = key.map_err(|err| invalid(err.to_string()))?;
    if key.is_system() {
        return Err(unknown(&key));
    }
    match agent {
        Some(agent) if key.agent().as_str() != agent => {
            let message = format!("session key \"{key}\" does not belong to agent \"{agent}\"");
            Err(RpcError::new(Kind::Invalid, message).with_field("agentId"))
        }
        _ => Ok(key),
    }
}

/// Returns what the log knows of a session.
pub(crate) async fn summary(
    rpc: &Rpc,
    key: &SessionKey,
) -> Result<Option<SessionSummary>, RpcError> {
    rpc.store
        .session(key)
        .await
        .map_err(|err| store_error(&err))
}

/// Returns the id of a session, which is another one when the session was deleted and begun anew:
/// a UUID (version 8) made of its key and of when it began.
pub(crate) fn session_id(key: &SessionKey, started: Timestamp) -> String {
    if let Scope::Other(rest) = key.scope()
        && let Some(id) = rest.strip_prefix("explicit:")
    {
        return id.to_owned();
    }
    let digest = Sha256::new()
        .chain_update(key.as_str())
        .chain_update([0])
        .chain_update(started.as_millisecond().to_be_bytes())
        .finalize();
    let mut bytes = [0; 16];
    for (byte, of_digest) in bytes.iter_mut().zip(digest) {
        *byte = of_digest;
    }
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// Returns what a key says after its agent.
pub(crate) fn rest(key: &SessionKey) -> &str {
    let after = key.as_str().strip_prefix(WHOLE);
    let rest = after.and_then(|after| after.split_once(':'));
    rest.map_or(key.as_str(), |(_, rest)| rest)
}

/// Returns the name that a session goes by, if its key is more than a name that somebody made up.
pub(crate) fn display_name(key: &SessionKey) -> Option<String> {
    match key.scope() {
        Scope::Main | Scope::Direct { .. } | Scope::Group { .. } => Some(rest(key).to_owned()),
        Scope::Other(_) => None,
    }
}

/// Says that there is no such session, as OpenClaw says it.
pub(crate) fn unknown(what: impl std::fmt::Display) -> RpcError {
    RpcError::new(Kind::NotFound, format!("No session found: {what}")).with_field("key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_that_of_one_life_of_a_session() {
        let key = SessionKey::parse("agent:main:main").unwrap();
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let id = session_id(&key, at(1_700_000_000_000));
        assert_eq!(id.len(), 36);
        assert_eq!(id, session_id(&key, at(1_700_000_000_000)));
        assert_ne!(id, session_id(&key, at(1_700_000_000_001)));
        let other = SessionKey::parse("agent:main:explicit:1-2").unwrap();
        assert_eq!(session_id(&other, at(0)), "1-2");
    }

    #[test]
    fn what_is_after_the_agent_is_the_rest() {
        let key = SessionKey::parse("agent:main:telegram:direct:1").unwrap();
        assert_eq!(rest(&key), "telegram:direct:1");
    }
}
