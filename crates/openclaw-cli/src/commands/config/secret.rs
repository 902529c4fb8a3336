//! Values that point to secrets, built from flags: references, and the places that they point to.

use clap::Args;
use serde_json::{Map, Value, json};

use super::failure::ConfigFailure;
use super::path::ConfigPath;

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

/// The flags that build an entry of `secrets.providers`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Adding a place for secrets (secrets.providers.ALIAS)")]
pub(super) struct ProviderArgs {
    /// The kind of place: env, file, exec or store
    #[arg(
        id = "provider_source",
        long = "provider-source",
        value_name = "SOURCE"
    )]
    source: Option<String>,
    /// env: a variable that may be read (repeatable)
    #[arg(
        id = "provider_allowlist",
        long = "provider-allowlist",
        value_name = "VARIABLE"
    )]
    allowlist: Vec<String>,
    /// file: the file
    #[arg(id = "provider_path", long = "provider-path", value_name = "FILE")]
    path: Option<String>,
    /// file: json for many secrets in it, singleValue for one
    #[arg(id = "provider_mode", long = "provider-mode", value_name = "MODE")]
    mode: Option<String>,
    /// file, exec: how long it may take
    #[arg(
        id = "provider_timeout_ms",
        long = "provider-timeout-ms",
        value_name = "MS"
    )]
    timeout_ms: Option<String>,
    /// file: how large it may be
    #[arg(
        id = "provider_max_bytes",
        long = "provider-max-bytes",
        value_name = "BYTES"
    )]
    max_bytes: Option<String>,
    /// exec: the program, with its whole path
    #[arg(
        id = "provider_command",
        long = "provider-command",
        value_name = "PROGRAM"
    )]
    command: Option<String>,
    /// exec: an argument of the program (repeatable)
    #[arg(
        id = "provider_arg",
        long = "provider-arg",
        value_name = "TEXT",
        allow_hyphen_values = true
    )]
    arg: Vec<String>,
    /// exec: how long the program may say nothing
    #[arg(
        id = "provider_no_output_timeout_ms",
        long = "provider-no-output-timeout-ms",
        value_name = "MS"
    )]
    no_output_timeout_ms: Option<String>,
    /// exec: how much the program may say
    #[arg(
        id = "provider_max_output_bytes",
        long = "provider-max-output-bytes",
        value_name = "BYTES"
    )]
    max_output_bytes: Option<String>,
    /// exec: the program has to answer in JSON
    #[arg(id = "provider_json_only", long = "provider-json-only")]
    json_only: bool,
    /// exec: a variable for the program (repeatable)
    #[arg(id = "provider_env", long = "provider-env", value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// exec: a variable that the program inherits (repeatable)
    #[arg(
        id = "provider_pass_env",
        long = "provider-pass-env",
        value_name = "VARIABLE"
    )]
    pass_env: Vec<String>,
    /// exec: a folder that the program may be in (repeatable)
    #[arg(
        id = "provider_trusted_dir",
        long = "provider-trusted-dir",
        value_name = "FOLDER"
    )]
    trusted_dir: Vec<String>,
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

const SOURCES: &str = "has to be env, file, exec or store";
const ALIAS: &str = "has to begin with a lower-case letter and have up to 64 of a-z, 0-9, _ and -";
const VARIABLE: &str = "has to be the name of a variable, such as OPENAI_API_KEY";

fn is_alias(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 64
        && text.chars().all(plain)
}

