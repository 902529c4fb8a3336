//! Checking the whole log: every hash, every number, every anchor.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::Position;
use super::anchors::{Access, Anchor, Anchors, Slot, WINDOW};
use super::audit::AuditEntry;
use super::error::StoreError;
use super::gate::Granted;
use super::hash::EventHash;
use super::report::{Finding, Report, Tampering};
use super::rows::{COLUMNS, Stored, hash, hash_at, last_position, sql_integer, unsigned};
use super::schema;
use super::store::EventStore;
use crate::session_key::SessionKey;

/// How many events are read at a time.
const PAGE: u32 = 1024;
/// How many anchors are read at a time at most, when events are missing in between.
const MOST_SLOTS: u64 = 1 << 16;

impl EventStore {
    /// Checks the whole log against its hashes and its anchors.
    ///
    /// `progress` hears how many events of how many are done.
    pub async fn verify(
        &self,
        progress: impl FnMut(u64, u64) + Send + 'static,
    ) -> Result<Report, StoreError> {
        let path = Anchors::path(self.path());
        self.query(move |connection| {
            let anchors = Anchors::open(&path, Access::Read).map_err(|err| failed(&path, err))?;
            verify(connection, anchors.as_ref(), progress)
        })
        .await
    }
}

/// What a session's row says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Open,
    Ended,
    Deleted,
}

/// What is known of a session while its events go by.
struct Stream {
    key: String,
    head: u64,
    head_hash: EventHash,
    parent: Option<(i64, u64)>,
    standing: Standing,
    /// Whether its row says that it is the log's own.
    system: bool,
    started_ms: i64,
    updated_ms: i64,
    /// What its own events say about its standing, if they do.
    seen_standing: Option<Standing>,
    /// The times of the first and the last of its own events.
    seen_times: Option<(i64, i64)>,
    seen: u64,
    seen_hash: EventHash,
    last: Position,
    /// Events that are empty: first, last, the hash of the last, and the position of the first.
    empty: Vec<(u64, u64, EventHash, Position)>,
}

struct Check {
    streams: HashMap<i64, Stream>,
    tombstones: HashMap<i64, Vec<(u64, u64, EventHash)>>,
    /// Where the end of the log was gone once, and the owner has not accepted it.
    cuts: Vec<Position>,
    granted: Granted,
    report: Report,
    /// Where empty slots may come from a power loss.
    forgiven_after: Option<Position>,
}

/// Checks the log that a connection is open to; without anchors, that counts as a finding.
pub(super) fn verify(
    connection: &Connection,
    anchors: Option<&Anchors>,
    progress: impl FnMut(u64, u64),
) -> Result<Report, StoreError> {
    let snapshot = connection
        .unchecked_transaction()
        .map_err(StoreError::read)?;
    if !schema::is_as_made(&snapshot)? {
        // Nothing that a query says can be relied on.
        let finding = Finding {
            position: 0,
            session: None,
            seq: None,
            what: Tampering::Schema,
        };
        return Ok(Report {
            intact: false,
            findings: vec![finding],
            ..Report::default()
        });
    }
    let mut report = check(&snapshot, anchors, progress)?;
    if anchors.is_none() && report.events > 0 {
        let finding = Finding {
            position: 1,
            session: None,
            seq: None,
            what: Tampering::NoAnchors,
        };
        report.intact = false;
        report.findings.insert(0, finding);
    }
    Ok(report)
}

