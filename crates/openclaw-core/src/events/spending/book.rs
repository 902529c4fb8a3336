//! The sums, kept as the calls are recorded.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Deserialize;

use super::limit::Spent;
use super::tally::{Tally, tallies};
use crate::events::error::StoreError;
use crate::events::hash::Record;
use crate::events::rows::{segments, sql_integer, unsigned};
use crate::ids::{AgentId, ChannelId};
use crate::session_key::SessionKey;
use crate::usage::{Attended, Cost, Durations, Usage, UsageSum};

/// The columns of a sum, in the order of [`sum_at`].
pub(super) const SUM: &str = "u.calls, u.failed, u.unpriced, u.input, u.output, u.cache_read, \
     u.cache_write, u.reasoning, u.nanos, u.latency, u.first_token";

/// How many milliseconds a quarter of an hour has; every time zone begins its days with one.
pub(super) const QUARTER: i64 = 15 * 60 * 1000;

/// Where calls were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::events) enum Source {
    /// By a process that works on this log; they count against its caps.
    Here,
    /// By another program, or on another log, that their session was imported from.
    Elsewhere,
}

/// What is known about calls beside what they took.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) time_ms: i64,
    pub(super) session_id: i64,
    pub(super) channel: ChannelId,
    pub(super) agent: AgentId,
    pub(super) attended: Attended,
    pub(super) source: Source,
}

/// Counts the calls of an event that was just recorded, and takes away what its run had reserved.
///
/// A run makes one call after the other, and records those of a step before it goes on; so what
/// it has reserved by then was for the calls of this event.
pub(in crate::events) fn count(
    connection: &Connection,
    session_id: i64,
    session: &SessionKey,
    record: &Record,
    source: Source,
) -> Result<(), StoreError> {
    let tallies = tallies(record);
    if tallies.is_empty() || session.is_system() {
        return Ok(());
    }
    let of_run = match (&record.run_id, source) {
        (Some(run), Source::Here) => release_run(connection, run)?,
        _ => None,
    };
    let (channel, attended) = match of_run {
        Some(known) => known,
        None => (channel_of(connection, session_id)?, Attended::Yes),
    };
    let entry = Entry {
        time_ms: record.time_ms,
        session_id,
        channel,
        agent: session.agent(),
        attended,
        source,
    };
    add(connection, &entry, &tallies)
}

/// Takes away what a run has reserved; returns what is known about the run.
fn release_run(
    connection: &Connection,
    run: &str,
) -> Result<Option<(ChannelId, Attended)>, StoreError> {
    let known = connection
        .prepare_cached("SELECT channel, attended FROM reservations WHERE run_id = ?1 LIMIT 1")
        .and_then(|mut statement| {
            statement
                .query_row([run], |row| {
                    let channel: String = row.get(0)?;
                    Ok((channel.into(), attended_at(row, 1)?))
                })
                .optional()
        })
        .map_err(StoreError::write)?;
    if known.is_some() {
        connection
            .prepare_cached("DELETE FROM reservations WHERE run_id = ?1")
            .and_then(|mut statement| statement.execute([run]))
            .map_err(StoreError::write)?;
    }
    Ok(known)
}

/// Returns the channel that a session began on.
pub(super) fn channel_of(
    connection: &Connection,
    session_id: i64,
) -> Result<ChannelId, StoreError> {
    /// What `SessionStarted` says.
    #[derive(Deserialize)]
    struct Started {
        channel: ChannelId,
    }
    let Some(first) = segments(connection, session_id, 1, 1)?.pop() else {
        return Ok("".into());
    };
    let data: Option<String> = connection
        .prepare_cached("SELECT data FROM events WHERE session_id = ?1 AND seq = 1")
        .and_then(|mut statement| {
            statement
                .query_row([first.session_id], |row| row.get(0))
                .optional()
        })
        .map_err(StoreError::read)?;
    let started = data.and_then(|data| serde_json::from_str::<Started>(&data).ok());
    Ok(started.map_or_else(|| "".into(), |started| started.channel))
}

/// Adds calls to the sums and to what limits are about.
pub(super) fn add(
    connection: &Connection,
    entry: &Entry,
    tallies: &[Tally],
) -> Result<(), StoreError> {
    sum_up(connection, entry, tallies)?;
    let mut spent = Spent::default();
    for tally in tallies {
        spent += Spent {
            cost: tally.sum.cost,
            tokens: tally.sum.usage.total(),
        };
    }
    match entry.source {
        Source::Here => spend(connection, entry, spent).map_err(StoreError::write),
        Source::Elsewhere => Ok(()),
    }
}

