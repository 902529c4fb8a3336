//! Taking in what is recorded.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::watched::{self, OpenWatch};
use super::written;
use crate::approvals::{Answer, ApprovalId, Decision};
use crate::events::audit::AuditEntry;
use crate::events::change::Change;
use crate::events::error::StoreError;
use crate::events::rows::{COLUMNS, Stored, sql_integer, unsigned};
use crate::events::{SessionEvent, SessionEventKind};
use crate::ids::AgentId;
use crate::session_key::SessionKey;

/// How many requests of one session wait at the same time: as many as one step has calls.
const MOST_OF_SESSION: u32 = 32;

/// How many requests of one agent wait at the same time.
const MOST_OF_AGENT: u32 = 128;

/// Where an event was recorded, and when.
#[derive(Clone, Copy, Debug)]
pub(in crate::events) struct Place {
    pub(in crate::events) session_id: i64,
    pub(in crate::events) seq: u64,
    pub(in crate::events) time: Timestamp,
}

/// A request as the table has it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) session_id: i64,
    pub(super) requested: u64,
    pub(super) decided: Option<u64>,
    pub(super) expires_ms: i64,
}

impl Row {
    pub(super) fn find(
        connection: &Connection,
        approval: &ApprovalId,
    ) -> Result<Option<Self>, StoreError> {
        connection
            .prepare_cached(
                "SELECT session_id, requested, decided, expires_ms FROM approvals WHERE id = ?1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([&approval.0], |row| {
                        let decided: Option<i64> = row.get(2)?;
                        Ok(Self {
                            session_id: row.get(0)?,
                            requested: row.get(1).map(unsigned)?,
                            decided: decided.map(unsigned),
                            expires_ms: row.get(3)?,
                        })
                    })
                    .optional()
            })
            .map_err(StoreError::read)
    }

    /// Refuses when the request is closed, or, for an answer, when it is too late for one.
    pub(super) fn admit(
        &self,
        connection: &Connection,
        approval: &ApprovalId,
        answers: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        if let Some(seq) = self.decided {
            let first = decision_at(connection, self.session_id, seq)?;
            return Err(StoreError::AlreadyDecided {
                approval: approval.clone(),
                allowed: first.as_ref().is_some_and(|first| first.allowed),
                by: first.map(|first| first.by).unwrap_or_default(),
            });
        }
        if answers.is_some_and(|now| now.as_millisecond() >= self.expires_ms) {
            return Err(StoreError::ApprovalExpired(approval.clone()));
        }
        Ok(())
    }
}

/// Takes in an event that was just recorded here; refuses a second decision, and one about
/// nothing that was asked.
pub(in crate::events) fn note(
    connection: &Connection,
    place: Place,
    kind: &SessionEventKind,
) -> Result<(), StoreError> {
    let SessionEventKind::StateChanged { key, value } = kind else {
        return Ok(());
    };
    // Most changes are of other things, and need not be read.
    if !key.starts_with("approval.") && !key.starts_with("file.") {
        return Ok(());
    }
    match Change::read(key, value) {
        Some(Change::ApprovalRequested {
            approval,
            expires,
            shape,
            ..
        }) => {
            admit(connection, place, &shape.agent)?;
            request(connection, place, &approval, expires)
        }
        Some(Change::ApprovalDecided {
            approval: Some(approval),
            allowed,
            answer,
            by,
            ..
        }) => {
            let decision = Decision {
                allowed,
                answer,
                by,
                decided: place.time,
            };
            decide(connection, place, &approval, &decision)
        }
        Some(Change::FileWritten {
            workspace,
            path,
            marks,
        }) => written::add(connection, &workspace, &path, &marks),
        Some(Change::FileCleared { workspace, path }) => {
            written::clear(connection, &workspace, &path)
        }
        Some(Change::FilesWatched {
            watch,
            workspace,
            since,
            owner,
            marks,
        }) => watched::open(
            connection,
            place,
            &OpenWatch {
                id: watch,
                workspace: workspace.into(),
                since,
                marks,
            },
            &owner,
        ),
        Some(Change::FilesSettled { watch }) => watched::settle(connection, &watch),
        _ => Ok(()),
    }
}

/// Refuses one more request where so many wait that nobody could keep track of them; those of one
/// session do not take the room of others.
fn admit(connection: &Connection, place: Place, agent: &AgentId) -> Result<(), StoreError> {
    let agents = format!("agent:{agent}:");
    let counts = connection
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE a.session_id = ?1),
                    count(*) FILTER (WHERE substr(s.key, 1, length(?2)) = ?2)
             FROM approvals a JOIN sessions s ON s.id = a.session_id
             WHERE a.decided IS NULL AND a.expires_ms > ?3",
        )
        .and_then(|mut statement| {
            let params = params![place.session_id, agents, place.time.as_millisecond()];
            statement.query_row(params, |row| Ok((row.get(0)?, row.get(1)?)))
        });
    let (of_session, of_agent): (u32, u32) = counts.map_err(StoreError::read)?;
    for (waiting, most, place) in [
        (of_session, MOST_OF_SESSION, "session"),
        (of_agent, MOST_OF_AGENT, "agent's sessions"),
    ] {
        if waiting >= most {
            return Err(StoreError::TooManyAsked { most, place });
        }
    }
    Ok(())
}

