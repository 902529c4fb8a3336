//! Output of the method about the credential store. No secret is ever in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Output of `credentials.list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsListOutput {
    /// The folder of the store.
    pub path: String,
    /// Whether there is a store.
    pub exists: bool,
    /// What is stored, by name.
    pub records: Vec<CredentialRow>,
}

/// A record of the credential store, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialRow {
    /// Its name.
    pub name: String,
    /// What it holds; null of a file that is not in the store's list.
    pub kind: Option<CredentialKind>,
    /// When it was last stored, as RFC 3339 in UTC; null of a file that is not in the list.
    pub updated: Option<String>,
    /// Whether it can be read.
    pub state: CredentialState,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CredentialKind {
    /// A key.
    Key,
    /// The tokens of a sign-in.
    Oauth,
}

impl CredentialKind {
    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Oauth => "oauth",
        }
    }
}

/// Whether a record can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CredentialState {
    /// It is what was last stored.
    Ok,
    /// It is not.
    Damaged,
}
