//! `openclaw demo`: a guided conversation with everything real but the model.
//!
//! The gateway, its socket, the sandbox and the event log are the ones that `gateway run` has; the
//! model is the scripted one, which needs no key. Nothing is left behind.

mod log;
mod prompt;
mod script;
mod stage;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::Args;
use openclaw_core::Kind;
use openclaw_sandbox::{self as sandbox, CancellationToken, SandboxLevel};

use self::script::SCENES;
use self::stage::{Show, Stage};
use super::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};
use crate::signals::Signals;

const EXAMPLES: &str = "\
Examples:
  openclaw demo                 watch, then talk to the agent yourself
  openclaw demo --exit          watch only; the default when the output is not a terminal
  openclaw demo --keep          watch, and leave the gateway up until Ctrl-C";

/// The arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArgs {
    /// End by itself and read no input
    #[arg(long)]
    exit: bool,
    /// Leave the gateway up until Ctrl-C, and say how to talk to it
    #[arg(long, conflicts_with = "exit")]
    keep: bool,
}

/// What happens after the guided part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Afterwards {
    End,
    Talk,
    Keep,
}

/// Why the demo does not show what it is for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// The folder for the demo cannot be made.
    #[error("cannot make a folder for the demo")]
    Stage(#[source] io::Error),
    /// Something went otherwise than it has to.
    #[error("the demo did not work: after \"{said}\", {fault}")]
    Fault {
        /// What was said to the agent.
        said: &'static str,
        /// What is wrong with what came of it.
        fault: String,
    },
}

impl DemoError {
    /// Returns the kind of this failure.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Stage(_) => Kind::Unavailable,
            Self::Fault { .. } => Kind::Internal,
        }
    }
}

pub(crate) fn run(cx: Cx<'_>, args: &DemoArgs) -> Result<ExitCode, CliError> {
    let people = cx.out.stdout().terminal && io::stdin().is_terminal();
    let afterwards = match (args.keep, args.exit) {
        (true, _) => Afterwards::Keep,
        (false, false) if people => Afterwards::Talk,
        (false, _) => Afterwards::End,
    };
    match runtime::block_on(Threads::Two, demo(cx, afterwards)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        // Success means that everything was shown, which a reader who leaves early prevents.
        Err(err) if err.is_broken_pipe() => Ok(ExitCode::FAILURE),
        Err(err) => Err(err),
    }
}

async fn demo(cx: Cx<'_>, afterwards: Afterwards) -> Result<(), CliError> {
    let signals = Signals::listen().map_err(CliError::Runtime)?;
    // Asked before anything is set up: without a sandbox there is nothing to show.
    let probe = sandbox::probe().await?;
    let (stage, listening) = Stage::set(cx).await?;
    let strict = SandboxLevel::Strict;
    cx.out.line(format_args!(
        "A gateway runs on http://{} with its state in {}.\n\
         Its agent has an offline model that follows a script, and real tools: commands run in\n\
         bubblewrap {} at level {strict}. This program talks to it over a WebSocket.",
        listening.addr(),
        stage.home.state.root().display(),
        probe.version,
    ))?;
    let stop = CancellationToken::new();
    let serving = listening.run(stop.clone().cancelled_owned());
    let playing = async {
        let played = Box::pin(play(cx, &stage, afterwards, signals)).await;
        stop.cancel();
        played
    };
    let (served, played) = tokio::join!(serving, playing);
    played?;
    Ok(served?)
}

async fn play(
    cx: Cx<'_>,
    stage: &Stage,
    afterwards: Afterwards,
    mut signals: Signals,
) -> Result<(), CliError> {
    let mut show = Show::open(cx, stage).await?;
    let guided = async {
        for (number, scene) in (1..).zip(SCENES) {
            let title = format!("\n{number}. {}", scene.title);
            cx.out.line(cx.out.look(Look::Strong, &title))?;
            show.say(scene.said).await?;
            let events = show.news().await?;
            scene.check(&events).map_err(|fault| DemoError::Fault {
                said: scene.said,
                fault,
            })?;
            cx.out
                .line(cx.out.look(Look::Dim, &format!("({})", scene.lesson)))?;
        }
        log::print(cx, stage, show.session()).await
    };
    tokio::select! {
        done = guided => done?,
        () = signals.stop() => return Err(CliError::Interrupted),
    }
    match afterwards {
        Afterwards::End => Ok(()),
        Afterwards::Talk => tokio::select! {
            done = prompt::talk(cx, &mut show) => done,
            () = signals.stop() => cx.out.line(""),
        },
        Afterwards::Keep => {
            stage.tell_how_to_talk(cx)?;
            signals.stop().await;
            Ok(())
        }
    }
}
