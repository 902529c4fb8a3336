//! Changing the config for another command: as `config set` does it, under that command's name.

use std::process::ExitCode;

use openclaw_config::change::{Action, ConfigPath, Operation};
use serde_json::Value;

use super::change::{self, Asked, Verb, Writing};
use super::failure::ConfigFailure;
use super::operation::{Mode, Said};
use crate::commands::Cx;
use crate::error::CliError;

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    keys: Vec<String>,
    /// What is to stand there; nothing is to, if there is none.
    value: Option<Value>,
}

impl Edit {
    /// Puts a value in place of what stands there.
    pub(crate) fn set(keys: &[&str], value: Value) -> Self {
        Self {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            value: Some(value),
        }
    }

    /// Takes away what stands there, if anything does.
    pub(crate) fn clear(keys: &[&str]) -> Self {
        Self {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            value: None,
        }
    }
}

/// Makes all changes, or none; `by` is the command that makes them.
pub(crate) fn edit(cx: Cx<'_>, by: &'static str, edits: Vec<Edit>) -> Result<ExitCode, CliError> {
    let operations = edits
        .into_iter()
        .map(|edit| {
            Ok(Said {
                what: Operation {
                    path: ConfigPath::from_keys(&edit.keys)?,
                    action: edit.value.map_or(Action::Clear, Action::Replace),
                },
                mode: Mode::Json,
            })
        })
        .collect::<Result<Vec<_>, ConfigFailure>>();
    let outcome = operations.and_then(|operations| {
        change::run(
            cx,
            Asked {
                verb: Verb::Other(by),
                operations,
                expectation: None,
                writing: Writing::Really,
            },
        )
    });
    outcome.or_else(|failure| failure.tell(cx, &Value::Null))
}
