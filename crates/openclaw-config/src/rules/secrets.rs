//! Where secrets come from, and what refers to them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;

use super::facts::secrets::{REFERENCES, TEXT_ONLY};
use super::sections::is_absolute;
use super::surroundings::{Standing, Surroundings};
use super::walk::{self, Problems};
use crate::schema;

/// The sources of a secret.
const SOURCES: [&str; 4] = ["env", "file", "exec", "store"];
/// The provider that is meant when none is named.
const DEFAULT_PROVIDER: &str = "default";

/// Judges `secrets`, and refuses references where only a text can be.
pub(super) fn judge(config: &Value, problems: &mut Problems) {
    problems.demand(
        config,
        &["secrets.providers.*.command"],
        "must be the absolute path of a program, without any of the shell's signs",
        |command| is_safe(command) && is_absolute(command),
    );
    problems.demand(
        config,
        &["secrets.providers.*.trustedDirs.*"],
        "must be an absolute path",
        is_absolute,
    );
    problems.demand(
        config,
        &[
            "secrets.egressProxy.allowedHosts.*",
            "secrets.egressProxy.bypassHosts.*",
        ],
        "must be the name of one host",
        is_host,
    );
    for (path, value) in TEXT_ONLY.iter().flat_map(|path| walk::every(config, path)) {
        if source(value).is_some() {
            let message = "SecretRef objects are not supported here: OpenClaw changes this value";
            problems.add(path, message);
        }
    }
}

/// Returns the source of a reference to a secret, if a value is one.
fn source(value: &Value) -> Option<&str> {
    let source = walk::text(value, &["source"]).filter(|source| SOURCES.contains(source))?;
    let id = walk::text(value, &["id"]).filter(|id| !id.trim().is_empty());
    let provider = value.get("provider").is_none_or(|provider| {
        provider
            .as_str()
            .is_some_and(|provider| !provider.trim().is_empty())
    });
    (id.is_some() && provider).then_some(source)
}

/// Tells whether a value is a reference as it has to be written: all three parts, in their form.
pub(super) fn is_exact_reference(value: &Value) -> bool {
    let whole = value.as_object().is_some_and(|value| value.len() == 3);
    let upper = |id: &str| {
        id.starts_with(|first: char| first.is_ascii_uppercase())
            && id
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    let alias = |provider: &str| {
        provider.starts_with(|first: char| first.is_ascii_lowercase())
            && provider
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
    };
    let id = walk::text(value, &["id"]).unwrap_or_default();
    let provider = walk::text(value, &["provider"]).unwrap_or_default();
    let form = match source(value) {
        Some("env" | "store") => upper(id),
        Some("file") => schema::is_file_id(id),
        Some("exec") => schema::is_program_id(id),
        _ => false,
    };
    whole && form && alias(provider)
}

/// Tells whether a program's name or path holds nothing that a shell would act on.
fn is_safe(command: &str) -> bool {
    let command = command.trim();
    !command.is_empty()
        && !command.contains([
            ';', '&', '|', '`', '$', '<', '>', '\r', '\n', '"', '\'', '\0',
        ])
}

fn is_host(host: &str) -> bool {
    let host = host.trim().to_lowercase();
    let host = host.trim_end_matches('.');
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if bare.parse::<IpAddr>().is_ok() {
        return true;
    }
    // A name in another script is turned into its ASCII form by the tool; its letters are enough.
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|character| {
                character.is_ascii_alphanumeric() || character == '-' || !character.is_ascii()
            })
    };
    bare.len() <= 253 && bare.split('.').all(label)
}

/// Holds each reference against the provider that it names.
pub(super) fn judge_references(config: &Value, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (path, value) in REFERENCES.iter().flat_map(|path| walk::every(config, path)) {
        let Some(asked) = source(value) else { continue };
        let by_default = walk::text(config, &["secrets", "defaults", asked]);
        let by_default = by_default.map_or(DEFAULT_PROVIDER, str::trim);
        let provider = walk::text(value, &["provider"]).unwrap_or(by_default);
        let Some(has) = walk::text(config, &["secrets", "providers", provider, "source"]) else {
            continue;
        };
        let built_in = matches!(asked, "env" | "store") && provider == by_default;
        if has != asked && !built_in && seen.insert(path.clone()) {
            let message = format!(
                "the secret provider \"{provider}\" has the source \"{has}\", \
                 not \"{asked}\" as asked for"
            );
            problems.add(path, message);
        }
    }
}

/// Looks at the programs that give out secrets.
pub(super) fn judge_programs(config: &Value, home: &Surroundings, problems: &mut Problems) {
    for (alias, provider) in walk::members(config, &["secrets", "providers"]) {
        let Some(command) = walk::text(provider, &["command"]) else {
            continue;
        };
        let command = home.path(command);
        let trusted = walk::elements(provider, &["trustedDirs"]);
        let fault = match home.look(&command) {
            Standing::Nothing => "is not readable",
            Standing::Directory => "must be a file",
            Standing::Link => "must not be a symlink",
            _ if !trusted.is_empty() && !is_below(&command, trusted, home) => {
                "is outside trustedDirs"
            }
            Standing::OpenFile => "has permissions that are too open",
            Standing::ForeignFile => "must be owned by the current user",
            Standing::OwnFile => continue,
        };
        let path = walk::path("secrets.providers").key(alias).key("command");
        let message = format!("{path} {fault}: {}", command.display());
        problems.add(path, message);
    }
}

fn is_below(command: &Path, folders: &[Value], home: &Surroundings) -> bool {
    let mut folders = folders.iter().filter_map(Value::as_str);
    folders.any(|folder| command.starts_with(home.path(folder)))
}