fn check(
    snapshot: &Connection,
    anchors: Option<&Anchors>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, StoreError> {
    let unreadable = |err| failed(Path::new("the anchors"), err);
    // Looked at before the events, so that what is appended meanwhile does not count as cut off.
    let confirmed = match anchors {
        Some(anchors) => last_confirmed(anchors).map_err(unreadable)?,
        None => 0,
    };
    let restarted = match anchors {
        Some(anchors) => anchors.restarted().map_err(unreadable)?,
        None => false,
    };
    let last = last_position(snapshot)?;
    let mut check = Check {
        streams: streams(snapshot)?,
        tombstones: HashMap::new(),
        cuts: Vec::new(),
        granted: Granted::default(),
        report: Report::default(),
        forgiven_after: restarted.then(|| last.saturating_sub(WINDOW)),
    };
    let mut after = 0;
    loop {
        let page = page(snapshot, after)?;
        let place = |stored: &Result<Stored, Stored>| match stored {
            Ok(stored) | Err(stored) => stored.position,
        };
        let Some(end) = page.last().map(place) else {
            break;
        };
        let first = after.saturating_add(1);
        let slots = match anchors {
            Some(anchors) => {
                // A position that somebody moved far away is not worth its slots.
                let number = end.saturating_sub(after).min(MOST_SLOTS);
                let number = usize::try_from(number).unwrap_or_default();
                Some(anchors.read(first, number).map_err(unreadable)?)
            }
            None => None,
        };
        for stored in page {
            let position = place(&stored);
            check.gap(after, position);
            after = position;
            let slot = slots.as_ref().map(|slots| {
                let index = usize::try_from(position.saturating_sub(first));
                let slot = index.ok().and_then(|index| slots.get(index));
                slot.copied().unwrap_or(Slot::EMPTY)
            });
            check.event(snapshot, stored, slot)?;
        }
        progress(check.report.events, last.max(check.report.events));
    }
    if check.granted.is_exceeded(snapshot)? {
        check.find(last, None, None, Tampering::Grant);
    }
    if confirmed > last {
        check.find(last.saturating_add(1), None, None, Tampering::CutOff);
    }
    if anchors.is_some() {
        for from in std::mem::take(&mut check.cuts) {
            check.find(from, None, None, Tampering::CutOff);
        }
    }
    Ok(check.finish())
}

/// Checks the log but for its anchors.
pub(super) fn verify_hashes(connection: &Connection) -> Result<Report, StoreError> {
    check(connection, None, |_, _| {})
}

pub(super) fn failed(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::Anchors {
        path: path.to_owned(),
        source: Arc::new(source),
    }
}

fn unsigned_len(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Returns the last position whose commit is known to have succeeded.
pub(super) fn last_confirmed(anchors: &Anchors) -> std::io::Result<Position> {
    let mut end = anchors.end()?;
    while end > 0 {
        let first = end.saturating_sub(WINDOW - 1).max(1);
        let number = usize::try_from(end.saturating_sub(first).saturating_add(1));
        let slots = anchors.read(first, number.unwrap_or_default())?;
        if let Some(index) = slots.iter().rposition(Slot::is_confirmed) {
            return Ok(first.saturating_add(unsigned_len(index)));
        }
        end = first.saturating_sub(1);
    }
    Ok(0)
}

fn page(
    connection: &Connection,
    after: Position,
) -> Result<Vec<Result<Stored, Stored>>, StoreError> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM events e WHERE e.position > ?1 ORDER BY e.position LIMIT {PAGE}"
        ))
        .and_then(|mut statement| {
            statement
                .query_map([sql_integer(after)], Stored::of_any)?
                .collect()
        })
        .map_err(StoreError::read)
}

fn streams(connection: &Connection) -> Result<HashMap<i64, Stream>, StoreError> {
    connection
        .prepare(
            "SELECT id, key, head, head_hash, parent, parent_seq, deleted, system, ended,
                    started_ms, updated_ms FROM sessions",
        )
        .and_then(|mut statement| {
            statement
                .query_map([], |row| {
                    let parent: Option<i64> = row.get(4)?;
                    let shared = unsigned(row.get(5)?);
                    let stream = Stream {
                        key: row.get(1)?,
                        head: unsigned(row.get(2)?),
                        head_hash: hash(row, 3)?,
                        parent: parent.map(|parent| (parent, shared)),
                        standing: match (row.get(6)?, row.get(8)?) {
                            (true, _) => Standing::Deleted,
                            (false, true) => Standing::Ended,
                            (false, false) => Standing::Open,
                        },
                        system: row.get(7)?,
                        started_ms: row.get(9)?,
                        updated_ms: row.get(10)?,
                        seen_standing: None,
                        seen_times: None,
                        seen: shared,
                        seen_hash: EventHash::START,
                        last: 0,
                        empty: Vec::new(),
                    };
                    Ok((row.get(0)?, stream))
                })?
                .collect()
        })
        .map_err(StoreError::read)
}

