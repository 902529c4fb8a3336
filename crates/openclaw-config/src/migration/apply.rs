//! Writing a migrated config, so that its author's comments and order survive.

use serde_json::Value;

use crate::document::{Document, EditError};
use crate::problem::KeyPath;

/// Makes a document that says `before` say `after`, with no more edits than that takes.
pub fn apply(document: &mut Document, before: &Value, after: &Value) -> Result<(), EditError> {
    edit(document, &KeyPath::root(), before, after)
}

fn edit(
    document: &mut Document,
    path: &KeyPath,
    before: &Value,
    after: &Value,
) -> Result<(), EditError> {
    match (before, after) {
        _ if before == after => Ok(()),
        (Value::Object(before), Value::Object(after)) => {
            for key in before.keys().filter(|key| !after.contains_key(*key)) {
                document.unset(&path.key(key));
            }
            for (key, value) in after {
                let path = path.key(key);
                match before.get(key) {
                    Some(old) => edit(document, &path, old, value)?,
                    None => document.set(&path, value)?,
                }
            }
            Ok(())
        }
        (Value::Array(before), Value::Array(after)) if before.len() <= after.len() => {
            for (index, value) in after.iter().enumerate() {
                let path = path.index(index);
                match before.get(index) {
                    Some(old) => edit(document, &path, old, value)?,
                    None => document.set(&path, value)?,
                }
            }
            Ok(())
        }
        _ => document.set(path, after),
    }
}
