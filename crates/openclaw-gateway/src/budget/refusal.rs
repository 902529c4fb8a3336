//! Why a call may not be made, in words.

use openclaw_core::Cost;
use openclaw_core::events::Shortage;
use openclaw_ipc::methods::CapName;
use openclaw_providers::{Capped, Planned};

use super::rules::Rule;

/// The fewest tokens to which a cap is worth raising: a few short calls.
const LEAST_TOKENS: u64 = 100_000;

/// A cap is reached, or what is left of it is too little.
pub(super) fn capped(rule: Option<&Rule>, shortage: &Shortage) -> Capped {
    let Shortage {
        limit, standing, ..
    } = shortage;
    let name = rule.map(|rule| rule.name);
    let whose = match name {
        Some(CapName::Turn) => "this turn".to_owned(),
        Some(CapName::Session) => "this session".to_owned(),
        Some(CapName::Agent) => format!("the agent `{}` today", limit.subject),
        Some(CapName::Unattended) => "this run, which nobody waits for".to_owned(),
        Some(CapName::UnattendedDay) => "today's runs that nobody waits for".to_owned(),
        Some(CapName::Day) | None => "today".to_owned(),
    };
    let spent = [
        standing.usd.map(|most| {
            let spent = usd(standing.spent.cost);
            format!("{spent} of {} spent", usd(most))
        }),
        standing.tokens.map(|most| {
            let spent = standing.spent.tokens;
            format!("{spent} of {most} tokens used")
        }),
    ];
    let spent: Vec<String> = spent.into_iter().flatten().collect();
    let held = if shortage.passing {
        let held = usd(standing.reserved.cost);
        format!("; {held} is set aside for calls under way")
    } else {
        String::new()
    };
    let message = format!(
        "the cap `{}` stops the turn: {} for {whose}, and the next call may take more than what is left{held}",
        limit.cap,
        spent.join(" and "),
    );
    let subject = match name {
        Some(CapName::Session) => format!(" --session {}", limit.subject),
        Some(CapName::Agent) => format!(" --agent {}", limit.subject),
        _ => String::new(),
    };
    let to = match standing.usd {
        Some(most) => format!("--usd {}", twice(most)),
        None => format!(
            "--tokens {}",
            standing
                .tokens
                .unwrap_or_default()
                .saturating_mul(2)
                .max(LEAST_TOKENS)
        ),
    };
    Capped {
        cap: limit.cap,
        message,
        hint: format!(
            "raise it with `openclaw usage raise {}{subject} {to}`, or for good with budget.{} in openclaw-rs.json5",
            limit.cap,
            setting(limit.cap),
        ),
    }
}

/// Money is capped, and nobody knows what the model costs.
pub(super) fn no_price(rule: &Rule, planned: &Planned<'_>) -> Capped {
    let Planned {
        provider, model, ..
    } = planned;
    let cap = rule.name.as_str();
    Capped {
        cap,
        message: format!(
            "the cap `{cap}` stops the turn: nobody knows what `{provider}/{model}` costs, so that its {} cannot be kept to",
            rule.cap.usd.map(usd).unwrap_or_default()
        ),
        hint: format!(
            "set `cost` of the model `{model}` in models.providers.{provider}.models of openclaw.json, in US dollars per million tokens (zeros if it is free), or cap tokens with budget.{} in openclaw-rs.json5",
            setting(cap),
        ),
    }
}

/// Returns the setting of a cap in our own config file.
fn setting(cap: &str) -> &str {
    cap.strip_suffix("-day").unwrap_or(cap)
}

fn usd(cost: Cost) -> String {
    let usd = cost.usd();
    if cost.as_nanos() == 0 || usd >= 0.01 {
        format!("${usd:.2}")
    } else {
        format!("${usd:.6}")
    }
}

fn twice(cost: Cost) -> String {
    let twice = Cost::from_nanos(cost.as_nanos().saturating_mul(2).max(1_000_000_000));
    let text = format!("{:.2}", twice.usd());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
