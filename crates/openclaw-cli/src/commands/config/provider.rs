//! Entries of `secrets.providers`, built from flags.

use clap::Args;
use openclaw_config::change::{ALIAS, ConfigPath, SOURCES, VARIABLE, is_alias, is_variable};
use serde_json::{Map, Value, json};

use super::failure::ConfigFailure;

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
