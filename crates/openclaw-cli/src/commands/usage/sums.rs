//! `openclaw usage`: sums.

use clap::{Args, ValueEnum};
use openclaw_core::{AgentId, SessionKey};
use openclaw_gateway::Home;
use openclaw_ipc::methods::{Percentiles, UsageBy, UsageGet, UsageGetParams, UsageRow};

use super::money::{count, number_of, usd};
use crate::commands::Cx;
use crate::error::CliError;
use crate::{remote, text};

#[derive(Debug, Args)]
pub(super) struct SumArgs {
    /// What to sum up by
    #[arg(long, value_enum, default_value_t = By::Model)]
    by: By,
    /// The first day
    #[arg(long, value_name = "YYYY-MM-DD")]
    since: Option<String>,
    /// The last day
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Option<String>,
    /// The last so many days, today being one
    #[arg(long, value_name = "N", conflicts_with = "since", value_parser = clap::value_parser!(u32).range(1..))]
    days: Option<u32>,
    /// Only the calls of this agent
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// Only the calls in this session
    #[arg(long, value_name = "KEY")]
    session: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// The agent that asked
    Agent,
    /// The model that was asked
    Model,
    /// The channel that the messages came by
    Channel,
    /// The day
    Day,
    /// The session
    Session,
}

impl By {
    const fn wire(self) -> UsageBy {
        match self {
            Self::Agent => UsageBy::Agent,
            Self::Model => UsageBy::Model,
            Self::Channel => UsageBy::Channel,
            Self::Day => UsageBy::Day,
            Self::Session => UsageBy::Session,
        }
    }

    const fn head(self) -> &'static str {
        match self {
            Self::Agent => "AGENT",
            Self::Model => "MODEL",
            Self::Channel => "CHANNEL",
            Self::Day => "DAY",
            Self::Session => "SESSION",
        }
    }
}

pub(super) async fn run(cx: Cx<'_>, home: &Home, args: SumArgs) -> Result<(), CliError> {
    let session = args.session.as_deref().map(SessionKey::parse).transpose()?;
    let params = UsageGetParams {
        by: args.by.wire(),
        since: args.since,
        until: args.until,
        days: args.days,
        agent_id: args.agent.map(AgentId::from),
        session_key: session,
    };
    let output = remote::call::<UsageGet>(home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&output, &[]);
    }
    if output.rows.is_empty() {
        cx.out.note("no model was asked");
        return Ok(());
    }
    let header = [
        args.by.head(),
        "CALLS",
        "FAILED",
        "INPUT",
        "OUTPUT",
        "CACHE READ",
        "CACHE WRITE",
        "REASONING",
        "LATENCY",
        "FIRST TOKEN",
        "COST",
    ];
    cx.out
        .table(&header, output.rows.iter().map(row).collect())?;
    let total = &output.total;
    let failed = if total.failed > 0 {
        format!(" ({} failed)", count(total.failed))
    } else {
        String::new()
    };
    cx.out
        .line(format_args!("\n{}{failed}", cost_of_calls(total)))?;
    cx.out.note(format_args!(
        "latencies are those of the middle call and of the slowest of twenty; days are those of {}",
        output.time_zone
    ));
    Ok(())
}

fn row(row: &UsageRow) -> Vec<String> {
    let more = if row.unpriced > 0 { "+" } else { "" };
    vec![
        match row.name.as_str() {
            "" => "-".to_owned(),
            name => text::one_line(name).into_owned(),
        },
        count(row.calls),
        count(row.failed),
        count(row.tokens.input),
        count(row.tokens.output),
        count(row.tokens.cache_read),
        count(row.tokens.cache_write),
        count(row.tokens.reasoning),
        durations(row.latency_ms),
        durations(row.first_token_ms),
        format!("{}{more}", usd(row.cost_usd)),
    ]
}

/// Says what calls cost, and how many they were.
pub(crate) fn cost_of_calls(row: &UsageRow) -> String {
    format!("{} in {}", cost(row), number_of(row.calls, "call"))
}

/// Says what calls cost; what nobody knows the price of is not nothing.
fn cost(row: &UsageRow) -> String {
    let known = usd(row.cost_usd);
    if row.unpriced == 0 {
        return known;
    }
    let unpriced = number_of(row.unpriced, "call");
    format!("at least {known}, {unpriced} without a known price,")
}

fn durations(percentiles: Option<Percentiles>) -> String {
    percentiles.map_or_else(
        || "-".to_owned(),
        |of| format!("{} / {}", seconds(of.p50), seconds(of.p95)),
    )
}

fn seconds(ms: u64) -> String {
    if ms < 1000 {
        format!("{ms} ms")
    } else {
        format!("{}.{} s", ms / 1000, ms % 1000 / 100)
    }
}
