//! Finding the log and a session in it.

use std::sync::Arc;

use openclaw_core::events::SessionSummary;
use openclaw_core::session_key::Scope;
use openclaw_core::state_dir::StateDir;
use openclaw_core::{Clock, EventStore, SessionEvent, SessionKey};
use openclaw_gateway::takeover::{Takeover, Waiting};
use serde::Serialize;

use super::SessionsError;
use crate::error::CliError;

/// How alike two keys are that may be meant for each other, from 0 to 1.
const ALIKE: f64 = 0.8;

/// How many sessions are searched for a key that is like the one asked for.
const SEARCHED: u32 = 1000;

/// The session that another one branches off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parent {
    /// Its key.
    pub(super) session_key: SessionKey,
    /// The last event that both have.
    pub(super) at: u64,
}

impl Parent {
    /// Returns the session that this one branches off, if it does.
    pub(super) fn of(session: &SessionSummary) -> Option<Self> {
        session.parent.clone().map(Self::from)
    }
}

impl From<(SessionKey, u64)> for Parent {
    fn from((session_key, at): (SessionKey, u64)) -> Self {
        Self { session_key, at }
    }
}

/// Opens the event log if there is one; a command that only looks does not make it.
pub(crate) fn existing_log(state: &StateDir) -> Result<Option<EventStore>, CliError> {
    let log = state.event_log();
    Ok(if log.exists() {
        Some(EventStore::open(&log)?)
    } else {
        None
    })
}

/// Returns the session of that key, or names the one that is most like it.
pub(super) async fn find(
    state: &StateDir,
    key: &str,
) -> Result<(EventStore, SessionSummary), CliError> {
    match look(state, key).await? {
        Known::Recorded(store, session) => Ok((*store, session)),
        Known::Waiting(waiting, _) => Err(SessionsError::Waiting {
            key: waiting.key,
            form: waiting.source,
        }
        .into()),
    }
}

/// Where a session is known from.
#[derive(Debug)]
pub(super) enum Known {
    /// It is in the log.
    Recorded(Box<EventStore>, SessionSummary),
    /// It lies in a file of OpenClaw's; these are the events that it would have in the log.
    Waiting(Waiting, Arc<Vec<SessionEvent>>),
}

/// Returns the session of that key from the log, or from the files that are not in it yet.
pub(super) async fn look(state: &StateDir, key: &str) -> Result<Known, CliError> {
    let key = SessionKey::parse(key)?;
    let store = existing_log(state)?;
    let missing = match &store {
        Some(store) => match find_in(store, key.clone()).await {
            Ok(session) => return Ok(Known::Recorded(Box::new(store.clone()), session)),
            Err(err @ CliError::NoSession { .. }) => err,
            Err(err) => return Err(err),
        },
        None => CliError::NoLog {
            key: key.clone(),
            log: state.event_log(),
        },
    };
    let waiting = Takeover::of(state).read(store.as_ref(), &key).await?;
    match waiting {
        Some((waiting, events)) => Ok(Known::Waiting(waiting, events)),
        None => Err(missing),
    }
}

/// Returns the session of that key in an open log, or names the one that is most like it.
pub(super) async fn find_in(
    store: &EventStore,
    key: SessionKey,
) -> Result<SessionSummary, CliError> {
    if let Some(session) = store.session(&key).await? {
        return Ok(session);
    }
    let known = store
        .sessions(0, SEARCHED)
        .await?
        .into_iter()
        .map(|session| session.key);
    let nearest = nearest(&key, known);
    Err(CliError::NoSession { key, nearest })
}

fn nearest(key: &SessionKey, known: impl IntoIterator<Item = SessionKey>) -> Option<SessionKey> {
    known
        .into_iter()
        .map(|known| {
            (
                strsim::normalized_damerau_levenshtein(key.as_str(), known.as_str()),
                known,
            )
        })
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, key)| key)
}

/// Returns the id that a session's key contains, if it was made with one.
pub(crate) fn session_id(key: &SessionKey) -> Option<String> {
    match key.scope() {
        Scope::Other(rest) => rest.strip_prefix("explicit:").map(str::to_owned),
        Scope::Main | Scope::Direct { .. } | Scope::Group { .. } => None,
    }
}

/// Returns how long before now a moment was, in milliseconds.
pub(super) fn age(clock: &Clock, millisecond: i64) -> i64 {
    clock
        .now()
        .as_millisecond()
        .saturating_sub(millisecond)
        .max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> SessionKey {
        SessionKey::parse(text).unwrap()
    }

    #[test]
    fn suggests_the_key_that_was_probably_meant() {
        let known = || ["agent:main:main", "agent:main:telegram:direct:1"].map(key);
        assert_eq!(
            nearest(&key("agent:main:mian"), known()),
            Some(key("agent:main:main"))
        );
        assert_eq!(nearest(&key("agent:x:y"), known()), None);
    }

    #[test]
    fn an_explicit_session_has_its_id_in_the_key() {
        assert_eq!(
            session_id(&key("agent:main:explicit:1-2")),
            Some("1-2".to_owned())
        );
        assert_eq!(session_id(&key("agent:main:main")), None);
    }
}
