//! What a person sees of a call before they decide about it: exactly what would run, and nothing
//! that moves the cursor.

use openclaw_core::approvals::{Answer, Decision, Pending, Shape};
use openclaw_ipc::methods::ClosedApproval;
use serde_json::{Value, json};

use crate::text;

/// Returns a request as lines.
pub(crate) fn card(pending: &Pending) -> Vec<String> {
    let mut lines = vec![field(
        "id",
        &format!(
            "{}  (agent {}, session {})",
            pending.id, pending.shape.agent, pending.session
        ),
    )];
    lines.extend(pending.reasons.iter().map(|why| field("because", why)));
    lines.extend(shape(&pending.shape));
    lines.push(field("expires", &pending.expires.to_string()));
    lines
}

/// Returns what became of a request as lines.
pub(super) fn closed(closed: &ClosedApproval) -> Vec<String> {
    let mut lines = card(&closed.request);
    let decided = match &closed.decision {
        Some(decision) => {
            let Decision {
                allowed,
                answer,
                by,
                decided,
            } = decision;
            let how = match answer {
                Some(Answer::AllowOnce) => "allowed once",
                Some(Answer::AllowAlways) => "allowed for good",
                Some(Answer::Deny) => "denied",
                None if *allowed => "allowed",
                None => "denied unanswered",
            };
            format!("{how} by {by}, {decided}")
        }
        None => "denied, as its time was up".to_owned(),
    };
    lines.push(field("decided", &decided));
    lines
}

/// Returns in one line what was decided about.
pub(crate) fn subject(shape: &Shape) -> String {
    text::exact(&shape.subject())
}

/// Returns what would run as lines.
pub(super) fn shape(shape: &Shape) -> Vec<String> {
    let mut lines = vec![field("tool", &shape.tool)];
    if shape.argv.is_empty() {
        lines.push(field("arguments", &shape.arguments.to_string()));
        lines.extend(shape.policy.iter().map(|line| field("about", line)));
        return lines;
    }
    // As JSON, so that it is clear where an argument ends.
    lines.push(field("argv", &json!(shape.argv).to_string()));
    lines.push(field("folder", shape.cwd.as_deref().unwrap_or("-")));
    lines.push(field("variables", &shape.env.join(", ")));
    lines.extend(shape.policy.iter().map(|line| field("policy", line)));
    // What of the arguments is not in the command may matter all the same.
    let rest = without_command(&shape.arguments);
    if !rest.is_null() {
        lines.push(field("arguments", &rest.to_string()));
    }
    lines
}

fn without_command(arguments: &Value) -> Value {
    let Some(members) = arguments.as_object() else {
        return arguments.clone();
    };
    let rest: serde_json::Map<String, Value> = members
        .iter()
        .filter(|(name, _)| name.as_str() != "command")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if rest.is_empty() {
        return Value::Null;
    }
    Value::Object(rest)
}

fn field(name: &str, value: &str) -> String {
    format!("{name:<10} {}", text::exact(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_shown_with_the_command_that_it_is_typed_into() {
        let shown = shape(&Shape {
            agent: "main".into(),
            tool: "process".to_owned(),
            arguments: json!({ "action": "submit", "sessionId": "b1" }),
            argv: Vec::new(),
            cwd: None,
            env: Vec::new(),
            policy: vec!["command in the background: sudo -s".to_owned()],
        });
        assert_eq!(
            shown,
            [
                "tool       process",
                "arguments  {\"action\":\"submit\",\"sessionId\":\"b1\"}",
                "about      command in the background: sudo -s",
            ]
        );
    }

    #[test]
    fn what_would_run_is_shown_as_it_is_and_cannot_move_the_cursor() {
        let shown = shape(&Shape {
            agent: "main".into(),
            tool: "exec".to_owned(),
            arguments: json!({ "command": "ls \u{1b}[2K\u{202e}x", "pty": true }),
            argv: vec![
                "/bin/sh".to_owned(),
                "-c".to_owned(),
                "ls \u{1b}[2K\u{202e}x".to_owned(),
            ],
            cwd: Some("/w".to_owned()),
            env: vec!["HOME".to_owned(), "PATH".to_owned()],
            policy: vec!["sandbox: strict".to_owned()],
        });
        assert_eq!(
            shown,
            [
                "tool       exec",
                "argv       [\"/bin/sh\",\"-c\",\"ls \\u001b[2K\\u{202e}x\"]",
                "folder     /w",
                "variables  HOME, PATH",
                "policy     sandbox: strict",
                "arguments  {\"pty\":true}",
            ]
        );
    }
}
