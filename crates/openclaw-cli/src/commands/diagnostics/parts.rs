//! What is in a bundle.

use std::collections::BTreeMap;
use std::fs;

use openclaw_config::redact::redact;
use openclaw_config::{OWN_FILE, source};
use openclaw_core::clock::rfc3339;
use openclaw_core::env;
use openclaw_core::log_files::PageSize;
use openclaw_core::state_dir::StateDir;
use openclaw_core::{Clock, EventStore};
use openclaw_gateway::audit::latest;
use serde_json::{Value, json};

use super::veil::Veil;
use crate::commands::{Cx, doctor, logs, status};
use crate::error::CliError;

/// How many of the last lines of the log are in it.
const LINES: usize = 1000;
/// How many of the last entries of the audit stream are in it.
const ENTRIES: usize = 200;

/// One file of the bundle.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) body: Vec<u8>,
}

/// Collects everything; what cannot be had says so in its place.
pub(super) async fn collect(
    cx: Cx<'_>,
    state: &StateDir,
    veil: &Veil,
) -> Result<Vec<Part>, CliError> {
    // Asked first, because reading the config makes its secrets known.
    let config = config(cx, state);
    let status = or_why(Box::pin(status::report(cx)).await);
    let doctor = json!(doctor::report(cx, state).await);
    let documents = [
        (
            "versions.json",
            "this program and this machine",
            versions(cx),
        ),
        ("config.json", "the config without its secrets", config),
        (
            "status.json",
            "`openclaw status`: the gateway, the sandbox, the agents",
            status,
        ),
        ("doctor.json", "`openclaw doctor`: what is wrong", doctor),
        (
            "audit.json",
            "which kinds of entries the audit stream had last",
            entries(state).await,
        ),
    ];
    let mut parts: Vec<Part> = documents
        .into_iter()
        .map(|(name, about, document)| Part {
            name,
            about,
            body: veil.document(document),
        })
        .collect();
    parts.push(Part {
        name: "logs.jsonl",
        about: "the last lines of the log, masked",
        body: lines(cx, state, veil),
    });
    let listed: Vec<Value> = parts
        .iter()
        .map(|part| json!({ "name": part.name, "about": part.about, "bytes": part.body.len() }))
        .collect();
    let manifest = json!({
        "schemaVersion": 1,
        "made": rfc3339(Clock::system().now()),
        "version": env!("CARGO_PKG_VERSION"),
        "parts": listed,
    });
    parts.insert(
        0,
        Part {
            name: "manifest.json",
            about: "this list",
            body: veil.document(manifest),
        },
    );
    Ok(parts)
}

fn or_why(document: Result<Value, CliError>) -> Value {
    document.unwrap_or_else(|err| json!({ "unavailable": err.to_string() }))
}

/// Of the environment, only which variables are set that this program looks at.
fn versions(cx: Cx<'_>) -> Value {
    let set: Vec<&str> = env::VARIABLES
        .iter()
        .map(|variable| variable.name)
        .filter(|name| cx.env.has(name))
        .collect();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    json!({
        "openclaw": env!("CARGO_PKG_VERSION"),
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "kernel": kernel.trim(),
        "variables": set,
    })
}

fn config(cx: Cx<'_>, state: &StateDir) -> Value {
    let shown = |file: &std::path::Path| match source::read(file, cx.env) {
        Ok(source) if source.exists() => redact(&source.value),
        Ok(_) => Value::Null,
        Err(problems) => {
            let problems = problems.iter().map(ToString::to_string);
            json!({ "problems": problems.collect::<Vec<_>>() })
        }
    };
    cx.learn_secrets();
    let file = state.config_file();
    json!({
        "openclaw.json": shown(file),
        "openclaw-rs.json5": shown(&file.with_file_name(OWN_FILE)),
    })
}

/// Returns the times and kinds of the last entries, and nothing of what they say.
async fn entries(state: &StateDir) -> Value {
    let log = state.event_log();
    if !log.exists() {
        return Value::Null;
    }
    let read = async {
        let store = EventStore::open(&log)?;
        Ok::<_, CliError>(latest(&store, None, None, ENTRIES).await?.0)
    };
    match read.await {
        Ok(last) => {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for entry in &last {
                let count = counts.entry(entry.kind.as_str()).or_default();
                *count = count.saturating_add(1);
            }
            let shown: Vec<Value> = last
                .iter()
                .map(|entry| json!({ "time": entry.time, "kind": entry.kind }))
                .collect();
            json!({ "counts": counts, "last": shown })
        }
        Err(err) => or_why(Err(err)),
    }
}

fn lines(cx: Cx<'_>, state: &StateDir, veil: &Veil) -> Vec<u8> {
    let files = logs::files_of(cx, state);
    let lines = match files.last_page(PageSize::of_lines(LINES), |_| true) {
        Ok(page) => page.lines,
        Err(err) => vec![logs::unreadable(&files, err).to_string()],
    };
    let mut body = Vec::new();
    for line in lines {
        let line = match serde_json::from_str::<Value>(&line) {
            Ok(line) => line,
            Err(_other) => json!({ "raw": line }),
        };
        body.extend(veil.line(line));
    }
    body
}
