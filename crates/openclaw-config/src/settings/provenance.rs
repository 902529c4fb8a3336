//! `provenance`: what counts as untrusted, and what is asked for while it is in view; a setting of
//! this program's own.

use serde_json::Value;

use super::own_providers::unknown;
use crate::problem::{KeyPath, Problem};

/// The key in `openclaw-rs.json5`.
pub(super) const KEY: &str = "provenance";

const ENABLED: &str = "enabled";
const UNTRUSTED: &str = "untrusted";
const ASK: &str = "ask";

/// What untrusted pieces of a conversation may come from.
pub const UNTRUSTED_ORIGINS: [&str; 9] = [
    "web", "file", "person", "command", "session", "written", "tool", "skill", "webhook",
];
/// What may be asked for while one is in view.
pub const ASKED_EFFECTS: [&str; 3] = ["exec", "send", "secret"];

/// What counts as untrusted, and what that leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProvenanceSettings {
    /// Whether that is looked at; it is, unless something else is said (`enabled`).
    pub enabled: Option<bool>,
    /// What nobody vouches for; all of [`UNTRUSTED_ORIGINS`], if not set (`untrusted`).
    pub untrusted: Option<Vec<String>>,
    /// What is asked for; all of [`ASKED_EFFECTS`], if not set (`ask`).
    pub ask: Option<Vec<String>>,
}

/// Returns everything that is wrong with `provenance` at this place.
pub(super) fn problems(path: &KeyPath, provenance: &Value) -> Vec<Problem> {
    let Some(members) = provenance.as_object() else {
        return vec![Problem::new(path.clone(), "expected an object")];
    };
    let mut problems = Vec::new();
    for (key, value) in members {
        let at = path.key(key);
        match key.as_str() {
            ENABLED if !value.is_boolean() => {
                problems.push(Problem::new(at, "expected true or false"));
            }
            ENABLED => {}
            UNTRUSTED => problems.extend(of_list(&at, value, &UNTRUSTED_ORIGINS)),
            ASK => problems.extend(of_list(&at, value, &ASKED_EFFECTS)),
            _ => problems.push(unknown(at, key, &[ENABLED, UNTRUSTED, ASK])),
        }
    }
    problems
}

fn of_list(at: &KeyPath, list: &Value, allowed: &[&str]) -> Option<Problem> {
    let known = |item: &Value| item.as_str().is_some_and(|item| allowed.contains(&item));
    if list.as_array().is_some_and(|items| items.iter().all(known)) {
        return None;
    }
    let mut problem = Problem::new(
        at.clone(),
        format!("expected a list of {}", allowed.join(", ")),
    );
    problem.allowed = allowed.iter().map(|name| (*name).to_owned()).collect();
    Some(problem)
}

/// Reads a `provenance` that was judged; what is wrong with it is left out.
pub(super) fn read(provenance: Option<&Value>) -> ProvenanceSettings {
    let member = |key: &str| provenance?.get(key);
    let list = |key: &str| {
        let items = member(key)?.as_array()?;
        let names = items.iter().filter_map(Value::as_str);
        Some(names.map(str::to_owned).collect())
    };
    ProvenanceSettings {
        enabled: member(ENABLED).and_then(Value::as_bool),
        untrusted: list(UNTRUSTED),
        ask: list(ASK),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let at = KeyPath::root().key(KEY);
        let good = json!({ "enabled": true, "untrusted": ["web"], "ask": [] });
        assert_eq!(problems(&at, &good), []);
        assert_eq!(
            read(Some(&good)),
            ProvenanceSettings {
                enabled: Some(true),
                untrusted: Some(vec!["web".to_owned()]),
                ask: Some(Vec::new()),
            }
        );
        for (wrong, place) in [
            (json!(true), "provenance"),
            (json!({ "enabled": "no" }), "provenance.enabled"),
            (json!({ "untrusted": ["webb"] }), "provenance.untrusted"),
            (json!({ "ask": "exec" }), "provenance.ask"),
            (json!({ "trust": [] }), "provenance.trust"),
        ] {
            let found = problems(&at, &wrong);
            let places: Vec<String> = found.iter().map(|one| one.path.to_string()).collect();
            assert_eq!(places, [place], "{wrong}");
        }
    }
}
