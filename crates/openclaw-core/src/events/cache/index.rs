//! Taking in the log, page by page, and forgetting what was deleted from it.
//!
//! Each step is one transaction of the cache that begins with reading how far the cache is, so
//! that several processes can do it at once and nothing is taken in twice.

use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior, params};

use super::query::{SearchKind, session_tag};
use super::schema::{Failure, Meta, Open, Purge, hash_at, unfit};
use super::text::text_of;
use crate::events::Position;
use crate::events::audit::AuditEntry;
use crate::events::error::StoreError;
use crate::events::rows::{last_position, sql_integer, unsigned};
use crate::events::schema::BUSY_TIMEOUT;

/// How many events of the log are looked at with one statement.
const PAGE: u32 = 256;
/// How many texts are looked up at a time in order to be deleted.
const DELETIONS: u32 = 64;
/// How long a deletion waits for its texts to be taken out of the pages of the index.
const DELETION: Duration = Duration::from_secs(1);
/// How many pages of the index one step of a purge writes.
const MERGE: i64 = 128;
/// How long the write-ahead log of the cache waits for readers before it is left to the next time.
const WAL_TIMEOUT: Duration = Duration::from_millis(200);

/// What one transaction may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) events: u32,
    pub(super) time: Duration,
}

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// The last position that is taken in.
    pub(super) cursor: Position,
    /// The last position of the log.
    pub(super) head: Position,
    /// Whether deleted texts may have left traces.
    pub(super) purge: bool,
}

/// Takes in events that the cache does not have yet, as many as the budget allows.
pub(super) fn take_in(open: &mut Open, budget: &Budget) -> Result<Taken, Failure> {
    let Open { cache, log, .. } = open;
    let head = last_position(log)?;
    let known = Meta::read(cache)?;
    if known.cursor == head && known.is_of(log)? {
        return Ok(taken(&known, head));
    }
    let transaction = cache.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut taking = Taking {
        cache: &transaction,
        log,
        meta: begin(&transaction, log)?,
        until: Instant::now().checked_add(budget.time),
        manner: Manner::Quick,
    };
    let mut left = budget.events;
    while left > 0 && taking.page(left.min(PAGE))? == Progress::More {
        left = left.saturating_sub(PAGE);
    }
    let meta = taking.end()?;
    transaction.commit()?;
    Ok(taken(&meta, head))
}

/// Takes out what was deleted from the log with a tombstone and after it.
///
/// A deletion that takes too long is ended when the log is taken in.
pub(super) fn forget_deleted(open: &mut Open, tombstone: Position) -> Result<(), Failure> {
    let Open { cache, log, .. } = open;
    let transaction = cache.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut taking = Taking {
        cache: &transaction,
        log,
        meta: begin(&transaction, log)?,
        until: Instant::now().checked_add(DELETION),
        manner: Manner::Thorough,
    };
    taking.tombstones(tombstone)?;
    taking.meta.write(&transaction)?;
    transaction.commit()?;
    truncate_wal(open).map(drop)
}

fn taken(meta: &Meta, head: Position) -> Taken {
    Taken {
        cursor: meta.cursor,
        head,
        purge: meta.purge != Purge::Done,
    }
}

/// Returns how far the cache is, unless it belongs to another log.
fn begin(cache: &Connection, log: &Connection) -> Result<Meta, Failure> {
    let meta = Meta::read(cache)?;
    if meta.is_of(log)? {
        Ok(meta)
    } else {
        Err(unfit("it belongs to another event log").into())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The page was full; there may be more.
    More,
    /// There are no more events, or the time is up.
    Enough,
}

/// How texts are taken out of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Their words go at once, page by page; in a large index that takes long.
    Thorough,
    /// Their words go with the purge.
    Quick,
}

/// A transaction of the cache.
struct Taking<'a> {
    cache: &'a Connection,
    log: &'a Connection,
    meta: Meta,
    until: Option<Instant>,
    manner: Manner,
}

