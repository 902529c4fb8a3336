//! The facts as people read them.

use openclaw_gateway::Running;
use openclaw_ipc::methods::UsageRow;
use openclaw_sandbox::{Probe, SandboxError};

use super::{ConfigFacts, CredentialFacts, Facts, GatewayFacts, SandboxFacts};
use crate::commands::{Cx, models, usage};
use crate::error::CliError;
use crate::output::Look;
use crate::text;

/// Prints a line for each area, then what could be done next.
pub(super) fn print(cx: Cx<'_>, facts: &Facts) -> Result<(), CliError> {
    let row = |name: &str, look: Look, value: &str| {
        let value = text::one_line(value);
        cx.out
            .line(format_args!("{name:<9} {}", cx.out.look(look, &value)))
    };
    let ConfigFacts {
        path,
        exists,
        valid,
        problems,
        warnings,
        agents,
    } = &facts.config;
    row("version", Look::Strong, env!("CARGO_PKG_VERSION"))?;
    row(
        "state",
        Look::Strong,
        &facts.state.root().display().to_string(),
    )?;
    let (look, verdict) = match (exists, valid) {
        (_, false) => (Look::Bad, "broken"),
        (true, true) => (Look::Good, "ok"),
        (false, true) => (Look::Doubtful, "missing, so everything is at its default"),
    };
    row("config", look, &format!("{verdict}: {}", path.display()))?;
    for problem in problems {
        row("", Look::Bad, problem)?;
    }
    for warning in warnings {
        row("", Look::Doubtful, warning)?;
    }
    for agent in agents {
        let (look, model) = match &agent.model {
            Some(model) => (Look::Good, model.as_str()),
            None => (Look::Doubtful, "no model: it cannot answer"),
        };
        row("agent", look, &format!("{}, {model}", agent.id))?;
    }
    print_gateway(cx, &facts.gateway)?;
    for failing in &facts.gateway.failing {
        row("model", Look::Doubtful, &models::failing(failing))?;
    }
    match &facts.sessions {
        Ok(count) => row("sessions", Look::Strong, &count.to_string())?,
        Err(err) => row("sessions", Look::Bad, &err.to_string())?,
    }
    if let Some(sum) = &facts.today {
        let sum = UsageRow::new(String::new(), sum);
        row("today", Look::Strong, &usage::cost_of_calls(&sum))?;
    }
    if let Some((look, value)) = credentials(&facts.credentials) {
        row("secrets", look, &value)?;
    }
    print_sandbox(cx, &facts.sandbox)?;
    for hint in hints(cx, facts) {
        cx.out.note(format_args!(
            "{} {hint}",
            cx.out.look_aside(Look::Strong, "hint:")
        ));
    }
    Ok(())
}

/// Returns what is said of the credential store, if there is one.
fn credentials(facts: &CredentialFacts) -> Option<(Look, String)> {
    let CredentialFacts {
        exists,
        records,
        password_source,
        problem,
        path: _,
    } = facts;
    let (look, password) = match (password_source, problem) {
        (_, Some(problem)) => (Look::Bad, problem.clone()),
        (Some(source), None) => (Look::Good, format!("the master password is in {source}")),
        (None, None) => (Look::Strong, String::new()),
    };
    exists.then(|| (look, format!("{records} encrypted, {password}")))
}

fn print_gateway(cx: Cx<'_>, facts: &GatewayFacts) -> Result<(), CliError> {
    let at = facts.running.as_ref().map(|running| {
        let Running { pid, version, .. } = running;
        format!("{}, pid {pid}, version {version}", running.url())
    });
    let (look, value) = match (&facts.failure, at) {
        (None, at) => {
            let ms = facts.latency.unwrap_or_default().as_millis();
            (
                Look::Good,
                format!("{}, answers in {ms} ms", at.unwrap_or_default()),
            )
        }
        (Some((_, failure)), None) => (Look::Doubtful, failure.clone()),
        (Some((_, failure)), Some(at)) => (Look::Bad, format!("{at}: {failure}")),
    };
    cx.out.line(format_args!(
        "gateway   {}",
        cx.out.look(look, &text::one_line(&value))
    ))
}

/// Prints how commands are contained, and where the owner has let go of something.
fn print_sandbox(cx: Cx<'_>, facts: &SandboxFacts) -> Result<(), CliError> {
    let (look, value) = match (&facts.machine.probe, facts.degraded_by()) {
        (Ok(probe), _) => {
            let Probe {
                program,
                version,
                duration,
            } = probe;
            let (program, ms) = (program.display(), duration.as_millis());
            (
                Look::Good,
                format!("bubblewrap {version}, {program}, {ms} ms"),
            )
        }
        (Err(err), Some(missing)) => (
            Look::Doubtful,
            format!("commands run without {missing}: {err}"),
        ),
        (Err(err), None) => (Look::Bad, format!("commands are refused: {err}")),
    };
    let rows = std::iter::once(("sandbox", look, value.as_str()));
    let warnings = facts.warnings.iter();
    for (name, look, value) in rows.chain(warnings.map(|text| ("", Look::Doubtful, text.as_str())))
    {
        let value = text::one_line(value);
        cx.out
            .line(format_args!("{name:<9} {}", cx.out.look(look, &value)))?;
    }
    Ok(())
}

fn hints(cx: Cx<'_>, facts: &Facts) -> Vec<String> {
    let flags = cx.state_flags();
    let mut hints = Vec::new();
    if facts
        .config
        .agents
        .iter()
        .any(|agent| agent.model.is_none())
    {
        hints.push("see `openclaw onboard --help` to set a model".to_owned());
    }
    if facts.config.valid && facts.gateway.running.is_none() {
        hints.push(format!(
            "start the gateway with `openclaw{flags} gateway run`"
        ));
    }
    hints.extend(
        facts
            .sandbox
            .machine
            .probe
            .as_ref()
            .err()
            .and_then(SandboxError::hint)
            .map(str::to_owned),
    );
    hints
}
