//! Between rows of the database and the types of the event log.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;

use super::error::StoreError;
use super::hash::{EventHash, Record};
use super::read::SessionSummary;
use super::{NewEvent, Payload, Position, RawJson, SessionEvent, SessionEventKind};
use crate::ids::{CallId, RunId};
use crate::session_key::SessionKey;

/// The most bytes that one event may have, in its data, its payload and its foreign record
/// together: one attachment of the largest size, in base64, with a message around it.
pub const MAX_EVENT_SIZE: usize = 80_000_000;

/// The start of every query for [`SessionSummary`] rows.
pub(super) const SUMMARY: &str =
    "SELECT s.key, s.head, s.started_ms, s.updated_ms, s.ended, p.key, s.parent_seq
     FROM sessions s LEFT JOIN sessions p ON p.id = s.parent";

/// How many columns [`SUMMARY`] selects.
pub(super) const SUMMARY_COLUMNS: usize = 7;

pub(super) fn summary(row: &Row<'_>) -> rusqlite::Result<SessionSummary> {
    let parent = row
        .get::<_, Option<String>>(5)?
        .map(|key| parsed(5, &key, SessionKey::parse))
        .transpose()?;
    Ok(SessionSummary {
        key: column_text(row, 0, SessionKey::parse)?,
        head: unsigned(row.get(1)?),
        started: timestamp(row.get(2)?),
        updated: timestamp(row.get(3)?),
        ended: row.get(4)?,
        parent: parent.map(|key| (key, row.get(6).map(unsigned).unwrap_or_default())),
    })
}

/// The columns of an event, in the order of [`Stored::of`].
pub(super) const COLUMNS: &str = "e.position, e.session_id, e.seq, e.time_ms, e.cause, e.run_id, \
     e.step, e.call_id, e.kind, e.data, e.payload, e.raw, e.hash";

/// How many columns [`COLUMNS`] names.
pub(super) const COLUMN_COUNT: usize = 13;

/// An event as it lies in the database.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) position: Position,
    pub(super) session_id: i64,
    pub(super) record: Record,
    pub(super) hash: EventHash,
}

impl Stored {
    pub(super) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Self::at(row, 0)
    }

    /// Reads the columns from the one with that index on.
    pub(super) fn at(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        let at = |n: usize| first.saturating_add(n);
        Ok(Self {
            position: unsigned(row.get(at(0))?),
            session_id: row.get(at(1))?,
            record: Record {
                seq: row.get(at(2))?,
                time_ms: row.get(at(3))?,
                cause: row.get(at(4))?,
                run_id: row.get(at(5))?,
                step: row.get(at(6))?,
                call_id: row.get(at(7))?,
                kind: row.get(at(8))?,
                data: row.get(at(9))?,
                payload: row.get(at(10))?,
                raw: row.get(at(11))?,
            },
            hash: hash(row, at(12))?,
        })
    }

    /// Reads an event of which somebody may have made something that is no event any more; then
    /// only its place is returned.
    pub(super) fn of_any(row: &Row<'_>) -> rusqlite::Result<Result<Self, Self>> {
        Self::of(row).map(Ok).or_else(|_unreadable| {
            Ok(Err(Self {
                position: unsigned(row.get(0)?),
                session_id: row.get(1)?,
                record: Record {
                    seq: row.get(2)?,
                    ..Record::default()
                },
                hash: hash(row, 12)?,
            }))
        })
    }

    /// Reads what the texts of the event say.
    pub(super) fn decode(self, session: &SessionKey) -> Result<SessionEvent, StoreError> {
        let seq = unsigned(self.record.seq);
        self.record
            .decode(session, self.position, self.hash)
            .map_err(|source| StoreError::Damaged {
                session: session.clone(),
                seq,
                source: Arc::new(source),
            })
    }
}

