//! `exec`: runs a shell command in the sandbox.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::events::ToolPayload;
use openclaw_core::redaction::masked;
use openclaw_sandbox::{
    self as sandbox, CancellationToken, Command, SandboxConfig, Status, Stdin, TerminalSize,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time;

use super::live::Printed;
use super::{Effect, Tool, ToolCx, ToolError, ToolOutput, Touch};
use crate::jobs::{At, Foreground, Started};
use crate::means::Means;

/// The most variables that a call sets.
const MAX_VARIABLES: usize = 256;

/// Runs a shell command in the sandbox.
#[derive(Clone, Debug, Default)]
pub struct ExecTool {
    sandbox: Option<SandboxConfig>,
}

/// The arguments of `exec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecArgs {
    /// The shell command.
    command: String,
    /// The folder to run it in, inside the workspace.
    #[serde(default)]
    workdir: Option<String>,
    /// Variables that it gets beside the usual ones.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Milliseconds to wait for its end; then it goes on in the background, where `process` reaches
    /// it. 10000 if not given.
    #[serde(default, rename = "yieldMs")]
    yield_ms: Option<u64>,
    /// Do not wait for it at all.
    #[serde(default)]
    background: bool,
    /// Seconds after which it is stopped, in the background too; 0 means the longest that the owner
    /// allows, and so does none: 1800, unless something else is set.
    #[serde(default, rename = "timeoutSeconds")]
    timeout_seconds: Option<u64>,
    /// Give it a terminal, for programs that want one.
    #[serde(default)]
    pty: bool,
}

impl ExecArgs {
    /// Returns how long the command may run.
    fn wall_time(&self, cx: &ToolCx) -> Duration {
        let longest = cx.means.limits.wall_time.unwrap_or(Means::LONGEST);
        match self.timeout_seconds {
            None => cx.means.usual.map_or(longest, |usual| usual.min(longest)),
            Some(0) => longest,
            Some(seconds) => Duration::from_secs(seconds).min(longest),
        }
    }
}

impl ExecTool {
    /// Makes a tool that runs commands with this configuration in place of the agent's.
    pub const fn new(sandbox: SandboxConfig) -> Self {
        Self {
            sandbox: Some(sandbox),
        }
    }

    /// Returns the command that the arguments stand for.
    fn command(&self, args: &ExecArgs, wall_time: Duration, cx: &ToolCx) -> Command {
        let config = self.sandbox.as_ref().unwrap_or(&cx.sandbox);
        let root = config
            .allowed_paths
            .first()
            .map_or_else(|| cx.workspace.root(), PathBuf::as_path);
        let workdir = args.workdir.as_ref();
        let mut command = Command::shell(&args.command)
            .cwd(real(
                workdir.map_or_else(|| root.to_owned(), |dir| root.join(dir)),
            ))
            .read_only(cx.readable.iter().cloned())
            .stdin(if args.pty {
                Stdin::Terminal(TerminalSize::default())
            } else if args.background || args.yield_ms.is_some() {
                Stdin::Open
            } else {
                Stdin::Null
            });
        command.limits = cx.means.limits.clone();
        command.env.clone_from(&cx.means.env);
        let own = args.env.iter();
        command
            .env
            .extend(own.map(|(name, value)| (name.clone(), value.clone())));
        command
            .wall_time(wall_time)
            // Secrets have to be masked before output is cut, so it is cut here and not there.
            .kept_bytes(0)
            .forwarded_bytes(usize::MAX)
    }
}

#[async_trait]
impl Tool for ExecTool {
    const NAME: &'static str = "exec";
    const DESCRIPTION: &'static str = "Runs a shell command in the workspace, inside a sandbox, and \
        returns its exit code and what it printed. A command that takes longer goes on in the \
        background: look at it with `process`.";
    const TOUCH: Touch = Touch::Commands;
    const EFFECT: Effect = Effect::Exec;
    type Args = ExecArgs;

    fn would_run(&self, args: &ExecArgs, cx: &ToolCx) -> Option<(SandboxConfig, Command)> {
        let config = self.sandbox.as_ref().unwrap_or(&cx.sandbox);
        let command = self.command(args, args.wall_time(cx), cx);
        Some((config.clone(), command))
    }