impl Check {
    fn find(
        &mut self,
        position: Position,
        session: Option<String>,
        seq: Option<u64>,
        what: Tampering,
    ) {
        self.report.intact = false;
        if self.report.findings.len() < Report::MOST {
            self.report.findings.push(Finding {
                position,
                session,
                seq,
                what,
            });
        }
    }

    fn gap(&mut self, after: Position, found: Position) {
        if found > after.saturating_add(1) {
            self.find(after.saturating_add(1), None, None, Tampering::Missing);
        }
    }

    /// Checks one event; `slot` is its anchor, where there are anchors.
    fn event(
        &mut self,
        connection: &Connection,
        stored: Result<Stored, Stored>,
        slot: Option<Slot>,
    ) -> Result<(), StoreError> {
        self.report.events = self.report.events.saturating_add(1);
        let readable = stored.is_ok();
        let stored = stored.unwrap_or_else(|place| place);
        let (position, seq) = (stored.position, unsigned(stored.record.seq));
        let Some(stream) = self.streams.get_mut(&stored.session_id) else {
            self.find(position, None, Some(seq), Tampering::NoSession);
            return Ok(());
        };
        if stream.last == 0
            && let Some((parent, shared)) = stream.parent
        {
            stream.seen_hash = hash_at(connection, parent, shared)?;
        }
        let anchor = Anchor {
            position,
            session: stream.key.clone(),
            seq: stored.record.seq,
            hash: stored.hash,
        };
        let mut wrong = None;
        if seq != stream.seen.saturating_add(1) {
            wrong = Some(Tampering::OutOfOrder);
        } else if !readable {
            wrong = Some(Tampering::Edited);
        } else if stored.record.is_empty() {
            match stream.empty.last_mut() {
                Some((_, to, hash, _)) if to.saturating_add(1) == seq => {
                    (*to, *hash) = (seq, stored.hash);
                }
                _ => stream.empty.push((seq, seq, stored.hash, position)),
            }
        } else if stored.record.kind.is_empty() && stream.standing != Standing::Deleted {
            wrong = Some(Tampering::Emptied);
        } else if stored.record.hash(&stream.seen_hash) != stored.hash {
            wrong = Some(Tampering::Edited);
        }
        let time = stored.record.time_ms;
        let began = stream.seen_times.map_or(time, |(began, _)| began);
        stream.seen_times = Some((began, time));
        match stored.record.kind.as_str() {
            "SessionStarted" => stream.seen_standing = Some(Standing::Open),
            "SessionEnded" => stream.seen_standing = Some(Standing::Ended),
            _ => {}
        }
        stream.seen = seq;
        stream.seen_hash = stored.hash;
        stream.last = position;
        let key = stream.key.clone();
        if wrong.is_none()
            && let Some(slot) = slot
        {
            wrong = self.anchored(&anchor, slot);
        }
        if let Some(what) = wrong {
            self.find(position, Some(key), Some(seq), what);
        } else if key == SessionKey::audit().as_str() {
            self.heed(stored);
        }
        Ok(())
    }

    fn anchored(&mut self, anchor: &Anchor, slot: Slot) -> Option<Tampering> {
        let forgiven = self
            .forgiven_after
            .is_some_and(|after| anchor.position > after);
        if slot.is_of(anchor) {
            None
        } else if forgiven && !slot.is_confirmed() {
            self.report.unanchored = self.report.unanchored.saturating_add(1);
            None
        } else if slot.is_empty() {
            Some(Tampering::Inserted)
        } else {
            Some(Tampering::Rewritten)
        }
    }

