//! `openclaw config set`: its flags, and what they ask for.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use openclaw_config::change::{Action, ConfigPath, Expectation, Operation, reference_of};
use serde_json::Value;

use super::change::{self, Asked, Verb, Writing, WritingArgs};
use super::failure::ConfigFailure;
use super::input;
use super::operation::{Mode, Said, json5_of, strict_value_of, value_of};
use super::provider::{ProviderArgs, provider_path};
use super::secret::RefArgs;
use crate::commands::Cx;

const EXAMPLES: &str = "\
Examples:
  openclaw config set gateway.port 19001
  openclaw config set 'channels.telegram.groups[\"-100\"].requireMention' true
  openclaw config set models.providers.openai.apiKey --ref-source env --ref-provider default --ref-id OPENAI_API_KEY
  openclaw config set agents.entries '{work: {}}' --merge
  openclaw config set --batch-file updates.json5 --dry-run

The value is JSON5, or else text as it is; with --json or --strict-json it has to be JSON. Comments
and order of the file stay. A value that would make the config invalid is refused.";

/// The arguments of `config set`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SetArgs {
    /// Where, such as gateway.port or agents.entries.work.skills\[0\]
    path: Option<String>,
    /// The value: JSON5, or else text
    #[arg(allow_negative_numbers = true)]
    value: Option<String>,
    /// The value has to be JSON, not text
    #[arg(long)]
    strict_json: bool,
    #[command(flatten)]
    collision: CollisionArgs,
    #[command(flatten)]
    writing: WritingArgs,
    #[command(flatten)]
    expected: ExpectedArgs,
    /// Many updates at once: [{path, value}, {path, ref}, {path, provider}]
    #[arg(long, value_name = "JSON5")]
    batch_json: Option<String>,
    /// The same from a file
    #[arg(long, value_name = "FILE")]
    batch_file: Option<PathBuf>,
    #[command(flatten)]
    reference: RefArgs,
    #[command(flatten)]
    provider: ProviderArgs,
}

/// What becomes of what stands there already.
#[derive(Debug, Args)]
struct CollisionArgs {
    /// Merge an object into what stands there
    #[arg(long)]
    merge: bool,
    /// Replace what stands there even if entries are lost
    #[arg(long)]
    replace: bool,
}

/// What has to stand there.
#[derive(Debug, Args)]
struct ExpectedArgs {
    /// Change it only if nothing is set there
    #[arg(long)]
    expect_current_absent: bool,
    /// Change it only if this is what stands there
    #[arg(long, value_name = "JSON")]
    expect_current_json: Option<String>,
}

pub(super) fn run(cx: Cx<'_>, args: &SetArgs) -> Result<ExitCode, ConfigFailure> {
    let writing = args.writing.writing()?;
    let expectation = args.expectation(writing)?;
    let strict = args.strict_json || cx.out.is_json();
    let operations = args.operations(if strict { Mode::Json } else { Mode::Value })?;
    change::run(
        cx,
        Asked {
            verb: Verb::Set,
            operations,
            expectation,
            writing,
        },
    )
}

impl SetArgs {
    fn expectation(&self, writing: Writing) -> Result<Option<Expectation>, ConfigFailure> {
        let ExpectedArgs {
            expect_current_absent: absent,
            expect_current_json: json,
        } = &self.expected;
        let expectation = match (json, absent) {
            (None, false) => return Ok(None),
            (Some(_), true) => {
                return Err(ConfigFailure::Flags(
                    "--expect-current-absent and --expect-current-json exclude each other",
                ));
            }
            (None, true) => Expectation::Nothing,
            (Some(text), false) => {
                Expectation::Value(strict_value_of(text, "--expect-current-json")?)
            }
        };
        if writing == Writing::Rehearsal {
            return Err(ConfigFailure::Flags(
                "--expect-current-... does not go with --dry-run",
            ));
        }
        if self.batch_json.is_some() || self.batch_file.is_some() {
            return Err(ConfigFailure::Flags(
                "--expect-current-... goes with one path only",
            ));
        }
        Ok(Some(expectation))
    }

