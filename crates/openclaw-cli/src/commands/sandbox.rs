//! `openclaw sandbox exec`: one command in the sandbox, as an agent's `exec` would run it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use openclaw_core::Kind;
use openclaw_sandbox::{
    self as sandbox, CancellationToken, Command, Limits, Output as Outcome, SandboxConfig,
    SandboxLevel, Status, Stdin, Stream,
};
use serde::Serialize;
use tokio::task::JoinSet;

use super::Cx;
use crate::error::CliError;
use crate::runtime::{self, Threads};
use crate::signals::Signals;

/// The exit code of a command that took too long, as timeout(1) has it.
const TIMED_OUT: u8 = 124;

/// How much of each output stream the JSON document holds.
const DOCUMENT_BYTES: usize = 1024 * 1024;

const EXAMPLES: &str = "\
Examples:
  openclaw sandbox exec --workspace ./work -- make test
  openclaw sandbox exec --level strict --timeout 10 -- sh -c 'cat /etc/shadow'

The exit code is the command's own; 128 + N when signal N ended it, 124 when its time was up,
6 when the sandbox refuses to run it.";

/// Try out the sandbox
#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    #[command(subcommand)]
    command: SandboxCommand,
}

#[derive(Debug, Subcommand)]
enum SandboxCommand {
    /// Run a command in the sandbox
    #[command(after_help = EXAMPLES)]
    Exec(ExecArgs),
}

/// The arguments of `sandbox exec`.
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// How strongly the command is contained
    #[arg(long, default_value_t, value_name = "none|relaxed|strict")]
    level: SandboxLevel,
    // It has the id of the global flag, so that clap does not offer both here.
    /// The folder that the command may write, and where it starts
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Let the command use the network (level relaxed)
    #[arg(long)]
    network: bool,
    /// Seconds after which the command is killed
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// What `--json` tells about a command that has ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    level: SandboxLevel,
    status: &'static str,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    duration_ms: u128,
    stdout: String,
    stderr: String,
    truncated: bool,
}

pub(crate) fn run(cx: Cx<'_>, args: SandboxArgs) -> Result<ExitCode, CliError> {
    let SandboxCommand::Exec(args) = args.command;
    // The calling thread waits for whoever reads the output; the time is kept by the others.
    runtime::block_on(Threads::Two, exec(cx, args))
}

async fn exec(cx: Cx<'_>, args: ExecArgs) -> Result<ExitCode, CliError> {
    let config = SandboxConfig {
        level: args.level,
        allowed_paths: args.workspace.into_iter().collect(),
        network_access: args.network,
        ..SandboxConfig::default()
    };
    let command = Command {
        argv: args.command,
        cwd: None,
        read_only: Vec::new(),
        env: Vec::new(),
        stdin: Stdin::Inherit,
        limits: limits(cx, args.timeout.map(Duration::from_secs)),
    };
    let mut signals = Signals::listen().map_err(CliError::Runtime)?;
    let stop = CancellationToken::new();
    // A task of its own, because whoever reads the output may keep this one waiting.
    let mut watch = JoinSet::new();
    drop(watch.spawn({
        let stop = stop.clone();
        async move {
            signals.stop().await;
            stop.cancel();
        }
    }));
    let outcome = stream(cx, &config, &command, stop).await?;
    let code = exit_code(outcome.status);
    if cx.out.is_json() {
        cx.out.answer(&report(&outcome, code), &[])?;
    } else if outcome.status == Status::TimedOut {
        cx.out.note("the command was killed: its time was up");
    }
    Ok(ExitCode::from(code))
}

/// A pipeline gets all of the output, and nothing of it is held; a document has to end somewhere.
fn limits(cx: Cx<'_>, wall_time: Option<Duration>) -> Limits {
    let (kept_bytes, forwarded_bytes) = if cx.out.is_json() {
        (DOCUMENT_BYTES, 0)
    } else {
        (0, usize::MAX)
    };
    Limits {
        wall_time,
        kept_bytes,
        forwarded_bytes,
        ..Limits::default()
    }
}

/// Runs the command and passes its output on while it runs.
async fn stream(
    cx: Cx<'_>,
    config: &SandboxConfig,
    command: &Command,
    stop: CancellationToken,
) -> Result<Outcome, CliError> {
    let mut running = sandbox::launch(config, command, stop).await?;
    while let Some(chunk) = running.next_output().await {
        match chunk.stream {
            Stream::Stdout => cx.out.stdout_bytes(&chunk.bytes)?,
            Stream::Stderr => cx.out.stderr_bytes(&chunk.bytes)?,
        }
    }
    Ok(running.wait().await?)
}

fn exit_code(status: Status) -> u8 {
    match status {
        Status::Exited(code) => u8::try_from(code & 0xff).unwrap_or(u8::MAX),
        Status::Signaled(signal) => u8::try_from(signal)
            .ok()
            .and_then(|signal| signal.checked_add(128))
            .unwrap_or(u8::MAX),
        Status::TimedOut => TIMED_OUT,
        Status::Cancelled => Kind::Cancelled.exit_code(),
    }
}

fn report(outcome: &Outcome, exit_code: u8) -> Report {
    let (status, signal) = match outcome.status {
        Status::Exited(_) => ("exited", None),
        Status::Signaled(signal) => ("signaled", Some(signal)),
        Status::TimedOut => ("timedout", None),
        Status::Cancelled => ("cancelled", None),
    };
    Report {
        level: outcome.level,
        status,
        exit_code,
        signal,
        duration_ms: outcome.duration.as_millis(),
        stdout: String::from_utf8_lossy(&outcome.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&outcome.stderr).into_owned(),
        truncated: outcome.truncated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_how_the_command_ended() {
        let codes = [
            Status::Exited(0),
            Status::Exited(127),
            Status::Signaled(9),
            Status::TimedOut,
            Status::Cancelled,
        ];
        assert_eq!(codes.map(exit_code), [0, 127, 137, 124, 130]);
    }
}
