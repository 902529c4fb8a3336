//! `openclaw policy explain`: the verdict on a call, the setting that decided, and every other one.

use std::process::ExitCode;

use clap::Args;
use openclaw_core::{AgentId, ChannelId, Kind, PeerId, SessionKey};
use openclaw_gateway::Home;
use openclaw_ipc::methods::{
    PolicyDecision, PolicyExplain, PolicyExplainOutput, PolicyExplainParams, PolicyLayer,
    PolicyStanding,
};
use serde_json::{Map, Value};

use crate::commands::Cx;
use crate::error::CliError;
use crate::remote;
use crate::terminal::Look;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw policy explain --tool exec
  openclaw policy explain --tool exec --channel telegram --sender 4711
  openclaw policy explain --tool exec --args '{\"command\": \"git status\"}' --json

Exit codes, beside those of every command:
  0 the call may run   6 it may not   7 it may if somebody says so";

/// The exit code for a call that somebody has to be asked about.
const ASKED: u8 = 7;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The tool
    #[arg(long, value_name = "NAME")]
    tool: String,
    /// The agent [default: the default agent]
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// The channel that the sender writes on; without it, it is you who ask
    #[arg(long, value_name = "ID")]
    channel: Option<String>,
    /// Who they are there [default: anybody]
    #[arg(long, value_name = "ID", requires = "channel")]
    sender: Option<String>,
    /// The session that the call is made in [default: a direct one of the sender]
    #[arg(long, value_name = "KEY")]
    session: Option<String>,
    /// The model that makes the call [default: the agent's]
    #[arg(long, value_name = "PROVIDER/MODEL")]
    model: Option<String>,
    /// The call's arguments [default: is the tool there at all?]
    #[arg(long, value_name = "JSON", value_parser = object)]
    args: Option<Map<String, Value>>,
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|err| format!("this is no JSON object: {err}"))
}

pub(super) async fn run(cx: Cx<'_>, home: &Home, args: ExplainArgs) -> Result<ExitCode, CliError> {
    let session = args.session.as_deref().map(SessionKey::parse).transpose()?;
    let params = PolicyExplainParams {
        tool: args.tool,
        agent_id: args.agent.map(AgentId::from),
        channel: args.channel.map(ChannelId::from),
        sender: args.sender.map(PeerId::from),
        session_key: session,
        model: args.model,
        args: args.args,
    };
    let output = remote::call::<PolicyExplain>(home, params).await?;
    if cx.out.is_json() {
        cx.out.answer(&output, &[])?;
    } else {
        show(cx, &output)?;
    }
    Ok(ExitCode::from(match output.decision {
        PolicyDecision::Allow => 0,
        PolicyDecision::Ask => ASKED,
        PolicyDecision::Deny => Kind::Denied.exit_code(),
    }))
}

fn show(cx: Cx<'_>, output: &PolicyExplainOutput) -> Result<(), CliError> {
    let (look, verdict) = match output.decision {
        PolicyDecision::Allow => (Look::Good, "may call"),
        PolicyDecision::Ask => (Look::Doubtful, "may call, if somebody says so,"),
        PolicyDecision::Deny => (Look::Bad, "may not call"),
    };
    let standing = match output.sender.standing {
        PolicyStanding::Owner => "an owner",
        PolicyStanding::Guest => "a guest",
        PolicyStanding::Webhook => "a webhook",
    };
    let (agent, tool) = (&output.agent_id, &output.tool);
    let (channel, peer) = (&output.sender.channel, &output.sender.peer);
    let verdict = cx.out.look(look, verdict);
    cx.out.line(format_args!(
        "agent {agent} {verdict} {tool} for {channel}:{peer}, {standing}"
    ))?;
    cx.out.line(format_args!(
        "decided by {}: {}\n",
        place(&output.rule, output.file.as_deref()),
        output.reason
    ))?;
    let header = ["SETTING", "SAYS", "WHY", "WHERE"];
    cx.out
        .table(&header, output.layers.iter().map(row).collect())
}

fn place(rule: &str, file: Option<&str>) -> String {
    file.map_or_else(|| rule.to_owned(), |file| format!("{rule} ({file})"))
}

fn row(layer: &PolicyLayer) -> Vec<String> {
    let says = match layer.says {
        Some(PolicyDecision::Allow) => "allow",
        Some(PolicyDecision::Ask) => "ask",
        Some(PolicyDecision::Deny) => "deny",
        None => "-",
    };
    vec![
        layer.rule.clone(),
        says.to_owned(),
        layer.reason.clone(),
        layer.file.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}
