//! Code mode: it runs JavaScript, and says in what.

use serde_json::Value;

use crate::migration::log::{Log, below};
use crate::migration::scope::Scope;
use crate::migration::table::Retired;
use crate::migration::tree::{Record, record_at_mut, take, text_at};

/// What code mode no longer has.
pub(in crate::migration) const RETIRED: &[Retired] = &[Retired::at(
    Scope::RootAndAgents,
    &["tools", "codeMode", "languages"],
    "code mode runs JavaScript only",
)];

/// What runs the code has another name.
pub(in crate::migration) fn executor(root: &mut Record, log: &mut Log) {
    Scope::RootAndAgents.visit(root, &mut |record, path| {
        let mode = record_at_mut(record, &["tools", "codeMode"]);
        let old = mode.filter(|mode| text_at(mode, &["runtime"]) == Some("quickjs-wasi"));
        let Some(mode) = old else {
            return;
        };
        take(mode, "runtime");
        let path = below(path, &["tools", "codeMode"]);
        let (from, to) = (path.key("runtime"), path.key("executor"));
        if mode.contains_key("executor") {
            log.superseded(&from, &to);
        } else {
            mode.insert("executor".to_owned(), Value::from("quickjs"));
            log.moved(&from, &to);
        }
    });
}
