//! One grant: who was given what, and the hashes of its tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use super::{TokenError, TokenId};
use crate::access::Scopes;
use crate::secrets::ApiKey;

/// What every token that is issued here begins with.
pub const ISSUED: &str = "oc_";
/// What marks an access token, so that scanners for lost secrets know it.
const ACCESS: &str = "oc_at_";
/// What marks a refresh token.
const REFRESH: &str = "oc_rt_";

/// What marks a code for a login.
const LOGIN: &str = "oc_lc_";

/// Who holds the tokens of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Grantee {
    /// A program, which shows them as bearer tokens.
    Client,
    /// A browser, which shows them as cookies.
    Browser,
}

/// What somebody is to be given.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// What the owner calls it.
    pub name: String,
    /// Who holds its tokens.
    pub grantee: Grantee,
    /// What its bearer may do.
    pub scopes: Scopes,
}

/// A pair of tokens as it is handed over; nobody can read them again.
#[derive(Debug)]
pub struct Issued {
    /// Names the grant.
    pub id: TokenId,
    /// Who holds the tokens.
    pub grantee: Grantee,
    /// What their bearer may do.
    pub scopes: Scopes,
    /// Opens the gateway.
    pub access: ApiKey,
    /// When the access token runs out.
    pub access_until: Timestamp,
    /// Is exchanged for the next pair.
    pub refresh: ApiKey,
    /// When the refresh token runs out.
    pub refresh_until: Timestamp,
}

/// A grant as it is listed; no token is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantInfo {
    /// Names it.
    pub id: TokenId,
    /// What the owner calls it.
    pub name: String,
    /// Who holds its tokens.
    pub grantee: Grantee,
    /// What its bearer may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created: Timestamp,
    /// When its refresh token runs out.
    pub until: Timestamp,
    /// When one of its access tokens was shown last, since the gateway started.
    pub last_used: Option<Timestamp>,
}

/// The hash of a token, and until when the token is good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hashed {
    pub(super) sha256: String,
    pub(super) until: Timestamp,
}

/// What is kept of a grant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Grant {
    pub(super) id: TokenId,
    pub(super) name: String,
    pub(super) grantee: Grantee,
    pub(super) scopes: Scopes,
    pub(super) created: Timestamp,
    /// The access tokens that are still good; a new one does not end the one before.
    pub(super) access: Vec<Hashed>,
    pub(super) refresh: Hashed,
    /// The hashes of the refresh tokens that were exchanged.
    pub(super) spent: Vec<String>,
    #[serde(skip, default = "alive")]
    pub(super) revoked: Arc<watch::Sender<bool>>,
    /// In milliseconds; zero for never.
    #[serde(skip)]
    pub(super) last_used: Arc<AtomicI64>,
}

impl Grant {
    pub(super) fn info(&self) -> GrantInfo {
        let last_used = self.last_used.load(Ordering::Relaxed);
        GrantInfo {
            id: self.id.clone(),
            name: self.name.clone(),
            grantee: self.grantee,
            scopes: self.scopes,
            created: self.created,
            until: self.refresh.until,
            last_used: (last_used > 0)
                .then(|| Timestamp::from_millisecond(last_used).ok())
                .flatten(),
        }
    }

    pub(super) fn used(&self, now: Timestamp) {
        self.last_used
            .store(now.as_millisecond(), Ordering::Relaxed);
    }
}

pub(super) fn alive() -> Arc<watch::Sender<bool>> {
    Arc::new(watch::Sender::new(false))
}

/// Makes an access token.
pub(super) fn access_token() -> Result<ApiKey, TokenError> {
    token(ACCESS)
}

/// Makes a refresh token.
pub(super) fn refresh_token() -> Result<ApiKey, TokenError> {
    token(REFRESH)
}

/// Makes a code for a login.
pub(super) fn login_code() -> Result<ApiKey, TokenError> {
    token(LOGIN)
}

fn token(mark: &str) -> Result<ApiKey, TokenError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_none| TokenError::Random)?;
    let token = ApiKey::new(format!("{mark}{}", URL_SAFE_NO_PAD.encode(bytes)));
    Ok(token)
}

/// Returns the hash by which a token is found.
///
/// A plain hash is enough: a token has 256 random bits, so there is nothing to try out.
pub(super) fn sha256(token: &str) -> String {
    format!("{:x}", Sha256::digest(token))
}
