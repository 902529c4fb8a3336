//! Workers in the cloud.

use serde_json::Value;

use super::secrets;
use super::walk::{self, Problems};

/// Ends of keys that name a number of tokens, or a file, and no secret.
const NO_SECRETS: [&str; 10] = [
    "maxtokens",
    "maxoutputtokens",
    "maxinputtokens",
    "maxcompletiontokens",
    "contexttokens",
    "totaltokens",
    "tokencount",
    "tokenlimit",
    "tokenbudget",
    "passwordfile",
];

/// Judges profiles and the projects that use them.
pub(super) fn judge(config: &Value, problems: &mut Problems) {
    for (id, _) in walk::members(config, &["cloudWorkers", "profiles"]) {
        if id.trim() != id {
            let message = "the name of a profile has no space around it";
            problems.add(walk::path("cloudWorkers.profiles").key(id), message);
        }
    }
    for (project, _) in walk::members(config, &["cloudWorkers", "projectProfiles"]) {
        if !is_repository(project) {
            let message = "Invalid key in record: a project is host/owner/repo in lower case";
            problems.add(
                walk::path("cloudWorkers.projectProfiles").key(project),
                message,
            );
        }
    }
    for (path, settings) in walk::every(config, "cloudWorkers.profiles.*.settings") {
        if holds_plain_secret(settings) {
            let message = "a secret of a worker is given as a SecretRef";
            problems.add(path, message);
        }
    }
}

fn is_repository(project: &str) -> bool {
    let parts: Vec<&str> = project.split('/').collect();
    let usable = |part: &&str| !matches!(*part, "" | "." | "..");
    parts.len() > 2
        && parts.iter().all(usable)
        && project.to_lowercase() == project
        && project.strip_suffix(".git").is_none()
        && !project
            .contains(|c: char| c.is_whitespace() || matches!(c, '@' | ':' | '?' | '#' | '\\'))
}

fn holds_plain_secret(settings: &Value) -> bool {
    match settings {
        Value::Array(elements) => elements.iter().any(holds_plain_secret),
        Value::Object(members) => members.iter().any(|(key, value)| {
            if names_secret(key) {
                !secrets::is_exact_reference(value)
            } else {
                holds_plain_secret(value)
            }
        }),
        _ => false,
    }
}

fn names_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let base = key.strip_suffix("ref").unwrap_or(&key);
    let sensitive = |key: &str| {
        let compact: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
        let words = ["apikey", "encryptkey", "privatekey", "password", "secret"];
        !NO_SECRETS.iter().any(|end| key.ends_with(end))
            && (key.ends_with("token")
                || key.ends_with("serviceaccount")
                || key.ends_with("serviceaccountref")
                || words.iter().any(|word| compact.contains(word)))
    };
    key == "keyref" || sensitive(&key) || sensitive(base)
}