impl Record {
    /// Writes out an event that is about to be recorded.
    pub(super) fn encode(event: &NewEvent, seq: u64, time: Timestamp) -> Result<Self, StoreError> {
        let unwritable = |err: serde_json::Error| {
            StoreError::write(rusqlite::Error::ToSqlConversionFailure(Box::new(err)))
        };
        let mut tagged = serde_json::to_value(&event.kind).map_err(unwritable)?;
        let data = tagged
            .get_mut("data")
            .map(serde_json::Value::take)
            .unwrap_or_default();
        let payload = event
            .payload
            .as_ref()
            .map(serde_json::to_string)
            .transpose()
            .map_err(unwritable)?;
        Ok(Self {
            seq: sql_integer(seq),
            time_ms: time.as_millisecond(),
            cause: event.cause.map(sql_integer),
            run_id: event.run_id.as_ref().map(|id| id.as_str().to_owned()),
            step: event.step.map(i64::from),
            call_id: event.call_id.as_ref().map(|id| id.as_str().to_owned()),
            kind: event.kind.name().to_owned(),
            data: data.to_string(),
            payload,
            raw: event.raw.as_ref().map(|raw| raw.get().to_owned()),
        })
    }

    /// Returns how many bytes the event's texts have.
    pub(super) fn size(&self) -> usize {
        [&self.payload, &self.raw]
            .into_iter()
            .flatten()
            .fold(self.data.len(), |sum, text| sum.saturating_add(text.len()))
    }

    pub(super) fn decode(
        self,
        session: &SessionKey,
        position: Position,
        hash: EventHash,
    ) -> Result<SessionEvent, serde_json::Error> {
        let kind: SessionEventKind = serde_json::from_str(&format!(
            r#"{{"kind":{},"data":{}}}"#,
            serde_json::Value::from(self.kind),
            self.data
        ))?;
        let payload: Option<Payload> = self
            .payload
            .map(|text| serde_json::from_str(&text))
            .transpose()?;
        Ok(SessionEvent {
            session: session.clone(),
            seq: unsigned(self.seq),
            position,
            time: timestamp(self.time_ms),
            cause: self.cause.map(unsigned),
            run_id: self.run_id.map(RunId),
            step: self.step.and_then(|step| u32::try_from(step).ok()),
            call_id: self.call_id.map(CallId),
            kind,
            payload,
            raw: self.raw.map(RawJson::new).transpose()?,
            hash,
        })
    }
}

/// Events of one session's own rows, whose sequence numbers lie between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) session_id: i64,
    pub(super) from: u64,
    pub(super) to: u64,
}

/// Returns where the events of a session lie: those that it shares in its ancestors' rows, the rest in its own.
pub(super) fn segments(
    connection: &Connection,
    session_id: i64,
    from: u64,
    to: u64,
) -> Result<Vec<Segment>, StoreError> {
    let mut found = Vec::new();
    let (mut id, mut to) = (session_id, to);
    loop {
        let (parent, shared): (Option<i64>, u64) = connection
            .prepare_cached("SELECT parent, parent_seq FROM sessions WHERE id = ?1")
            .and_then(|mut statement| {
                statement.query_row([id], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))
            })
            .map_err(StoreError::read)?;
        let own = from.max(shared.saturating_add(1));
        if own <= to {
            found.push(Segment {
                session_id: id,
                from: own,
                to,
            });
        }
        match parent {
            Some(parent) if from <= shared => {
                id = parent;
                to = to.min(shared);
            }
            _ => break,
        }
    }
    found.reverse();
    Ok(found)
}

