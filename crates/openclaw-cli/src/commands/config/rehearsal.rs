//! What `--dry-run` says, in the recorded shape.

use openclaw_config::change::{ChangeError, is_reference};
use openclaw_config::edit::Draft;
use openclaw_config::source::Source;
use openclaw_config::{Config, SecretError, SecretInput};
use openclaw_core::env::Env;
use openclaw_core::secrets::SecretRef;
use openclaw_core::state_dir::StateDir;
use serde_json::{Value, json};

use super::change::Asked;
use super::operation::{Mode, Said};

/// The secrets that the change points to.
#[derive(Debug, Default)]
struct Pointers {
    checked: usize,
    skipped: usize,
    errors: Vec<Value>,
}

/// Returns the document of a rehearsal.
pub(super) fn document(
    state: &StateDir,
    env: &Env,
    asked: &Asked,
    rehearsed: &Result<Draft, ChangeError>,
) -> Value {
    let mut modes: Vec<&str> = Vec::new();
    for operation in &asked.operations {
        if !modes.contains(&operation.mode.as_str()) {
            modes.push(operation.mode.as_str());
        }
    }
    let missing = matches!(rehearsed, Err(ChangeError::NothingToRemove(_)));
    let pointers = match rehearsed {
        Ok(draft) => resolve(state, env, draft.source(), &asked.operations),
        Err(_nothing_to_look_at) => Pointers::default(),
    };
    let mut errors: Vec<Value> = match rehearsed {
        Ok(_) => Vec::new(),
        Err(ChangeError::WouldBeInvalid { problems, .. }) => problems
            .iter()
            .map(|problem| json!({ "kind": "schema", "message": problem.to_string() }))
            .collect(),
        Err(failure) => {
            let kind = match failure {
                ChangeError::NothingToRemove(_) => "missing-path",
                ChangeError::UnknownProvider { .. } => "model",
                _ => "schema",
            };
            vec![json!({ "kind": kind, "message": failure.to_string() })]
        }
    };
    errors.extend(pointers.errors);
    let mut document = json!({
        "ok": errors.is_empty(),
        "operations": asked.operations.len(),
        "configPath": state.config_file(),
        "inputModes": modes,
        "checks": {
            "schema": !missing,
            "resolvability": !missing,
            "resolvabilityComplete": !missing && pointers.skipped == 0,
        },
        "refsChecked": pointers.checked,
        "skippedExecRefs": pointers.skipped,
    });
    if let (false, Some(members)) = (errors.is_empty(), document.as_object_mut()) {
        members.insert("errors".to_owned(), errors.into());
    }
    document
}

/// Looks for the secrets that the changed values point to.
fn resolve(state: &StateDir, env: &Env, source: &Source, operations: &[Said]) -> Pointers {
    let mut pointers = Pointers::default();
    let asked = operations.iter().filter(|one| one.mode != Mode::Value);
    let mut found = Vec::new();
    asked
        .filter_map(|one| one.what.action.value())
        .for_each(|value| collect(value, &mut found));
    if found.is_empty() {
        return pointers;
    }
    let secrets = Config::load(state, env)
        .map(|config| config.secrets)
        .unwrap_or_default();
    for value in found {
        let Ok(reference) = serde_json::from_value::<SecretRef>(value.clone()) else {
            continue;
        };
        match secrets.resolve(&SecretInput::Ref(reference), source.env(), None) {
            // Asking a program, or the store, is not for a rehearsal.
            Err(SecretError::Source(_)) => pointers.skipped = pointers.skipped.saturating_add(1),
            Ok(_secret) => pointers.checked = pointers.checked.saturating_add(1),
            Err(err) => {
                pointers.checked = pointers.checked.saturating_add(1);
                let name = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
                pointers.errors.push(json!({
                    "kind": "resolvability",
                    "message": err.to_string(),
                    "ref": format!("{}:{}:{}", name("source"), name("provider"), name("id")),
                }));
            }
        }
    }
    pointers
}

fn collect<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        value if is_reference(value) => found.push(value),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(members) => members.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}
