//! References to secrets: `{source, provider, id}`, and what each part may be.

use serde_json::{Value, json};

use super::ChangeError;

/// Checks a reference that was written out: `{source, provider, id}`.
pub fn reference_of(value: &Value, name: &str) -> Result<Value, ChangeError> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    match (text("provider"), text("source"), text("id")) {
        (Some(provider), Some(source), Some(id)) => {
            reference(provider, source, id, &format!("{name}."))
        }
        _ => Err(ChangeError::Value {
            name: name.to_owned(),
            problem: "has to be an object with the texts source, provider and id".to_owned(),
        }),
    }
}

/// Tells whether a value is a reference to a secret.
pub fn is_reference(value: &Value) -> bool {
    let text = |key: &str| value.get(key).is_some_and(Value::is_string);
    let known = value.as_object().is_some_and(|members| {
        members
            .keys()
            .all(|key| matches!(key.as_str(), "source" | "provider" | "id"))
    });
    known && text("source") && text("id") && text("provider")
}

/// Makes a reference of its parts; `flags` stands before the name of the part that is wrong.
pub fn reference(
    provider: &str,
    source: &str,
    id: &str,
    flags: &str,
) -> Result<Value, ChangeError> {
    let [provider, source, id] = [provider, source, id].map(str::trim);
    let bad = |flag: &str, problem: &str| ChangeError::Value {
        name: format!("{flags}{flag}"),
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

/// What is wrong with a source of another name.
pub const SOURCES: &str = "has to be env, file, exec or store";
/// What is wrong with an alias of another form.
pub const ALIAS: &str =
    "has to begin with a lower-case letter and have up to 64 of a-z, 0-9, _ and -";
/// What is wrong with the name of a variable of another form.
pub const VARIABLE: &str = "has to be the name of a variable, such as OPENAI_API_KEY";

/// Tells whether a text can be an alias of `secrets.providers`.
pub fn is_alias(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 64
        && text.chars().all(plain)
}

/// Tells whether a text can be the name of a variable.
pub fn is_variable(text: &str) -> bool {
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
