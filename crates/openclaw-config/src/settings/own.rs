//! `openclaw-rs.json5`: the settings that only this program knows.
//!
//! They stand in a file of their own beside `openclaw.json`, because OpenClaw does not start on a
//! config with keys that it does not know.

use std::collections::BTreeMap;
use std::path::Path;

use openclaw_core::ProviderId;
use openclaw_core::env::Env;
use serde_json::Value;

use super::budget::{self, BudgetSettings};
use super::oauth::{self, OauthSettings};
use super::own_providers::{self, OwnProvider};
use super::{known_secrets, limits};
use crate::problem::{KeyPath, Problem};
use crate::source;

/// The file's name, beside the config file.
pub const OWN_FILE: &str = "openclaw-rs.json5";

/// The keys that the file may have, and what this version makes of them.
const KEYS: &[(&str, Part)] = &[
    ("sandbox", Part::Judged(sandbox)),
    (limits::KEY, Part::Judged(limits::problems)),
    (oauth::KEY, Part::Judged(oauth::problems)),
    (budget::KEY, Part::Judged(budget::problems)),
    (own_providers::KEY, Part::Judged(own_providers::problems)),
    ("channels", Part::NotFollowed),
];

/// What is made of a member of the file.
#[derive(Clone, Copy)]
enum Part {
    /// It is followed, unless this finds something wrong with it.
    Judged(fn(&KeyPath, &Value) -> Vec<Problem>),
    /// It is accepted, and has no effect yet.
    NotFollowed,
}

/// What the file says.
#[derive(Clone, Debug, Default)]
pub struct OwnSettings {
    /// How far commands are confined (`sandbox.level`): `strict`, `relaxed` or `none`.
    pub sandbox_level: Option<String>,
    /// How many calls and messages a minute may bring (`rateLimit`), as it stands.
    pub(super) rate_limit: Option<Value>,
    /// How providers are signed in to by OAuth (`oauth`).
    pub oauth: BTreeMap<ProviderId, OauthSettings>,
    /// What models may cost (`budget`).
    pub budget: BudgetSettings,
    /// Further keys of providers, and how long they may take (`providers`).
    pub providers: BTreeMap<ProviderId, OwnProvider>,
}

/// Reads the file; returns also what is accepted but not followed.
pub(super) fn read(file: &Path, env: &Env) -> Result<(OwnSettings, Vec<Problem>), Vec<Problem>> {
    let source = source::read(file, env)?;
    // Before anything is refused: also what a broken file holds is not to be shown.
    known_secrets::learn_own(&source.value);
    let mut problems = Vec::new();
    let mut not_followed = Vec::new();
    let members = source.value.as_object();
    for (key, value) in members.into_iter().flatten() {
        let path = KeyPath::root().key(key);
        match KEYS.iter().find(|(known, _)| known == key) {
            Some((_, Part::Judged(judge))) => problems.extend(judge(&path, value)),
            Some((_, Part::NotFollowed)) => not_followed.push(Problem::new(
                path,
                "is accepted, but has no effect in this version",
            )),
            None => {
                let mut problem = Problem::new(path, format!("Unrecognized key: \"{key}\""));
                problem.allowed = KEYS.iter().map(|(known, _)| (*known).to_owned()).collect();
                problems.push(problem);
            }
        }
    }
    for problem in problems.iter_mut().chain(&mut not_followed) {
        problem.place = source.place(&problem.path);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let level = source.value.pointer("/sandbox/level");
    Ok((
        OwnSettings {
            sandbox_level: level.and_then(Value::as_str).map(str::to_owned),
            rate_limit: source.value.get(limits::KEY).cloned(),
            oauth: oauth::read(source.value.get(oauth::KEY)),
            budget: budget::read(source.value.get(budget::KEY)),
            providers: own_providers::read(source.value.get(own_providers::KEY)),
        },
        not_followed,
    ))
}

/// The only setting of the sandbox is its level.
fn sandbox(path: &KeyPath, value: &Value) -> Vec<Problem> {
    const LEVELS: [&str; 3] = ["strict", "relaxed", "none"];
    let Some(members) = value.as_object() else {
        return vec![Problem::new(path.clone(), "expected an object")];
    };
    let mut problems = Vec::new();
    for (key, value) in members {
        let at = path.key(key);
        if key != "level" {
            let mut problem = Problem::new(at, format!("Unrecognized key: \"{key}\""));
            problem.allowed = vec!["level".to_owned()];
            problems.push(problem);
        } else if !value.as_str().is_some_and(|level| LEVELS.contains(&level)) {
            let mut problem = Problem::new(
                at,
                "Invalid input (allowed: \"strict\", \"relaxed\", \"none\")",
            );
            problem.allowed = LEVELS.map(str::to_owned).to_vec();
            problems.push(problem);
        }
    }
    problems
}
