//! Reading from the event store.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::cache::{SearchHit, SearchQuery};
use super::error::StoreError;
use super::hash::EventHash;
use super::projection::SessionProjection;
use super::rows::{
    COLUMNS, SUMMARY, SUMMARY_COLUMNS, Segment, Stored, column_text, events_after, segments,
    session_events, session_id, sql_integer, summary, unsigned,
};
use super::store::EventStore;
use super::{Position, SessionEvent};
use crate::session_key::SessionKey;

/// What a listing shows of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSummary {
    /// The session.
    pub key: SessionKey,
    /// The sequence number of its last event.
    pub head: u64,
    /// When it started.
    pub started: Timestamp,
    /// When its last event was recorded.
    pub updated: Timestamp,
    /// Whether it has ended.
    pub ended: bool,
    /// The session that its first events come from, and how many they are.
    pub parent: Option<(SessionKey, u64)>,
}

impl EventStore {
    /// Returns the events of a session whose sequence numbers lie in `range`.
    ///
    /// Of a branch these are the events that it shares and then its own.
    pub async fn read(
        &self,
        session: &SessionKey,
        range: RangeInclusive<u64>,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        let key = session.clone();
        self.query(move |connection| {
            let id = session_id(connection, &key)?;
            session_events(connection, &key, id, *range.start(), *range.end())
        })
        .await
    }

    /// Returns up to `limit` events of all sessions, the log's own too, that were recorded after `cursor`.
    pub async fn read_after(
        &self,
        cursor: Position,
        limit: u32,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        self.read_some_after(cursor, limit, usize::MAX).await
    }

    /// As [`EventStore::read_after`], but stops once the texts of the events have `enough` bytes
    /// together: of large events there is one at least, and there may be more after the last one.
    pub async fn read_some_after(
        &self,
        cursor: Position,
        limit: u32,
        enough: usize,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        self.query(move |connection| events_after(connection, cursor, limit, enough))
            .await
    }

    /// Returns the hash of the event at a position, deleted or not; none if there is no such event.
    pub async fn hash_at(&self, position: Position) -> Result<Option<EventHash>, StoreError> {
        self.query(move |connection| {
            let found: Option<Option<Vec<u8>>> = connection
                .prepare_cached("SELECT hash FROM events WHERE position = ?1")
                .and_then(|mut statement| {
                    statement
                        .query_row([sql_integer(position)], |row| row.get(0))
                        .optional()
                })
                .map_err(StoreError::read)?;
            Ok(found
                .flatten()
                .and_then(|bytes| EventHash::from_bytes(&bytes)))
        })
        .await
    }

    /// Returns the last position after a cursor whose event was deleted with its session.
    pub async fn deleted_after(&self, cursor: Position) -> Result<Option<Position>, StoreError> {
        self.query(move |connection| {
            connection
                .prepare_cached(
                    "SELECT max(e.position) FROM sessions s JOIN events e ON e.session_id = s.id
                     WHERE s.deleted = 1 AND e.kind = '' AND e.position > ?1",
                )
                .and_then(|mut statement| {
                    statement.query_row([sql_integer(cursor)], |row| row.get(0))
                })
                .map(|found: Option<i64>| found.map(unsigned))
                .map_err(StoreError::read)
        })
        .await
    }

    /// Returns what the session's events up to `at` add up to; all of them without `at`.
    pub async fn projection(
        &self,
        session: &SessionKey,
        at: Option<u64>,
    ) -> Result<SessionProjection, StoreError> {
        let (cache, session) = (self.cache(), session.clone());
        self.query(move |connection| cache.projection(connection, &session, at))
            .await
    }

    /// Returns the events whose texts have all the words of a query, the latest first.
    ///
    /// `progress` hears how far the index has come, and how far it has to come: usually it is there.
    pub async fn search(
        &self,
        query: SearchQuery,
        mut progress: impl FnMut(Position, Position) + Send + 'static,
    ) -> Result<Vec<SearchHit>, StoreError> {
        self.in_cache(move |cache| cache.search(&query, &mut progress))
            .await
    }

