//! The methods about what models cost.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use openclaw_core::clock::rfc3339;
use openclaw_core::events::{Limit, Raise, Spent, Standing, UsageCell, UsageQuery};
use openclaw_core::usage::UsageSum;
use openclaw_core::{AgentId, Cost, Kind, Price, SessionKey, Usage};
use openclaw_ipc::methods::{
    Amount, CapName, CapStatus, UsageBy, UsageGet, UsageGetOutput, UsageGetParams, UsageRaise,
    UsageRaiseOutput, UsageRaiseParams, UsageRow, UsageStatus, UsageStatusOutput,
    UsageStatusParams,
};
use openclaw_ipc::{Handle, RpcError};

use super::{CallCx, Rpc, store_error};
use crate::budget::{Day, Rule};

/// The most that a cap can be raised to, in US dollars; that of the config, too.
const MOST_USD: f64 = 1_000_000.0;

impl Handle<UsageGet> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: UsageGetParams,
    ) -> Result<UsageGetOutput, RpcError> {
        let rules = self.budget.rules();
        let zone = rules.zone().clone();
        let today = self.budget.today();
        let day = |text: &Option<String>, field| text.as_deref().map(|text| date(text, field));
        let (mut since, until) = (
            day(&params.since, "since").transpose()?,
            day(&params.until, "until").transpose()?,
        );
        if let Some(days) = params.days {
            if since.is_some() || days == 0 {
                let message = "`days` is at least 1 and takes the place of `since`";
                return Err(RpcError::new(Kind::Invalid, message).with_field("days"));
            }
            let back = i64::from(days.saturating_sub(1));
            let first = date(&today.date, "days")?.checked_sub(back.days());
            since = Some(first.unwrap_or(Date::MIN));
        }
        if let (Some(since), Some(until)) = (since, until)
            && since > until
        {
            let message = format!("the first day, {since}, comes after the last one, {until}");
            return Err(RpcError::new(Kind::Invalid, message).with_field("since"));
        }
        if let Some(agent) = &params.agent_id {
            self.has_asked(agent).await?;
        }
        let query = UsageQuery {
            since: since.and_then(|day| midnight(day, &zone)),
            // The last day counts, so what comes before the next one does.
            until: until.and_then(|day| midnight(day.tomorrow().ok()?, &zone)),
            agent: params.agent_id,
            session: params.session_key,
        };
        let by = params.by;
        let sums = self
            .store
            .usage(query, move |cell| name(cell, by, &zone))
            .await
            .map_err(|err| store_error(&err))?;
        let mut total = UsageSum::default();
        for sum in sums.values() {
            total += sum;
        }
        let mut sums: Vec<(String, UsageSum)> = sums.into_iter().collect();
        if by != UsageBy::Day {
            sums.sort_by_key(|(_, sum)| (std::cmp::Reverse(sum.cost), sum.usage.total()));
        }
        Ok(UsageGetOutput {
            by,
            time_zone: rules.zone_name(),
            since: since.map(|day| day.to_string()),
            until: until.map(|day| day.to_string()),
            rows: sums
                .into_iter()
                .map(|(name, sum)| UsageRow::new(name, &sum))
                .collect(),
            total: UsageRow::new(String::new(), &total),
        })
    }
}

impl Handle<UsageStatus> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: UsageStatusParams,
    ) -> Result<UsageStatusOutput, RpcError> {
        let (rules, day) = (self.budget.rules(), self.budget.today());
        let today = UsageQuery {
            since: Some(day.began),
            ..UsageQuery::default()
        };
        let spent = self
            .store
            .usage(today, |_| String::new())
            .await
            .map_err(|err| store_error(&err))?;
        let sum = spent.into_values().next().unwrap_or_default();
        let mut limits = Vec::new();
        for rule in rules.all() {
            let of_rule = self.limits_of(rule, params.session_key.as_ref(), &day);
            limits.extend(of_rule.into_iter().map(|limit| (rule, limit)));
        }
        Ok(UsageStatusOutput {
            time_zone: rules.zone_name(),
            today: UsageRow::new(day.date, &sum),
            caps: self.stand(limits).await?,
        })
    }
}

impl Handle<UsageRaise> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: UsageRaiseParams,
    ) -> Result<UsageRaiseOutput, RpcError> {
        let invalid = |message: String, field: &'static str| {
            RpcError::new(Kind::Invalid, message).with_field(field)
        };
        let day = self.budget.today();
        let name = params.cap.as_str();
        let rule = self.budget.rules().rule(params.cap).ok_or_else(|| {
            invalid(format!("the cap `{name}` is not set"), "cap").with_hint(format!(
                "set budget.{name} in openclaw-rs.json5 to have one"
            ))
        })?;
        let limit = match params.cap {
            CapName::Session => {
                let session = params.session_key.as_ref().ok_or_else(|| {
                    invalid("say which session's cap to raise".to_owned(), "sessionKey")
                })?;
                rule.of_session(&self.existing(session).await?.key)
            }
            CapName::Agent => rule.of_agent(&self.agent(params.agent_id.as_ref())?.id, &day),
            CapName::Turn | CapName::Unattended => rule.of_runs(Spent::default(), &day),
            CapName::Day | CapName::UnattendedDay => rule.of_day(&day),
        };
        let standing = self.standing(&limit).await?;
        let usd = params.usd.map(|usd| money(usd, standing.usd)).transpose()?;
        let tokens = params
            .tokens
            .map(|tokens| higher(tokens, standing.tokens))
            .transpose()?;
        if usd.is_none() && tokens.is_none() {
            return Err(invalid("say what to raise it to".to_owned(), "usd"));
        }
        let raise = Raise {
            cap: name.to_owned(),
            subject: limit.subject.clone(),
            period: limit.period,
            usd,
            tokens,
            by: cx.admitted.principal().to_string(),
        };
        self.store
            .raise(raise)
            .await
            .map_err(|err| store_error(&err))?;
        self.budget.free();
        let standing = self.standing(&limit).await?;
        Ok(UsageRaiseOutput {
            cap: status(&rule, &limit, &standing),
            until: (params.cap != CapName::Session).then(|| rfc3339(day.ends)),
        })
    }
}