impl Taking<'_> {
    /// Takes in up to `limit` events.
    fn page(&mut self, limit: u32) -> Result<Progress, Failure> {
        let mut statement = self
            .log
            .prepare_cached(
                "SELECT e.position, e.session_id, e.kind, s.system, e.data, e.payload
                 FROM events e CROSS JOIN sessions s ON s.id = e.session_id
                 WHERE e.position > ?1 ORDER BY e.position LIMIT ?2",
            )
            .map_err(StoreError::read)?;
        let mut rows = statement
            .query(params![sql_integer(self.meta.cursor), limit])
            .map_err(StoreError::read)?;
        let mut seen = 0_u32;
        while let Some(row) = rows.next().map_err(StoreError::read)? {
            let event = Event::of(row).map_err(StoreError::read)?;
            if !self.event(&event)? {
                return Ok(Progress::Enough);
            }
            self.meta.cursor = event.position;
            seen = seen.saturating_add(1);
            if self.is_over() {
                return Ok(Progress::Enough);
            }
        }
        Ok(if seen == limit {
            Progress::More
        } else {
            Progress::Enough
        })
    }

    /// Takes in one event; tells whether it is done with it.
    fn event(&mut self, event: &Event<'_>) -> Result<bool, Failure> {
        if event.system {
            return self.tombstone(event.kind, event.data);
        }
        let Some(kind) = SearchKind::of(event.kind) else {
            return Ok(true);
        };
        let body = text_of(kind, event.data, event.payload);
        if !body.is_empty() {
            let tags = format!("{} {}", session_tag(event.session_id), kind.tag());
            self.cache
                .prepare_cached("INSERT INTO text (rowid, tags, body) VALUES (?1, ?2, ?3)")?
                .execute(params![sql_integer(event.position), tags, body])?;
        }
        Ok(true)
    }

    /// Forgets what was deleted from a position on, until the time is up.
    fn tombstones(&mut self, first: Position) -> Result<(), Failure> {
        let mut statement = self
            .log
            .prepare_cached(
                "SELECT e.kind, e.data FROM events e CROSS JOIN sessions s ON s.id = e.session_id
                 WHERE e.position >= ?1 AND s.system = 1 ORDER BY e.position",
            )
            .map_err(StoreError::read)?;
        let mut rows = statement
            .query([sql_integer(first)])
            .map_err(StoreError::read)?;
        while let Some(row) = rows.next().map_err(StoreError::read)? {
            let text = |index| {
                let text = row.get_ref(index).map_err(StoreError::read)?;
                Ok::<_, StoreError>(text.as_str().unwrap_or_default())
            };
            if !self.tombstone(text(0)?, text(1)?)? {
                break;
            }
        }
        Ok(())
    }

    /// Forgets what an entry of the audit stream says was deleted; tells whether that is all.
    fn tombstone(&mut self, kind: &str, data: &str) -> Result<bool, Failure> {
        if kind != "StateChanged" {
            return Ok(true);
        }
        match serde_json::from_str(data) {
            Ok(AuditEntry::SessionDeleted {
                stream, from, to, ..
            }) => self.forget(stream, from, to),
            // Other entries, and those of later versions, say nothing about texts.
            _ => Ok(true),
        }
    }

    /// Forgets the texts of a part of a session, until the time is up; tells whether that is all.
    fn forget(&mut self, session_id: i64, from: u64, to: u64) -> Result<bool, Failure> {
        // Whatever part it is: the session is deleted, so nobody will ask for its state.
        let snapshots = self
            .cache
            .prepare_cached("DELETE FROM snapshots WHERE session_id = ?1")?
            .execute([session_id])?;
        let range: (Option<i64>, Option<i64>) = self
            .log
            .prepare_cached(
                "SELECT min(position), max(position) FROM events
                 WHERE session_id = ?1 AND seq BETWEEN ?2 AND ?3",
            )
            .and_then(|mut statement| {
                statement.query_row(
                    params![session_id, sql_integer(from), sql_integer(to)],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
            })
            .map_err(StoreError::read)?;
        let mut deleted = snapshots > 0;
        let mut done = true;
        if let (Some(first), Some(last)) = range {
            loop {
                let page = self.texts(session_id, first, last)?;
                if page.is_empty() {
                    break;
                }
                deleted = true;
                done = self.delete(&page)?;
                if !done {
                    break;
                }
            }
        }
        if deleted {
            self.meta.purge = Purge::Asked;
        }
        Ok(done)
    }

    /// Returns where some of the texts of a session lie.
    fn texts(&self, session_id: i64, first: i64, last: i64) -> rusqlite::Result<Vec<i64>> {
        let session = format!("tags : \"{}\"", session_tag(session_id));
        self.cache
            .prepare_cached(
                "SELECT rowid FROM text
                 WHERE text MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid LIMIT ?4",
            )?
            .query_map(params![session, first, last, DELETIONS], |row| row.get(0))?
            .collect()
    }

    /// Deletes texts; tells whether there is time for more.
    fn delete(&self, texts: &[i64]) -> rusqlite::Result<bool> {
        self.cache
            .prepare_cached("INSERT INTO text (text, rank) VALUES ('secure-delete', ?1)")?
            .execute([self.manner == Manner::Thorough])?;
        for position in texts {
            self.cache
                .prepare_cached("DELETE FROM text WHERE rowid = ?1")?
                .execute([position])?;
            if self.is_over() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    /// Writes down how far the cache is.
    fn end(mut self) -> Result<Meta, Failure> {
        if let Some(hash) = hash_at(self.log, self.meta.cursor)? {
            self.meta.hash = hash;
        }
        self.meta.write(self.cache)?;
        Ok(self.meta)
    }
}

/// The columns of an event that the index needs, as they lie in the page of the database.
struct Event<'a> {
    position: Position,
    session_id: i64,
    kind: &'a str,
    system: bool,
    data: &'a str,
    payload: Option<&'a str>,
}

impl<'a> Event<'a> {
    fn of(row: &'a rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            position: unsigned(row.get(0)?),
            session_id: row.get(1)?,
            kind: row.get_ref(2)?.as_str()?,
            system: row.get(3)?,
            data: row.get_ref(4)?.as_str()?,
            payload: row.get_ref(5)?.as_str_or_null()?,
        })
    }
}