    /// Returns what a listing shows of one session, if it exists.
    pub async fn session(&self, key: &SessionKey) -> Result<Option<SessionSummary>, StoreError> {
        let key = key.clone();
        self.query(move |connection| {
            connection
                .prepare_cached(&format!("{SUMMARY} WHERE s.key = ?1 AND s.deleted = 0"))
                .and_then(|mut statement| statement.query_row([key.as_str()], summary).optional())
                .map_err(StoreError::read)
        })
        .await
    }

    /// Returns up to `limit` sessions, the latest first, leaving out the first `skip`.
    pub async fn sessions(&self, skip: u64, limit: u32) -> Result<Vec<SessionSummary>, StoreError> {
        self.query(move |connection| {
            connection
                .prepare_cached(&format!("{SUMMARY} {LATEST_FIRST}"))
                .and_then(|mut statement| {
                    statement
                        .query_map(params![limit, sql_integer(skip)], summary)?
                        .collect()
                })
                .map_err(StoreError::read)
        })
        .await
    }

    /// Returns sessions as [`EventStore::sessions`] does, each with its last event.
    pub async fn sessions_with_last(
        &self,
        skip: u64,
        limit: u32,
    ) -> Result<Vec<(SessionSummary, Option<SessionEvent>)>, StoreError> {
        self.query(move |connection| {
            let sessions = SUMMARY.replace(" FROM", &format!(", {COLUMNS} FROM"));
            let sql = format!(
                "{sessions} LEFT JOIN events e ON e.session_id = s.id AND e.seq = s.head {LATEST_FIRST}"
            );
            let mut statement = connection.prepare_cached(&sql).map_err(StoreError::read)?;
            let mut rows = statement
                .query(params![limit, sql_integer(skip)])
                .map_err(StoreError::read)?;
            let mut found = Vec::new();
            while let Some(row) = rows.next().map_err(StoreError::read)? {
                let session = summary(row).map_err(StoreError::read)?;
                // One event that cannot be read must not hide all sessions; `audit verify` names it.
                let last = last_event(row)
                    .unwrap_or_default()
                    .and_then(|stored| stored.decode(&session.key).ok());
                found.push((session, last));
            }
            Ok(found)
        })
        .await
    }

    /// Returns the sessions whose first events a session shares, the nearest first, and how many each time.
    pub async fn lineage(
        &self,
        session: &SessionKey,
    ) -> Result<Vec<(SessionKey, u64)>, StoreError> {
        let key = session.clone();
        self.query(move |connection| {
            let id = session_id(connection, &key)?;
            let mut lineage = Vec::new();
            for Segment { session_id, to, .. } in segments(connection, id, 1, u64::MAX)?
                .into_iter()
                .rev()
                .skip(1)
            {
                let key: SessionKey = connection
                    .query_row(
                        "SELECT key FROM sessions WHERE id = ?1",
                        [session_id],
                        |row| column_text(row, 0, SessionKey::parse),
                    )
                    .map_err(StoreError::read)?;
                lineage.push((key, to));
            }
            Ok(lineage)
        })
        .await
    }

    /// Returns how many sessions there are.
    pub async fn session_count(&self) -> Result<u64, StoreError> {
        self.query(|connection| {
            connection
                .query_row(
                    "SELECT count(*) FROM sessions WHERE deleted = 0 AND system = 0",
                    [],
                    |row| row.get::<_, i64>(0),
                )
                .map(unsigned)
                .map_err(StoreError::read)
        })
        .await
    }

    /// Returns how many bytes of the log's file are in use.
    pub async fn size(&self) -> Result<u64, StoreError> {
        self.query(used_bytes).await
    }
}

const LATEST_FIRST: &str = "WHERE s.deleted = 0 AND s.system = 0
     ORDER BY s.updated_ms DESC, s.id DESC LIMIT ?1 OFFSET ?2";

fn last_event(row: &Row<'_>) -> rusqlite::Result<Option<Stored>> {
    let position: Option<i64> = row.get(SUMMARY_COLUMNS)?;
    position
        .map(|_| Stored::at(row, SUMMARY_COLUMNS))
        .transpose()
}

/// Returns how many bytes of the database are in use.
fn used_bytes(connection: &Connection) -> Result<u64, StoreError> {
    let pragma = |name: &str| -> Result<u64, StoreError> {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map(unsigned)
            .map_err(StoreError::read)
    };
    let pages = pragma("page_count")?.saturating_sub(pragma("freelist_count")?);
    Ok(pages.saturating_mul(pragma("page_size")?))
}
