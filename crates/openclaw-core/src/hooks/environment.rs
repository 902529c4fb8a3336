//! Which variables a handler may add to the environment of a command.

use serde_json::{Map, Value};

/// Names that change which program runs, or whom it talks to and trusts.
const TAKEN: [&str; 17] = [
    "ALL_PROXY",
    "BASH_ENV",
    "CURL_CA_BUNDLE",
    "ENV",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "IFS",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "NO_PROXY",
    "PATH",
    "PERL5OPT",
    "PYTHONSTARTUP",
    "RUBYOPT",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// What the names of further ones begin with.
const TAKEN_BEGINNINGS: [&str; 4] = ["DYLD_", "GIT_", "LD_", "OPENCLAW_"];

/// Returns the variables of a result that may be set.
pub(super) fn allowed(result: Map<String, Value>) -> impl Iterator<Item = (String, Value)> {
    result
        .into_iter()
        .filter(|(name, value)| value.is_string() && is_free(name))
}

fn is_free(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let upper = name.to_ascii_uppercase();
    begins
        && name.chars().all(word)
        && !TAKEN.contains(&upper.as_str())
        && !TAKEN_BEGINNINGS
            .iter()
            .any(|beginning| upper.starts_with(beginning))
}