impl Rpc {
    /// Refuses an agent that neither the config nor the log knows.
    async fn has_asked(&self, agent: &AgentId) -> Result<(), RpcError> {
        let Err(unknown) = self.agent(Some(agent)) else {
            return Ok(());
        };
        let ever = UsageQuery {
            agent: Some(agent.clone()),
            ..UsageQuery::default()
        };
        let sums = self.store.usage(ever, |_| String::new()).await;
        if sums.map_err(|err| store_error(&err))?.is_empty() {
            return Err(unknown);
        }
        Ok(())
    }

    fn limits_of(&self, rule: Rule, session: Option<&SessionKey>, day: &Day) -> Vec<Limit> {
        match rule.name {
            CapName::Turn | CapName::Unattended => vec![rule.of_runs(Spent::default(), day)],
            CapName::Session => session
                .map(|key| rule.of_session(key))
                .into_iter()
                .collect(),
            CapName::Agent => {
                let agents = self.agents.all();
                let ids = agents.iter().map(|agent| &agent.id);
                ids.map(|agent: &AgentId| rule.of_agent(agent, day))
                    .collect()
            }
            CapName::Day | CapName::UnattendedDay => vec![rule.of_day(day)],
        }
    }

    async fn standing(&self, limit: &Limit) -> Result<Standing, RpcError> {
        let standings = self.store.standings(vec![limit.clone()]).await;
        let mut standings = standings.map_err(|err| store_error(&err))?;
        Ok(standings.pop().unwrap_or_default())
    }

    async fn stand(&self, limits: Vec<(Rule, Limit)>) -> Result<Vec<CapStatus>, RpcError> {
        let asked = limits.iter().map(|(_, limit)| limit.clone()).collect();
        let standings = self.store.standings(asked).await;
        let standings = standings.map_err(|err| store_error(&err))?;
        Ok(limits
            .iter()
            .zip(&standings)
            .map(|((rule, limit), standing)| status(rule, limit, standing))
            .collect())
    }
}

fn status(rule: &Rule, limit: &Limit, standing: &Standing) -> CapStatus {
    let amount = |spent: &Spent| Amount {
        usd: spent.cost.usd(),
        tokens: spent.tokens,
    };
    // Each run has this to itself.
    let shared = !matches!(rule.name, CapName::Turn | CapName::Unattended);
    CapStatus {
        subject: Some(limit.subject.clone()).filter(|subject| !subject.is_empty()),
        raised: standing.raised,
        limit_usd: standing.usd.map(Cost::usd),
        limit_tokens: standing.tokens,
        spent: shared.then(|| amount(&standing.spent)),
        reserved: shared.then(|| amount(&standing.reserved)),
        ..rule.unused()
    }
}

fn name(cell: &UsageCell, by: UsageBy, zone: &TimeZone) -> String {
    match by {
        UsageBy::Agent => cell.agent.to_string(),
        UsageBy::Model => format!("{}/{}", cell.provider, cell.model),
        UsageBy::Channel => cell.channel.to_string(),
        UsageBy::Day => cell.since.to_zoned(zone.clone()).date().to_string(),
        UsageBy::Session => cell.session.to_string(),
    }
}

fn date(text: &str, field: &'static str) -> Result<Date, RpcError> {
    text.parse().map_err(|_unreadable: jiff::Error| {
        let message = format!("`{text}` is no day: write it as YYYY-MM-DD");
        RpcError::new(Kind::Invalid, message).with_field(field)
    })
}

fn midnight(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let begins = day.to_zoned(zone.clone()).ok()?.start_of_day().ok()?;
    Some(begins.timestamp())
}

fn money(usd: f64, now: Option<Cost>) -> Result<Cost, RpcError> {
    let invalid = |message: String| RpcError::new(Kind::Invalid, message).with_field("usd");
    if !(0.0..=MOST_USD).contains(&usd) {
        return Err(invalid(format!(
            "US dollars are a number from 0 to {MOST_USD}"
        )));
    }
    let now = now.ok_or_else(|| invalid("this cap does not cap money".to_owned()))?;
    let per_million = Price {
        input: usd,
        ..Price::FREE
    };
    let cost = per_million.of(&Usage {
        input: 1_000_000,
        ..Usage::default()
    });
    if cost > now {
        Ok(cost)
    } else {
        Err(invalid(format!("the cap is ${:.2} already", now.usd())))
    }
}

fn higher(tokens: u64, now: Option<u64>) -> Result<u64, RpcError> {
    let invalid = |message: String| RpcError::new(Kind::Invalid, message).with_field("tokens");
    let now = now.ok_or_else(|| invalid("this cap does not cap tokens".to_owned()))?;
    if tokens > now {
        Ok(tokens)
    } else {
        Err(invalid(format!("the cap is {now} tokens already")))
    }
}