fn is_variable(text: &str) -> bool {
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

impl ProviderArgs {
    pub(super) fn any(&self) -> bool {
        let texts = [
            &self.source,
            &self.path,
            &self.mode,
            &self.timeout_ms,
            &self.max_bytes,
            &self.command,
            &self.no_output_timeout_ms,
            &self.max_output_bytes,
        ];
        let lists = [
            &self.allowlist,
            &self.arg,
            &self.env,
            &self.pass_env,
            &self.trusted_dir,
        ];
        self.json_only
            || texts.iter().any(|text| text.is_some())
            || lists.iter().any(|list| !list.is_empty())
    }

    /// Returns the entry.
    pub(super) fn value(&self) -> Result<Value, ConfigFailure> {
        let source = self.source.as_deref().map(str::trim).unwrap_or_default();
        let mut entry = Map::new();
        entry.insert("source".to_owned(), source.into());
        let mut add = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                entry.insert(key.to_owned(), value);
            }
        };
        match source {
            "env" => {
                if let Some(bad) = self.allowlist.iter().find(|name| !is_variable(name.trim())) {
                    return Err(flag("--provider-allowlist", format!("`{bad}` {VARIABLE}")));
                }
                add("allowlist", list(&self.allowlist));
            }
            "file" => {
                add(
                    "path",
                    Some(required("--provider-path", self.path.as_ref())?),
                );
                add("mode", self.mode.as_deref().map(|mode| mode.trim().into()));
                add(
                    "timeoutMs",
                    number("--provider-timeout-ms", self.timeout_ms.as_ref())?,
                );
                add(
                    "maxBytes",
                    number("--provider-max-bytes", self.max_bytes.as_ref())?,
                );
            }
            "store" => {}
            "exec" => {
                let quiet = self.no_output_timeout_ms.as_ref();
                let most = self.max_output_bytes.as_ref();
                add(
                    "command",
                    Some(required("--provider-command", self.command.as_ref())?),
                );
                add("args", (!self.arg.is_empty()).then(|| json!(self.arg)));
                add(
                    "timeoutMs",
                    number("--provider-timeout-ms", self.timeout_ms.as_ref())?,
                );
                add(
                    "noOutputTimeoutMs",
                    number("--provider-no-output-timeout-ms", quiet)?,
                );
                add(
                    "maxOutputBytes",
                    number("--provider-max-output-bytes", most)?,
                );
                add("jsonOnly", self.json_only.then_some(true.into()));
                add("env", self.variables()?);
                add("passEnv", list(&self.pass_env));
                add("trustedDirs", list(&self.trusted_dir));
            }
            _ => return Err(flag("--provider-source", SOURCES.to_owned())),
        }
        Ok(Value::Object(entry))
    }

    fn variables(&self) -> Result<Option<Value>, ConfigFailure> {
        let mut variables = Map::new();
        for entry in &self.env {
            let pair = entry
                .split_once('=')
                .filter(|(name, _)| !name.trim().is_empty());
            // The value may be a secret, so it is not repeated.
            let (name, value) =
                pair.ok_or_else(|| flag("--provider-env", "has to be NAME=VALUE".to_owned()))?;
            variables.insert(name.trim().to_owned(), value.into());
        }
        Ok((!variables.is_empty()).then_some(Value::Object(variables)))
    }
}

/// Checks that an entry for `secrets.providers` goes there.
pub(super) fn provider_path(path: &ConfigPath) -> Result<(), ConfigFailure> {
    match path.keys().as_slice() {
        [secrets, providers, alias] if secrets == "secrets" && providers == "providers" => {
            if is_alias(alias) {
                Ok(())
            } else {
                Err(flag(&format!("`{alias}`"), ALIAS.to_owned()))
            }
        }
        _ => Err(ConfigFailure::Flags(
            "--provider-... flags need a path of the form secrets.providers.ALIAS",
        )),
    }
}

fn flag(flag: &str, problem: String) -> ConfigFailure {
    ConfigFailure::Flag {
        flag: flag.to_owned(),
        problem,
    }
}

fn list(entries: &[String]) -> Option<Value> {
    let entries = entries
        .iter()
        .map(|entry| entry.trim())
        .filter(|entry| !entry.is_empty());
    let entries: Vec<&str> = entries.collect();
    (!entries.is_empty()).then(|| json!(entries))
}

fn required(name: &str, text: Option<&String>) -> Result<Value, ConfigFailure> {
    let text = text.map(|text| text.trim()).filter(|text| !text.is_empty());
    text.map(Value::from)
        .ok_or_else(|| flag(name, "is required for this --provider-source".to_owned()))
}

fn number(name: &str, text: Option<&String>) -> Result<Option<Value>, ConfigFailure> {
    let Some(text) = text else {
        return Ok(None);
    };
    match text.trim().parse::<u64>() {
        Ok(number) if number > 0 => Ok(Some(number.into())),
        _ => Err(flag(name, "has to be a whole number above zero".to_owned())),
    }
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
