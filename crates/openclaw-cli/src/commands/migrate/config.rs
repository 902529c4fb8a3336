//! The area `config`: in place it is written in the current form; from elsewhere it is copied first.

use std::path::{Path, PathBuf};

use openclaw_compat::{Left, Mode};
use openclaw_config::edit::{ConfigFile, Draft};
use openclaw_config::migration::Change;
use openclaw_config::{KeyPath, Problem, source, upgrade};
use openclaw_core::state_dir::{Overrides, StateDir};
use serde_json::{Value, json};

use super::files::{copied, is_private_name};
use super::{Area, MigrateError, Migration};
use crate::commands::Cx;
use crate::error::CliError;

const NAME: &str = "config";

/// The name that a state directory has unless it was given another one.
const DEFAULT_HOME: &str = ".openclaw";

/// Takes the config of a home.
pub(super) fn take(cx: Cx<'_>, migration: &Migration<'_>) -> Result<Area, CliError> {
    if migration.in_place() {
        return in_place(cx, migration);
    }
    let there = StateDir::locate(
        cx.env,
        &Overrides {
            state_dir: Some(migration.from.clone()),
            profile: None,
        },
    )?;
    let (old, new) = (there.config_file(), migration.state.config_file());
    if !old.exists() {
        return Ok(area("none".to_owned(), &[], Vec::new()));
    }
    if new.exists() {
        let why = format!("{} exists already", new.display());
        return Ok(area("left".to_owned(), &[], vec![left(old, why)]));
    }
    let read = match source::read(old, cx.env) {
        Ok(read) => read,
        Err(problems) => return Ok(area("left".to_owned(), &[], unreadable(&problems))),
    };
    let plan = match upgrade::Plan::of(&there, cx.env) {
        Ok(plan) => plan,
        Err(problems) => return Ok(area("left".to_owned(), &[], unreadable(&problems))),
    };
    let mut outside = Vec::new();
    let mut files: Vec<(PathBuf, PathBuf)> = Vec::new();
    for file in read.files.iter().filter(|file| file.is_file()) {
        match (file.strip_prefix(&migration.from), new.parent()) {
            (Ok(within), Some(folder)) => files.push((file.clone(), folder.join(within))),
            _ if is_private_name(file) => {}
            _ => outside.push(left(file, "it is outside of the home".to_owned())),
        }
    }
    if migration.mode == Mode::Take {
        migration.state.create()?;
        for (from, to) in &files {
            copied(from, to)?;
        }
        if plan.is_possible() {
            upgrade::apply(migration.state, cx.env).map_err(MigrateError::from)?;
        }
        moved(cx, migration)?;
    }
    outside.extend(unreadable(&plan.obstacles));
    let summary = format!(
        "{} files {}, with the keys in them",
        files.len(),
        migration.verb("copied")
    );
    Ok(area(summary, &plan.changes, outside))
}

fn in_place(cx: Cx<'_>, migration: &Migration<'_>) -> Result<Area, CliError> {
    if !migration.state.config_file().exists() {
        return Ok(area("none".to_owned(), &[], Vec::new()));
    }
    let plan = match upgrade::Plan::of(migration.state, cx.env) {
        Ok(plan) => plan,
        Err(problems) => {
            let summary = "left, because it cannot be read".to_owned();
            return Ok(area(summary, &[], unreadable(&problems)));
        }
    };
    if plan.changes.is_empty() {
        return Ok(area("in the current form".to_owned(), &[], Vec::new()));
    }
    if !plan.obstacles.is_empty() {
        let summary = "left in its old form, which is understood".to_owned();
        return Ok(area(summary, &[], unreadable(&plan.obstacles)));
    }
    let mut summary = format!(
        "{} in the current form, {} changes",
        migration.verb("written"),
        plan.changes.len()
    );
    if migration.mode == Mode::Take {
        let written = upgrade::apply(migration.state, cx.env).map_err(MigrateError::from)?;
        if let Some(backup) = written.config.backups.first() {
            summary = format!("{summary}; as it was: {}", backup.display());
        }
    }
    Ok(area(summary, &plan.changes, Vec::new()))
}

/// Has the copied config name the copies, where it named folders of the other home: nobody works in
/// that one from here.
fn moved(cx: Cx<'_>, migration: &Migration<'_>) -> Result<(), MigrateError> {
    let file = ConfigFile::new(migration.state.config_file(), cx.env.clone());
    let change = |draft: &mut Draft| {
        let mut found = Vec::new();
        named_below(draft.value(), &KeyPath::root(), migration, &mut found);
        for (path, text) in found {
            draft.set(&path, &Value::String(text))?;
        }
        Ok(())
    };
    file.edit(change, |_source| Ok(()))?;
    Ok(())
}

/// Returns the rest of a path below the other home. A home that was moved here from another machine
/// still names its old place, which nothing is at.
fn within_home(path: &Path, home: &Path) -> Option<PathBuf> {
    if let Ok(within) = path.strip_prefix(home) {
        return Some(within.to_owned());
    }
    if !path.is_absolute() || path.exists() {
        return None;
    }
    let mut parts = path.components();
    parts
        .by_ref()
        .find(|part| part.as_os_str() == DEFAULT_HOME)?;
    let within = parts.as_path();
    home.join(within).exists().then(|| within.to_owned())
}

/// Finds the texts that are paths below the other home.
fn named_below(
    value: &Value,
    at: &KeyPath,
    migration: &Migration<'_>,
    found: &mut Vec<(KeyPath, String)>,
) {
    match value {
        Value::String(text) => {
            if let Some(within) = within_home(Path::new(text), &migration.from) {
                let here = migration.state.root().join(within);
                found.push((at.clone(), here.display().to_string()));
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                named_below(member, &at.key(key), migration, found);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                named_below(element, &at.index(index), migration, found);
            }
        }
        _ => {}
    }
}

fn area(summary: String, changes: &[Change], left: Vec<Left>) -> Area {
    let changes: Vec<String> = changes.iter().map(|change| change.text.clone()).collect();
    Area {
        name: NAME,
        summary,
        taken: json!({ "changes": changes }),
        left,
        notes: Vec::new(),
    }
}

fn left(file: &Path, why: String) -> Left {
    Left {
        what: file.display().to_string(),
        why,
    }
}

fn unreadable(problems: &[Problem]) -> Vec<Left> {
    let say = |problem: &Problem| Left {
        what: problem.path.to_string(),
        why: problem.to_string(),
    };
    problems.iter().map(say).collect()
}
