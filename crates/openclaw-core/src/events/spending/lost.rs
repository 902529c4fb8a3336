//! Calls of processes that died before they could record what the calls took.
//!
//! What such a call took is not known, so the most that it may have taken counts, on record in its
//! session. A call that had ended by then counts with what it took.

use rusqlite::Row as SqlRow;

use super::book::{Entry, Source, add, attended_at};
use super::tally::{Tally, tally};
use crate::events::change::Change;
use crate::events::error::StoreError;
use crate::events::payload::{CallOutcome, CallPayload, Payload};
use crate::events::rows::{column_text, unsigned};
use crate::events::store::EventStore;
use crate::events::transaction::{Outcome, Row, Tx, Work};
use crate::ids::{ChannelId, RunId};
use crate::kind::Kind;
use crate::session_key::SessionKey;
use crate::usage::{Attended, Cost, Usage};

/// What is said of a call whose end nobody saw.
const DIED: &str = "the process died during this call; the most that it may have taken counts";
/// What is said of a call that ended before the process did.
const UNRECORDED: &str = "the process died before the answer to this call was recorded";

/// Calls of one run that its process left behind.
struct Lost {
    run: RunId,
    session_id: i64,
    session: SessionKey,
    deleted: bool,
    channel: ChannelId,
    attended: Attended,
    calls: Vec<CallPayload>,
}

impl EventStore {
    /// Records what calls took whose process died.
    pub async fn record_lost_calls(&self) -> Result<(), StoreError> {
        let any = self
            .query(|connection| {
                connection
                    .query_row("SELECT EXISTS (SELECT 1 FROM reservations)", [], |row| {
                        row.get(0)
                    })
                    .map_err(StoreError::read)
            })
            .await?;
        if any {
            self.submit(Work::RecordLost).await?;
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// Tells whether a process died and left reservations.
    pub(super) fn has_lost_calls(&self) -> Result<bool, StoreError> {
        Ok(!self.dead()?.is_empty())
    }

    fn dead(&self) -> Result<Vec<String>, StoreError> {
        let mut owners: Vec<String> = self
            .connection
            .prepare_cached("SELECT DISTINCT owner FROM reservations WHERE owner <> ?1")
            .and_then(|mut statement| {
                statement
                    .query_map([self.owner.name()], |row| row.get(0))?
                    .collect()
            })
            .map_err(StoreError::write)?;
        owners.retain(|owner| !self.owner.lives(owner));
        Ok(owners)
    }

    /// Records the calls of processes that died.
    pub(in crate::events) fn record_lost(&mut self) -> Result<Outcome, StoreError> {
        for owner in self.dead()? {
            for lost in self.lost(&owner)? {
                self.record_one_lost(lost)?;
            }
            self.connection
                .execute("DELETE FROM reservations WHERE owner = ?1", [&owner])
                .map_err(StoreError::write)?;
        }
        Ok(Outcome::default())
    }

    fn lost(&self, owner: &str) -> Result<Vec<Lost>, StoreError> {
        let mut runs: Vec<Lost> = Vec::new();
        let each: Vec<Lost> = self
            .connection
            .prepare(
                "SELECT r.run_id, r.session_id, s.key, s.deleted, r.channel, r.attended,
                        r.provider, r.model, r.usage, r.nanos, r.settled
                 FROM reservations r JOIN sessions s ON s.id = r.session_id
                 WHERE r.owner = ?1 ORDER BY r.run_id, r.settled DESC",
            )
            .and_then(|mut statement| statement.query_map([owner], lost)?.collect())
            .map_err(StoreError::write)?;
        for lost in each {
            match runs.last_mut() {
                Some(run) if run.run == lost.run => run.calls.extend(lost.calls),
                _ => runs.push(lost),
            }
        }
        Ok(runs)
    }

    fn record_one_lost(&mut self, lost: Lost) -> Result<(), StoreError> {
        let row = if lost.deleted {
            None
        } else {
            Row::find(self.connection, &lost.session)?
        };
        let Some(mut row) = row else {
            // There is no session any more to record it in.
            let entry = Entry {
                time_ms: self.now.as_millisecond(),
                session_id: lost.session_id,
                channel: lost.channel,
                agent: lost.session.agent(),
                attended: lost.attended,
                source: Source::Here,
            };
            let tallies: Vec<Tally> = lost.calls.into_iter().map(tally).collect();
            return add(self.connection, &entry, &tallies);
        };
        let calls = u64::try_from(lost.calls.len()).unwrap_or(u64::MAX);
        let change = Change::CallsLost {
            run_id: lost.run.clone(),
            calls,
        };
        let event = change
            .to_event()?
            .in_run(&lost.run, None)
            .with_payload(Payload {
                calls: lost.calls,
                ..Payload::default()
            });
        row.admit(&event.kind, &lost.session)?;
        self.record(&mut row, &lost.session, event.masked())?;
        row.store(self.connection)
    }
}

fn lost(row: &SqlRow<'_>) -> rusqlite::Result<Lost> {
    let text = |n: usize| row.get::<_, String>(n);
    let usage: Usage = serde_json::from_str(&text(8)?).unwrap_or_default();
    let cost = row.get::<_, Option<i64>>(9)?.map(unsigned);
    let message = if row.get(10)? { UNRECORDED } else { DIED };
    Ok(Lost {
        run: text(0)?.into(),
        session_id: row.get(1)?,
        session: column_text(row, 2, SessionKey::parse)?,
        deleted: row.get(3)?,
        channel: text(4)?.into(),
        attended: attended_at(row, 5)?,
        calls: vec![CallPayload {
            provider: text(6)?.into(),
            model: text(7)?,
            credential: None,
            outcome: CallOutcome::Failed {
                kind: Kind::Unavailable,
                message: message.to_owned(),
            },
            usage,
            cost: cost.map(Cost::from_nanos),
            latency_ms: 0,
            first_token_ms: None,
            skipped: 0,
        }],
    })
}
