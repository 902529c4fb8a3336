//! Everything of a call that an approval is about.

use openclaw_core::AgentId;
use openclaw_core::approvals::Shape;
use openclaw_sandbox::{Command, SandboxConfig, SandboxLevel, variable_names};
use serde_json::Value;

use crate::tools::{AnyTool, ToolCx};

/// A call, as far as its shape goes.
#[derive(Clone, Copy)]
pub(crate) struct Shaped<'a> {
    pub(crate) agent: &'a AgentId,
    pub(crate) tool: &'a dyn AnyTool,
    /// The tool, by its own name.
    pub(crate) name: &'a str,
    /// The arguments that it would run with.
    pub(crate) arguments: &'a Value,
}

/// Returns the shape of a call as it would run now.
pub(crate) fn shape(call: Shaped<'_>, cx: &ToolCx) -> Shape {
    let plain = Shape {
        agent: call.agent.clone(),
        tool: call.name.to_owned(),
        arguments: call.arguments.clone(),
        argv: Vec::new(),
        cwd: None,
        env: Vec::new(),
        policy: call.tool.about(call.arguments, cx).into_iter().collect(),
    };
    let Some((config, command)) = call.tool.would_run(call.arguments, cx) else {
        return plain;
    };
    let argv = command.argv.iter();
    Shape {
        argv: argv
            .map(|part| part.to_string_lossy().into_owned())
            .collect(),
        cwd: command.cwd.as_ref().map(|cwd| cwd.display().to_string()),
        env: variables(&config, &command),
        policy: policy(&config, &command),
        ..plain
    }
}

/// Returns the names of the variables that a command gets.
fn variables(config: &SandboxConfig, command: &Command) -> Vec<String> {
    let mut names = variable_names(config.level);
    names.extend(command.env.iter().map(|(name, _)| name.clone()));
    names.sort_unstable();
    names.dedup();
    names
}

fn policy(config: &SandboxConfig, command: &Command) -> Vec<String> {
    let network = match (config.level, config.network_access) {
        (SandboxLevel::None, _) => "the network of this machine",
        (SandboxLevel::Relaxed, true) => "allowed, as the sandbox settings say",
        (SandboxLevel::Relaxed | SandboxLevel::Strict, _) => "none",
    };
    let writable: Vec<String> = config
        .allowed_paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let mut lines = vec![
        format!("sandbox: {}", config.level),
        format!("network: {network}"),
        match config.level {
            SandboxLevel::None => "writes: wherever the gateway may".to_owned(),
            SandboxLevel::Relaxed | SandboxLevel::Strict => {
                format!("writes: {}", writable.join(", "))
            }
        },
    ];
    if let Some(time) = command.limits.wall_time {
        lines.push(format!("time: at most {} s", time.as_secs()));
    }
    lines
}
