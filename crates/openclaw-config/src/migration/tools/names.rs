//! Tools that have another name, in the lists that allow and deny them.

use openclaw_core::tool_rules::list_name;
use serde_json::Value;

use super::policy::{ROOTS, fits, is_policy, walk};
use crate::migration::log::{Log, at};
use crate::migration::tree::Record;

/// The old names and the new ones.
const NAMES: [(&str, &str); 2] = [("spawn_task", "suggest_task"), ("image", "view_image")];

/// Brings the names in lists up to date.
pub(in crate::migration) fn all(root: &mut Record, log: &mut Log) {
    for (old, new) in NAMES {
        for area in ROOTS {
            let Some(value) = root.get_mut(area) else {
                continue;
            };
            walk(value, &at(&[area]), &mut |own, path| {
                let is_policy = is_policy(path);
                let lists = ["allow", "alsoAllow", "deny"].into_iter();
                let lists = lists.filter(|_| is_policy).chain(["toolsAllow"]);
                for key in lists {
                    let Some(list) = own.get_mut(key).and_then(Value::as_array_mut) else {
                        continue;
                    };
                    if renamed(list, old, new) {
                        log.renamed(&path.key(key), old, new);
                    }
                }
                true
            });
        }
    }
}

/// Renames a tool in a list; where only a pattern had named it, its new name is added.
fn renamed(list: &mut Vec<Value>, old: &str, new: &str) -> bool {
    let is_old = |entry: &Value| entry.as_str().is_some_and(|name| list_name(name) == old);
    if list.iter().any(is_old) {
        for entry in list.iter_mut().filter(|entry| is_old(entry)) {
            *entry = Value::from(new);
        }
        return true;
    }
    let names = |tool: &str| {
        let mut patterns = list.iter().filter_map(Value::as_str).map(list_name);
        patterns.any(|pattern| !pattern.is_empty() && fits(&pattern, tool))
    };
    let is_added = names(old) && !names(new);
    if is_added {
        list.push(Value::from(new));
    }
    is_added
}
