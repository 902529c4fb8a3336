//! Params and outputs of the methods about who may use the gateway.

use std::fmt;

use openclaw_core::ApiKey;
use openclaw_core::access::tokens::{GrantInfo, Grantee, Issued};
use openclaw_core::access::{Scope, TokenId};
use openclaw_core::clock::rfc3339;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A secret on its way to the one who asked for it; it prints as `[REDACTED]`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Disclosed(pub String);

impl fmt::Debug for Disclosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// Params of `tokens.create`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokensCreateParams {
    /// What the owner calls it: at most 64 characters, for the list.
    pub name: String,
    /// What its bearer may do; at least one.
    pub scopes: Vec<Scope>,
}

/// Output of `tokens.create`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokensCreateOutput {
    /// Names the grant; it is no secret.
    pub token_id: TokenId,
    /// What its bearer may do.
    pub scopes: Vec<Scope>,
    /// Opens the gateway.
    pub access_token: Disclosed,
    /// When the access token runs out.
    pub access_expires_at: String,
    /// Is exchanged for the next pair.
    pub refresh_token: Disclosed,
    /// When the refresh token runs out.
    pub refresh_expires_at: String,
}

/// Output of `tokens.list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokensListOutput {
    /// Who was given tokens, the newest first.
    pub tokens: Vec<TokenSummary>,
}

/// Somebody who was given tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenSummary {
    /// Names the grant.
    pub token_id: TokenId,
    /// What the owner calls it.
    pub name: String,
    /// Who holds the tokens.
    pub grantee: Grantee,
    /// What their bearer may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: String,
    /// When it runs out, unless it is refreshed before.
    pub expires_at: String,
    /// When one of its access tokens was shown last, since the gateway started.
    pub last_used_at: Option<String>,
}

/// Params of `tokens.revoke`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokensRevokeParams {
    /// The grant.
    pub token_id: TokenId,
}

/// Output of `tokens.revoke`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokensRevokeOutput {
    /// Whether there was such a grant.
    pub revoked: bool,
}

/// Output of `login.create`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginCreateOutput {
    /// The code.
    pub code: Disclosed,
    /// Until when it can be used.
    pub expires_at: String,
}

impl From<ApiKey> for Disclosed {
    #[expect(
        clippy::disallowed_methods,
        reason = "the secret leaves for the caller whom it was made for"
    )]
    fn from(secret: ApiKey) -> Self {
        Self(secret.expose_secret().to_owned())
    }
}

impl From<Issued> for TokensCreateOutput {
    fn from(issued: Issued) -> Self {
        Self {
            token_id: issued.id,
            scopes: issued.scopes.into(),
            access_token: issued.access.into(),
            access_expires_at: rfc3339(issued.access_until),
            refresh_token: issued.refresh.into(),
            refresh_expires_at: rfc3339(issued.refresh_until),
        }
    }
}

impl From<GrantInfo> for TokenSummary {
    fn from(grant: GrantInfo) -> Self {
        Self {
            token_id: grant.id,
            name: grant.name,
            grantee: grant.grantee,
            scopes: grant.scopes.into(),
            created_at: rfc3339(grant.created),
            expires_at: rfc3339(grant.until),
            last_used_at: grant.last_used.map(rfc3339),
        }
    }
}
