//! Between rows of the database and the types of the event log.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::error::StoreError;
use super::store::SessionSummary;
use super::{Payload, Position, RawJson, SessionEvent, SessionEventKind};
use crate::ids::{CallId, RunId};
use crate::session_key::SessionKey;

/// The start of every query for [`SessionSummary`] rows.
pub(super) const SUMMARY: &str = "SELECT key, head, started_ms, updated_ms, ended FROM sessions";

pub(super) fn summary(row: &Row<'_>) -> rusqlite::Result<SessionSummary> {
    Ok(SessionSummary {
        key: column_text(row, 0, SessionKey::parse)?,
        head: unsigned(row.get(1)?),
        started: timestamp(row.get(2)?),
        updated: timestamp(row.get(3)?),
        ended: row.get(4)?,
    })
}

/// Returns the events that a clause over `events e JOIN sessions s` selects.
pub(super) fn select_events(
    connection: &Connection,
    clause: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<SessionEvent>, StoreError> {
    let sql = format!(
        "SELECT e.position, s.key, e.seq, e.time_ms, e.cause, e.run_id, e.step, e.call_id,
                e.kind, e.data, e.payload, e.raw
         FROM events e JOIN sessions s ON s.id = e.session_id {clause}"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(StoreError::read)?;
    let mut rows = statement.query(parameters).map_err(StoreError::read)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next().map_err(StoreError::read)? {
        events.push(event(row)?);
    }
    Ok(events)
}

fn event(row: &Row<'_>) -> Result<SessionEvent, StoreError> {
    let session = column_text(row, 1, SessionKey::parse).map_err(StoreError::read)?;
    let seq = unsigned(row.get(2).map_err(StoreError::read)?);
    let stored = stored(row).map_err(StoreError::read)?;
    let damaged = |source| StoreError::Damaged {
        session: session.clone(),
        seq,
        source: Arc::new(source),
    };
    let kind: SessionEventKind = serde_json::from_str(&format!(
        r#"{{"kind":"{}","data":{}}}"#,
        stored.kind, stored.data
    ))
    .map_err(damaged)?;
    let payload: Option<Payload> = stored
        .payload
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(damaged)?;
    let raw = stored.raw.map(RawJson::new).transpose().map_err(damaged)?;
    Ok(SessionEvent {
        session,
        seq,
        position: stored.position,
        time: stored.time,
        cause: stored.cause,
        run_id: stored.run_id,
        step: stored.step,
        call_id: stored.call_id,
        kind,
        payload,
        raw,
    })
}

/// The columns of an event before their texts are parsed.
struct Stored {
    position: Position,
    time: Timestamp,
    cause: Option<u64>,
    run_id: Option<RunId>,
    step: Option<u32>,
    call_id: Option<CallId>,
    kind: String,
    data: String,
    payload: Option<String>,
    raw: Option<String>,
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        position: unsigned(row.get(0)?),
        time: timestamp(row.get(3)?),
        cause: row.get::<_, Option<i64>>(4)?.map(unsigned),
        run_id: row.get::<_, Option<String>>(5)?.map(RunId),
        step: row.get(6)?,
        call_id: row.get::<_, Option<String>>(7)?.map(CallId),
        kind: row.get(8)?,
        data: row.get(9)?,
        payload: row.get(10)?,
        raw: row.get(11)?,
    })
}

pub(super) fn session_id(connection: &Connection, key: &SessionKey) -> Result<i64, StoreError> {
    connection
        .prepare_cached("SELECT id FROM sessions WHERE key = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([key.as_str()], |row| row.get(0))
                .optional()
        })
        .map_err(StoreError::read)?
        .ok_or_else(|| StoreError::NoSession(key.clone()))
}

pub(super) fn last_position(connection: &Connection) -> Result<Position, StoreError> {
    connection
        .query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| {
            row.get(0)
        })
        .map(unsigned)
        .map_err(StoreError::read)
}

/// Sequence numbers and positions come from SQLite, which counts in signed integers from 1.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

pub(super) fn sql_integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn timestamp(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn column_text<T, E: std::error::Error + Send + Sync + 'static>(
    row: &Row<'_>,
    index: usize,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    parse(&text).map_err(|err| {
        rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(err))
    })
}
