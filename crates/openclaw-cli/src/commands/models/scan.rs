//! `openclaw models scan`: asking the providers which models they have.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;
use openclaw_core::{Clock, ProviderId};
use openclaw_gateway::models::Models;
use openclaw_gateway::models::listing::{Listing, ListingError};
use openclaw_gateway::providers::{ListedModel, ProviderError};
use openclaw_gateway::{GatewayError, Home};
use serde::Serialize;
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::view;
use crate::commands::Cx;
use crate::error::CliError;
use crate::runtime::{self, Threads};
use crate::text;

/// How long a provider may take to list its models.
const PATIENCE: Duration = Duration::from_mins(1);

/// The arguments of `models scan`.
#[derive(Debug, Args)]
pub(super) struct ScanArgs {
    /// Ask only this provider
    #[arg(long, value_name = "ID")]
    provider: Option<String>,
}

#[derive(Debug, Serialize)]
struct Scan {
    providers: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    provider: String,
    outcome: Outcome,
    /// How many models were kept.
    models: usize,
    /// How many were not, because they are too many or their names too long.
    #[serde(skip_serializing_if = "is_zero")]
    left_out: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    /// It listed its models.
    Listed,
    /// It has no list of its models.
    Unlisted,
    /// It could not be asked, or what it said could not be read.
    Failed,
}

/// Why a provider did not list its models.
#[derive(Debug)]
enum Silence {
    Gateway(GatewayError),
    Provider(ProviderError),
    TooLong,
}

pub(super) fn run(
    cx: Cx<'_>,
    home: &Home,
    asked: Option<&str>,
    args: &ScanArgs,
) -> Result<ExitCode, CliError> {
    let agent = view::agent(home, asked)?;
    let mut providers = view::providers(&home.config);
    if let Some(only) = args.provider.as_deref().map(str::trim) {
        providers = vec![ProviderId::from(only)];
    }
    let rows = runtime::block_on(Threads::Two, async {
        let models = Models::of(home);
        let answers = providers.iter().map(async |provider| {
            let (asked, read) = match models.provider(&agent.id, provider) {
                Ok(asked) => asked,
                Err(err) => return (provider, Err(Silence::Gateway(err))),
            };
            view::record(cx, home, read).await;
            let answer = asked.models(CancellationToken::new());
            let answer = match time::timeout(PATIENCE, answer).await {
                Ok(answer) => answer.map_err(Silence::Provider),
                Err(_elapsed) => Err(Silence::TooLong),
            };
            (provider, answer)
        });
        let answers = join_all(answers).await;
        keep(home, answers)
    })?;
    tell(cx, rows)
}

/// Keeps what the providers said, in one write.
fn keep(
    home: &Home,
    answers: Vec<(&ProviderId, Result<Vec<ListedModel>, Silence>)>,
) -> Result<Vec<Row>, CliError> {
    // What was kept and cannot be read is what this command repairs.
    let mut listing = match Listing::read(&home.state) {
        Ok(listing) => listing,
        Err(ListingError::Broken { .. }) => Listing::default(),
        Err(err) => return Err(err.into()),
    };
    let now = Clock::system().now();
    let rows: Vec<Row> = answers
        .into_iter()
        .map(|(provider, answer)| match answer {
            Ok(models) => {
                let said = models.len();
                let left_out = listing.take(provider.as_str(), now, models);
                Row {
                    provider: provider.to_string(),
                    outcome: Outcome::Listed,
                    models: said.saturating_sub(left_out),
                    left_out,
                    message: None,
                    hint: None,
                }
            }
            Err(silence) => silence.row(provider),
        })
        .collect();
    if rows.iter().any(|row| row.outcome == Outcome::Listed) {
        home.state.create()?;
        listing.write(&home.state)?;
    }
    Ok(rows)
}

impl Silence {
    fn row(self, provider: &ProviderId) -> Row {
        let outcome = match &self {
            Self::Provider(ProviderError::NoListing { .. }) => Outcome::Unlisted,
            Self::Provider(_) | Self::Gateway(_) | Self::TooLong => Outcome::Failed,
        };
        let (message, hint) = match self {
            Self::Gateway(err) => (err.to_string(), err.hint()),
            Self::Provider(err) => (err.to_string(), err.hint()),
            Self::TooLong => (
                format!("it took longer than {} seconds", PATIENCE.as_secs()),
                Some("try again later".to_owned()),
            ),
        };
        Row {
            provider: provider.to_string(),
            outcome,
            models: 0,
            left_out: 0,
            message: Some(message),
            hint,
        }
    }
}

fn tell(cx: Cx<'_>, rows: Vec<Row>) -> Result<ExitCode, CliError> {
    let failed = rows.iter().any(|row| row.outcome == Outcome::Failed);
    if cx.out.is_json() {
        cx.out.answer(&Scan { providers: rows }, &[])?;
    } else if rows.is_empty() {
        cx.out
            .note("no provider is configured; `openclaw onboard` writes a first config");
    } else {
        for row in rows {
            let told = match (row.outcome, row.message) {
                (Outcome::Listed, _) => format!("{} models", row.models),
                (_, message) => message.unwrap_or_default(),
            };
            let told = text::one_line(&told).into_owned();
            cx.out.line(format_args!("{}  {told}", row.provider))?;
            if row.left_out > 0 {
                cx.out
                    .warning(format_args!("{} more are left out", row.left_out));
            }
            if let Some(hint) = &row.hint {
                cx.out.note(format_args!("  {}", text::one_line(hint)));
            }
        }
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_zero(n: &usize) -> bool {
    *n == 0
}
