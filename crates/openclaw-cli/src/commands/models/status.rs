//! `openclaw models status`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use openclaw_config::AgentSettings;
use openclaw_core::{ModelRef, ProviderId};
use openclaw_gateway::Home;
use openclaw_gateway::models::{Found, Models, Origin};
use openclaw_ipc::methods::{FailingModel, ModelsStatus, NoParams};
use serde::Serialize;

use super::view;
use crate::commands::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};
use crate::{remote, text};

/// The arguments of `models status`.
#[derive(Debug, Default, Args)]
pub(super) struct StatusArgs {
    /// Exit with 1 if a model of the agent cannot be asked
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    config_path: PathBuf,
    agent_dir: PathBuf,
    default_model: Option<String>,
    resolved_default: Option<String>,
    fallbacks: Vec<String>,
    aliases: BTreeMap<String, String>,
    auth: Auth,
    /// What fails for the gateway that runs; nothing is known of it if none does.
    failing: Option<Vec<FailingModel>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Auth {
    store_path: PathBuf,
    missing_providers_in_use: Vec<String>,
    model_route_issues: Vec<Issue>,
    providers: Vec<ProviderRow>,
}

/// A model of the agent that cannot be asked.
#[derive(Debug, Serialize)]
struct Issue {
    model: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Debug, Serialize)]
struct ProviderRow {
    provider: String,
    effective: Effective,
    credentials: Vec<CredentialRow>,
}

/// The key that is tried first.
#[derive(Debug, Serialize)]
struct Effective {
    kind: &'static str,
    detail: String,
}

/// What is said of a provider that has no key.
#[derive(Clone, Copy, Debug)]
struct Without {
    kind: &'static str,
    detail: &'static str,
}

const NEEDS_NONE: Without = Without {
    kind: "none",
    detail: "needs no key",
};

const MISSING: Without = Without {
    kind: "missing",
    detail: "missing",
};

