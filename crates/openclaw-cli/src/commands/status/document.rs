//! The facts as scripts read them.

use std::fs;

use openclaw_ipc::methods::UsageRow;
use serde_json::{Value, json};

use super::{Facts, GatewayFacts, SandboxFacts};

/// Returns the recorded keys of TypeScript OpenClaw that we have a fact for, and our own.
pub(super) fn of(facts: &Facts) -> Value {
    let GatewayFacts {
        url,
        running,
        latency,
        failure,
        failing,
    } = &facts.gateway;
    let log = facts.state.event_log();
    let count = facts.sessions.as_ref().ok();
    let mut document = json!({
        "runtimeVersion": env!("CARGO_PKG_VERSION"),
        "sessions": {
            "paths": log.exists().then_some(&log).into_iter().collect::<Vec<_>>(),
            "count": count,
            "error": facts.sessions.as_ref().err().map(ToString::to_string),
        },
        "os": os(),
        "usageToday": facts.today.as_ref().map(|sum| UsageRow::new("today".to_owned(), sum)),
        "gateway": {
            "mode": "local",
            "url": url,
            "misconfigured": !facts.config.valid,
            "reachable": failure.is_none(),
            "connectLatencyMs": latency.map(|latency| latency.as_millis()),
            "error": failure.as_ref().map(|(_, text)| text),
            "version": running.as_ref().map(|running| &running.version),
            "failing": failing,
            "startedAt": running.as_ref().map(|running| running.started.to_string()),
        },
        "agents": {
            "defaultId": facts.config.agents.first().map(|agent| &agent.id),
            "agents": facts.config.agents,
            "totalSessions": count,
        },
        "stateDir": facts.state.root(),
        "config": facts.config,
        "credentials": facts.credentials,
        "sandbox": sandbox(&facts.sandbox),
    });
    if let (Some(running), Some(members)) = (running, document.as_object_mut()) {
        members.insert("pid".to_owned(), Value::from(running.pid));
    }
    document
}

fn sandbox(facts: &SandboxFacts) -> Value {
    let mut sandbox = match &facts.machine.probe {
        Ok(probe) => json!({
            "available": true,
            "program": probe.program,
            "version": probe.version,
            "durationMs": probe.duration.as_millis(),
        }),
        Err(err) => json!({
            "available": false,
            "error": err.to_string(),
            "hint": err.hint(),
        }),
    };
    if let Some(members) = sandbox.as_object_mut() {
        members.insert("guards".to_owned(), json!(facts.machine.means()));
        members.insert("allowDegraded".to_owned(), facts.degradable.into());
        members.insert("warnings".to_owned(), json!(facts.warnings));
    }
    sandbox
}

/// The operating system, in the words of Node.js, which the recorded document has.
fn os() -> Value {
    let platform = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let mut os = json!({ "platform": platform, "arch": arch });
    if let (Ok(release), Some(os)) = (
        fs::read_to_string("/proc/sys/kernel/osrelease"),
        os.as_object_mut(),
    ) {
        let release = release.trim();
        os.insert("release".to_owned(), Value::from(release));
        os.insert(
            "label".to_owned(),
            Value::from(format!("{platform} {release} ({arch})")),
        );
    }
    os
}