    fn operations(&self, mode: Mode) -> Result<Vec<Said>, ConfigFailure> {
        let batch = self.batch_json.is_some() || self.batch_file.is_some();
        let (reference, provider) = (self.reference.any(), self.provider.any());
        if [batch, reference, provider]
            .iter()
            .filter(|used| **used)
            .count()
            > 1
        {
            return Err(ConfigFailure::Flags(
                "--batch-..., --ref-... and --provider-... exclude each other",
            ));
        }
        if self.collision.merge && self.collision.replace {
            return Err(ConfigFailure::Flags(
                "--merge and --replace exclude each other",
            ));
        }
        if batch {
            return self.batch();
        }
        let path = self.path.as_deref().filter(|path| !path.trim().is_empty());
        let path = path.ok_or(ConfigFailure::Flags("a path is missing"))?;
        let path = ConfigPath::parse(path)?;
        if (reference || provider) && self.value.is_some() {
            return Err(ConfigFailure::Flags(
                "a value does not go with --ref-... and --provider-...",
            ));
        }
        let (value, mode) = if reference {
            (self.reference.value()?, Mode::Builder)
        } else if provider {
            provider_path(&path)?;
            (self.provider.value()?, Mode::Builder)
        } else {
            let text = self.value.as_deref();
            let text = text.ok_or(ConfigFailure::Flags("a value is missing"))?;
            let value = match mode {
                Mode::Json => strict_value_of(text, "VALUE")?,
                _ => value_of(text)?,
            };
            (value, mode)
        };
        Ok(vec![self.operation(path, value, mode)])
    }

    fn operation(&self, path: ConfigPath, value: Value, mode: Mode) -> Said {
        let action = match (self.collision.merge, self.collision.replace) {
            (true, _) => Action::Merge(value),
            (_, true) => Action::Replace(value),
            _ => Action::Set(value),
        };
        Said {
            what: Operation { path, action },
            mode,
        }
    }

    fn batch(&self) -> Result<Vec<Said>, ConfigFailure> {
        let (text, name) = match (&self.batch_json, &self.batch_file) {
            (Some(text), None) => (text.clone(), "--batch-json"),
            (None, Some(file)) => (input::file(file, "--batch-file")?, "--batch-file"),
            _ => {
                return Err(ConfigFailure::Flags(
                    "--batch-json and --batch-file exclude each other",
                ));
            }
        };
        if self.path.is_some() || self.value.is_some() {
            return Err(ConfigFailure::Flags(
                "--batch-... takes no path and no value",
            ));
        }
        let entries = json5_of(&text, name)?;
        let entries = entries.as_array().filter(|entries| !entries.is_empty());
        let entries = entries.ok_or_else(|| ConfigFailure::Flag {
            flag: name.to_owned(),
            problem: "has to be a list of at least one update".to_owned(),
        })?;
        let entries = entries.iter().enumerate();
        entries
            .map(|(n, entry)| self.entry(entry, &format!("{name}[{n}]")))
            .collect()
    }

    fn entry(&self, entry: &Value, name: &str) -> Result<Said, ConfigFailure> {
        let bad = |problem: &str| ConfigFailure::Flag {
            flag: name.to_owned(),
            problem: problem.to_owned(),
        };
        let members = entry
            .as_object()
            .ok_or_else(|| bad("has to be an object"))?;
        let path = members.get("path").and_then(Value::as_str).map(str::trim);
        let path = path.filter(|path| !path.is_empty());
        let path = ConfigPath::parse(path.ok_or_else(|| bad("has no path"))?)?;
        let value = match (
            members.get("value"),
            members.get("ref"),
            members.get("provider"),
        ) {
            (Some(value), None, None) => value.clone(),
            (None, Some(reference), None) => reference_of(reference, &format!("{name}.ref"))?,
            (None, None, Some(provider)) => {
                provider_path(&path)?;
                provider.clone()
            }
            _ => return Err(bad("has to have one of value, ref and provider")),
        };
        Ok(self.operation(path, value, Mode::Json))
    }
}
