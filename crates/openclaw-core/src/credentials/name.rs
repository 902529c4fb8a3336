//! The names of records, and the names that files get from them.
//!
//! A record's file is `NAME.enc`. A file of ours that is no record's ends otherwise (`master.salt`,
//! `master.lock`) or has a character that no name has (`+next`), so nothing that may be put can
//! meet it, and nothing of anybody else is taken for ours.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::CredentialError;

/// What the file of a record ends with.
const SUFFIX: &str = ".enc";
/// The longest name, in bytes.
const MAX_LEN: usize = 64;

/// A record's name: `[a-z0-9][a-z0-9._-]{0,63}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Name(String);

impl Name {
    pub(super) fn parse(text: &str) -> Result<Self, CredentialError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let legal = text.len() <= MAX_LEN
            && text.bytes().next().is_some_and(plain)
            && text
                .bytes()
                .all(|byte| plain(byte) || matches!(byte, b'.' | b'_' | b'-'));
        if !legal {
            return Err(CredentialError::Name(shown(text)));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the name of the record whose file has this name.
    pub(super) fn parse_file(file: &str) -> Result<Self, CredentialError> {
        // Without the suffix it is not the file of any name.
        Self::parse(file.strip_suffix(SUFFIX).unwrap_or_default())
    }

    /// Returns the name of the record's file.
    pub(super) fn file(&self) -> String {
        format!("{}{SUFFIX}", self.0)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tells whether a file might be a record's, were its name a legal one.
pub(super) fn has_suffix(file: &str) -> bool {
    file.ends_with(SUFFIX)
}

/// Returns what an error shows of a name that is not one: somebody may have given the secret itself.
fn shown(text: &str) -> String {
    let mut head: String = text.chars().take(16).collect();
    if head.len() < text.len() {
        head.push('…');
    }
    head.escape_debug().to_string()
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = CredentialError;

    fn try_from(text: String) -> Result<Self, CredentialError> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}
