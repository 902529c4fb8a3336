//! The environment that a config is read with, and the values that it puts into the config.

use std::collections::BTreeSet;

use openclaw_core::env::Env;
use serde_json::{Map, Value};

use super::names;
use super::variables;
use crate::problem::KeyPath;

/// Values shorter than this are hidden only where they stand alone.
const LONG: usize = 6;

/// Names of one variable; the first one is what is looked for.
const ALIASES: [&str; 2] = ["ZAI_API_KEY", "Z_AI_API_KEY"];

/// Adds the variables of the config's `env` that are not set.
pub(super) fn apply_config_env(written: &Value, env: &mut Env) {
    let Some(block) = written.get("env").and_then(Value::as_object) else {
        return;
    };
    let vars = block.get("vars").and_then(Value::as_object);
    let direct = block
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "vars" | "shellEnv"));
    let mut entries: Vec<(&str, &str)> = Vec::new();
    for (name, value) in vars.into_iter().flatten().chain(direct) {
        let (Some(name), Some(value)) = (names::portable(name), value.as_str()) else {
            continue;
        };
        let usable = !value.trim().is_empty()
            && names::config_may_set(name)
            && !variables::has_reference(value);
        if usable {
            entries.retain(|(known, _)| *known != name);
            entries.push((name, value));
        }
    }
    let set = |env: &Env, name: &str| env.get(name).is_some_and(|value| !value.trim().is_empty());
    let alias_was_set = ALIASES.iter().any(|name| set(env, name));
    for (name, value) in entries {
        let shadowed = alias_was_set && ALIASES.contains(&name);
        if !shadowed && !set(env, name) {
            env.set(name, value);
        }
    }
    let [wanted, other] = ALIASES;
    if !set(env, wanted)
        && let Some(value) = env.get(other).map(str::to_owned)
    {
        env.set(wanted, value);
    }
}

/// What was filled in, and what could not be.
#[derive(Clone, Debug, Default)]
pub(super) struct Fillings {
    used: BTreeSet<String>,
    missing: Vec<(KeyPath, String)>,
}

impl Fillings {
    /// Fills in the variables of a document.
    pub(super) fn fill(&mut self, written: &Value, path: &KeyPath, env: &Env) -> Value {
        match written {
            Value::String(text) => {
                let Some(filled) = variables::fill(text, env) else {
                    return written.clone();
                };
                self.used.extend(filled.used);
                let missing = filled.missing.into_iter();
                self.missing
                    .extend(missing.map(|name| (path.clone(), name)));
                Value::String(filled.text)
            }
            Value::Array(elements) => elements
                .iter()
                .enumerate()
                .map(|(index, value)| self.fill(value, &path.index(index), env))
                .collect(),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, value)| (key.clone(), self.fill(value, &path.key(key), env)))
                    .collect::<Map<_, _>>(),
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => written.clone(),
        }
    }

    /// Returns the paths that name a variable which is not set, with what to say about it.
    pub(super) fn missing(&self) -> Vec<(KeyPath, String)> {
        let say =
            |name: &str| format!("Missing env var \"{name}\": what uses this value is unavailable");
        let all = self.missing.iter();
        all.map(|(path, name)| (path.clone(), say(name))).collect()
    }

    /// Returns a text with the names of variables in place of the values that were filled in.
    pub(super) fn veil(&self, text: &str, env: &Env) -> String {
        let mut values: Vec<(String, &str)> = Vec::new();
        for name in &self.used {
            let Some(value) = env.get(name) else { continue };
            // A message may quote what it found.
            let quoted = Value::from(value).to_string();
            let quoted = quoted.trim_matches('"').to_owned();
            let debug = value.escape_debug().to_string();
            values.extend([value.to_owned(), quoted, debug].map(|value| (value, name.as_str())));
        }
        // A value that contains another one goes first.
        values.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        let mut text = text.to_owned();
        for (value, name) in values {
            text = replace(&text, &value, &format!("${{{name}}}"));
        }
        text
    }
}

/// Replaces a value wherever it stands; a short one only where it is a word of its own.
fn replace(text: &str, value: &str, with: &str) -> String {
    if value.trim().is_empty() {
        return text.to_owned();
    }
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.find(value).and_then(|at| rest.split_at_checked(at)) {
        let after = from.get(value.len()..).unwrap_or_default();
        let in_word = |next: Option<char>| next.is_some_and(char::is_alphanumeric);
        let previous = before
            .chars()
            .next_back()
            .or_else(|| replaced.chars().next_back());
        let alone = !in_word(previous) && !in_word(after.chars().next());
        replaced.push_str(before);
        replaced.push_str(if alone || value.len() >= LONG {
            with
        } else {
            value
        });
        rest = after;
    }
    replaced.push_str(rest);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn after(block: &Value, given: &[(&str, &str)]) -> Vec<Option<String>> {
        let mut env: Env = given.iter().copied().collect();
        apply_config_env(&json!({ "env": block }), &mut env);
        let names = ["A", "B", "C", "ZAI_API_KEY", "NODE_OPTIONS"];
        names.map(|name| env.get(name).map(str::to_owned)).into()
    }

    fn expected(values: [Option<&str>; 5]) -> Vec<Option<String>> {
        values.map(|value| value.map(str::to_owned)).into()
    }

    #[test]
    fn the_config_sets_variables_that_are_not_set() {
        let block = json!({
            "shellEnv": {"enabled": true},
            "vars": {"A": "vars", "B": "vars", "NODE_OPTIONS": "-r x", "a.b": "x", "C": "${A}"},
            "A": "direct",
            "C": 1,
        });
        assert_eq!(
            after(&block, &[]),
            expected([Some("direct"), Some("vars"), None, None, None])
        );
        assert_eq!(
            after(&block, &[("A", "mine"), ("B", " ")]),
            expected([Some("mine"), Some("vars"), None, None, None])
        );
        assert_eq!(after(&json!("x"), &[]), expected([None; 5]));
    }

    #[test]
    fn both_names_of_a_variable_are_one() {
        let block = json!({"ZAI_API_KEY": "config"});
        assert_eq!(
            after(&block, &[("Z_AI_API_KEY", "mine")]),
            expected([None, None, None, Some("mine"), None])
        );
        assert_eq!(
            after(&json!({"Z_AI_API_KEY": "config"}), &[]),
            expected([None, None, None, Some("config"), None])
        );
    }

    #[test]
    fn values_are_veiled_in_whatever_form_they_are_quoted() {
        let env: Env = [("KEY", "sk-\"1\\2"), ("PORT", "1"), ("X", "unused-secret")]
            .into_iter()
            .collect();
        let mut fillings = Fillings::default();
        let written = json!(["${KEY}", "${PORT}"]);
        fillings.fill(&written, &KeyPath::root(), &env);
        assert_eq!(
            fillings.veil("a sk-\"1\\2b \"sk-\\\"1\\\\2\" at 1, not 10", &env),
            "a ${KEY}b \"${KEY}\" at ${PORT}, not 10"
        );
    }
}
