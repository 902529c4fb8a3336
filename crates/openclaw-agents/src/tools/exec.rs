//! `exec`: runs a shell command in the sandbox.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::events::ToolPayload;
use openclaw_sandbox::{self as sandbox, Command, SandboxConfig, Status, Stream};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::live::Printed;
use super::{Tool, ToolCx, ToolError, ToolOutput, Touch};
use crate::bus::OutputStream;
use crate::means::Means;

/// How long a command may run unless it asks for more.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(2);

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
    /// Seconds after which it is stopped; at most 1800, or what the owner has set.
    #[serde(default)]
    timeout: Option<u64>,
}

impl ExecTool {
    /// Makes a tool that runs commands with this configuration in place of the agent's.
    pub const fn new(sandbox: SandboxConfig) -> Self {
        Self {
            sandbox: Some(sandbox),
        }
    }
}

#[async_trait]
impl Tool for ExecTool {
    const NAME: &'static str = "exec";
    const DESCRIPTION: &'static str = "Runs a shell command in the workspace, inside a sandbox, and \
        returns its exit code and what it printed.";
    const TOUCH: Touch = Touch::Commands;
    type Args = ExecArgs;

    async fn run(&self, args: ExecArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        if args.command.trim().is_empty() || args.command.contains('\0') {
            return Err(ToolError::ForModel(
                "`command` is empty or has a null byte".to_owned(),
            ));
        }
        let config = self.sandbox.as_ref().unwrap_or(&cx.sandbox);
        let longest = cx.means.limits.wall_time.unwrap_or(Means::LONGEST);
        let wall_time = args
            .timeout
            .map_or(DEFAULT_TIMEOUT, Duration::from_secs)
            .min(longest);
        let root = config
            .allowed_paths
            .first()
            .map_or_else(|| cx.workspace.root(), PathBuf::as_path);
        let mut command = Command::shell(&args.command)
            .cwd(
                args.workdir
                    .map_or_else(|| root.to_owned(), |dir| root.join(dir)),
            )
            .read_only(cx.readable.iter().cloned());
        command.limits = cx.means.limits.clone();
        command.env.clone_from(&cx.means.env);
        let command = command
            .wall_time(wall_time)
            // Secrets have to be masked before output is cut, so it is cut here and not there.
            .kept_bytes(0)
            .forwarded_bytes(usize::MAX);

        let launched = cx.means.sandbox.launch(config, &command, cx.stop.clone());
        let mut running = launched.await?;
        while let Some(chunk) = running.next_output().await {
            let stream = match chunk.stream {
                Stream::Stdout => OutputStream::Stdout,
                Stream::Stderr => OutputStream::Stderr,
            };
            cx.live.write(stream, &chunk.bytes);
        }
        let output = running.wait().await?;
        if output.status == Status::Cancelled {
            return Err(ToolError::Cancelled);
        }
        Ok(report(&output, cx.live.finish(), wall_time))
    }
}

fn report(output: &sandbox::Output, printed: Printed, wall_time: Duration) -> ToolOutput {
    let mut result = Map::new();
    let mut exit_code = None;
    match output.status {
        Status::Exited(code) => {
            exit_code = Some(code);
            result.insert("exitCode".to_owned(), json!(code));
        }
        Status::Signaled(signal) => {
            result.insert("killedBySignal".to_owned(), json!(signal));
        }
        Status::TimedOut => {
            result.insert(
                "timedOutAfterSeconds".to_owned(),
                json!(wall_time.as_secs()),
            );
        }
        Status::Cancelled => {
            result.insert("cancelled".to_owned(), json!(true));
        }
    }
    result.insert("stdout".to_owned(), Value::String(printed.stdout));
    if !printed.stderr.is_empty() {
        result.insert("stderr".to_owned(), Value::String(printed.stderr));
    }
    if printed.truncated {
        result.insert("truncated".to_owned(), json!(true));
    }
    if let Some(limit) = output.ended_by() {
        result.insert("endedByLimit".to_owned(), json!(limit));
    }
    result.insert("sandbox".to_owned(), json!(output.level));
    let degraded: Vec<String> = output.degraded.iter().map(ToString::to_string).collect();
    if !degraded.is_empty() {
        result.insert("degraded".to_owned(), json!(degraded));
    }
    ToolOutput {
        result: Value::Object(result),
        success: output.status == Status::Exited(0),
        payload: ToolPayload {
            sandbox: Some(output.level.to_string()),
            degraded,
            exit_code,
            ..ToolPayload::default()
        },
    }
}
