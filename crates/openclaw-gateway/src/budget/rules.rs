//! What the config says about what models may cost, and what goes where it says nothing.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use openclaw_agents::{Attended, Whose};
use openclaw_config::{BudgetSettings, Cap};
use openclaw_core::events::{Limit, Scope, Spent};
use openclaw_core::{AgentId, Cost, SessionKey};
use openclaw_ipc::methods::{CapName, CapStatus};

/// What one run that nobody waits for may cost, unless the config says otherwise.
///
/// Whoever asks sees what an answer costs and can stop asking; a timer does not.
const UNATTENDED: Cost = Cost::from_nanos(1_000_000_000);

/// How many times as much as one of them all runs of a day may take that nobody waits for: many
/// small ones cost as much as a large one.
const UNATTENDED_RUNS: u64 = 5;

/// The caps, and the time zone whose days they go by.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    settings: BudgetSettings,
    zone: TimeZone,
}

/// A day in the time zone of the caps.
#[derive(Clone, Debug)]
pub(crate) struct Day {
    /// When it began.
    pub(crate) began: Timestamp,
    /// When the next one begins.
    pub(crate) ends: Timestamp,
    /// Its date, as `YYYY-MM-DD`.
    pub(crate) date: String,
}

/// A cap that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) name: CapName,
    pub(crate) cap: Cap,
    /// Whether the config has it.
    pub(crate) configured: bool,
}

impl Rules {
    /// Takes what the config says; without a time zone the machine's counts.
    pub(crate) fn new(settings: BudgetSettings, time_zone: Option<&str>) -> Self {
        let named = time_zone.and_then(|name| {
            TimeZone::get(name)
                .inspect_err(|err| tracing::warn!(%err, "the days of the caps are the machine's"))
                .ok()
        });
        Self {
            settings,
            zone: named.unwrap_or_else(TimeZone::system),
        }
    }

    /// Returns the time zone.
    pub(crate) const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Returns the name of the time zone.
    pub(crate) fn zone_name(&self) -> String {
        self.zone.iana_name().unwrap_or("local").to_owned()
    }

    /// Returns the day that a time lies in.
    pub(crate) fn day_of(&self, time: Timestamp) -> Day {
        let now = time.to_zoned(self.zone.clone());
        let began = now
            .start_of_day()
            .unwrap_or_else(|_out_of_range| now.clone());
        let ends = now
            .tomorrow()
            .and_then(|tomorrow| tomorrow.start_of_day())
            .as_ref()
            .map_or(Timestamp::MAX, Zoned::timestamp);
        Day {
            began: began.timestamp(),
            ends,
            date: now.date().to_string(),
        }
    }

    /// Returns the cap of that name, if it is set.
    pub(crate) fn rule(&self, name: CapName) -> Option<Rule> {
        let set = &self.settings;
        let unattended = set.unattended.unwrap_or(Cap {
            usd: Some(UNATTENDED),
            tokens: None,
        });
        let (cap, configured) = match name {
            CapName::Turn => (set.turn?, true),
            CapName::Session => (set.session?, true),
            CapName::Agent => (set.agent?, true),
            CapName::Day => (set.day?, true),
            CapName::Unattended => (unattended, set.unattended.is_some()),
            CapName::UnattendedDay => {
                let times = |n: u64| n.saturating_mul(UNATTENDED_RUNS);
                let cap = Cap {
                    usd: unattended
                        .usd
                        .map(|cost| Cost::from_nanos(times(cost.as_nanos()))),
                    tokens: unattended.tokens.map(times),
                };
                (cap, set.unattended.is_some())
            }
        };
        Some(Rule {
            name,
            cap,
            configured,
        })
    }

    /// Returns the caps that are set.
    pub(crate) fn all(&self) -> impl Iterator<Item = Rule> {
        let names = [
            CapName::Turn,
            CapName::Session,
            CapName::Agent,
            CapName::Day,
            CapName::Unattended,
            CapName::UnattendedDay,
        ];
        names.into_iter().filter_map(|name| self.rule(name))
    }

    /// Returns what a call of a run has to keep to, when the run has spent so much.
    pub(crate) fn of_call(&self, whose: &Whose, run: Spent, day: &Day) -> Vec<(Rule, Limit)> {
        let unattended: &[CapName] = match whose.attended {
            Attended::Yes => &[],
            Attended::No => &[CapName::Unattended, CapName::UnattendedDay],
        };
        let all = [
            CapName::Turn,
            CapName::Session,
            CapName::Agent,
            CapName::Day,
        ];
        unattended
            .iter()
            .chain(&all)
            .filter_map(|name| {
                let rule = self.rule(*name)?;
                let limit = match name {
                    CapName::Turn | CapName::Unattended => rule.of_runs(run, day),
                    CapName::Session => rule.of_session(&whose.session),
                    CapName::Agent => rule.of_agent(&whose.agent, day),
                    CapName::Day | CapName::UnattendedDay => rule.of_day(day),
                };
                Some((rule, limit))
            })
            .collect()
    }
}

impl Rule {
    /// Returns this as it is shown where nobody looks at how much of it is used.
    pub(crate) fn unused(&self) -> CapStatus {
        CapStatus {
            cap: self.name,
            subject: None,
            configured: self.configured,
            raised: false,
            limit_usd: self.cap.usd.map(Cost::usd),
            limit_tokens: self.cap.tokens,
            spent: None,
            reserved: None,
        }
    }

    /// Returns the limit of a run that has spent so much; a raise goes for all runs of the day.
    pub(crate) fn of_runs(&self, spent: Spent, day: &Day) -> Limit {
        self.limit(String::new(), day.began, Scope::Counted(spent))
    }

    /// Returns the limit of a session, over all its days.
    pub(crate) fn of_session(&self, session: &SessionKey) -> Limit {
        let scope = Scope::Session(session.clone());
        self.limit(session.to_string(), Timestamp::UNIX_EPOCH, scope)
    }

    /// Returns the limit of an agent in a day.
    pub(crate) fn of_agent(&self, agent: &AgentId, day: &Day) -> Limit {
        let scope = Scope::AgentSince(agent.clone(), day.began);
        self.limit(agent.to_string(), day.began, scope)
    }

    /// Returns the limit of everything in a day, or of all that nobody waits for.
    pub(crate) fn of_day(&self, day: &Day) -> Limit {
        let scope = match self.name {
            CapName::UnattendedDay => Scope::UnattendedSince(day.began),
            _ => Scope::AllSince(day.began),
        };
        self.limit(String::new(), day.began, scope)
    }

    fn limit(&self, subject: String, period: Timestamp, scope: Scope) -> Limit {
        Limit {
            cap: self.name.as_str(),
            subject,
            period,
            scope,
            usd: self.cap.usd,
            tokens: self.cap.tokens,
        }
    }
}
