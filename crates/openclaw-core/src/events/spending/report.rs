//! Summing up.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::book::{QUARTER, SUM, attended_at, sum_at};
use super::limit::quarter;
use crate::events::error::StoreError;
use crate::events::rows::{column_text, timestamp};
use crate::events::store::EventStore;
use crate::ids::{AgentId, ChannelId, ProviderId};
use crate::session_key::SessionKey;
use crate::usage::{Attended, UsageSum};

/// Which calls are summed up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageQuery {
    /// Those from this quarter of an hour on.
    pub since: Option<Timestamp>,
    /// Those before this quarter of an hour.
    pub until: Option<Timestamp>,
    /// Those of this agent.
    pub agent: Option<AgentId>,
    /// Those of this session.
    pub session: Option<SessionKey>,
}

/// The calls of one model in one session within a quarter of an hour.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageCell {
    /// When the quarter of an hour began.
    pub since: Timestamp,
    /// The session, which may be deleted.
    pub session: SessionKey,
    /// The agent.
    pub agent: AgentId,
    /// The channel that the messages came by.
    pub channel: ChannelId,
    /// The provider.
    pub provider: ProviderId,
    /// The model.
    pub model: String,
    /// Whether anybody waited for the answers.
    pub attended: Attended,
    /// What the calls took.
    pub sum: UsageSum,
}

impl EventStore {
    /// Sums up the calls that a query matches, under the names that `group` gives them.
    ///
    /// The calls of deleted sessions count, and those of processes that died.
    pub async fn usage(
        &self,
        query: UsageQuery,
        group: impl Fn(&UsageCell) -> String + Send + 'static,
    ) -> Result<BTreeMap<String, UsageSum>, StoreError> {
        self.record_lost_calls().await?;
        self.query(move |connection| sums(connection, &query, group))
            .await
    }
}

fn sums(
    connection: &Connection,
    query: &UsageQuery,
    group: impl Fn(&UsageCell) -> String,
) -> Result<BTreeMap<String, UsageSum>, StoreError> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT u.quarter, s.key, u.agent, u.channel, u.provider, u.model, u.attended, {SUM}
             FROM usage u CROSS JOIN sessions s ON s.id = u.session_id
             WHERE u.quarter >= ?1 AND u.quarter < ?2
             AND (?3 IS NULL OR u.agent = ?3) AND (?4 IS NULL OR s.key = ?4)"
        ))
        .map_err(StoreError::read)?;
    let mut rows = statement
        .query(params![
            query.since.map_or(i64::MIN, quarter),
            query.until.map_or(i64::MAX, quarter),
            query.agent.as_ref().map(AgentId::as_str),
            query.session.as_ref().map(SessionKey::as_str),
        ])
        .map_err(StoreError::read)?;
    let mut sums: BTreeMap<String, UsageSum> = BTreeMap::new();
    while let Some(row) = rows.next().map_err(StoreError::read)? {
        let cell = cell(row).map_err(StoreError::read)?;
        *sums.entry(group(&cell)).or_default() += &cell.sum;
    }
    Ok(sums)
}

fn cell(row: &Row<'_>) -> rusqlite::Result<UsageCell> {
    let text = |n: usize| row.get::<_, String>(n);
    let quarter: i64 = row.get(0)?;
    Ok(UsageCell {
        since: timestamp(quarter.saturating_mul(QUARTER)),
        session: column_text(row, 1, SessionKey::parse)?,
        agent: text(2)?.into(),
        channel: text(3)?.into(),
        provider: text(4)?.into(),
        model: text(5)?,
        attended: attended_at(row, 6)?,
        sum: sum_at(row, 7)?,
    })
}
