//! References to secrets: built from flags, or written out and checked.

use clap::Args;
use serde_json::{Value, json};

use super::failure::ConfigFailure;

/// The flags that build a reference to a secret.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pointing to a secret")]
pub(super) struct RefArgs {
    /// The place that keeps the secret, an alias of secrets.providers
    #[arg(id = "ref_provider", long = "ref-provider", value_name = "ALIAS")]
    provider: Option<String>,
    /// The kind of place: env, file, exec or store
    #[arg(id = "ref_source", long = "ref-source", value_name = "SOURCE")]
    source: Option<String>,
    /// What the place calls the secret: a variable, a JSON pointer, a name
    #[arg(id = "ref_id", long = "ref-id", value_name = "ID")]
    id: Option<String>,
}

impl RefArgs {
    pub(super) fn any(&self) -> bool {
        [&self.provider, &self.source, &self.id]
            .iter()
            .any(|flag| flag.is_some())
    }

    /// Returns the reference.
    pub(super) fn value(&self) -> Result<Value, ConfigFailure> {
        let (Some(provider), Some(source), Some(id)) = (&self.provider, &self.source, &self.id)
        else {
            return Err(ConfigFailure::Flags(
                "--ref-provider, --ref-source and --ref-id belong together",
            ));
        };
        reference(provider, source, id, "--ref-")
    }
}

/// Checks a reference that was written out: `{source, provider, id}`.
pub(super) fn reference_of(value: &Value, name: &str) -> Result<Value, ConfigFailure> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    match (text("provider"), text("source"), text("id")) {
        (Some(provider), Some(source), Some(id)) => {
            reference(provider, source, id, &format!("{name}."))
        }
        _ => Err(ConfigFailure::Flag {
            flag: name.to_owned(),
            problem: "has to be an object with the texts source, provider and id".to_owned(),
        }),
    }
}

/// Tells whether a value is a reference to a secret.
pub(super) fn is_reference(value: &Value) -> bool {
    let text = |key: &str| value.get(key).is_some_and(Value::is_string);
    let known = value.as_object().is_some_and(|members| {
        members
            .keys()
            .all(|key| matches!(key.as_str(), "source" | "provider" | "id"))
    });
    known && text("source") && text("id") && text("provider")
}

fn reference(provider: &str, source: &str, id: &str, flags: &str) -> Result<Value, ConfigFailure> {
    let [provider, source, id] = [provider, source, id].map(str::trim);
    let bad = |flag: &str, problem: &str| ConfigFailure::Flag {
        flag: format!("{flags}{flag}"),
        problem: problem.to_owned(),
    };
    if !is_alias(provider) {
        return Err(bad("provider", ALIAS));
    }
    let legal = match source {
        "env" | "store" => is_variable(id).then_some(()).ok_or(VARIABLE),
        "file" => (id == "value" || is_pointer(id))
            .then_some(())
            .ok_or("has to be a JSON pointer such as /providers/openai, or `value`"),
        "exec" => is_exec_id(id)
            .then_some(())
            .ok_or("may have letters, digits and ._:/#- and no `..`, up to 256 of them"),
        _ => return Err(bad("source", SOURCES)),
    };
    legal.map_err(|problem| bad("id", problem))?;
    Ok(json!({ "source": source, "provider": provider, "id": id }))
}

pub(super) const SOURCES: &str = "has to be env, file, exec or store";
pub(super) const ALIAS: &str =
    "has to begin with a lower-case letter and have up to 64 of a-z, 0-9, _ and -";
pub(super) const VARIABLE: &str = "has to be the name of a variable, such as OPENAI_API_KEY";

pub(super) fn is_alias(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 64
        && text.chars().all(plain)
}

pub(super) fn is_variable(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.len() <= 128
        && text.chars().all(plain)
}

fn is_pointer(text: &str) -> bool {
    let escapes = text
        .split('~')
        .skip(1)
        .all(|rest| rest.starts_with(['0', '1']));
    text.starts_with('/') && escapes
}

fn is_exec_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/#-".contains(c);
    let climbs = text.split('/').any(|part| matches!(part, "." | ".."));
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    starts && text.len() <= 256 && text.chars().all(plain) && !climbs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(provider: &str, source: &str, id: &str) -> Option<Value> {
        reference(provider, source, id, "--ref-").ok()
    }

    #[test]
    fn a_reference_is_checked_before_it_is_written() {
        let expected = json!({"source": "env", "provider": "default", "id": "KEY"});
        assert_eq!(built("default", "env", "KEY"), Some(expected));
        for (provider, source, id) in [
            ("default", "file", "/providers/openai~1x"),
            ("default", "file", "value"),
            ("vault", "exec", "openai/api-key"),
            ("default", "store", "KEY"),
        ] {
            assert!(built(provider, source, id).is_some(), "{id}");
        }
        for (provider, source, id) in [
            ("default", "env", "lower"),
            ("Default", "env", "KEY"),
            ("default", "disk", "KEY"),
            ("default", "file", "providers"),
            ("default", "file", "/a~2"),
            ("vault", "exec", "../x"),
            ("default", "env", ""),
        ] {
            assert!(built(provider, source, id).is_none(), "{id}");
        }
    }

    #[test]
    fn only_a_whole_reference_is_one() {
        assert!(is_reference(
            &json!({"source": "env", "provider": "default", "id": "K"})
        ));
        assert!(!is_reference(&json!({"source": "env", "id": "K"})));
        assert!(!is_reference(
            &json!({"source": "env", "provider": "d", "id": "K", "x": 1})
        ));
        assert!(!is_reference(&json!("K")));
    }
}
