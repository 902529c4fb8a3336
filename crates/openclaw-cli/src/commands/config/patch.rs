//! `openclaw config patch`: an object of changes in the shape of the config.
//!
//! Objects are merged, `null` removes, everything else replaces. It is a merge patch (RFC 7396),
//! but for references to secrets, which replace as a whole, and for `--replace-path`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};

use super::change::{self, Asked, Verb, WritingArgs};
use super::failure::ConfigFailure;
use super::input;
use super::operation::{Action, Mode, Operation, json5_of};
use super::path::ConfigPath;
use super::secret::{is_reference, reference_of};
use crate::commands::Cx;

const EXAMPLES: &str = "\
Examples:
  openclaw config patch --file changes.json5 --dry-run
  echo '{ gateway: { port: 19001 }, logging: null }' | openclaw config patch --stdin

Objects are merged, null removes, everything else replaces. All of it is written, or nothing.";

/// The arguments of `config patch`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PatchArgs {
    /// The patch, JSON5
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Read the patch from standard input
    #[arg(long)]
    stdin: bool,
    /// Replace the object or list at this path instead of merging it (repeatable)
    #[arg(long, value_name = "PATH")]
    replace_path: Vec<String>,
    #[command(flatten)]
    writing: WritingArgs,
}

pub(super) fn run(cx: Cx<'_>, args: &PatchArgs) -> Result<ExitCode, ConfigFailure> {
    let writing = args.writing.writing()?;
    let paths = args.replace_path.iter().map(|path| ConfigPath::parse(path));
    let replaced = paths.collect::<Result<Vec<_>, _>>()?;
    let (text, flag) = match (&args.file, args.stdin) {
        (Some(file), false) => (input::file(file, "--file")?, "--file"),
        (None, true) => (input::stdin()?, "--stdin"),
        _ => {
            return Err(ConfigFailure::Flags(
                "one of --file FILE and --stdin is needed",
            ));
        }
    };
    let operations = operations(&json5_of(&text, flag)?, &replaced, flag)?;
    change::run(
        cx,
        Asked {
            verb: Verb::Patch,
            operations,
            expectation: None,
            writing,
        },
    )
}

fn operations(
    patch: &Value,
    replaced: &[ConfigPath],
    flag: &str,
) -> Result<Vec<Operation>, ConfigFailure> {
    let bad = |problem: &str| ConfigFailure::Flag {
        flag: flag.to_owned(),
        problem: problem.to_owned(),
    };
    let members = patch.as_object();
    let members = members.ok_or_else(|| bad("has to be an object of changes"))?;
    let mut reading = Reading {
        replaced: replaced.iter().map(|path| (path.keys(), false)).collect(),
        path: Vec::new(),
        operations: Vec::new(),
    };
    reading.object(members)?;
    if let Some((path, _)) = reading.replaced.iter().find(|(_, met)| !met) {
        return Err(bad(&format!(
            "has nothing at `{}`, which --replace-path names",
            path.join(".")
        )));
    }
    if reading.operations.is_empty() {
        return Err(bad("has no changes"));
    }
    Ok(reading.operations)
}

struct Reading {
    /// What is replaced as a whole, and whether it was met.
    replaced: Vec<(Vec<String>, bool)>,
    path: Vec<String>,
    operations: Vec<Operation>,
}

impl Reading {
    fn object(&mut self, members: &Map<String, Value>) -> Result<(), ConfigFailure> {
        for (key, value) in members {
            self.path.push(key.clone());
            self.value(value)?;
            self.path.pop();
        }
        Ok(())
    }

    fn value(&mut self, value: &Value) -> Result<(), ConfigFailure> {
        let path = &self.path;
        let named = self.replaced.iter_mut().find(|(named, _)| named == path);
        let whole = named.is_some();
        if let Some((_, met)) = named {
            *met = true;
        }
        let action = match value {
            Value::Null => Action::Clear,
            value if is_reference(value) => {
                let reference = reference_of(value, &self.path.join("."))?;
                if whole {
                    Action::Replace(reference)
                } else {
                    Action::Set(reference)
                }
            }
            value if whole => Action::Replace(value.clone()),
            Value::Object(members) if members.is_empty() => Action::Merge(value.clone()),
            Value::Object(members) => return self.object(members),
            value => Action::Set(value.clone()),
        };
        self.operations.push(Operation {
            path: ConfigPath::from_keys(&self.path)?,
            action,
            mode: Mode::Json,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(patch: &Value, replaced: &[&str]) -> Result<Vec<(String, Action)>, ConfigFailure> {
        let replaced: Vec<_> = replaced
            .iter()
            .map(|path| ConfigPath::parse(path).unwrap())
            .collect();
        let operations = operations(patch, &replaced, "--stdin")?;
        let shown = operations
            .into_iter()
            .map(|one| (one.path.keys().join("."), one.action));
        Ok(shown.collect())
    }

    #[test]
    fn objects_are_merged_and_null_removes() {
        let reference = json!({"source": "env", "provider": "default", "id": "K"});
        let patch = json!({"a": {"b": 1, "c": null, "d": {}, "e": [1]}, "k": reference});
        let expected = [
            ("a.b", Action::Set(json!(1))),
            ("a.c", Action::Clear),
            ("a.d", Action::Merge(json!({}))),
            ("a.e", Action::Set(json!([1]))),
            ("k", Action::Set(reference)),
        ];
        let expected: Vec<_> = expected
            .map(|(path, action)| (path.to_owned(), action))
            .into();
        assert_eq!(read(&patch, &[]).unwrap(), expected);
    }

    #[test]
    fn what_is_named_is_replaced_as_a_whole() {
        let patch = json!({"a": {"b": {"c": 1}}});
        let expected = vec![("a.b".to_owned(), Action::Replace(json!({"c": 1})))];
        assert_eq!(read(&patch, &["a.b"]).unwrap(), expected);
        assert!(read(&patch, &["a.x"]).is_err(), "it is not in the patch");
    }

    #[test]
    fn a_patch_has_to_change_something() {
        for patch in [json!([]), json!({}), json!(1), json!({"constructor": 1})] {
            assert!(read(&patch, &[]).is_err(), "{patch}");
        }
    }
}