/// Does one step to take the traces of deleted texts out of the files; tells whether it was the last.
///
/// FTS5 keeps deleted words until it merges their pages. Even if it was told to take them out at
/// once, the beginning of one may stay as what divides a page from the next. Writing the whole
/// index anew leaves none.
pub(super) fn purge(open: &mut Open) -> Result<bool, Failure> {
    let transaction = open
        .cache
        .transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut meta = Meta::read(&transaction)?;
    let before = transaction.total_changes();
    let merge = |pages: i64| {
        transaction
            .prepare_cached("INSERT INTO text (text, rank) VALUES ('merge', ?1)")?
            .execute([pages])
    };
    match meta.purge {
        Purge::Done => return Ok(true),
        Purge::Asked => {
            // An index in one piece is not written anew; this entry, which no search finds, is a second one.
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO text (rowid, tags, body) VALUES (0, 'purge', '')",
                )?
                .execute([])?;
            merge(-MERGE)?;
            meta.purge = Purge::Begun;
        }
        Purge::Begun => {
            merge(MERGE)?;
            // FTS5 says that there is nothing left to merge by changing next to nothing.
            if transaction.total_changes().saturating_sub(before) < 2 {
                transaction.commit()?;
                return end_purge(open);
            }
        }
    }
    meta.write(&transaction)?;
    transaction.commit()?;
    Ok(false)
}

/// Ends a purge, unless somebody reads what is in the write-ahead log, or deletes more.
fn end_purge(open: &mut Open) -> Result<bool, Failure> {
    let emptied = truncate_wal(open)?;
    let transaction = open
        .cache
        .transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut meta = Meta::read(&transaction)?;
    if emptied && meta.purge == Purge::Begun {
        meta.purge = Purge::Done;
        meta.write(&transaction)?;
        transaction.commit()?;
    }
    // Otherwise the rest is for the next time.
    Ok(true)
}

/// Moves the write-ahead log of the cache into its file and empties it, unless a reader is in the way.
pub(super) fn truncate_wal(open: &mut Open) -> Result<bool, Failure> {
    open.cache.busy_timeout(WAL_TIMEOUT)?;
    let busy: rusqlite::Result<bool> =
        open.cache
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    open.cache.busy_timeout(BUSY_TIMEOUT)?;
    Ok(!busy?)
}