fn request(
    connection: &Connection,
    place: Place,
    approval: &ApprovalId,
    expires: Timestamp,
) -> Result<(), StoreError> {
    let added = connection
        .prepare_cached(
            "INSERT INTO approvals (id, session_id, requested, expires_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO NOTHING",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                approval.0,
                place.session_id,
                sql_integer(place.seq),
                expires.as_millisecond(),
            ])
        })
        .map_err(StoreError::write)?;
    if added == 0 {
        return Err(StoreError::AlreadyAsked(approval.clone()));
    }
    Ok(())
}

fn decide(
    connection: &Connection,
    place: Place,
    approval: &ApprovalId,
    decision: &Decision,
) -> Result<(), StoreError> {
    // A branch has the requests of its ancestor in view, but they are not its own.
    let row = Row::find(connection, approval)?
        .filter(|row| row.session_id == place.session_id)
        .ok_or_else(|| StoreError::NoApproval(approval.clone()))?;
    let answers = decision.allowed || decision.answer.is_some();
    row.admit(connection, approval, answers.then_some(place.time))?;
    connection
        .prepare_cached("UPDATE approvals SET decided = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![approval.0, sql_integer(place.seq)]))
        .map_err(StoreError::write)?;
    if decision.allowed && decision.answer == Some(Answer::AllowAlways) {
        grant(connection, &row, decision)?;
    }
    Ok(())
}

/// Lets run from now on what was asked for.
fn grant(connection: &Connection, row: &Row, decision: &Decision) -> Result<(), StoreError> {
    let Some(Change::ApprovalRequested { shape, digest, .. }) =
        change_at(connection, row.session_id, row.requested)?
    else {
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO grants (digest, shape, by, since_ms) VALUES (?1, ?2, ?3, ?4)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                digest,
                // It was read from JSON a moment ago.
                serde_json::to_string(&shape).unwrap_or_default(),
                decision.by,
                decision.decided.as_millisecond(),
            ])
        })
        .map(drop)
        .map_err(StoreError::write)
}

/// Returns an event of a session's own row.
pub(super) fn event_at(
    connection: &Connection,
    session_id: i64,
    seq: u64,
) -> Result<Option<Stored>, StoreError> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM events e WHERE e.session_id = ?1 AND e.seq = ?2"
        ))
        .and_then(|mut statement| {
            statement
                .query_row(params![session_id, sql_integer(seq)], Stored::of)
                .optional()
        })
        .map_err(StoreError::read)
}

fn change_at(
    connection: &Connection,
    session_id: i64,
    seq: u64,
) -> Result<Option<Change>, StoreError> {
    let stored = event_at(connection, session_id, seq)?;
    Ok(stored.and_then(|stored| serde_json::from_str(&stored.record.data).ok()))
}

/// Returns the decision that an event holds.
pub(super) fn decision_at(
    connection: &Connection,
    session_id: i64,
    seq: u64,
) -> Result<Option<Decision>, StoreError> {
    let Some(stored) = event_at(connection, session_id, seq)? else {
        return Ok(None);
    };
    let decided = crate::events::rows::timestamp(stored.record.time_ms);
    Ok(match serde_json::from_str(&stored.record.data) {
        Ok(Change::ApprovalDecided {
            allowed,
            answer,
            by,
            ..
        }) => Some(Decision {
            allowed,
            answer,
            by,
            decided,
        }),
        _ => None,
    })
}

/// Returns what the audit stream notes of an event about approvals.
pub(in crate::events) fn entry(event: &SessionEvent) -> Option<AuditEntry> {
    if event.raw.is_some() {
        return None;
    }
    let (session, seq): (SessionKey, u64) = (event.session.clone(), event.seq);
    match Change::of(event)? {
        Change::ApprovalRequested {
            approval,
            call_id,
            shape,
            digest,
            ..
        } => Some(AuditEntry::ApprovalRequested {
            session,
            seq,
            approval,
            call_id,
            tool: shape.tool,
            digest,
        }),
        Change::ApprovalDecided {
            approval: Some(approval),
            call_id,
            allowed,
            answer,
            by,
        } => Some(AuditEntry::ApprovalDecided {
            session,
            seq,
            approval,
            call_id,
            allowed,
            answer,
            by,
        }),
        _ => None,
    }
}
