//! A patch: an object of changes in the shape of the config.
//!
//! Objects are merged, `null` removes, everything else replaces. It is a merge patch (RFC 7396),
//! but for references to secrets, which replace as a whole, and for paths that are named as such.

use serde_json::{Map, Value};

use super::reference::{is_reference, reference_of};
use super::{Action, ChangeError, ConfigPath, Operation};

/// Returns what a patch asks for; what stands at the `replaced` paths replaces what was there as a
/// whole. Failures call the patch by `name`.
pub fn of_patch(
    patch: &Value,
    replaced: &[ConfigPath],
    name: &str,
) -> Result<Vec<Operation>, ChangeError> {
    let bad = |problem: &str| ChangeError::Value {
        name: name.to_owned(),
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
            "has nothing at `{}`, which is to be replaced as a whole",
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
    fn object(&mut self, members: &Map<String, Value>) -> Result<(), ChangeError> {
        for (key, value) in members {
            self.path.push(key.clone());
            self.value(value)?;
            self.path.pop();
        }
        Ok(())
    }

    fn value(&mut self, value: &Value) -> Result<(), ChangeError> {
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
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(patch: &Value, replaced: &[&str]) -> Result<Vec<(String, Action)>, ChangeError> {
        let replaced: Vec<_> = replaced
            .iter()
            .map(|path| ConfigPath::parse(path).unwrap())
            .collect();
        let operations = of_patch(patch, &replaced, "--stdin")?;
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
