//! `openclaw sandbox exec`: one command in the sandbox, as an agent's `exec` would run it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use openclaw_config::{SandboxNetwork, Set, SetBy};
use openclaw_core::Kind;
use openclaw_core::state_dir::Overrides;
use openclaw_gateway::containment::Containment;
use openclaw_sandbox::{
    CancellationToken, Command, Exceeded, Guard, Limits, Output as Outcome, Running, SandboxConfig,
    SandboxLevel, Status, Stdin, Stream,
};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::commands::Cx;
use crate::error::CliError;
use crate::runtime::{self, Threads};
use crate::signals::Signals;

/// The exit code of a command that took too long, as timeout(1) has it.
const TIMED_OUT: u8 = 124;

/// How much of each output stream the JSON document holds.
const DOCUMENT_BYTES: usize = 1024 * 1024;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sandbox exec --workspace ./work -- make test
  openclaw sandbox exec --level strict --timeout 10 -- sh -c 'cat /etc/shadow'
  openclaw sandbox exec --workspace ./work --toolchain $(rustc --print sysroot) -- cargo build

The exit code is the command's own; 128 + N when signal N ended it, 124 when its time was up,
6 when the sandbox refuses to run it.";

/// The arguments of `sandbox exec`.
#[derive(Debug, Args)]
pub(super) struct ExecArgs {
    /// How strongly the command is contained
    #[arg(long, default_value_t, value_name = "none|relaxed|strict")]
    level: SandboxLevel,
    // It has the id of the global flag, so that clap does not offer both here.
    /// The folder that the command may write, and where it starts
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Show the command this folder, read-only; may be given again
    #[arg(long, value_name = "DIR")]
    read: Vec<PathBuf>,
    /// Show the command this folder of programs, read-only, with its `bin` in PATH
    #[arg(long, value_name = "DIR")]
    toolchain: Vec<PathBuf>,
    /// Let the command use the network (level relaxed): through the proxy, or the host's own
    #[arg(
        long,
        value_name = "proxy|host",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "proxy",
        hide_possible_values = true
    )]
    network: Option<Network>,
    /// Seconds after which the command is killed
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Which network a command gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Network {
    /// The egress proxy of the configuration, and nothing else.
    Proxy,
    /// The network of this machine, with everything that listens on it.
    Host,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by_limit: Option<Exceeded>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    degraded: Vec<Guard>,
}

pub(super) fn run(cx: Cx<'_>, args: ExecArgs) -> Result<ExitCode, CliError> {
    // The calling thread waits for whoever reads the output; the time is kept by the others.
    runtime::block_on(Threads::Two, exec(cx, args))
}

async fn exec(cx: Cx<'_>, args: ExecArgs) -> Result<ExitCode, CliError> {
    // `--workspace` names the folder of the command here, not the home of the settings.
    let overrides = Overrides {
        state_dir: None,
        ..cx.overrides.clone()
    };
    let containment = Containment::by_hand(cx.env, &overrides)?;
    let network = match args.network {
        None => SandboxNetwork::None,
        Some(Network::Proxy) => SandboxNetwork::Proxy,
        Some(Network::Host) => SandboxNetwork::Host,
    };
    let config = SandboxConfig {
        level: args.level,
        network_access: args.network.is_some(),
        ..containment.config(args.workspace.into_iter().collect())
    };
    let command = Command {
        argv: args.command,
        cwd: None,
        read_only: args.read,
        env: containment.env(network),
        stdin: Stdin::Inherit,
        limits: limits(cx, &containment, args.timeout.map(Duration::from_secs)),
    };
    let sandbox = containment.sandbox(network).with_toolchains(args.toolchain);
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
    let outcome = stream(cx, sandbox.launch(&config, &command, stop).await?).await?;
    let code = exit_code(outcome.status);
    let missing: Vec<&str> = outcome
        .degraded
        .iter()
        .map(|guard| guard.as_str())
        .collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        cx.out.note(format!(
            "the command ran without {missing}, which this machine does not have"
        ));
    }
    if cx.out.is_json() {
        cx.out.answer(&report(&outcome, code), &[])?;
    } else if let Some(exceeded) = outcome.ended_by() {
        cx.out.note(told(exceeded));
    }
    Ok(ExitCode::from(code))
}

/// A pipeline gets all of the output, and nothing of it is held; a document has to end somewhere.
///
/// What the owner has not set is no limit to what the owner runs by hand.
fn limits(cx: Cx<'_>, containment: &Containment, asked: Option<Duration>) -> Limits {
    let bounds = &containment.bounds;
    let longest = own(&bounds.wall);
    let wall_time = match (asked, longest) {
        (Some(asked), Some(longest)) => Some(asked.min(longest)),
        (asked, longest) => asked.or(longest),
    };
    let (kept_bytes, forwarded_bytes) = if cx.out.is_json() {
        (own(&bounds.output).unwrap_or(DOCUMENT_BYTES), 0)
    } else {
        (0, usize::MAX)
    };
    Limits {
        wall_time,
        kept_bytes,
        forwarded_bytes,
        ..containment.limits()
    }
}

/// Returns a value that somebody has set.
fn own<T: Copy>(set: &Set<T>) -> Option<T> {
    (set.source != SetBy::Default).then_some(set.value)
}

fn told(exceeded: Exceeded) -> &'static str {
    match exceeded {
        Exceeded::WallTime => "the command was killed: its time was up (wallSeconds, --timeout)",
        Exceeded::CpuTime => "the command was killed: its processor time was used up (cpuSeconds)",
        Exceeded::Memory => {
            "processes of the command were killed: its memory was used up (memoryMb)"
        }
        Exceeded::FileSize => "the command was killed: it wrote too large a file (fileSizeMb)",
    }
}

/// Passes the output of a command on while it runs.
async fn stream(cx: Cx<'_>, mut running: Running) -> Result<Outcome, CliError> {
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
        ended_by_limit: outcome.ended_by(),
        degraded: outcome.degraded.clone(),
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
