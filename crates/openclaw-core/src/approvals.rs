//! Approvals: what a person is asked before a tool call runs, and what they answered.
//!
//! An answer is bound to what was shown: a [`Shape`] is everything of a call that matters for the
//! decision, and its digest names it. Whatever differs in it is another shape, and asks again.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::ids::{AgentId, CallId, RunId};
use crate::session_key::SessionKey;

/// Names one request for approval.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct ApprovalId(pub String);

impl ApprovalId {
    /// Makes a fresh id that sorts by time (UUID version 7, RFC 9562).
    pub fn generate() -> Self {
        Self(Uuid::now_v7().to_string())
    }
}

impl fmt::Display for ApprovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything of a call that an approval is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    /// Whose call it is.
    pub agent: AgentId,
    /// The tool, by its own name.
    pub tool: String,
    /// Its arguments, as they will be used.
    pub arguments: Value,
    /// The exact program and arguments, for a command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// The folder that a command runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The names of the variables that a command gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The policy that the call runs under, a line each: the sandbox level, the network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<String>,
}

/// How many characters of a call its short form shows.
const MOST_SHOWN: usize = 200;

impl Shape {
    /// Says in short what it is about: the tool, and what it would run or be given.
    pub fn subject(&self) -> String {
        let what = if self.argv.is_empty() {
            self.arguments.to_string()
        } else {
            serde_json::to_string(&self.argv).unwrap_or_default()
        };
        match what.char_indices().nth(MOST_SHOWN) {
            Some((end, _)) => {
                let shown = what.get(..end).unwrap_or_default();
                format!("{} {shown}...", self.tool)
            }
            None => format!("{} {what}", self.tool),
        }
    }

    /// Returns the name of exactly this shape: SHA-256 over its JSON, in hexadecimal.
    pub fn digest(&self) -> String {
        let text = sorted(serde_json::to_value(self).unwrap_or_default()).to_string();
        let mut digits = String::new();
        for byte in Sha256::digest(text) {
            let _infallible = write!(digits, "{byte:02x}").is_ok();
        }
        digits
    }
}

/// Returns the same value with the members of every object in the order of their names.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().collect();
            members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            let members = members.into_iter().map(|(key, value)| (key, sorted(value)));
            Value::Object(members.collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// What somebody decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// This call may run.
    AllowOnce,
    /// This call may run, and every later one of exactly this shape.
    AllowAlways,
    /// It may not.
    Deny,
}

impl Answer {
    /// Tells whether the call may run.
    pub const fn allows(self) -> bool {
        matches!(self, Self::AllowOnce | Self::AllowAlways)
    }
}

/// A request that waits for an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// Its name.
    pub id: ApprovalId,
    /// The session of the call.
    pub session: SessionKey,
    /// The run of the call.
    pub run_id: RunId,
    /// The call.
    pub call_id: CallId,
    /// What is asked for.
    pub shape: Shape,
    /// Why it is asked for, a sentence each.
    pub reasons: Vec<String>,
    /// When it was asked for.
    #[schemars(with = "String")]
    pub asked: Timestamp,
    /// When it counts as denied.
    #[schemars(with = "String")]
    pub expires: Timestamp,
}

/// How a request was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Whether the call may run.
    pub allowed: bool,
    /// What was answered; none when nobody did, which denies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Who decided, or why nobody did.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub decided: Timestamp,
}

/// A standing answer: calls of one shape run without being asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The digest of the shape.
    pub digest: String,
    /// The shape.
    pub shape: Shape,
    /// Who gave it.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub since: Timestamp,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(arguments: Value) -> Shape {
        Shape {
            agent: "main".into(),
            tool: "exec".to_owned(),
            arguments,
            argv: vec!["/bin/sh".to_owned(), "-c".to_owned(), "ls".to_owned()],
            cwd: None,
            env: Vec::new(),
            policy: Vec::new(),
        }
    }

    #[test]
    fn a_shape_has_one_name_however_its_arguments_are_ordered() {
        let one = shape(json!({"command": "ls", "workdir": {"a": 1, "b": [2]}}));
        let other = shape(json!({"workdir": {"b": [2], "a": 1}, "command": "ls"}));
        assert_eq!(one.digest(), other.digest());
        assert_eq!(one.digest().len(), 64);
    }

    #[test]
    fn the_short_form_of_a_shape_names_its_tool_and_what_would_run() {
        let command = shape(json!({"command": "ls"}));
        assert_eq!(command.subject(), r#"exec ["/bin/sh","-c","ls"]"#);
        let long = Shape {
            argv: Vec::new(),
            ..shape(json!("ä".repeat(300)))
        };
        assert_eq!(long.subject(), format!("exec \"{}...", "ä".repeat(199)));
    }

    #[test]
    fn whatever_differs_in_a_shape_gives_it_another_name() {
        let one = shape(json!({"command": "ls"}));
        let others = [
            shape(json!({"command": "ls "})),
            Shape {
                agent: "other".into(),
                ..one.clone()
            },
            Shape {
                tool: "process".to_owned(),
                ..one.clone()
            },
            Shape {
                argv: Vec::new(),
                ..one.clone()
            },
            Shape {
                cwd: Some("/srv".to_owned()),
                ..one.clone()
            },
            Shape {
                env: vec!["PATH".to_owned()],
                ..one.clone()
            },
            Shape {
                policy: vec!["sandbox: none".to_owned()],
                ..one.clone()
            },
        ];
        for other in others {
            assert_ne!(one.digest(), other.digest(), "{other:?}");
        }
    }
}
