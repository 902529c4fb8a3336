//! `openclaw usage caps`: what may be spent, and what of it is left.

use clap::Args;
use openclaw_core::SessionKey;
use openclaw_gateway::Home;
use openclaw_ipc::methods::{Amount, CapStatus, UsageStatus, UsageStatusParams};

use super::money::{count, number_of, usd};
use super::sums;
use crate::commands::Cx;
use crate::error::CliError;
use crate::{remote, text};

#[derive(Debug, Args)]
pub(super) struct CapsArgs {
    /// Show also how this session stands against its cap
    #[arg(long, value_name = "KEY")]
    session: Option<String>,
}

pub(super) async fn run(cx: Cx<'_>, home: &Home, args: CapsArgs) -> Result<(), CliError> {
    let session = args.session.as_deref().map(SessionKey::parse).transpose()?;
    let params = UsageStatusParams {
        session_key: session,
    };
    let output = remote::call::<UsageStatus>(home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&output, &[]);
    }
    let header = ["CAP", "OF", "LIMIT", "SPENT", "SET ASIDE", "SET BY"];
    cx.out
        .table(&header, output.caps.iter().map(row).collect())?;
    cx.out.line(format_args!(
        "\ntoday, {}: {}",
        output.today.name,
        sums::cost_of_calls(&output.today),
    ))?;
    cx.out.note(format_args!(
        "days are those of {}; `openclaw usage raise --help` says how to raise a cap",
        output.time_zone
    ));
    Ok(())
}

pub(super) fn row(cap: &CapStatus) -> Vec<String> {
    let amount = |amount: &Option<Amount>| {
        amount.as_ref().map_or_else(
            || "each run its own".to_owned(),
            |amount| {
                let money = cap.limit_usd.map(|_| usd(amount.usd));
                let tokens = cap.limit_tokens.map(|_| count(amount.tokens));
                both(money, tokens)
            },
        )
    };
    let set_by = match (cap.raised, cap.configured) {
        (true, _) => "raised",
        (false, true) => "config",
        (false, false) => "default",
    };
    vec![
        cap.cap.as_str().to_owned(),
        cap.subject.as_deref().map_or_else(
            || "-".to_owned(),
            |subject| text::one_line(subject).into_owned(),
        ),
        limit(cap),
        amount(&cap.spent),
        amount(&cap.reserved),
        set_by.to_owned(),
    ]
}

/// Says which caps hold: `unattended $1.00 (default), day $20.00`.
pub(crate) fn in_a_line(caps: &[CapStatus]) -> String {
    let told = caps.iter().map(|cap| {
        let default = if cap.configured { "" } else { " (default)" };
        format!("{} {}{default}", cap.cap.as_str(), limit(cap))
    });
    told.collect::<Vec<_>>().join(", ")
}

fn limit(cap: &CapStatus) -> String {
    both(
        cap.limit_usd.map(usd),
        cap.limit_tokens.map(|tokens| number_of(tokens, "token")),
    )
}

fn both(money: Option<String>, tokens: Option<String>) -> String {
    let parts: Vec<String> = money.into_iter().chain(tokens).collect();
    if parts.is_empty() {
        "-".to_owned()
    } else {
        parts.join(", ")
    }
}
