//! Params and outputs of the methods about what models cost.

use openclaw_core::usage::UsageSum;
use openclaw_core::{AgentId, SessionKey, Usage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Params of `usage.get`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UsageGetParams {
    /// What the calls are summed up by.
    #[serde(default)]
    pub by: UsageBy,
    /// The first day, as `YYYY-MM-DD`; from the first call on unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The last day, as `YYYY-MM-DD`; up to now unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The last so many days, today being one; in place of `since`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Only the calls of this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// Only the calls in this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
}

/// What calls are summed up by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UsageBy {
    /// The agent that made them.
    Agent,
    /// The model that was asked, with its provider.
    #[default]
    Model,
    /// The channel that the messages came by.
    Channel,
    /// The day.
    Day,
    /// The session.
    Session,
}

/// Output of `usage.get`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageGetOutput {
    /// What the calls are summed up by.
    pub by: UsageBy,
    /// The time zone whose days are meant.
    pub time_zone: String,
    /// The first day; null for the first one there is.
    pub since: Option<String>,
    /// The last day; null for today.
    pub until: Option<String>,
    /// The sums: days in order, the others by what they cost, the highest first.
    pub rows: Vec<UsageRow>,
    /// The sum of all of them.
    pub total: UsageRow,
}

/// What a number of calls took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageRow {
    /// Whose calls they are; empty for the total.
    pub name: String,
    /// How many calls there were, failed ones too.
    pub calls: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many used tokens at a price that nobody knows; what they cost comes on top of `costUsd`.
    pub unpriced: u64,
    /// Their tokens; `reasoning` is part of `output`.
    pub tokens: Usage,
    /// What they cost in US dollars, at least.
    pub cost_usd: f64,
    /// How long they took to their end; null where nobody has measured it.
    pub latency_ms: Option<Percentiles>,
    /// How long they took to the first token; null where nobody has measured it.
    pub first_token_ms: Option<Percentiles>,
}

/// How long calls took, off by a sixteenth at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// Half of them took no longer than this.
    pub p50: u64,
    /// Of a hundred, 95 took no longer than this.
    pub p95: u64,
}

impl UsageRow {
    /// Makes the row of a sum.
    pub fn new(name: String, sum: &UsageSum) -> Self {
        let percentiles = |durations: &openclaw_core::usage::Durations| {
            Some(Percentiles {
                p50: durations.percentile(50)?,
                p95: durations.percentile(95)?,
            })
        };
        Self {
            name,
            calls: sum.calls,
            failed: sum.failed,
            unpriced: sum.unpriced,
            tokens: sum.usage,
            cost_usd: sum.cost.usd(),
            latency_ms: percentiles(&sum.latency),
            first_token_ms: percentiles(&sum.first_token),
        }
    }
}

/// Params of `usage.status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UsageStatusParams {
    /// Show also how this session stands against its cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
}

/// Output of `usage.status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageStatusOutput {
    /// The time zone whose days are meant.
    pub time_zone: String,
    /// What was spent today, whether it is capped or not.
    pub today: UsageRow,
    /// The caps that are set.
    pub caps: Vec<CapStatus>,
}

/// A cap, and how much of it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CapStatus {
    /// Its name.
    pub cap: CapName,
    /// The agent or session, where each has a cap of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whether the config sets it; otherwise it is there by default.
    pub configured: bool,
    /// Whether somebody has raised it for the current period.
    pub raised: bool,
    /// The most money, in US dollars; null where money is not capped.
    pub limit_usd: Option<f64>,
    /// The most tokens; null where they are not capped.
    pub limit_tokens: Option<u64>,
    /// What was spent; null for what each run has of its own.
    pub spent: Option<Amount>,
    /// What the calls that are under way have set aside; null for what each run has of its own.
    pub reserved: Option<Amount>,
}

/// Money and tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Amount {
    /// US dollars, as far as the prices are known.
    pub usd: f64,
    /// Tokens of every kind.
    pub tokens: u64,
}

/// What may be capped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CapName {
    /// One message and everything that is done to answer it.
    Turn,
    /// One session.
    Session,
    /// One agent in a day.
    Agent,
    /// Everything in a day.
    Day,
    /// One run that nobody waits for.
    Unattended,
    /// All runs of a day that nobody waits for.
    UnattendedDay,
}

impl CapName {
    /// Returns the name as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Session => "session",
            Self::Agent => "agent",
            Self::Day => "day",
            Self::Unattended => "unattended",
            Self::UnattendedDay => "unattended-day",
        }
    }
}

/// Params of `usage.raise`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UsageRaiseParams {
    /// The cap.
    pub cap: CapName,
    /// What to raise it to, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
    /// What to raise it to, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// The session whose cap it is, for `session`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// The agent whose cap it is, for `agent`; the default agent unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
}

/// Output of `usage.raise`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageRaiseOutput {
    /// The cap as it is now.
    pub cap: CapStatus,
    /// Until when it is raised; null where it stays so.
    pub until: Option<String>,
}
