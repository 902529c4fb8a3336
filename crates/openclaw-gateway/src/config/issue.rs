//! A problem of a config as clients and scripts are told of it.

use openclaw_config::Problem;
use openclaw_ipc::methods::ConfigIssue;

/// What TypeScript OpenClaw calls the document itself.
const ROOT: &str = "<root>";

/// Returns a problem in the recorded shape, with the place and the nearest key added.
pub fn issue(problem: &Problem) -> ConfigIssue {
    let path = problem.path.to_string();
    let place = problem.place.as_ref();
    ConfigIssue {
        path: if path.is_empty() {
            ROOT.to_owned()
        } else {
            path
        },
        message: problem.message.clone(),
        allowed_values: problem.allowed.clone(),
        file: place.map(|place| place.file.to_string_lossy().into_owned()),
        line: place.map(|place| place.line),
        column: place.map(|place| place.column),
        nearest: problem.nearest.clone(),
    }
}
