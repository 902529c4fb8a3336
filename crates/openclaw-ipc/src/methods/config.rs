//! Params and outputs of the methods about the config. No secret is in an answer.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Something that is wrong with the config, or that its author should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigIssue {
    /// Its path in the config; `<root>` for the file as a whole.
    pub path: String,
    /// What it is.
    pub message: String,
    /// The values that are allowed, where they can be listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_values: Vec<String>,
    /// The file that it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line there, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column there, in characters from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The known key that is most like an unknown one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

/// Params of `config.get`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigGetParams {
    /// What to show, such as `gateway.port` or `agents.entries.work.skills[0]`; everything unless
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Output of `config.get`. In the place of a secret stands `__OPENCLAW_REDACTED__`, which
/// `config.set` takes for the secret that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigGetOutput {
    /// The config file.
    pub file: String,
    /// The files that it includes.
    pub includes: Vec<String>,
    /// Whether there is a config file.
    pub exists: bool,
    /// Names the config as it is now; pass it as `baseHash` to change this config and no other.
    pub hash: String,
    /// What counts, with the defaults that are shown; null where the config cannot be read.
    pub value: Value,
    /// What the files say, with variables as they are written; null where they say nothing.
    pub written: Value,
    /// Where each of the written values stands, by its path.
    pub places: BTreeMap<String, ConfigPlace>,
    /// The text of the config file; null where a path is asked for, where there is no file, and
    /// where a comment may have a secret.
    pub raw: Option<String>,
    /// Everything that is wrong with it; empty for a config that is valid as it stands.
    pub issues: Vec<ConfigIssue>,
    /// What its author should know.
    pub warnings: Vec<ConfigIssue>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigPlace {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
}

/// Output of `config.schema`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigSchemaOutput {
    /// The JSON Schema of the config.
    pub schema: Value,
}

/// Output of `config.validate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigValidateOutput {
    /// Whether OpenClaw 2026.9 accepts the config as it stands, and this gateway would start.
    pub valid: bool,
    /// The config file.
    pub file: String,
    /// Everything that is wrong.
    pub issues: Vec<ConfigIssue>,
    /// What the author of a valid config should know.
    pub warnings: Vec<ConfigIssue>,
    /// What of a valid config is accepted and has no effect in this version.
    pub not_followed: Vec<ConfigIssue>,
}

/// Params of `config.set`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigSetParams {
    /// Where, such as `gateway.port` or `agents.entries.work.skills[0]`.
    pub path: String,
    /// What is to stand there.
    pub value: Value,
    /// What becomes of what stands there already.
    #[serde(default)]
    pub how: ConfigSetHow,
    /// Change only the config that has this hash, as `config.get` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_hash: Option<String>,
    /// Write nothing; say what would come of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What becomes of what stands at a path already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConfigSetHow {
    /// It gives way, but no entry is lost that people add one by one.
    #[default]
    Set,
    /// An object is merged into it.
    Merge,
    /// It gives way, whatever is lost.
    Replace,
}

/// Params of `config.unset`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigUnsetParams {
    /// What to remove.
    pub path: String,
    /// Change only the config that has this hash, as `config.get` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_hash: Option<String>,
    /// Write nothing; say what would come of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// Params of `config.patch`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigPatchParams {
    /// An object of changes in the shape of the config: objects are merged, null removes,
    /// everything else replaces.
    pub patch: Map<String, Value>,
    /// The paths at which an object or a list of the patch replaces what stands there as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replace_paths: Vec<String>,
    /// Change only the config that has this hash, as `config.get` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_hash: Option<String>,
    /// Write nothing; say what would come of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// Output of `config.set`, `config.unset` and `config.patch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigChangeOutput {
    /// Whether any file is another one now; of a dry run, nothing is.
    pub changed: bool,
    /// The paths that were asked for.
    pub paths: Vec<String>,
    /// Credentials of the gateway that were removed because its mode does not use them any more.
    pub removed: Vec<String>,
    /// The files that were changed.
    pub files: Vec<String>,
    /// The copies of these files as they were before.
    pub backups: Vec<String>,
    /// The settings that are taken up at the next start of the gateway only; it takes up all others
    /// by itself.
    pub waiting: Vec<String>,
    /// What the author should know about the config as it is now, or would be.
    pub warnings: Vec<ConfigIssue>,
    /// Names the config as it is now, or would be.
    pub hash: String,
}