/// Adds calls to the sums alone.
pub(super) fn sum_up(
    connection: &Connection,
    entry: &Entry,
    tallies: &[Tally],
) -> Result<(), StoreError> {
    tallies
        .iter()
        .try_for_each(|tally| add_one(connection, entry, tally))
        .map_err(StoreError::write)
}

/// What is too large for an integer of SQLite's stays the largest.
fn spend(connection: &Connection, entry: &Entry, spent: Spent) -> rusqlite::Result<()> {
    let (nanos, tokens) = (
        sql_integer(spent.cost.as_nanos()),
        sql_integer(spent.tokens),
    );
    let more = "SET nanos = min(nanos + excluded.nanos, 9223372036854775807),
                    tokens = min(tokens + excluded.tokens, 9223372036854775807)";
    connection
        .prepare_cached(&format!(
            "INSERT INTO spent (quarter, agent, attended, nanos, tokens)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (quarter, agent, attended) DO UPDATE {more}"
        ))?
        .execute(params![
            entry.time_ms.div_euclid(QUARTER),
            entry.agent.as_str(),
            entry.attended == Attended::Yes,
            nanos,
            tokens,
        ])?;
    connection
        .prepare_cached(&format!(
            "INSERT INTO spent_in_session (session_id, nanos, tokens) VALUES (?1, ?2, ?3)
             ON CONFLICT (session_id) DO UPDATE {more}"
        ))?
        .execute(params![entry.session_id, nanos, tokens])
        .map(drop)
}

fn add_one(connection: &Connection, entry: &Entry, tally: &Tally) -> rusqlite::Result<()> {
    let quarter = entry.time_ms.div_euclid(QUARTER);
    let own = entry.source == Source::Here;
    let attended = entry.attended == Attended::Yes;
    let key = params![
        quarter,
        entry.session_id,
        tally.provider.as_str(),
        tally.model,
        entry.channel.as_str(),
        attended,
        own
    ];
    let before = connection
        .prepare_cached(&format!(
            "SELECT {SUM} FROM usage u WHERE quarter = ?1 AND session_id = ?2 AND provider = ?3
             AND model = ?4 AND channel = ?5 AND attended = ?6 AND own = ?7"
        ))?
        .query_row(key, |row| sum_at(row, 0))
        .optional()?;
    let mut sum = before.unwrap_or_default();
    sum += &tally.sum;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO usage
             (quarter, session_id, provider, model, channel, attended, own, agent,
              calls, failed, unpriced, input, output, cache_read, cache_write, reasoning, nanos,
              latency, first_token)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                     ?18, ?19)",
        )?
        .execute(params![
            quarter,
            entry.session_id,
            tally.provider.as_str(),
            tally.model,
            entry.channel.as_str(),
            attended,
            own,
            entry.agent.as_str(),
            sql_integer(sum.calls),
            sql_integer(sum.failed),
            sql_integer(sum.unpriced),
            sql_integer(sum.usage.input),
            sql_integer(sum.usage.output),
            sql_integer(sum.usage.cache_read),
            sql_integer(sum.usage.cache_write),
            sql_integer(sum.usage.reasoning),
            sql_integer(sum.cost.as_nanos()),
            text(&sum.latency),
            text(&sum.first_token),
        ])
        .map(drop)
}

/// Reads the columns of [`SUM`] from the one with that index on.
pub(super) fn sum_at(row: &Row<'_>, first: usize) -> rusqlite::Result<UsageSum> {
    let number = |n: usize| row.get(first.saturating_add(n)).map(unsigned);
    let durations = |n: usize| -> rusqlite::Result<Durations> {
        let text: String = row.get(first.saturating_add(n))?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    };
    Ok(UsageSum {
        calls: number(0)?,
        failed: number(1)?,
        unpriced: number(2)?,
        usage: Usage {
            input: number(3)?,
            output: number(4)?,
            cache_read: number(5)?,
            cache_write: number(6)?,
            reasoning: number(7)?,
            ..Usage::default()
        },
        cost: Cost::from_nanos(number(8)?),
        latency: durations(9)?,
        first_token: durations(10)?,
    })
}

fn text(durations: &Durations) -> String {
    // A map from numbers to numbers can always be written.
    serde_json::to_string(durations).unwrap_or_default()
}

/// Reads whether anybody waited.
pub(super) fn attended_at(row: &Row<'_>, index: usize) -> rusqlite::Result<Attended> {
    let attended: bool = row.get(index)?;
    Ok(if attended {
        Attended::Yes
    } else {
        Attended::No
    })
}
