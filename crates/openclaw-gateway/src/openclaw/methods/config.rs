//! `config.get`: what the config file says, without its secrets.
//!
//! # Security
//! The text and everything that is made of it go through the same redaction as `openclaw config get`;
//! what that does not know by its place, the masking of known secrets takes out. The hash does not
//! let anybody try out secrets, because nobody has its key.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use openclaw_config::document::Document;
use openclaw_config::redact::{REDACTED, may_hold_secret, redact};
use openclaw_config::source::{self, Source};
use openclaw_config::{Judged, KeyPath, Problem, judge, rules};
use openclaw_core::Kind;
use openclaw_core::redaction::mask;
use openclaw_ipc::RpcError;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::task;
use uuid::Uuid;

use super::given::Given;
use crate::home::Home;
use crate::rpc::{Rpc, logged};

/// How many problems are told.
const MOST_PROBLEMS: usize = 100;

/// What the hash of a file is keyed with: another one in each process, so that nobody can try out
/// what the file may say.
static KEY: LazyLock<Uuid> = LazyLock::new(Uuid::new_v4);

/// `config.get`.
pub(super) async fn get(rpc: &Rpc, given: Given) -> Result<Value, RpcError> {
    given.done()?;
    let Some(home) = rpc.home.get() else {
        let message = "this gateway has no config file: a program composed it";
        return Err(RpcError::new(Kind::Unavailable, message));
    };
    let look = task::spawn_blocking(move || snapshot(&home));
    look.await
        .map_err(|err| logged(&err, Kind::Internal, "the config could not be read"))?
}

/// Describes the file as it is now. Blocks on the file system.
fn snapshot(home: &Arc<Home>) -> Result<Value, RpcError> {
    let path = home.state.config_file();
    let raw = match fs::read_to_string(path) {
        Ok(raw) => Some(raw),
        Err(err) if err.kind() == io::ErrorKind::NotFound => None,
        Err(err) => {
            return Err(logged(
                &err,
                Kind::Unavailable,
                "the config could not be read",
            ));
        }
    };
    let parsed = raw.as_deref().and_then(|raw| Document::parse(raw).ok());
    let parsed_value = parsed.as_ref().map_or_else(|| json!({}), Document::value);
    let shown_raw = parsed.and_then(|document| shown_text(document, &parsed_value));
    let read = source::read(path, &home.env);
    let (written, value, mut issues, warnings, files) = match &read {
        Ok(source) => {
            let verdict = judge(source, &home.state, Judged::AsItStands);
            let written = source.written().clone();
            (
                written,
                source.value.clone(),
                verdict.problems,
                verdict.warnings,
                included(source),
            )
        }
        Err(problems) => (
            json!({}),
            json!({}),
            problems.clone(),
            Vec::new(),
            Vec::new(),
        ),
    };
    let effective = redact(&rules::as_read(&value));
    issues.truncate(MOST_PROBLEMS);
    Ok(json!({
        "path": path,
        "includedPaths": files,
        "includeProvenance": [],
        "exists": raw.is_some(),
        "raw": shown_raw,
        "parsed": redact(&parsed_value),
        "sourceConfig": redact(&written),
        "resolved": redact(&value),
        "valid": issues.is_empty(),
        "runtimeConfig": effective,
        "config": effective,
        "hash": hash(raw.as_deref().unwrap_or_default()),
        "issues": shown(&issues),
        "warnings": shown(&warnings),
        "legacyIssues": [],
    }))
}

/// Returns the files that a config includes, without itself.
fn included(source: &Source) -> Vec<PathBuf> {
    source
        .files
        .iter()
        .skip(1)
        .filter(|file| is_config(file))
        .cloned()
        .collect()
}

/// The files that were looked at are those of the config and those of the environment.
fn is_config(file: &std::path::Path) -> bool {
    file.extension().is_some() && file.is_file()
}

/// Returns the text of a file without its secrets; nothing, where a comment may have one.
fn shown_text(mut document: Document, value: &Value) -> Option<String> {
    let mut secrets = Vec::new();
    differing(value, &redact(value), &KeyPath::root(), &mut secrets);
    for (path, shown) in &secrets {
        document.set(path, shown).ok()?;
    }
    let text = mask(document.text()).into_owned();
    let tells = |line: &str| may_hold_secret(line) && !line.contains(REDACTED);
    let commented = |line: &str| line.replace("://", "").contains("//");
    let in_block = text.contains("/*");
    let doubtful = text
        .lines()
        .any(|line| tells(line) && (in_block || commented(line)));
    (!doubtful).then_some(text)
}

/// Collects the places at which what is shown is not what is written.
fn differing(written: &Value, shown: &Value, at: &KeyPath, found: &mut Vec<(KeyPath, Value)>) {
    match (written, shown) {
        (Value::Object(written), Value::Object(shown)) => {
            for (key, value) in written {
                if let Some(shown) = shown.get(key) {
                    differing(value, shown, &at.key(key), found);
                }
            }
        }
        (Value::Array(written), Value::Array(shown)) => {
            for (index, (value, shown)) in written.iter().zip(shown).enumerate() {
                differing(value, shown, &at.index(index), found);
            }
        }
        (written, shown) if written != shown => found.push((at.clone(), shown.clone())),
        _ => {}
    }
}

fn hash(raw: &str) -> String {
    let digest = Sha256::new()
        .chain_update(KEY.as_bytes())
        .chain_update(raw)
        .finalize();
    let mut text = "keyed-sha256:".to_owned();
    for byte in digest {
        let _infallible = write!(text, "{byte:02x}").is_ok();
    }
    text
}

fn shown(problems: &[Problem]) -> Value {
    let problem =
        |problem: &Problem| json!({ "path": problem.path.to_string(), "message": problem.message });
    problems.iter().map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str) -> Option<String> {
        let document = Document::parse(text).unwrap();
        let value = document.value();
        shown_text(document, &value)
    }

    #[test]
    fn a_text_is_shown_as_it_is_but_for_its_secrets() {
        let text = "{ // ports\n  gateway: { port: 1, auth: { token: 'abcdefgh-12345' } },\n}\n";
        let shown = text_of(text).unwrap();
        assert!(!shown.contains("abcdefgh"), "{shown}");
        assert!(
            shown.contains(REDACTED) && shown.contains("// ports"),
            "{shown}"
        );
    }

    #[test]
    fn a_text_with_a_secret_in_a_comment_is_not_shown() {
        for comment in [
            "// token: 'abcdefgh-12345'",
            "/*\n  token: 'abcdefgh-12345'\n*/",
        ] {
            let text = format!("{{\n  {comment}\n  gateway: {{ port: 1 }},\n}}\n");
            assert_eq!(text_of(&text), None, "{comment}");
        }
    }

    #[test]
    fn the_hash_follows_the_text() {
        assert_eq!(hash("a"), hash("a"));
        assert_ne!(hash("a"), hash("b"));
    }
}
