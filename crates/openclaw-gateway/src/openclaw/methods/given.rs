//! The params of one call, read member by member.
//!
//! What does not fit is said in the words that TypeScript OpenClaw has for it, with the path of the
//! member, and all of it at once. A member that nobody reads is a mistake of the caller's, so that a
//! misspelt one does not go unnoticed.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use openclaw_core::Kind;
use openclaw_ipc::RpcError;
use serde_json::{Map, Value};

/// How many problems an answer names.
const MOST_NAMED: usize = 8;

/// The params of a call, as far as they have not been read yet.
#[derive(Debug)]
pub(crate) struct Given {
    method: &'static str,
    members: Map<String, Value>,
    problems: Vec<String>,
    /// The first member that does not fit.
    field: Option<String>,
}

impl Given {
    /// Takes the params of a method; none are an empty object.
    pub(crate) fn new(method: &'static str, params: Value) -> Result<Self, RpcError> {
        let mut given = Self {
            method,
            members: Map::new(),
            problems: Vec::new(),
            field: None,
        };
        match params {
            Value::Null => Ok(given),
            Value::Object(members) => {
                given.members = members;
                Ok(given)
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                given.problems.push("at root: must be object".to_owned());
                Err(given.refusal())
            }
        }
    }

    /// Reads a text that is not empty.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let text = self.any_text(name)?;
        if text.is_empty() {
            self.unfit(name, "must not have fewer than 1 characters");
            return None;
        }
        Some(text)
    }

    /// Reads a text, which may be empty.
    pub(crate) fn any_text(&mut self, name: &str) -> Option<String> {
        if let Value::String(text) = self.members.remove(name)? {
            return Some(text);
        }
        self.unfit(name, "must be string");
        None
    }

    /// Reads a text that has to be there and is not empty.
    pub(crate) fn needed_text(&mut self, name: &str) -> Result<String, RpcError> {
        let is_there = self.members.contains_key(name);
        if let Some(text) = self.text(name) {
            return Ok(text);
        }
        if !is_there {
            self.missing(name);
        }
        Err(self.refusal())
    }

    /// Reads a whole number within bounds.
    pub(crate) fn integer(&mut self, name: &str, bounds: RangeInclusive<u64>) -> Option<u64> {
        let value = self.members.remove(name)?;
        let whole = value.as_u64().or_else(|| {
            // JavaScript writes `1.0` as `1`, but other clients need not.
            let float = value.as_f64().filter(|float| float.fract() == 0.0)?;
            format!("{float:.0}").parse().ok()
        });
        match whole {
            Some(n) if bounds.contains(&n) => Some(n),
            Some(n) if n < *bounds.start() => {
                self.unfit(name, &format!("must be >= {}", bounds.start()));
                None
            }
            Some(_) => {
                self.unfit(name, &format!("must be <= {}", bounds.end()));
                None
            }
            None if value.as_i64().is_some() => {
                self.unfit(name, &format!("must be >= {}", bounds.start()));
                None
            }
            None => {
                self.unfit(name, "must be integer");
                None
            }
        }
    }

    /// Reads a yes or no.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.members.remove(name)?;
        if value.is_boolean() {
            return value.as_bool();
        }
        self.unfit(name, "must be boolean");
        None
    }

    /// Tells whether a member that has not been read yet is a text.
    pub(crate) fn has_text(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(Value::is_string)
    }

    /// Reads one of a few words.
    pub(crate) fn one_of(&mut self, name: &str, words: &[&'static str]) -> Option<&'static str> {
        let value = self.members.remove(name)?;
        let word = words.iter().find(|word| value.as_str() == Some(word));
        if word.is_none() {
            self.unfit(name, "must be equal to one of the allowed values");
        }
        word.copied()
    }

    /// Reads a text that is not empty; null is none.
    pub(crate) fn nullable_text(&mut self, name: &str) -> Option<String> {
        self.drop_null(name);
        self.text(name)
    }

    /// Reads one of a few words; null is none.
    pub(crate) fn nullable_one_of(
        &mut self,
        name: &str,
        words: &[&'static str],
    ) -> Option<&'static str> {
        self.drop_null(name);
        self.one_of(name, words)
    }

    /// Refuses a member that OpenClaw knows and this program cannot follow, unless it says what
    /// holds here anyway: one of these words, no, or nothing.
    pub(crate) fn only(&mut self, name: &str, words: &[&str]) {
        let value = self.members.get(name).and_then(Value::as_str);
        if value.is_some_and(|value| words.contains(&value)) {
            self.members.remove(name);
        }
        self.not_followed(&[name]);
    }

    fn drop_null(&mut self, name: &str) {
        if self.members.get(name).is_some_and(Value::is_null) {
            self.members.remove(name);
        }
    }

    /// Reads a list of texts that are not empty.
    pub(crate) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let Value::Array(items) = self.members.remove(name)? else {
            self.unfit(name, "must be array");
            return None;
        };
        let mut texts = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Value::String(text) if !text.is_empty() => texts.push(text),
                _ => self.unfit(&format!("{name}/{index}"), "must be string"),
            }
        }
        Some(texts)
    }

    /// As [`Given::texts`], for a list that has to be there.
    pub(crate) fn needed_texts(&mut self, name: &str) -> Result<Vec<String>, RpcError> {
        let is_there = self.members.contains_key(name);
        if let Some(texts) = self.texts(name) {
            return Ok(texts);
        }
        if !is_there {
            self.missing(name);
        }
        Err(self.refusal())
    }

    /// Takes what a member says as it is.
    pub(crate) fn any(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    /// Refuses members that OpenClaw knows and this program cannot follow, if they say anything:
    /// whoever asks for them is not to think that they had an effect.
    pub(crate) fn not_followed(&mut self, names: &[&str]) {
        for name in names {
            match self.members.remove(*name) {
                None | Some(Value::Null | Value::Bool(false)) => {}
                Some(_) => self.unfit(name, "is not supported by this gateway"),
            }
        }
    }

    /// Passes over members that change nothing about the answer.
    pub(crate) fn passes_over(&mut self, names: &[&str]) {
        for name in names {
            self.members.remove(*name);
        }
    }

    /// Ends the reading: nothing may be left over, and everything read has to fit.
    pub(crate) fn done(mut self) -> Result<(), RpcError> {
        for name in self.members.keys().take(MOST_NAMED) {
            let shown: String = name.chars().take(64).collect();
            let problem = format!("at root: unexpected property '{shown}'");
            self.problems.push(problem);
            self.field.get_or_insert(shown);
        }
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(self.refusal())
    }

    fn unfit(&mut self, name: &str, what: &str) {
        self.problems.push(format!("at /{name}: {what}"));
        self.field.get_or_insert_with(|| name.to_owned());
    }

    fn missing(&mut self, name: &str) {
        let problem = format!("must have required property '{name}'");
        self.problems.push(problem);
        self.field.get_or_insert_with(|| name.to_owned());
    }

    fn refusal(&self) -> RpcError {
        let mut message = format!("invalid {} params: ", self.method);
        for (index, problem) in self.problems.iter().take(MOST_NAMED).enumerate() {
            let between = if index == 0 { "" } else { "; " };
            let _infallible = write!(message, "{between}{problem}").is_ok();
        }
        let refusal = RpcError::new(Kind::Invalid, message);
        match &self.field {
            Some(field) => refusal.with_field(field.clone()),
            None => refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(read: impl FnOnce(&mut Given), params: Value) -> String {
        let mut given = Given::new("some.method", params).unwrap();
        read(&mut given);
        given
            .done()
            .map_or_else(|err| err.message, |()| "fine".to_owned())
    }

    #[test]
    fn what_does_not_fit_is_said_in_openclaws_words_all_at_once() {
        let read = |given: &mut Given| {
            given.integer("limit", 1..=10);
            given.text("agentId");
        };
        let problems = said(read, json!({"limit": "x", "agentId": 3}));
        assert_eq!(
            problems,
            "invalid some.method params: at /limit: must be integer; at /agentId: must be string"
        );
        assert_eq!(
            said(read, json!({"limit": 0, "agentId": ""})),
            "invalid some.method params: at /limit: must be >= 1; \
             at /agentId: must not have fewer than 1 characters"
        );
        assert_eq!(
            said(read, json!({"nope": 1, "limit": 11})),
            "invalid some.method params: at /limit: must be <= 10; \
             at root: unexpected property 'nope'"
        );
        assert_eq!(said(read, json!({"limit": 10.0})), "fine");
        assert_eq!(said(read, Value::Null), "fine");
    }

    #[test]
    fn what_has_to_be_there_is_named() {
        let mut given = Given::new("agent", json!({})).unwrap();
        let refusal = given.needed_text("message").unwrap_err();
        assert_eq!(
            refusal.message,
            "invalid agent params: must have required property 'message'"
        );
        assert_eq!(refusal.data.field.as_deref(), Some("message"));
    }

    #[test]
    fn params_are_an_object() {
        let refusal = Given::new("agent", json!([1])).unwrap_err();
        assert_eq!(
            refusal.message,
            "invalid agent params: at root: must be object"
        );
    }

    #[test]
    fn what_cannot_be_followed_is_refused_only_if_it_asks_for_something() {
        let read = |given: &mut Given| given.not_followed(&["worktree", "model"]);
        assert_eq!(
            said(read, json!({"worktree": false, "model": null})),
            "fine"
        );
        assert_eq!(
            said(read, json!({"worktree": true})),
            "invalid some.method params: at /worktree: is not supported by this gateway"
        );
    }
}
