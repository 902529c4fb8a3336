//! Problems of a config, for people and for scripts.

use openclaw_config::Problem;
use serde_json::{Map, Value};

use crate::commands::Cx;
use crate::output::excerpt_at;
use crate::text;

/// What TypeScript OpenClaw calls the document itself.
const ROOT: &str = "<root>";

/// Returns problems in the recorded shape, with the place and the nearest key added.
pub(super) fn issues(problems: &[Problem]) -> Value {
    problems.iter().map(issue).collect()
}

fn issue(problem: &Problem) -> Value {
    let mut issue = Map::new();
    let path = problem.path.to_string();
    let path = if path.is_empty() {
        ROOT.to_owned()
    } else {
        path
    };
    issue.insert("path".to_owned(), path.into());
    issue.insert("message".to_owned(), problem.message.clone().into());
    if !problem.allowed.is_empty() {
        issue.insert("allowedValues".to_owned(), problem.allowed.clone().into());
    }
    if let Some(place) = &problem.place {
        issue.insert("file".to_owned(), place.file.to_string_lossy().into());
        issue.insert("line".to_owned(), place.line.into());
        issue.insert("column".to_owned(), place.column.into());
    }
    if let Some(nearest) = &problem.nearest {
        issue.insert("nearest".to_owned(), nearest.clone().into());
    }
    Value::Object(issue)
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
