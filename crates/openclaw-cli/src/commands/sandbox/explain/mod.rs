//! `openclaw sandbox explain`: what a tool of an agent may do, and which setting says so.

mod lines;

use std::process::ExitCode;

use clap::Args;
use openclaw_core::{AgentId, Kind};
use openclaw_gateway::agents::ToolRegistry;
use openclaw_gateway::agents::tools::Touch;
use openclaw_gateway::containment::Containment;
use openclaw_gateway::containment::machine::{Machine, Means};
use openclaw_gateway::{GatewayError, Home};
use openclaw_sandbox::{SandboxError, SandboxLevel};
use serde::Serialize;

use self::lines::{Line, Policy};
use crate::commands::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sandbox explain                            the policy of the default agent's commands
  openclaw sandbox explain --tool write --agent main
  openclaw sandbox explain --json

The exit code is 0 when what is shown is in force, 3 when there is no such tool or agent, and 6 when
this machine cannot enforce it, so that commands are refused.";

/// The arguments of `sandbox explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The tool
    #[arg(long, default_value = "exec", value_name = "TOOL")]
    tool: String,
    /// The agent that uses it; the default one if none is named
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Explanation {
    agent: AgentId,
    tool: String,
    lines: Vec<Line>,
    /// What this machine has of the means that contain a command; nothing where none is run.
    guards: Vec<Means>,
    /// Why commands are refused on this machine.
    refused: Option<Refused>,
}

#[derive(Debug, Serialize)]
struct Refused {
    reason: String,
    hint: Option<&'static str>,
}

pub(super) fn run(cx: Cx<'_>, args: &ExplainArgs) -> Result<ExitCode, CliError> {
    let home = Home::open(cx.env.clone(), cx.overrides)?;
    let explanation = runtime::block_on(Threads::One, explain(&home, args))?;
    if cx.out.is_json() {
        cx.out.answer(&explanation, &[])?;
    } else {
        tell(cx, &explanation)?;
    }
    Ok(match explanation.refused {
        Some(_) => ExitCode::from(Kind::Denied.exit_code()),
        None => ExitCode::SUCCESS,
    })
}

async fn explain(home: &Home, args: &ExplainArgs) -> Result<Explanation, CliError> {
    let tools = ToolRegistry::standard();
    let touch = tools.touch(&args.tool).ok_or_else(|| CliError::NoTool {
        name: args.tool.clone(),
        known: tools.names().join(", "),
    })?;
    let id = match &args.agent {
        Some(id) => AgentId::from(id.trim()),
        None => home.default_agent(),
    };
    let agent = home.config.agent(&id);
    let agent = agent.ok_or_else(|| GatewayError::NoAgent(id.clone()))?;
    let containment = Containment::of(home, Some(&id))?;
    let readable = containment.readable(home, agent);
    let lines = Policy::new(agent, &containment, readable).lines(touch);
    let contained = touch == Touch::Commands && containment.level() != SandboxLevel::None;
    let (guards, refused) = if contained {
        let machine = Machine::look().await;
        (machine.means(), refused(&machine, &containment))
    } else {
        (Vec::new(), None)
    };
    Ok(Explanation {
        agent: id,
        tool: args.tool.clone(),
        lines,
        guards,
        refused,
    })
}

/// What is missing refuses commands, unless it may be done without and can be.
fn refused(machine: &Machine, containment: &Containment) -> Option<Refused> {
    let err = machine.probe.as_ref().err()?;
    let degraded = containment.policy.allow_degraded.value && machine.missing.is_some();
    (!degraded).then(|| Refused {
        reason: err.to_string(),
        hint: SandboxError::hint(err),
    })
}

fn tell(cx: Cx<'_>, explanation: &Explanation) -> Result<(), CliError> {
    let Explanation {
        agent, tool, lines, ..
    } = explanation;
    let title = format!("{tool} of the agent {agent}");
    cx.out
        .line(cx.out.look(Look::Strong, &text::one_line(&title)))?;
    let cells = lines.iter().map(|line| {
        vec![
            line.name.to_owned(),
            text::one_line(&line.value).into_owned(),
            text::one_line(&line.decided_by).into_owned(),
        ]
    });
    cx.out
        .table(&["WHAT", "VALUE", "DECIDED BY"], cells.collect())?;
    if !explanation.guards.is_empty() {
        cx.out.line("")?;
        let cells = explanation.guards.iter().map(|means| {
            vec![
                means.name.to_owned(),
                text::one_line(&means.detail).into_owned(),
                means.remedy.unwrap_or_default().to_owned(),
            ]
        });
        cx.out
            .table(&["GUARD", "HERE", "REMEDY"], cells.collect())?;
    }
    if let Some(Refused { reason, hint }) = &explanation.refused {
        let label = cx.out.look_aside(Look::Bad, "commands are refused:");
        cx.out
            .note(format_args!("{label} {}", text::one_line(reason)));
        if let Some(hint) = hint {
            cx.out.note(format_args!("  {hint}"));
        }
    }
    Ok(())
}
