//! The sessions that there are, in the log and in OpenClaw's own files.

use jiff::Timestamp;
use openclaw_core::SessionKey;
use openclaw_core::events::SessionSummary;
use openclaw_ipc::RpcError;

use super::keys;
use crate::rpc::{Rpc, store_error};
use crate::takeover::Waiting;

/// How many sessions are looked at; those that were changed last.
const MOST: u32 = 10_000;

/// Where a session lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the log, with the number of its last event.
    Log(u64),
    /// In a file of OpenClaw's, from which the first message takes it.
    File,
}

/// What is known of a session without looking into it.
#[derive(Clone, Debug)]
pub(crate) struct Glance {
    /// The session.
    pub(crate) key: SessionKey,
    /// Its id.
    pub(crate) id: String,
    /// When it started.
    pub(crate) started: Timestamp,
    /// When it was last changed.
    pub(crate) updated: Timestamp,
    /// Whether it has ended, so that nothing can be said in it.
    pub(crate) ended: bool,
    /// The session that it branches off.
    pub(crate) parent: Option<SessionKey>,
    /// Where it lies.
    pub(crate) place: Place,
}

impl From<SessionSummary> for Glance {
    fn from(session: SessionSummary) -> Self {
        Self {
            id: keys::session_id(&session.key, session.started),
            key: session.key,
            started: session.started,
            updated: session.updated,
            ended: session.ended,
            parent: session.parent.map(|(parent, _)| parent),
            place: Place::Log(session.head),
        }
    }
}

impl From<Waiting> for Glance {
    fn from(waiting: Waiting) -> Self {
        Self {
            key: waiting.key,
            id: waiting.session_id,
            started: waiting.started,
            updated: waiting.updated,
            ended: false,
            parent: None,
            place: Place::File,
        }
    }
}

/// Returns the sessions, the one that was changed last first.
pub(crate) async fn glances(rpc: &Rpc) -> Result<Vec<Glance>, RpcError> {
    let recorded = rpc.store.sessions(0, MOST).await;
    let waiting = rpc.takeover.waiting(Some(&rpc.store)).await;
    let recorded = recorded.map_err(|err| store_error(&err))?;
    let waiting = waiting.map_err(|err| store_error(&err))?;
    let recorded = recorded.into_iter().map(Glance::from);
    let mut all: Vec<Glance> = recorded
        .chain(waiting.into_iter().map(Glance::from))
        .collect();
    // Sorting keeps the order of those that were changed at the same moment.
    all.sort_by_key(|glance| std::cmp::Reverse(glance.updated));
    Ok(all)
}

/// Returns one session, if it exists.
pub(crate) async fn find(rpc: &Rpc, key: &SessionKey) -> Result<Option<Glance>, RpcError> {
    if let Some(session) = keys::summary(rpc, key).await? {
        return Ok(Some(session.into()));
    }
    let waiting = rpc.takeover.waiting(Some(&rpc.store)).await;
    let waiting = waiting.map_err(|err| store_error(&err))?;
    let found = waiting.into_iter().find(|waiting| waiting.key == *key);
    Ok(found.map(Glance::from))
}
