//! Snapshots: what the first events of a long session add up to, so that they need not be folded
//! again.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::Shared;
use super::schema::{Failure, Open};
use crate::events::error::StoreError;
use crate::events::hash::EventHash;
use crate::events::projection::SessionProjection;
use crate::events::rows::{hash, segments, session_events, session_id, sql_integer, unsigned};
use crate::session_key::SessionKey;

/// After how many events that are not in the session's snapshot a new one is made.
const WORTH: u64 = 1000;
/// How many events are folded at a time.
const PAGE: u64 = 256;

/// What the events of a session up to one of them add up to.
#[derive(Debug)]
struct Snapshot {
    session_id: i64,
    seq: u64,
    hash: EventHash,
    projection: SessionProjection,
}

/// Folds the events of a session up to `at`, from its snapshot on if there is one that fits.
pub(super) fn projection(
    cache: &Shared,
    log: &Connection,
    session: &SessionKey,
    at: Option<u64>,
) -> Result<SessionProjection, StoreError> {
    let id = session_id(log, session)?;
    let head = head(log, id)?;
    let at = at.unwrap_or(head);
    if at > head {
        return Err(StoreError::NoEvent {
            session: session.clone(),
            seq: at,
            head,
        });
    }
    let known = if at < WORTH {
        None
    } else {
        noted(cache.with(|open| load(open, id, at))).flatten()
    };
    let (from, mut projection) =
        known.map_or_else(Default::default, |known| (known.seq, known.projection));
    let mut last = None;
    let mut done = from;
    while done < at {
        let to = done.saturating_add(PAGE).min(at);
        for event in session_events(log, session, id, done.saturating_add(1), to)? {
            projection.apply(&event);
            last = Some((event.seq, event.hash));
        }
        done = to;
    }
    let Some((seq, hash)) = last.filter(|(seq, _)| seq.saturating_sub(from) >= WORTH) else {
        return Ok(projection);
    };
    let snapshot = Snapshot {
        session_id: id,
        seq,
        hash,
        projection,
    };
    noted(cache.with(|open| save(open, &snapshot)));
    Ok(snapshot.projection)
}

/// The fold does not need the cache, so it goes on without it.
fn noted<T>(outcome: Result<T, StoreError>) -> Option<T> {
    outcome
        .inspect_err(|err| tracing::warn!(%err, "a session is read without its snapshot"))
        .ok()
}

fn head(log: &Connection, id: i64) -> Result<u64, StoreError> {
    log.prepare_cached("SELECT head FROM sessions WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([id], |row| row.get(0).map(unsigned)))
        .map_err(StoreError::read)
}

/// Returns the snapshot of a session if it is of no later event; throws away one that is of no use.
fn load(open: &Open, session_id: i64, at_most: u64) -> Result<Option<Snapshot>, Failure> {
    let found: Option<(u64, EventHash, Option<String>)> = open
        .cache
        .prepare_cached(
            "SELECT seq, hash, CASE WHEN seq <= ?2 THEN data END FROM snapshots WHERE session_id = ?1",
        )?
        .query_row(params![session_id, sql_integer(at_most)], |row| {
            Ok((unsigned(row.get(0)?), hash(row, 1)?, row.get(2)?))
        })
        .optional()?;
    let Some((seq, hash, data)) = found else {
        return Ok(None);
    };
    let fits = hash_of(&open.log, session_id, seq)? == Some(hash);
    match data.as_deref().map(serde_json::from_str) {
        None if fits => Ok(None),
        Some(Ok(projection)) if fits => Ok(Some(Snapshot {
            session_id,
            seq,
            hash,
            projection,
        })),
        // It is of another log or of another version.
        _ => {
            open.cache
                .prepare_cached("DELETE FROM snapshots WHERE session_id = ?1")?
                .execute([session_id])?;
            Ok(None)
        }
    }
}

/// Returns the hash of an event, which stands for it and for all that came before it.
fn hash_of(log: &Connection, id: i64, seq: u64) -> Result<Option<EventHash>, StoreError> {
    let Some(segment) = segments(log, id, seq, seq)?.pop() else {
        return Ok(None);
    };
    log.prepare_cached("SELECT hash FROM events WHERE session_id = ?1 AND seq = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![segment.session_id, sql_integer(seq)], |row| {
                    hash(row, 0)
                })
                .optional()
        })
        .map_err(StoreError::read)
}

/// Keeps a snapshot, unless there is a later one or the session was deleted meanwhile.
fn save(open: &mut Open, snapshot: &Snapshot) -> Result<(), Failure> {
    let data = serde_json::to_string(&snapshot.projection)
        .map_err(|err| rusqlite::Error::ToSqlConversionFailure(Box::new(err)))?;
    let transaction = open
        .cache
        .transaction_with_behavior(TransactionBehavior::Immediate)?;
    // A deletion that comes after this look is taken in after this transaction, and takes the
    // snapshot with it.
    let lives: bool = open
        .log
        .prepare_cached("SELECT deleted = 0 FROM sessions WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([snapshot.session_id], |row| row.get(0)))
        .map_err(StoreError::read)?;
    if lives {
        transaction
            .prepare_cached(
                "INSERT INTO snapshots (session_id, seq, hash, data) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (session_id) DO UPDATE
                 SET seq = excluded.seq, hash = excluded.hash, data = excluded.data
                 WHERE excluded.seq > seq",
            )?
            .execute(params![
                snapshot.session_id,
                sql_integer(snapshot.seq),
                snapshot.hash.as_bytes(),
                data
            ])?;
    }
    transaction.commit()?;
    Ok(())
}