/// Calls `take` with every event of a session as it is stored, in order.
pub(super) fn each_stored(
    connection: &Connection,
    session_id: i64,
    from: u64,
    to: u64,
    mut take: impl FnMut(Stored) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for segment in segments(connection, session_id, from, to)? {
        let sql = format!(
            "SELECT {COLUMNS} FROM events e
             WHERE e.session_id = ?1 AND e.seq BETWEEN ?2 AND ?3 AND e.kind <> '' ORDER BY e.seq"
        );
        let mut statement = connection.prepare_cached(&sql).map_err(StoreError::read)?;
        let range = params![
            segment.session_id,
            sql_integer(segment.from),
            sql_integer(segment.to)
        ];
        let mut rows = statement.query(range).map_err(StoreError::read)?;
        while let Some(row) = rows.next().map_err(StoreError::read)? {
            take(Stored::of(row).map_err(StoreError::read)?)?;
        }
    }
    Ok(())
}

/// Returns the events of a session whose sequence numbers lie between two.
pub(super) fn session_events(
    connection: &Connection,
    session: &SessionKey,
    session_id: i64,
    from: u64,
    to: u64,
) -> Result<Vec<SessionEvent>, StoreError> {
    let mut events = Vec::new();
    each_stored(connection, session_id, from, to, |stored| {
        events.push(stored.decode(session)?);
        Ok(())
    })?;
    Ok(events)
}

/// Returns up to `limit` events of all sessions after a position, and no more once their texts
/// have `enough` bytes together.
pub(super) fn events_after(
    connection: &Connection,
    cursor: Position,
    limit: u32,
    enough: usize,
) -> Result<Vec<SessionEvent>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, s.key FROM events e JOIN sessions s ON s.id = e.session_id
         WHERE e.position > ?1 AND e.kind <> '' ORDER BY e.position LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(StoreError::read)?;
    let mut rows = statement
        .query(params![sql_integer(cursor), limit])
        .map_err(StoreError::read)?;
    let (mut events, mut size) = (Vec::new(), 0_usize);
    while size < enough
        && let Some(row) = rows.next().map_err(StoreError::read)?
    {
        let session =
            column_text(row, COLUMN_COUNT, SessionKey::parse).map_err(StoreError::read)?;
        let stored = Stored::of(row).map_err(StoreError::read)?;
        size = size.saturating_add(stored.record.size());
        events.push(stored.decode(&session)?);
    }
    Ok(events)
}

pub(super) fn session_id(connection: &Connection, key: &SessionKey) -> Result<i64, StoreError> {
    connection
        .prepare_cached("SELECT id FROM sessions WHERE key = ?1 AND deleted = 0")
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
        .prepare_cached("SELECT coalesce(max(position), 0) FROM events")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
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

pub(super) fn timestamp(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Reads a hash; one that is missing or cut is the hash of nothing, which no check accepts.
pub(super) fn hash(row: &Row<'_>, index: usize) -> rusqlite::Result<EventHash> {
    let bytes: Option<Vec<u8>> = row.get(index)?;
    Ok(bytes
        .and_then(|bytes| EventHash::from_bytes(&bytes))
        .unwrap_or(EventHash::START))
}

/// Returns the hash of an event of a session's own row; that of nothing when there is none.
pub(super) fn hash_at(
    connection: &Connection,
    session_id: i64,
    seq: u64,
) -> Result<EventHash, StoreError> {
    connection
        .prepare_cached("SELECT hash FROM events WHERE session_id = ?1 AND seq = ?2")
        .and_then(|mut statement| {
            let mut rows = statement.query(params![session_id, sql_integer(seq)])?;
            match rows.next()? {
                Some(row) => hash(row, 0),
                None => Ok(EventHash::START),
            }
        })
        .map_err(StoreError::read)
}

pub(super) fn column_text<T, E: std::error::Error + Send + Sync + 'static>(
    row: &Row<'_>,
    index: usize,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    parsed(index, &text, parse)
}

/// Reads a text that is JSON.
pub(super) fn column_json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    column_text(row, index, |text| serde_json::from_str(text))
}

fn parsed<T, E: std::error::Error + Send + Sync + 'static>(
    index: usize,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> rusqlite::Result<T> {
    parse(text)
        .map_err(|err| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(err)))
}
