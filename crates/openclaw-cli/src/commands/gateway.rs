//! `openclaw gateway run`: the gateway, in the foreground, until it is told to stop; and
//! `gateway diagnostics`, which is in [`diagnostics`].

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use openclaw_gateway::models::not_followed;
use openclaw_gateway::{
    GatewayBuilder, GatewayError, Handed, Home, Listening, Place, Places, ServiceManager, renewal,
};
use tokio::task;

use super::Cx;
use super::diagnostics::{self, DiagnosticsArgs};
use crate::error::CliError;
use crate::logging::{self, Stderr};
use crate::output::Look;
use crate::runtime::{self, Threads};
use crate::signals::Signals;

/// How many settings without effect are named at the start.
const NAMED: usize = 12;

const EXAMPLES: &str = "\
Examples:
  openclaw gateway run
  openclaw gateway run --port 0            take any free port
  openclaw gateway run --drain 30          let what is under way go on for 30 seconds at the end

When it is ready, it prints one line: ready http://127.0.0.1:PORT pid PID
SIGTERM and SIGINT stop it, within two seconds unless --drain says otherwise; the second one stops
it at once. Sockets and signs of life of systemd are used where there are any; see docs/running.md.";

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
    /// Write what somebody who is to help has to know to a file, without secrets
    #[command(after_help = diagnostics::EXAMPLES)]
    Diagnostics(DiagnosticsArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// The port to listen on; 0 takes a free one [default: gateway.port of the config]
    #[arg(long)]
    port: Option<u16>,

    /// A unix socket to listen on, too [default: gateway.unixSocket of openclaw-rs.json5]
    #[arg(long, value_name = "PATH")]
    unix: Option<PathBuf>,

    /// How long what is under way may go on once it is told to stop [default: gateway.drain of openclaw-rs.json5]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=3600))]
    drain: Option<u64>,
}

pub(crate) fn run(cx: Cx<'_>, args: &GatewayArgs) -> Result<ExitCode, CliError> {
    let args = match &args.command {
        GatewayCommand::Run(args) => args,
        GatewayCommand::Diagnostics(args) => return diagnostics::run(cx, args),
    };
    // Before anything else is opened, which could get the number of one of them.
    let handed = Handed::take(cx.env).map_err(GatewayError::from)?;
    let home = Home::open(cx.env.clone(), cx.overrides)?;
    for problem in logging::follow(&home, Stderr::AsConfigured) {
        cx.out.warning(problem);
    }
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
    runtime::block_on(Threads::Two, serve(cx, &home, args, handed))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(cx: Cx<'_>, home: &Home, args: &RunArgs, handed: Handed) -> Result<(), CliError> {
    // Listened for from the start, so that a signal during the start does not leave half a state.
    let signals = Signals::listen().map_err(CliError::Runtime)?;
    let ip = home.config.gateway.bind.address();
    let port = args.port.unwrap_or(home.config.gateway.port);
    let own = &home.config.own.gateway;
    let places = Places {
        addr: Some(SocketAddr::from((ip, port))),
        unix: args.unix.clone().or_else(|| own.unix_socket.clone()),
        handed,
    };
    renewal::renew_due(home).await;
    // Reading keys may mean to open the credential store, which takes long.
    let gateway = task::block_in_place(|| GatewayBuilder::from_home(home))?.build();
    let listening = gateway.listen(Some(home), places).await?;
    let manager = ServiceManager::of(cx.env);
    let mut listening = listening.telling(manager);
    if let Some(seconds) = args.drain {
        listening = listening.draining_within(Duration::from_secs(seconds));
    }
    // Whoever started the gateway may not care for the line; the gateway runs all the same.
    drop(cx.out.piece(format_args!(
        "ready {} pid {}\n",
        first(&listening),
        std::process::id()
    )));
    introduce(cx, home);
    for place in listening.places() {
        let at = place_url(&listening, &place);
        cx.out
            .note(cx.out.look_aside(Look::Dim, &format!("listens on {at}")));
    }
    listening.run_told(signals.stops()).await?;
    Ok(())
}

/// Returns where the gateway is reached first.
fn first(listening: &Listening) -> String {
    let places = listening.places();
    let first = places.first().map(|place| place_url(listening, place));
    first.unwrap_or_default()
}

fn place_url(listening: &Listening, place: &Place) -> String {
    match place {
        Place::Tcp(addr) => format!("{}://{addr}", listening.scheme()),
        Place::Unix(_) => place.to_string(),
    }
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
