//! What may be spent, and whether a call still fits.

use std::ops::AddAssign;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, params};

use super::book::QUARTER;
use crate::events::error::StoreError;
use crate::events::rows::unsigned;
use crate::ids::AgentId;
use crate::session_key::SessionKey;
use crate::usage::{Cost, Price, Usage};

/// A bound on what calls may take together.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Its name, under which it can be raised.
    pub cap: &'static str,
    /// Whose it is, if each session or agent has its own; otherwise empty.
    pub subject: String,
    /// Since when it goes; a raise goes for the period that it was made in.
    pub period: Timestamp,
    /// What counts against it.
    pub scope: Scope,
    /// The most money.
    pub usd: Option<Cost>,
    /// The most tokens.
    pub tokens: Option<u64>,
}

/// What counts against a limit.
#[derive(Clone, Debug, PartialEq)]
pub enum Scope {
    /// What somebody else has counted.
    Counted(Spent),
    /// Everything in a session.
    Session(SessionKey),
    /// What an agent spends from a time on.
    AgentSince(AgentId, Timestamp),
    /// What all runs that nobody waits for spend from a time on.
    UnattendedSince(Timestamp),
    /// What everybody spends from a time on.
    AllSince(Timestamp),
}

/// An amount of money and tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// The money, as far as it is known.
    pub cost: Cost,
    /// The tokens, of every kind.
    pub tokens: u64,
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.cost += other.cost;
        self.tokens = self.tokens.saturating_add(other.tokens);
    }
}

/// A cap that somebody raises, for the current period.
#[derive(Clone, Debug, PartialEq)]
pub struct Raise {
    /// The cap.
    pub cap: String,
    /// Whose it is, if each session or agent has its own; otherwise empty.
    pub subject: String,
    /// Since when the period goes.
    pub period: Timestamp,
    /// What it is raised to, in money.
    pub usd: Option<Cost>,
    /// What it is raised to, in tokens.
    pub tokens: Option<u64>,
    /// Who raises it.
    pub by: String,
}

/// How much of a limit is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What was spent, as far as it is recorded.
    pub spent: Spent,
    /// What the calls that are under way have set aside.
    pub reserved: Spent,
    /// The most money, as it may have been raised.
    pub usd: Option<Cost>,
    /// The most tokens, as they may have been raised.
    pub tokens: Option<u64>,
    /// Whether it was raised.
    pub raised: bool,
}

/// What a call may take, as far as it is known before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size<'a> {
    pub(super) price: Option<&'a Price>,
    pub(super) input: u64,
}

impl Size<'_> {
    /// Returns the most that the call takes if it writes so much.
    pub(super) fn with_output(&self, output: u64) -> (Usage, Option<Cost>) {
        let usage = Usage {
            input: self.input,
            output,
            ..Usage::default()
        };
        let cost = self.price.map(|price| price.at_most(self.input, output));
        (usage, cost)
    }

    fn fits(&self, output: u64, used: &Spent, standing: &Standing) -> bool {
        let (usage, cost) = self.with_output(output);
        let mut after = *used;
        after += Spent {
            cost: cost.unwrap_or_default(),
            tokens: usage.total(),
        };
        let tokens = standing.tokens.is_none_or(|most| after.tokens <= most);
        // A model that is free may be asked however much the others have spent.
        let free = cost == Some(Cost::default());
        tokens && (free || standing.usd.is_none_or(|most| after.cost <= most))
    }

    /// Returns how much the call may write, at most `most`; none if it is less than `least`.
    pub(super) fn room(&self, least: u64, most: u64, used: &Spent, at: &Standing) -> Option<u64> {
        if !self.fits(least.min(most), used, at) {
            return None;
        }
        let (mut fits, mut too_much) = (least.min(most), most.saturating_add(1));
        while fits.saturating_add(1) < too_much {
            let middle = fits.midpoint(too_much);
            if self.fits(middle, used, at) {
                fits = middle;
            } else {
                too_much = middle;
            }
        }
        Some(fits)
    }
}

/// Returns how much of a limit is used.
pub(super) fn standing(connection: &Connection, limit: &Limit) -> Result<Standing, StoreError> {
    let (spent, reserved) = match &limit.scope {
        Scope::Counted(spent) => (*spent, Spent::default()),
        Scope::Session(session) => {
            let of = "session_id = (SELECT id FROM sessions WHERE key = ?1 AND deleted = 0)";
            let key = [session.as_str()];
            (
                spent(connection, "spent_in_session", of, key)?,
                reserved(connection, of, key)?,
            )
        }
        Scope::AgentSince(agent, since) => (
            spent(
                connection,
                "spent",
                "agent = ?2 AND quarter >= ?1",
                params![quarter(*since), agent.as_str()],
            )?,
            reserved(connection, "agent = ?1", [agent.as_str()])?,
        ),
        Scope::UnattendedSince(since) => (
            spent(
                connection,
                "spent",
                "attended = 0 AND quarter >= ?1",
                [quarter(*since)],
            )?,
            reserved(connection, "attended = 0", [])?,
        ),
        Scope::AllSince(since) => (
            spent(connection, "spent", "quarter >= ?1", [quarter(*since)])?,
            reserved(connection, "true", [])?,
        ),
    };
    let raised = raised(connection, limit)?;
    let higher =
        |limit: Option<u64>, raised: Option<u64>| limit.map(|most| most.max(raised.unwrap_or(0)));
    Ok(Standing {
        spent,
        reserved,
        usd: higher(
            limit.usd.map(Cost::as_nanos),
            raised.and_then(|raised| raised.0),
        )
        .map(Cost::from_nanos),
        tokens: higher(limit.tokens, raised.and_then(|raised| raised.1)),
        raised: raised.is_some(),
    })
}

/// Returns the quarter of an hour that a time lies in.
pub(super) fn quarter(time: Timestamp) -> i64 {
    time.as_millisecond().div_euclid(QUARTER)
}

fn reserved(connection: &Connection, of: &str, params: impl Params) -> Result<Spent, StoreError> {
    spent(connection, "reservations", of, params)
}

fn spent(
    connection: &Connection,
    table: &str,
    of: &str,
    params: impl Params,
) -> Result<Spent, StoreError> {
    connection
        .prepare_cached(&format!(
            "SELECT CAST(total(nanos) AS INTEGER), CAST(total(tokens) AS INTEGER)
             FROM {table} WHERE {of}"
        ))
        .and_then(|mut statement| {
            statement.query_row(params, |row| {
                Ok(Spent {
                    cost: Cost::from_nanos(unsigned(row.get(0)?)),
                    tokens: unsigned(row.get(1)?),
                })
            })
        })
        .map_err(StoreError::read)
}

/// What a cap was raised to, in money and in tokens.
type Raised = (Option<u64>, Option<u64>);

fn raised(connection: &Connection, limit: &Limit) -> Result<Option<Raised>, StoreError> {
    connection
        .prepare_cached(
            "SELECT nanos, tokens FROM raises
             WHERE cap = ?1 AND subject = ?2 AND period_ms = ?3",
        )
        .and_then(|mut statement| {
            let key = params![limit.cap, limit.subject, limit.period.as_millisecond()];
            statement
                .query_row(key, |row| {
                    let number = |n: Option<i64>| n.map(unsigned);
                    Ok((number(row.get(0)?), number(row.get(1)?)))
                })
                .optional()
        })
        .map_err(StoreError::read)
}