    /// Takes in what the audit stream says about the log itself.
    fn heed(&mut self, stored: Stored) {
        let Ok(event) = stored.decode(&SessionKey::audit()) else {
            return;
        };
        let entry = AuditEntry::of(&event);
        if let Some(entry) = &entry {
            self.granted.heed(entry);
        }
        match entry {
            Some(AuditEntry::SessionDeleted {
                stream,
                from,
                to,
                head_hash,
                ..
            }) => {
                let tombstones = self.tombstones.entry(stream).or_default();
                tombstones.push((from, to, head_hash));
            }
            Some(AuditEntry::AnchorsRenewed { count }) => {
                self.report.renewed = self.report.renewed.saturating_add(count);
            }
            Some(AuditEntry::LogCut { from, .. }) => self.cuts.push(from),
            Some(AuditEntry::LogAccepted { .. }) => self.cuts.clear(),
            _ => {}
        }
    }

    fn finish(mut self) -> Report {
        self.report.sessions = unsigned_len(self.streams.len());
        let mut streams: Vec<(i64, Stream)> = self.streams.drain().collect();
        streams.sort_unstable_by_key(|(_, stream)| stream.last);
        let mut late = Vec::new();
        for (id, stream) in streams {
            let mut find = |position, seq, what| {
                late.push(Finding {
                    position,
                    session: Some(stream.key.clone()),
                    seq: Some(seq),
                    what,
                });
            };
            let ends = stream.last == 0 || stream.head_hash == stream.seen_hash;
            if stream.head != stream.seen || !ends {
                find(stream.last, stream.seen, Tampering::Head);
            }
            let buried = self.tombstones.remove(&id).unwrap_or_default();
            if !stream.is_marked_rightly(&buried) {
                find(stream.last, stream.seen, Tampering::Row);
            }
            for (from, to, hash, position) in &stream.empty {
                if !is_buried(&buried, *from, *to, hash) {
                    find(*position, *from, Tampering::Emptied);
                }
            }
        }
        let findings = &mut self.report.findings;
        findings.append(&mut late);
        self.report.intact = findings.is_empty();
        // What is wrong with an event says more than what is therefore wrong with its session's row.
        findings.sort_by_key(|finding| {
            let of_row = matches!(finding.what, Tampering::Head | Tampering::Row);
            (of_row, finding.position)
        });
        findings.truncate(Report::MOST);
        self.report
    }
}

impl Stream {
    /// Tells whether the session's row says what its events and the tombstones do.
    fn is_marked_rightly(&self, tombstones: &[(u64, u64, EventHash)]) -> bool {
        let own = SessionKey::parse(&self.key).is_ok_and(|key| key.is_system());
        let buried = tombstones
            .iter()
            .any(|(_, to, hash)| *to == self.head && *hash == self.head_hash);
        let standing = match self.standing {
            Standing::Deleted => buried,
            Standing::Open | Standing::Ended => {
                let times = self.seen_times == Some((self.started_ms, self.updated_ms));
                let seen = self.seen_standing.is_none_or(|seen| seen == self.standing);
                !buried && seen && times
            }
        };
        standing && self.system == own
    }
}

/// Tells whether tombstones cover all of the empty events, and the last of them with its hash.
fn is_buried(tombstones: &[(u64, u64, EventHash)], from: u64, to: u64, hash: &EventHash) -> bool {
    let mut next = from;
    while next <= to {
        let covering = tombstones
            .iter()
            .filter(|(first, last, _)| *first <= next && *last >= next && *last <= to)
            .max_by_key(|(_, last, _)| *last);
        match covering {
            Some((_, last, known)) if *last < to || known == hash => {
                next = last.saturating_add(1);
            }
            _ => return false,
        }
    }
    true
}
