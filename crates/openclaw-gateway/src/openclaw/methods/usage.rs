//! `usage.cost`: what the calls of models took, day by day.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;
use openclaw_core::{AgentId, Kind};
use openclaw_ipc::methods::{UsageBy, UsageGet, UsageGetParams, UsageRow};
use openclaw_ipc::{Handle, RpcError};
use serde_json::{Value, json};

use super::given::Given;
use super::none::now_ms;
use crate::rpc::{CallCx, Rpc};

/// How many days are shown unless asked otherwise, and at most.
const DAYS: u32 = 30;
const MOST_DAYS: u64 = 3660;

/// `usage.cost`.
pub(super) async fn cost(rpc: &Rpc, cx: &CallCx, mut given: Given) -> Result<Value, RpcError> {
    let days = given.integer("days", 1..=MOST_DAYS);
    let range = given.one_of("range", &["7d", "30d", "90d", "1y", "all"]);
    let (since, until) = (given.text("startDate"), given.text("endDate"));
    let agent = given.text("agentId");
    given.one_of("agentScope", &["all"]);
    // The days are those of the people whom the default agent works for.
    given.one_of("mode", &["utc", "gateway", "specific"]);
    given.text("utcOffset");
    given.text("timeZone");
    given.done()?;
    let days = match (days, range) {
        (Some(days), _) => u32::try_from(days).ok(),
        (None, Some("7d")) => Some(7),
        (None, Some("90d")) => Some(90),
        (None, Some("1y")) => Some(365),
        (None, Some("all")) => None,
        (None, _) => Some(DAYS),
    };
    let params = UsageGetParams {
        by: UsageBy::Day,
        // A first day takes the place of a number of days.
        days: days.filter(|_| since.is_none()),
        since,
        until,
        agent_id: agent.map(AgentId),
        session_key: None,
    };
    let usage = Handle::<UsageGet>::handle(rpc, cx, params).await?;
    let mut rows: BTreeMap<String, &UsageRow> = BTreeMap::new();
    for row in &usage.rows {
        rows.insert(row.name.clone(), row);
    }
    let today = rpc.budget.today().date;
    let last = usage.until.clone().unwrap_or(today);
    let first = usage.since.clone().or_else(|| rows.keys().next().cloned());
    let dates = dates(first.as_deref().unwrap_or(&last), &last)?;
    let daily: Vec<Value> = dates
        .iter()
        .map(|date| {
            let mut day = rows
                .get(date)
                .map_or_else(|| sums(&none()), |row| sums(row));
            if let Some(day) = day.as_object_mut() {
                day.insert("date".to_owned(), date.as_str().into());
            }
            day
        })
        .collect();
    Ok(json!({
        "updatedAt": now_ms(),
        "days": daily.len(),
        "daily": daily,
        "totals": sums(&usage.total),
    }))
}

fn none() -> UsageRow {
    UsageRow::new(String::new(), &openclaw_core::usage::UsageSum::default())
}

/// Returns the members that OpenClaw has for a sum. What of the money went for which sort of token
/// is not kept, so it is left out.
fn sums(row: &UsageRow) -> Value {
    let tokens = row.tokens;
    json!({
        "input": tokens.input,
        "output": tokens.output,
        "cacheRead": tokens.cache_read,
        "cacheWrite": tokens.cache_write,
        "totalTokens": tokens.total(),
        "totalCost": row.cost_usd,
        "missingCostEntries": row.unpriced,
    })
}

/// Returns every day from the first to the last.
fn dates(first: &str, last: &str) -> Result<Vec<String>, RpcError> {
    let unreadable = |_: jiff::Error| {
        RpcError::new(Kind::Invalid, "a day is written as YYYY-MM-DD").with_field("startDate")
    };
    let first: Date = first.parse().map_err(unreadable)?;
    let last: Date = last.parse().map_err(unreadable)?;
    let most = usize::try_from(MOST_DAYS).unwrap_or(usize::MAX);
    let days = first.series(1.day()).take(most);
    Ok(days
        .take_while(|day| *day <= last)
        .map(|day| day.to_string())
        .collect())
}
