//! What is taken out of a bundle.
//!
//! # Security
//! Three nets, one below the other: what is known to be a secret is masked; so is what looks like
//! one, or stands under a key that names one; and who this is about (the home directory, the rest
//! of a session's key) is shortened. Texts are changed value by value, so that documents stay
//! documents, and the finished bytes are looked through once more.

use openclaw_config::redact::names_secret;
use openclaw_core::env::{Env, HOME};
use openclaw_core::redaction::{REDACTED, mask, masked};
use regex::{Captures, Regex};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// What secrets look like, whoever's they are.
const LOOKS: &[&str] = &[
    // Keys with a prefix of their maker.
    r"\b(?:sk|pk|rk|ghp|gho|ghs|ghu|github_pat|glpat|xox[abeprs]|hf|gsk|npm|pypi|whsec|oc)[-_][A-Za-z0-9_\-]{12,}",
    r"\bAIza[0-9A-Za-z_\-]{20,}",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{12,}",
    // Tokens of messengers' bots.
    r"\b[0-9]{6,12}:[A-Za-z0-9_\-]{30,}",
    // Tokens that are signed.
    r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{4,}\.[A-Za-z0-9_\-]*",
    r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=\-]{8,}",
    // The password of an address.
    r"://[^/\s:@]*:[^/\s@]+@",
    r"(?i)\b(?:api[_-]?key|token|secret|password|passwd|authorization)\b\s*[:=]\s*\S{6,}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*",
    // Nothing but hexadecimal digits, and as many as a generated secret has.
    r"\b[0-9a-f]{48,}\b",
];

/// The key of a session: who is asked, and whom it is with.
const SESSION: &str = r#"\bagent:([^:\s"]+):([^\s"'`,;)\]}]+)"#;

/// Takes out of texts what is nobody's business.
#[derive(Debug)]
pub(super) struct Veil {
    looks: Vec<Regex>,
    session: Option<Regex>,
    home: Option<String>,
}

impl Veil {
    pub(super) fn new(env: &Env) -> Self {
        let home = env.get(HOME.name).map(str::to_owned);
        Self {
            // Each of them is one; a test says so.
            looks: LOOKS
                .iter()
                .filter_map(|look| Regex::new(look).ok())
                .collect(),
            session: Regex::new(SESSION).ok(),
            home: home.filter(|home| home.len() > 1),
        }
    }

    /// Returns a document as it goes into the bundle.
    pub(super) fn document(&self, document: Value) -> Vec<u8> {
        let text = format!("{:#}\n", self.value(document));
        masked(text).into_bytes()
    }

    /// Returns a line as it goes into the bundle.
    pub(super) fn line(&self, line: Value) -> Vec<u8> {
        let text = format!("{}\n", self.value(line));
        masked(text).into_bytes()
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => {
                let members = members.into_iter().map(|(key, value)| {
                    let value = match value {
                        Value::String(_) if names_secret(&key) => REDACTED.into(),
                        value => self.value(value),
                    };
                    (self.text(&key), value)
                });
                Value::Object(members.collect::<Map<_, _>>())
            }
            other => other,
        }
    }

    fn text(&self, text: &str) -> String {
        let mut text = mask(text).into_owned();
        for look in &self.looks {
            text = look.replace_all(&text, REDACTED).into_owned();
        }
        if let Some(home) = &self.home {
            text = text.replace(home.as_str(), "~");
        }
        match &self.session {
            Some(session) => session.replace_all(&text, short).into_owned(),
            None => text,
        }
    }
}

/// Whom a session is with becomes a short hash, so that the same one is still seen to be the same.
fn short(found: &Captures<'_>) -> String {
    let part = |n: usize| found.get(n).map_or("", |part| part.as_str());
    let (agent, rest) = (part(1), part(2));
    if rest == "main" {
        return format!("agent:{agent}:{rest}");
    }
    let digest = Sha256::digest(part(0));
    let [a, b, c, d] = *digest.first_chunk().unwrap_or(&[0; 4]);
    format!("agent:{agent}:#{a:02x}{b:02x}{c:02x}{d:02x}")
}

#[cfg(test)]
mod tests {
    use openclaw_core::redaction::learn_text;
    use serde_json::json;

    use super::*;

    fn veil() -> Veil {
        Veil::new(&[("HOME", "/home/jane")].into_iter().collect())
    }

    #[test]
    fn every_look_is_an_expression() {
        let veil = veil();
        assert_eq!(veil.looks.len(), LOOKS.len());
        assert!(veil.session.is_some());
    }

    #[test]
    fn what_is_a_secret_or_looks_like_one_is_taken_out() {
        learn_text("cnry-of-a-bundle-0123456789");
        for secret in [
            "cnry-of-a-bundle-0123456789",
            "sk-ant-api03-abcdefghijklmnop",
            "ghp_abcdefghijklmnop1234",
            "AIzaSyA1234567890abcdefghijklmnopq",
            "AKIAIOSFODNN7EXAMPLE",
            "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdef",
            "Bearer abc.def-0123",
            "https://jane:pa55word@example.org",
            "password=hunter2hunter2",
            "5f2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f",
        ] {
            let shown = veil().text(&format!("it was {secret} there"));
            let core = secret.rsplit([' ', '=', ':', '@']).next().unwrap();
            assert!(shown.contains(REDACTED), "{shown}");
            assert!(core == "example.org" || !shown.contains(core), "{shown}");
        }
        let plain = "the model anthropic/claude-sonnet-4-5 answered after 1500 ms";
        assert_eq!(veil().text(plain), plain);
    }

    #[test]
    fn whom_it_is_about_is_shortened() {
        let shown = veil().text("/home/jane/x agent:main:main agent:main:telegram:direct:4711");
        assert!(
            shown.starts_with("~/x agent:main:main agent:main:#"),
            "{shown}"
        );
        assert!(!shown.contains("4711"));
    }

    #[test]
    fn documents_stay_documents() {
        let shown = veil().document(json!({ "botToken": "abc", "n": 5, "list": ["x"] }));
        let shown: Value = serde_json::from_slice(&shown).unwrap();
        assert_eq!(
            shown,
            json!({ "botToken": REDACTED, "n": 5, "list": ["x"] })
        );
    }
}
