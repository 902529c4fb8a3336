//! The keys of sessions: OpenClaw's as they are where that goes, and made ones for the rest.
//!
//! ```text
//! agent:<agent>:<key>                       a key without an agent, such as `main` or `cron:1`
//! <key>:window:<sessionId>                  what a key stood for before its current session
//! <key>:openclaw:<sessionId>                what OpenClaw has under a key that went on here as well
//! agent:<agent>:recovered:<sessionId>      a transcript that no key names
//!   …:reset:<time>, …:bak:<time>            kept when the session began anew, or was summed up
//!   …:checkpoint:<id>                       a copy from before a summary
//! ```
//!
//! White space, control characters and `%` become `%XX` in a key that has any of the first two.

use openclaw_core::AgentId;
use openclaw_core::session_key::{MAX_SESSION_KEY, SessionKey, check_agent};
use sha2::{Digest as _, Sha256};

use crate::sqlite::hex;

/// Returns the key that a key of OpenClaw's has here.
pub(crate) fn canonical(agent: &AgentId, original: &str) -> SessionKey {
    if let Ok(key) = SessionKey::parse(original)
        && !key.is_system()
    {
        return key;
    }
    let rest = match original
        .strip_prefix("agent:")
        .and_then(|rest| rest.split_once(':'))
    {
        // The agent's id is wrong; whose home this was found in is not.
        Some((_, rest)) if !rest.is_empty() => rest,
        _ => original,
    };
    let named = original
        .strip_prefix("agent:")
        .and_then(|rest| rest.split_once(':'))
        .map(|(agent, _)| AgentId::from(agent))
        .filter(is_agent);
    made(named.as_ref().unwrap_or(agent), rest)
}

/// Returns the key of a transcript that was found beside the key's current one.
pub(crate) fn beside(key: &SessionKey, relation: &str, session_id: &str) -> SessionKey {
    let rest = format!("{}:{relation}:{session_id}", rest(key));
    made(&key.agent(), &rest)
}

/// Returns the key of a transcript that no key names.
pub(crate) fn unnamed(agent: &AgentId, session_id: &str, form: Option<(&str, &str)>) -> SessionKey {
    let mut rest = format!("recovered:{session_id}");
    if let Some((form, mark)) = form {
        rest = format!("{rest}:{form}:{mark}");
    }
    made(agent, &rest)
}

/// Tells whether a key says that it is of another agent.
pub(crate) fn is_of_another(agent: &AgentId, original: &str) -> bool {
    original
        .strip_prefix("agent:")
        .and_then(|rest| rest.split_once(':'))
        .map(|(named, _)| AgentId::from(named))
        .filter(is_agent)
        .is_some_and(|named| !named.as_str().eq_ignore_ascii_case(agent.as_str()))
}

/// Tells whether an id can be part of a key, and is none of the log's own.
pub(crate) fn is_agent(agent: &AgentId) -> bool {
    check_agent(agent.as_str()).is_ok() && !agent.as_str().starts_with('_')
}

fn rest(key: &SessionKey) -> &str {
    let agent = key.agent();
    key.as_str()
        .strip_prefix("agent:")
        .and_then(|text| text.strip_prefix(agent.as_str()))
        .and_then(|text| text.strip_prefix(':'))
        .unwrap_or_default()
}

/// Makes a key of an agent's id that was checked, and of anything.
fn made(agent: &AgentId, rest: &str) -> SessionKey {
    let head = format!("agent:{agent}:");
    let mut text = if rest.is_empty() {
        "empty".to_owned()
    } else {
        escaped(rest)
    };
    let room = MAX_SESSION_KEY.saturating_sub(head.len());
    if text.len() > room {
        // The digest keeps two long keys apart whose beginnings are the same.
        let digest = hex(&Sha256::digest(rest.as_bytes()));
        let keep = room.saturating_sub(digest.len()).saturating_sub(1);
        let end = (0..=keep)
            .rev()
            .find(|end| text.is_char_boundary(*end))
            .unwrap_or_default();
        text.truncate(end);
        text.push(':');
        text.push_str(&digest);
    }
    SessionKey::parse(&format!("{head}{text}")).unwrap_or_else(|_impossible| {
        // Every agent's id that comes here was checked, and the text has no forbidden character.
        SessionKey::audit()
    })
}

fn escaped(text: &str) -> String {
    let forbidden = |c: char| c.is_whitespace() || c.is_control();
    if !text.contains(forbidden) {
        return text.to_owned();
    }
    text.chars().fold(String::new(), |mut escaped, c| {
        if forbidden(c) || c == '%' {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                escaped.push('%');
                escaped.push_str(&hex(&[byte]).to_uppercase());
            }
        } else {
            escaped.push(c);
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn main() -> AgentId {
        AgentId::from("main")
    }

    #[test]
    fn keys_that_are_keys_stay_byte_for_byte() {
        for key in ["agent:main:main", "agent:Work:telegram:group:-1:topic:7"] {
            assert_eq!(canonical(&main(), key).as_str(), key);
        }
    }

    #[test]
    fn other_keys_are_written_so_that_they_are_keys() {
        let of = |key: &str| canonical(&main(), key).to_string();
        assert_eq!(of("main"), "agent:main:main");
        assert_eq!(of("cron:daily"), "agent:main:cron:daily");
        assert_eq!(of("agent:main:a b%\n"), "agent:main:a%20b%25%0A");
        assert_eq!(of("agent:b a d:x"), "agent:main:x");
        assert_eq!(of("agent:_system:audit"), "agent:main:audit");
        assert_eq!(of(""), "agent:main:empty");
        assert_eq!(of("agent:"), "agent:main:agent:");
    }

    #[test]
    fn a_key_that_is_too_long_is_cut_and_stays_itself() {
        let long = |end: &str| canonical(&main(), &format!("{}{end}", "ü".repeat(2000)));
        assert_ne!(long("a"), long("b"));
        assert!(long("a").as_str().len() <= MAX_SESSION_KEY);
    }

    #[test]
    fn what_lies_beside_a_key_says_so() {
        let key = SessionKey::parse("agent:main:telegram:direct:7").unwrap();
        assert_eq!(
            beside(&key, "window", "s1").as_str(),
            "agent:main:telegram:direct:7:window:s1"
        );
        assert_eq!(
            unnamed(&main(), "s1", Some(("reset", "2026-02-09T10-00-00.000Z"))).as_str(),
            "agent:main:recovered:s1:reset:2026-02-09T10-00-00.000Z"
        );
    }

    proptest! {
        #[test]
        fn whatever_the_key_there_is_a_key_here(original in ".{0,80}") {
            let key = canonical(&main(), &original);
            prop_assert!(!key.is_system());
        }
    }
}