#[derive(Debug, Serialize)]
struct CredentialRow {
    name: String,
    origin: Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

pub(super) fn run(
    cx: Cx<'_>,
    home: &Home,
    asked: Option<&str>,
    args: &StatusArgs,
) -> Result<ExitCode, CliError> {
    let agent = view::agent(home, asked)?;
    let status = runtime::block_on(Threads::One, async { Ok(status(cx, home, agent).await) })?;
    if cx.out.is_json() {
        cx.out.document(&status)?;
    } else {
        tell(cx, &status)?;
    }
    let ready = status.default_model.is_some() && status.auth.model_route_issues.is_empty();
    Ok(if args.check && !ready {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn status(cx: Cx<'_>, home: &Home, agent: &AgentSettings) -> Status {
    let models = Models::of(home);
    let mut rows = Vec::new();
    let mut missing = Vec::new();
    let used: Vec<&ProviderId> = view::chain(agent)
        .into_iter()
        .map(|(model, _)| &model.provider)
        .collect();
    for provider in view::providers(&home.config) {
        let keys = view::keys(cx, home, &models, agent, &provider).await;
        let without = if view::is_available(&models, &provider, &keys) {
            NEEDS_NONE
        } else {
            if used.contains(&&provider) {
                missing.push(provider.to_string());
            }
            MISSING
        };
        rows.push(row(&provider, keys, without));
    }
    let issues = models.unusable(agent).into_iter().map(|unusable| Issue {
        model: unusable.model.to_string(),
        message: unusable.error.to_string(),
        hint: unusable.error.hint(),
    });
    let misnamed = agent.misnamed.iter().map(|misnamed| Issue {
        model: misnamed.name.clone(),
        message: misnamed.problem.clone(),
        hint: Some("list the models with `openclaw models list --all`".to_owned()),
    });
    let primary = agent.model.as_ref().map(ModelRef::to_string);
    let aliases = home.config.aliases.iter();
    Status {
        config_path: absolute(home.state.config_file()),
        agent_dir: agent.agent_dir.clone(),
        default_model: primary.clone(),
        resolved_default: primary,
        fallbacks: agent.fallbacks.iter().map(ModelRef::to_string).collect(),
        aliases: aliases
            .map(|(alias, model)| (alias.clone(), model.to_string()))
            .collect(),
        auth: Auth {
            store_path: home.vault().path().to_owned(),
            missing_providers_in_use: missing,
            model_route_issues: issues.chain(misnamed).collect(),
            providers: rows,
        },
        failing: failing(home).await.unwrap_or_else(|err| {
            cx.out.warning(format_args!(
                "the gateway does not say which models and keys rest: {err}"
            ));
            None
        }),
    }
}

/// Asks the gateway that runs; what fails is known to it alone.
async fn failing(home: &Home) -> Result<Option<Vec<FailingModel>>, CliError> {
    let Some(running) = home.running()? else {
        return Ok(None);
    };
    let mut client = remote::connect(home, &running).await?;
    let output = client.call::<ModelsStatus>(&NoParams {}).await?;
    Ok(Some(output.failing))
}

fn row(provider: &ProviderId, keys: Vec<Found>, without: Without) -> ProviderRow {
    let first = keys.iter().find(|found| found.key.is_ok());
    let effective = match first {
        Some(found) => Effective {
            // The names that OpenClaw has for these places.
            kind: match found.origin {
                Origin::SignIn | Origin::Store => "profiles",
                Origin::Config | Origin::Own => "models.json",
                Origin::Environment => "env",
            },
            detail: found.name.clone(),
        },
        None => Effective {
            kind: without.kind,
            detail: without.detail.to_owned(),
        },
    };
    let credentials = keys.into_iter().map(|found| CredentialRow {
        name: found.name,
        origin: found.origin,
        problem: found.key.err().map(|err| err.to_string()),
    });
    ProviderRow {
        provider: provider.to_string(),
        effective,
        credentials: credentials.collect(),
    }
}

fn tell(cx: Cx<'_>, status: &Status) -> Result<(), CliError> {
    let none = || "none".to_owned();
    let list = |names: &[String]| {
        if names.is_empty() {
            none()
        } else {
            names.join(", ")
        }
    };
    let aliases: Vec<String> = status
        .aliases
        .iter()
        .map(|(alias, model)| format!("{alias} = {model}"))
        .collect();
    for (name, value) in [
        ("config", status.config_path.display().to_string()),
        ("model", status.default_model.clone().unwrap_or_else(none)),
        ("fallbacks", list(&status.fallbacks)),
        ("aliases", list(&aliases)),
    ] {
        let value = text::one_line(&value).into_owned();
        cx.out.line(format_args!("{name:<10} {value}"))?;
    }
    cx.out.line("")?;
    let mut cells = Vec::new();
    for row in &status.auth.providers {
        if row.credentials.is_empty() {
            let detail = row.effective.detail.clone();
            cells.push(vec![
                row.provider.clone(),
                "-".to_owned(),
                detail,
                String::new(),
            ]);
        }
        for credential in &row.credentials {
            let problem = credential.problem.as_deref().unwrap_or_default();
            cells.push(vec![
                row.provider.clone(),
                text::one_line(&credential.name).into_owned(),
                credential.origin.as_str().to_owned(),
                text::one_line(problem).into_owned(),
            ]);
        }
    }
    cx.out
        .table(&["PROVIDER", "KEY", "FROM", "PROBLEM"], cells)?;
    for issue in &status.auth.model_route_issues {
        let label = cx.out.look_aside(Look::Bad, &issue.model);
        cx.out.note(format_args!(
            "{label} cannot be asked: {}",
            text::one_line(&issue.message)
        ));
        if let Some(hint) = &issue.hint {
            cx.out.note(format_args!("  {}", text::one_line(hint)));
        }
    }
    for failing in status.failing.iter().flatten() {
        let line = view::failing(failing);
        cx.out.note(cx.out.look_aside(Look::Doubtful, &line));
    }
    Ok(())
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_unknown| path.to_owned())
}
