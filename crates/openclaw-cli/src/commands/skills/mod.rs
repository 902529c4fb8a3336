//! `openclaw skills`: which skills an agent has, and what the others lack.
//!
//! The files are looked at directly, with or without a running gateway, and nothing is written.
//! One file for each subcommand. Documents have the shape that
//! TypeScript OpenClaw's scripts read.

mod check;
mod info;
mod list;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use openclaw_core::AgentId;
use openclaw_core::session_key::check_agent;
use openclaw_gateway::Home;
use openclaw_gateway::skills::Inventory;
use serde::Serialize;

use super::Cx;
use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  openclaw skills list
  openclaw skills info github
  openclaw skills check --agent main --json";

/// The arguments of `skills`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SkillsArgs {
    /// Look at this agent's skills; without it, at those of the agent whose workspace this folder
    /// is in, or else the default agent's
    #[arg(long, global = true, value_name = "ID")]
    agent: Option<String>,
    #[command(subcommand)]
    command: Option<SkillsCommand>,
}

#[derive(Debug, Subcommand)]
enum SkillsCommand {
    /// List the skills (also without `list`)
    #[command(after_help = EXAMPLES)]
    List(list::ListArgs),
    /// Show one skill: where it is, what it needs and what of that is missing
    #[command(after_help = EXAMPLES)]
    Info(info::InfoArgs),
    /// Say which skills the agent is told of, and why it is not told of the others
    #[command(after_help = EXAMPLES)]
    Check,
}

/// A failure in the shape that TypeScript OpenClaw prints.
#[derive(Debug, Serialize)]
struct Failure<'a> {
    ok: bool,
    error: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    skill: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Reason {
    r#type: &'static str,
    message: String,
}

pub(crate) fn run(cx: Cx<'_>, args: &SkillsArgs) -> Result<ExitCode, CliError> {
    let home = Home::open(cx.env.clone(), cx.overrides)?;
    let agent = args
        .agent
        .as_deref()
        .map_or_else(|| here(&home), |id| AgentId::from(id.trim()));
    let known = check_agent(agent.as_str()).is_ok();
    let inventory = known.then(|| Inventory::of(&home, &agent)).flatten();
    let Some(inventory) = inventory else {
        let agents: Vec<&str> = home
            .config
            .agents
            .iter()
            .map(|agent| agent.id.as_str())
            .collect();
        let message = format!(
            "there is no agent `{agent}`; there are: {}",
            agents.join(", ")
        );
        return refuse(cx, message, None);
    };
    let report = inventory.report();
    match args
        .command
        .as_ref()
        .unwrap_or(&SkillsCommand::List(list::ListArgs::default()))
    {
        SkillsCommand::List(args) => list::list(cx, &report, args)?,
        SkillsCommand::Info(args) => return info::info(cx, &report, args),
        SkillsCommand::Check => check::check(cx, &report)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the agent whose workspace the process works in, or else the default agent.
fn here(home: &Home) -> AgentId {
    let folder = std::env::current_dir()
        .and_then(|folder| folder.canonicalize())
        .ok();
    let inside = folder.and_then(|folder| {
        let agents = home.config.agents.iter().filter_map(|agent| {
            let workspace = agent.workspace.canonicalize().ok()?;
            folder
                .starts_with(&workspace)
                .then_some((workspace, &agent.id))
        });
        // The innermost, where one workspace lies in another.
        agents.max_by_key(|(workspace, _)| workspace.components().count())
    });
    inside.map_or_else(|| home.default_agent(), |(_, id)| id.clone())
}

/// Prints why there is no answer; the exit code is that of TypeScript OpenClaw.
fn refuse(cx: Cx<'_>, message: String, skill: Option<&str>) -> Result<ExitCode, CliError> {
    if cx.out.is_json() {
        cx.out.document(&Failure {
            ok: false,
            error: Reason {
                r#type: "cli_error",
                message,
            },
            skill,
        })?;
    } else {
        cx.out.note(message);
    }
    Ok(ExitCode::FAILURE)
}
