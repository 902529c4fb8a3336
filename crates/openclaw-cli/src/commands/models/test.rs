//! `openclaw models test`: trying models and keys with a real request.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use openclaw_config::AgentSettings;
use openclaw_core::{Clock, Cost, Kind, ModelRef, Usage};
use openclaw_gateway::models::Models;
use openclaw_gateway::providers::dispatch::{Candidate, Credential, Health};
use openclaw_gateway::providers::{Completion, Message, ProviderError, Request, UserBlock};
use openclaw_gateway::{GatewayError, Home};
use serde::Serialize;
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;

use super::{choose, view};
use crate::commands::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};
use crate::text;

/// How long a model may take for a word.
const PATIENCE: Duration = Duration::from_mins(2);

/// The most tokens that a model may write: some APIs refuse fewer.
const TOKENS: u32 = 16;

/// What a model is asked.
const QUESTION: &str = "Reply with the word OK.";

/// The arguments of `models test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// The model: provider/model, or an alias; without it, the agent's model
    #[arg(conflicts_with = "all")]
    model: Option<String>,
    /// Also try everything that stands in for the agent's model
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Serialize)]
struct Tests {
    tests: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    model: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    credential: String,
    ok: bool,
    latency_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    /// US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

/// Why a test failed.
#[derive(Debug, Serialize)]
struct Failure {
    code: Kind,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

pub(super) fn run(
    cx: Cx<'_>,
    home: &Home,
    asked: Option<&str>,
    args: &TestArgs,
) -> Result<ExitCode, CliError> {
    let agent = view::agent(home, asked)?;
    let tried = tried(cx, home, agent, args)?;
    let rows = runtime::block_on(Threads::Two, async {
        let models = Models::of(home);
        let mut rows = Vec::new();
        for model in tried {
            rows.extend(tests(cx, home, &models, agent, &model).await);
        }
        Ok(rows)
    })?;
    let failed = rows.iter().any(|row| !row.ok);
    if cx.out.is_json() {
        cx.out.answer(&Tests { tests: rows }, &[])?;
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn tried(
    cx: Cx<'_>,
    home: &Home,
    agent: &AgentSettings,
    args: &TestArgs,
) -> Result<Vec<ModelRef>, CliError> {
    let no_model = || CliError::no_model(home, agent);
    if let Some(name) = &args.model {
        let document = choose::config(cx)?;
        return Ok(vec![choose::named(&document, name)?]);
    }
    let chain = view::chain(agent)
        .into_iter()
        .map(|(model, _)| model.clone());
    let mut tried: Vec<ModelRef> = chain.collect();
    if !args.all {
        tried.truncate(1);
    }
    if tried.is_empty() {
        return Err(no_model());
    }
    Ok(tried)
}

/// Tries a model with every key that there is for it.
async fn tests(
    cx: Cx<'_>,
    home: &Home,
    models: &Models<'_>,
    agent: &AgentSettings,
    model: &ModelRef,
) -> Vec<Row> {
    let mut rows = Vec::new();
    // A key that cannot be had is a failure, even if there is another one.
    for found in models.credentials(&agent.id, &model.provider) {
        if let Err(err) = found.key {
            rows.push(row(cx, model, found.name, Failure::of(&err)));
        }
    }
    let health = Arc::new(Health::new(Clock::system()));
    let (route, read) = match models.route_to(agent, model, &health) {
        Ok(routed) => routed,
        Err(err) => {
            if rows.is_empty() {
                rows.push(row(cx, model, String::new(), Failure::of(&err)));
            }
            return rows;
        }
    };
    view::record(cx, home, read).await;
    for candidate in route.candidates() {
        for credential in &candidate.credentials {
            rows.push(test(cx, candidate, credential).await);
        }
    }
    rows
}

/// Asks one model with one key.
async fn test(cx: Cx<'_>, candidate: &Candidate, credential: &Credential) -> Row {
    let request = Request {
        model: candidate.model.model.clone(),
        system: String::new(),
        messages: vec![Message::User(vec![UserBlock::Text(QUESTION.to_owned())])],
        tools: Vec::new(),
        max_tokens: Some(TOKENS),
        effort: None,
        temperature: None,
        cache: openclaw_gateway::providers::CacheRetention::None,
        conversation: None,
    };
    let started = Instant::now();
    let answer = credential
        .provider
        .complete(request, CancellationToken::new());
    let answer = time::timeout(PATIENCE, answer).await;
    let latency = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut row = match answer {
        Ok(Ok(answer)) => passed(candidate, credential, &answer),
        Ok(Err(err)) => failed(candidate, credential, Failure::of_provider(&err)),
        Err(_elapsed) => failed(
            candidate,
            credential,
            Failure {
                code: Kind::Unavailable,
                message: format!("no answer within {} seconds", PATIENCE.as_secs()),
                hint: Some("try again later, or with another model".to_owned()),
            },
        ),
    };
    row.latency_ms = latency;
    show(cx, &row);
    row
}

fn passed(candidate: &Candidate, credential: &Credential, answer: &Completion) -> Row {
    let price = candidate.info.as_ref().and_then(|info| info.price.clone());
    Row {
        model: candidate.model.to_string(),
        credential: credential.name.clone(),
        ok: true,
        latency_ms: 0,
        usage: Some(answer.usage),
        cost_usd: price.map(|price| price.of(&answer.usage)).map(Cost::usd),
        error: None,
    }
}

fn failed(candidate: &Candidate, credential: &Credential, failure: Failure) -> Row {
    Row {
        model: candidate.model.to_string(),
        credential: credential.name.clone(),
        ok: false,
        latency_ms: 0,
        usage: None,
        cost_usd: None,
        error: Some(failure),
    }
}

/// Returns, and shows, that a model cannot even be asked.
fn row(cx: Cx<'_>, model: &ModelRef, credential: String, failure: Failure) -> Row {
    let row = Row {
        model: model.to_string(),
        credential,
        ok: false,
        latency_ms: 0,
        usage: None,
        cost_usd: None,
        error: Some(failure),
    };
    show(cx, &row);
    row
}

impl Failure {
    fn of(err: &GatewayError) -> Self {
        Self {
            code: err.kind(),
            message: err.to_string(),
            hint: err.hint(),
        }
    }

    fn of_provider(err: &ProviderError) -> Self {
        Self {
            code: err.kind(),
            message: err.to_string(),
            hint: err.hint(),
        }
    }
}

/// Shows each test when it is done: the next one may take a while.
fn show(cx: Cx<'_>, row: &Row) {
    if cx.out.is_json() {
        return;
    }
    let name = if row.credential.is_empty() {
        row.model.clone()
    } else {
        format!("{} with {}", row.model, row.credential)
    };
    let name = text::one_line(&name).into_owned();
    let line = match &row.error {
        None => format!(
            "{}  {name}  {} ms",
            cx.out.look(Look::Good, "ok"),
            row.latency_ms
        ),
        Some(failure) => format!(
            "{}  {name}  {}",
            cx.out.look(Look::Bad, "failed"),
            text::one_line(&failure.message)
        ),
    };
    // Where standard output cannot be written, the exit code says it all the same.
    drop(cx.out.line(line));
    let hint = row
        .error
        .as_ref()
        .and_then(|failure| failure.hint.as_deref());
    if let Some(hint) = hint {
        cx.out.note(format_args!("  {}", text::one_line(hint)));
    }
}
