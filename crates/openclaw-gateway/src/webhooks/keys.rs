//! Which session a message goes to.
//!
//! A message has a session of its own unless somebody says otherwise. Whoever sends it may say so
//! only where the config lets them, and only within the prefixes that it names.

use openclaw_config::{KeysBySender, WebhookKeys};
use openclaw_core::redaction::mask;
use openclaw_core::{AgentId, SessionKey};

use super::refusal::Refusal;

/// What keys begin with that nobody chose.
const MADE: &str = "hook:";

/// A session key, and who chose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Whoever sends the message.
    OfSender(String),
    /// The config.
    OfConfig(String),
}

/// Whether a session goes on from one message to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Each message has a new one.
    Nothing,
    /// It does.
    Everything,
}

/// The place of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its session.
    pub(super) session: SessionKey,
    /// The key that it shares with others, though each has a session of its own: they come one
    /// after the other.
    pub(super) line: Option<SessionKey>,
}

impl Key {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::OfSender(text) | Self::OfConfig(text) => text,
        }
    }
}

/// Returns the place of a message; `id` is its own.
pub(super) fn place(
    rules: &WebhookKeys,
    agent: &AgentId,
    key: Option<&Key>,
    keeps: Keeps,
    id: &str,
) -> Result<Place, Refusal> {
    let usual = rules.usual.clone().map(Key::OfConfig);
    let Some(key) = key.or(usual.as_ref()) else {
        let session = session(agent, &format!("{MADE}{id}"))?;
        return Ok(Place {
            session,
            line: None,
        });
    };
    let named = named(rules, agent, key)?;
    match keeps {
        Keeps::Everything => Ok(Place {
            session: named,
            line: None,
        }),
        Keeps::Nothing => {
            let own = SessionKey::parse(&format!("{named}:run:{id}"));
            let own = own.map_err(|err| Refusal::invalid(err.to_string()))?;
            Ok(Place {
                session: own,
                line: Some(named),
            })
        }
    }
}

/// Returns the session of a key that somebody chose, if it may be reached.
pub(super) fn named(
    rules: &WebhookKeys,
    agent: &AgentId,
    key: &Key,
) -> Result<SessionKey, Refusal> {
    if matches!(key, Key::OfSender(_)) && rules.named == KeysBySender::Refused {
        return Err(Refusal::invalid(
            "a request may not name its session: hooks.allowRequestSessionKey is not set",
        ));
    }
    let text = key.text().trim();
    // The key of another agent's session is read as one of the same name of this agent's.
    let whole = SessionKey::parse(text).ok();
    let rest = whole
        .as_ref()
        .and_then(|key| key.as_str().splitn(3, ':').nth(2));
    let session = session(agent, rest.unwrap_or(text))?;
    let admitted = match whole {
        Some(_) => rules.admit(text) && rules.admit(session.as_str()),
        None => rules.admit(text),
    };
    if admitted {
        return Ok(session);
    }
    Err(Refusal::invalid(format!(
        "the session key has to begin with one of: {}",
        rules.prefixes.join(", ")
    )))
}

fn session(agent: &AgentId, rest: &str) -> Result<SessionKey, Refusal> {
    let session = SessionKey::parse(&format!("agent:{agent}:{rest}"));
    let session = session.map_err(|err| Refusal::invalid(err.to_string()))?;
    if session.is_system() || mask(session.as_str()) != session.as_str() {
        return Err(Refusal::invalid("this is no session for webhooks"));
    }
    Ok(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(named: KeysBySender, usual: Option<&str>, prefixes: &[&str]) -> WebhookKeys {
        WebhookKeys {
            usual: usual.map(str::to_owned),
            named,
            prefixes: prefixes.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    fn at(rules: &WebhookKeys, key: Option<&Key>, keeps: Keeps) -> Result<String, String> {
        let found = place(rules, &AgentId::from("main"), key, keeps, "7");
        found
            .map(|place| {
                let line = place
                    .line
                    .map_or_else(String::new, |line| format!(" {line}"));
                format!("{}{line}", place.session)
            })
            .map_err(|refusal| refusal.error)
    }

    fn of_sender(text: &str) -> Key {
        Key::OfSender(text.to_owned())
    }

    #[test]
    fn a_message_has_a_session_of_its_own_unless_somebody_says_otherwise() {
        let free = rules(KeysBySender::Refused, None, &[]);
        let own = Ok("agent:main:hook:7".to_owned());
        assert_eq!(at(&free, None, Keeps::Nothing), own);
        let usual = rules(KeysBySender::Refused, Some("mail"), &[]);
        assert_eq!(
            at(&usual, None, Keeps::Nothing).as_deref(),
            Ok("agent:main:mail:run:7 agent:main:mail")
        );
        let mapped = Key::OfConfig("box".to_owned());
        assert_eq!(
            at(&usual, Some(&mapped), Keeps::Everything).as_deref(),
            Ok("agent:main:box")
        );
    }

    #[test]
    fn whoever_sends_names_a_session_only_where_that_is_allowed() {
        let refused = rules(KeysBySender::Refused, None, &[]);
        assert!(at(&refused, Some(&of_sender("x")), Keeps::Nothing).is_err());
        let allowed = rules(KeysBySender::Allowed, None, &["hook:", "agent:main:hook:"]);
        assert_eq!(
            at(&allowed, Some(&of_sender(" HOOK:a ")), Keeps::Everything).as_deref(),
            Ok("agent:main:HOOK:a")
        );
        assert_eq!(
            at(
                &allowed,
                Some(&of_sender("agent:main:hook:a")),
                Keeps::Everything
            )
            .as_deref(),
            Ok("agent:main:hook:a")
        );
        for key in [
            "main",
            "agent:main:main",
            "agent:other:hook:a",
            "",
            "hook:a b",
        ] {
            assert!(
                at(&allowed, Some(&of_sender(key)), Keeps::Everything).is_err(),
                "{key}"
            );
        }
    }
}
