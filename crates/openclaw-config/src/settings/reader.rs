//! Looking values up in a config that was judged already.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_core::ApiKey;
use openclaw_core::env::{Env, HOME};
use openclaw_core::secrets::SecretRef;
use serde_json::Value;

use super::secrets::SecretInput;
use crate::problem::Problem;

/// Reads a document area by area, and notes on the way what is not followed.
pub(super) struct Reader<'a> {
    value: &'a Value,
    env: &'a Env,
    state_dir: &'a Path,
    not_followed: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(value: &'a Value, env: &'a Env, state_dir: &'a Path) -> Self {
        Self {
            value,
            env,
            state_dir,
            not_followed: Vec::new(),
        }
    }

    /// Returns what is not followed.
    pub(super) fn finish(self) -> Vec<Problem> {
        self.not_followed
    }

    /// Returns the whole document.
    pub(super) const fn document(&self) -> &'a Value {
        self.value
    }

    /// Returns the value at a path of keys.
    pub(super) fn raw(&self, path: &[&str]) -> Option<&'a Value> {
        path.iter()
            .try_fold(self.value, |value, key| value.get(key))
            .filter(|value| !value.is_null())
    }

    /// Returns the members of the object at a path; nothing where there is none.
    pub(super) fn members(&self, path: &[&str]) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let members = self.raw(path).and_then(Value::as_object);
        members
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// Returns the text at a path, unless it is blank.
    pub(super) fn string(&self, path: &[&str]) -> Option<String> {
        let text = self.raw(path)?.as_str()?;
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    /// Returns the texts of the array at a path as they stand: a list that says whom to let in
    /// must not become an empty one, which may let in everybody.
    pub(super) fn texts_as_written(&self, path: &[&str]) -> Vec<String> {
        let list = self.raw(path).and_then(Value::as_array);
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }

    /// Returns the whole number at a path.
    pub(super) fn number(&self, path: &[&str]) -> Option<u64> {
        whole_number(self.raw(path)?)
    }

    /// Returns the environment.
    pub(super) const fn env(&self) -> &'a Env {
        self.env
    }

    /// Returns the state directory.
    pub(super) const fn state_dir(&self) -> &'a Path {
        self.state_dir
    }

    /// Returns a path as the user means it: `~` is the home directory.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        expand(text, self.env)
    }

    /// A secret is text, or `{source, provider, id}`.
    pub(super) fn secret(&mut self, path: &[&str]) -> Option<SecretInput> {
        match self.raw(path)? {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(SecretInput::from_text(text)),
            value => match serde_json::from_value::<SecretRef>(value.clone()) {
                Ok(reference) => {
                    if let SecretRef::Exec { .. } = reference {
                        self.not_followed(
                            path,
                            "a secret of this source cannot be read by this version",
                        );
                    }
                    Some(SecretInput::Ref(reference))
                }
                Err(_unknown) => {
                    self.not_followed(path, "this kind of secret reference is not known here");
                    // A secret that cannot be had must not become a secret that is not asked for.
                    Some(SecretInput::Inline(Arc::new(ApiKey::new(String::new()))))
                }
            },
        }
    }

    /// Notes something that is accepted but has no effect.
    pub(super) fn note(&mut self, problem: Problem) {
        self.not_followed.push(problem);
    }

    /// Notes that something is accepted but has no effect.
    pub(super) fn not_followed(&mut self, path: &[&str], message: impl Into<String>) {
        self.note(Problem::new(path.iter().copied().collect(), message));
    }
}

/// Returns a path as the user means it: `~` is the home directory.
pub(super) fn expand(text: &str, env: &Env) -> PathBuf {
    let text = text.trim();
    let rest = match text.strip_prefix('~') {
        Some("") => Some(""),
        Some(rest) => rest.strip_prefix(['/', '\\']),
        None => None,
    };
    match (rest, env.get_os(HOME.name)) {
        (Some(rest), Some(home)) => Path::new(home).join(rest),
        _ => PathBuf::from(text),
    }
}

/// JSON5 numbers arrive as floating point when they were written so; `8080.0` is a whole number.
pub(super) fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64().filter(|n| n.fract() == 0.0)?;
        format!("{number:.0}").parse().ok()
    })
}
