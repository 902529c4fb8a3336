//! `config.get`: what the config file says, without its secrets.

use openclaw_config::Problem;
use openclaw_ipc::RpcError;
use serde_json::{Value, json};

use super::given::Given;
use crate::config::Look;
use crate::rpc::Rpc;

/// How many problems are told.
const MOST_PROBLEMS: usize = 100;

/// `config.get`.
pub(super) async fn get(rpc: &Rpc, given: Given) -> Result<Value, RpcError> {
    given.done()?;
    rpc.look_at_config(|look| shown(&look)).await
}

fn shown(look: &Look) -> Value {
    let nothing = || json!({});
    let effective = look.effective().unwrap_or_else(nothing);
    json!({
        "path": look.file,
        "includedPaths": look.includes(),
        "includeProvenance": [],
        "exists": look.exists(),
        "raw": look.shown_text(),
        "parsed": look.parsed(),
        "sourceConfig": look.written().unwrap_or_else(nothing),
        "resolved": look.filled().unwrap_or_else(nothing),
        "valid": look.problems.is_empty(),
        "runtimeConfig": effective,
        "config": effective,
        "hash": look.hash(),
        "issues": issues(&look.problems),
        "warnings": issues(&look.warnings),
        "legacyIssues": [],
    })
}

fn issues(problems: &[Problem]) -> Value {
    let issue =
        |problem: &Problem| json!({ "path": problem.path.to_string(), "message": problem.message });
    problems.iter().take(MOST_PROBLEMS).map(issue).collect()
}
