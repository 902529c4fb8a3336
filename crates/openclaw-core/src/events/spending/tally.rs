//! What a recorded event says about calls of models.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::Value;

use super::book::{Entry, Source, channel_of, sum_up};
use crate::events::error::StoreError;
use crate::events::hash::Record;
use crate::events::payload::{CallOutcome, CallPayload};
use crate::events::rows::{COLUMN_COUNT, COLUMNS, Stored, column_text};
use crate::ids::{ChannelId, ProviderId};
use crate::session_key::SessionKey;
use crate::usage::{Attended, Cost, Price, Usage, UsageSum};

/// The calls of one model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tally {
    pub(super) provider: ProviderId,
    pub(super) model: String,
    pub(super) sum: UsageSum,
}

/// The parts of a payload that are about calls.
#[derive(Debug, Deserialize)]
struct Known {
    #[serde(default)]
    calls: Vec<CallPayload>,
    step: Option<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    provider: ProviderId,
    model: String,
    usage: Usage,
}

/// Returns what an event says about calls; most events say nothing.
///
/// Where no calls are recorded, a step is one: of an earlier version, or of OpenClaw, whose own
/// record says what it cost.
pub(super) fn tallies(record: &Record) -> Vec<Tally> {
    let Some(payload) = record.payload.as_deref() else {
        return Vec::new();
    };
    // Most payloads are of tools, and need not be read.
    if !payload.contains("\"calls\"") && !payload.contains("\"step\"") {
        return Vec::new();
    }
    // A payload of a later version may say it in another way.
    let Ok(known) = serde_json::from_str::<Known>(payload) else {
        return Vec::new();
    };
    if known.calls.is_empty() {
        let cost = || price_of_raw(record.raw.as_deref()?);
        return known
            .step
            .map(|step| Tally {
                sum: sum_of(&step.usage, cost()),
                provider: step.provider,
                model: step.model,
            })
            .into_iter()
            .collect();
    }
    known.calls.into_iter().map(tally).collect()
}

pub(super) fn tally(call: CallPayload) -> Tally {
    let mut sum = sum_of(&call.usage, call.cost);
    sum.failed = u64::from(call.outcome != CallOutcome::Ok);
    sum.latency.add(call.latency_ms);
    if let Some(ms) = call.first_token_ms {
        sum.first_token.add(ms);
    }
    Tally {
        provider: call.provider,
        model: call.model,
        sum,
    }
}

fn sum_of(usage: &Usage, cost: Option<Cost>) -> UsageSum {
    UsageSum {
        calls: 1,
        // Whatever the price is, a call without tokens costs nothing.
        unpriced: u64::from(cost.is_none() && usage.total() > 0),
        usage: *usage,
        cost: cost.unwrap_or_default(),
        ..UsageSum::default()
    }
}

/// Returns what an entry of OpenClaw's says that it cost.
fn price_of_raw(raw: &str) -> Option<Cost> {
    let entry: Value = serde_json::from_str(raw).ok()?;
    let usd = entry.pointer("/message/usage/cost/total")?.as_f64()?;
    let per_million = Price {
        input: usd,
        ..Price::FREE
    };
    usd.is_finite().then(|| {
        per_million.of(&Usage {
            input: 1_000_000,
            ..Usage::default()
        })
    })
}

/// Counts every call that the log has, when the sums come into being; what limits are about does so
/// after that.
pub(in crate::events) fn rebuild(connection: &Connection) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, s.key FROM events e JOIN sessions s ON s.id = e.session_id
         WHERE e.payload LIKE '%\"step\"%' OR e.payload LIKE '%\"calls\"%' ORDER BY e.position"
    );
    let mut statement = connection.prepare(&sql).map_err(StoreError::read)?;
    let mut channels: HashMap<i64, ChannelId> = HashMap::new();
    let mut rows = statement.query([]).map_err(StoreError::read)?;
    while let Some(row) = rows.next().map_err(StoreError::read)? {
        let stored = Stored::of(row).map_err(StoreError::read)?;
        let session =
            column_text(row, COLUMN_COUNT, SessionKey::parse).map_err(StoreError::read)?;
        let tallies = tallies(&stored.record);
        if tallies.is_empty() {
            continue;
        }
        let source = match stored.record.raw {
            Some(_) => Source::Elsewhere,
            None => Source::Here,
        };
        let channel = match channels.entry(stored.session_id) {
            Slot::Occupied(known) => known.get().clone(),
            Slot::Vacant(slot) => slot
                .insert(channel_of(connection, stored.session_id)?)
                .clone(),
        };
        let entry = Entry {
            time_ms: stored.record.time_ms,
            session_id: stored.session_id,
            channel,
            agent: session.agent(),
            attended: Attended::Yes,
            source,
        };
        sum_up(connection, &entry, &tallies)?;
    }
    Ok(())
}
