//! `openclaw gateway run`: the gateway, in the foreground, until it is told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use openclaw_gateway::models::not_followed;
use openclaw_gateway::{GatewayBuilder, Home, renewal};
use tokio::task;

use super::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};
use crate::signals::Signals;

/// How many settings without effect are named at the start.
const NAMED: usize = 12;

const EXAMPLES: &str = "\
Examples:
  openclaw gateway run
  openclaw gateway run --port 0            take any free port

When it is ready, it prints one line: ready http://127.0.0.1:PORT pid PID
SIGTERM and SIGINT stop it within two seconds.";

/// The arguments of `gateway`.
#[derive(Debug, Args)]
pub(crate) struct GatewayArgs {
    #[command(subcommand)]
    command: GatewayCommand,
}

#[derive(Debug, Subcommand)]
enum GatewayCommand {
    /// Run the gateway in the foreground
    #[command(after_help = EXAMPLES)]
    Run(RunArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// The port to listen on; 0 takes a free one [default: gateway.port of the config]
    #[arg(long)]
    port: Option<u16>,
}

pub(crate) fn run(cx: Cx<'_>, args: &GatewayArgs) -> Result<ExitCode, CliError> {
    let GatewayCommand::Run(args) = &args.command;
    let home = Home::open(cx.env.clone(), cx.overrides)?;
    for warning in &home.config.warnings {
        cx.out.warning(warning);
    }
    // One line: a home of OpenClaw's may have dozens of areas, and `config validate` lists them.
    let all = not_followed(&home.config);
    if !all.is_empty() {
        let named: Vec<String> = all
            .iter()
            .take(NAMED)
            .map(|problem| problem.path.to_string())
            .collect();
        let more = match all.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        cx.out.warning(format_args!(
            "accepted, but without effect in this version: {}{more}; see `openclaw config validate`",
            named.join(", ")
        ));
    }
    runtime::block_on(Threads::Two, serve(cx, &home, args.port))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(cx: Cx<'_>, home: &Home, port: Option<u16>) -> Result<(), CliError> {
    // Listened for from the start, so that a signal during the start does not leave half a state.
    let mut signals = Signals::listen().map_err(CliError::Runtime)?;
    let ip = home.config.gateway.bind.address();
    let addr = SocketAddr::from((ip, port.unwrap_or(home.config.gateway.port)));
    renewal::renew_due(home).await;
    // Reading keys may mean to open the credential store, which takes long.
    let gateway = task::block_in_place(|| GatewayBuilder::from_home(home))?.build();
    let listening = gateway.listen(Some(home), addr).await?;
    let (addr, pid) = (listening.addr(), std::process::id());
    // Whoever started the gateway may not care for the line; the gateway runs all the same.
    drop(
        cx.out
            .piece(format_args!("ready http://{addr} pid {pid}\n")),
    );
    introduce(cx, home);
    listening.run(signals.stop()).await?;
    Ok(())
}

/// Tells a person what is running and how to talk to it.
fn introduce(cx: Cx<'_>, home: &Home) {
    let dim = |text: &str| cx.out.note(cx.out.look_aside(Look::Dim, text));
    dim(&format!("state  {}", home.state.root().display()));
    for agent in &home.config.agents {
        match &agent.model {
            Some(model) => dim(&format!("agent  {}, {model}", agent.id)),
            None => cx.out.warning(format_args!(
                "no model is configured for the agent {}, so it cannot answer; see `openclaw onboard --help`",
                agent.id
            )),
        }
    }
    dim(&format!(
        "talk   openclaw{} agent --message \"hello\"",
        cx.state_flags()
    ));
    dim("stop   Ctrl-C");
}
