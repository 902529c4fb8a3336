//! Problems of a config, for people and for scripts.

use openclaw_config::Problem;
use openclaw_gateway::config::issue;
use openclaw_ipc::methods::ConfigIssue;
use serde_json::{Value, json};

use crate::commands::Cx;
use crate::output::excerpt_at;
use crate::text;

/// Returns problems in the recorded shape, with the place and the nearest key added.
pub(super) fn issues(problems: &[Problem]) -> Value {
    let issues: Vec<ConfigIssue> = problems.iter().map(issue).collect();
    json!(issues)
}

/// Prints problems to standard error, each with the line that it is in.
pub(super) fn note(cx: Cx<'_>, problems: &[Problem]) {
    for problem in problems {
        cx.out
            .note(format_args!("  {}", text::escape(&problem.to_string())));
        let place = problem.place.as_ref();
        if let Some(excerpt) = place.and_then(|at| excerpt_at(&at.file, at.line, at.column)) {
            cx.out.note(excerpt);
        }
    }
}