    async fn run(&self, args: ExecArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        if args.command.trim().is_empty() || args.command.contains('\0') {
            return Err(ToolError::ForModel(
                "`command` is empty or has a null byte".to_owned(),
            ));
        }
        if args.env.len() > MAX_VARIABLES {
            return Err(ToolError::ForModel(format!(
                "`env` has {} variables, and at most {MAX_VARIABLES} are set; put them into a file",
                args.env.len()
            )));
        }
        let config = self.sandbox.as_ref().unwrap_or(&cx.sandbox);
        let wall_time = args.wall_time(cx);
        let command = self.command(&args, wall_time, cx);
        // It ends with the call as long as the call waits for it, and by itself after that.
        let stop = CancellationToken::new();
        let launched = cx.means.sandbox.launch(config, &command, stop.clone());
        let mut running = launched.await?;
        let mut foreground = cx.world.jobs.follow(
            &cx.caller,
            Started {
                typing: running.take_input(),
                running,
                stop,
                live: cx.live.clone(),
                command: masked(args.command),
                at: if args.pty { At::Terminal } else { At::Pipes },
                workspace: cx.workspace.root().to_owned(),
                marks: cx.in_view.clone(),
            },
        );
        let patience = if args.background {
            Duration::ZERO
        } else {
            args.yield_ms
                .map_or(cx.means.patience, Duration::from_millis)
        };
        let ended = tokio::select! {
            biased;
            () = cx.stop.cancelled() => {
                foreground.cancel().await;
                return Err(ToolError::Cancelled);
            }
            ended = time::timeout(patience, foreground.end()) => ended,
        };
        match ended {
            Ok(output) => finished(&output?, cx, wall_time),
            Err(_elapsed) => in_background(foreground, cx, patience),
        }
    }
}

/// Returns the folder itself where a path leads to one through links, which could lead elsewhere
/// once somebody was asked about it.
fn real(path: PathBuf) -> PathBuf {
    path.canonicalize().unwrap_or(path)
}

fn finished(
    output: &sandbox::Output,
    cx: &ToolCx,
    wall_time: Duration,
) -> Result<ToolOutput, ToolError> {
    if output.status == Status::Cancelled {
        return Err(ToolError::Cancelled);
    }
    let Printed {
        stdout,
        stderr,
        truncated,
    } = cx.live.finish();
    let mut result = Map::new();
    result.extend(ending(output));
    if output.status == Status::TimedOut {
        result.insert(
            "timedOutAfterSeconds".to_owned(),
            json!(wall_time.as_secs()),
        );
    }
    result.insert("stdout".to_owned(), Value::String(stdout));
    if !stderr.is_empty() {
        result.insert("stderr".to_owned(), Value::String(stderr));
    }
    if truncated {
        result.insert("truncated".to_owned(), json!(true));
    }
    Ok(ToolOutput {
        result: Value::Object(result),
        success: output.status == Status::Exited(0),
        payload: payload(output),
        marks: Vec::new(),
        wrote: Vec::new(),
        calls: Vec::new(),
    })
}

/// Lets the command go on, and says how to reach it.
fn in_background(
    foreground: Foreground,
    cx: &ToolCx,
    patience: Duration,
) -> Result<ToolOutput, ToolError> {
    let job = cx
        .world
        .jobs
        .keep(foreground)
        .map_err(|err| ToolError::ForModel(format!("{err}; this one was ended")))?;
    let mut result = Map::new();
    result.insert("status".to_owned(), json!("running"));
    result.insert("sessionId".to_owned(), json!(job.id()));
    result.insert("output".to_owned(), json!(job.news().text));
    result.insert(
        "note".to_owned(),
        json!(format!(
            "still running after {} ms; look at it with `process`",
            patience.as_millis()
        )),
    );
    result.insert("sandbox".to_owned(), json!(cx.sandbox.level));
    Ok(ToolOutput {
        result: Value::Object(result),
        success: true,
        payload: ToolPayload {
            sandbox: Some(cx.sandbox.level.to_string()),
            ..ToolPayload::default()
        },
        marks: Vec::new(),
        wrote: Vec::new(),
        calls: Vec::new(),
    })
}

/// Returns how a command ended, as results say it.
pub(super) fn ending(output: &sandbox::Output) -> Map<String, Value> {
    let mut result = Map::new();
    match output.status {
        Status::Exited(code) => {
            result.insert("exitCode".to_owned(), json!(code));
        }
        Status::Signaled(signal) => {
            result.insert("killedBySignal".to_owned(), json!(signal));
        }
        Status::TimedOut => {
            result.insert("timedOut".to_owned(), json!(true));
        }
        Status::Cancelled => {
            result.insert("cancelled".to_owned(), json!(true));
        }
    }
    if let Some(limit) = output.ended_by() {
        result.insert("endedByLimit".to_owned(), json!(limit));
    }
    let millis = u64::try_from(output.duration.as_millis()).unwrap_or(u64::MAX);
    result.insert("durationMs".to_owned(), json!(millis));
    result.insert("sandbox".to_owned(), json!(output.level));
    let degraded = degraded(output);
    if !degraded.is_empty() {
        result.insert("degraded".to_owned(), json!(degraded));
    }
    result
}

/// Returns what is recorded of a command beside its result.
pub(super) fn payload(output: &sandbox::Output) -> ToolPayload {
    ToolPayload {
        sandbox: Some(output.level.to_string()),
        degraded: degraded(output),
        exit_code: match output.status {
            Status::Exited(code) => Some(code),
            Status::Signaled(_) | Status::TimedOut | Status::Cancelled => None,
        },
        ..ToolPayload::default()
    }
}

fn degraded(output: &sandbox::Output) -> Vec<String> {
    output.degraded.iter().map(ToString::to_string).collect()
}
