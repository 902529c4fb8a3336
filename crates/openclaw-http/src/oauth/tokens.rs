//! What a server gives for a sign-in, and what is kept of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use openclaw_core::{ApiKey, ProviderId, redaction};
use serde::{Deserialize, Serialize};

use super::error::{Again, OauthError};

/// The kind of token that this program can use.
pub(super) const BEARER: &str = "Bearer";

/// The tokens of a sign-in.
#[derive(Debug)]
pub struct Tokens {
    /// What is sent to the provider with each request.
    pub access: ApiKey,
    /// What the next access token is had for.
    pub refresh: Option<Arc<ApiKey>>,
    /// When the access token runs out, if the server said so.
    pub expires_at: Option<Timestamp>,
    /// What it is good for.
    pub scopes: Vec<String>,
}

/// A sign-in as it is kept.
#[derive(Debug)]
pub struct SignIn {
    /// The provider that it is for.
    pub provider: ProviderId,
    /// The issuer, or where none is known the token endpoint: the only server that the refresh
    /// token may go to.
    pub server: String,
    /// The tokens.
    pub tokens: Tokens,
}

/// The text of a record in the credential store, as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    provider: &'a str,
    issuer: &'a str,
    token_type: &'a str,
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    scopes: &'a [String],
}

/// The same text, as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    provider: String,
    issuer: String,
    token_type: String,
    access_token: String,
    refresh_token: Option<String>,
    expires_at: Option<Timestamp>,
    #[serde(default)]
    scopes: Vec<String>,
}

impl Tokens {
    /// Tells whether the access token has run out, or will within `margin`.
    ///
    /// A token without an end never does; the provider's refusal is then the first sign of it.
    pub fn run_out(&self, now: Timestamp, margin: Duration) -> bool {
        let Some(end) = self.expires_at else {
            return false;
        };
        let margin = SignedDuration::try_from(margin).unwrap_or(SignedDuration::MAX);
        end.duration_since(now) <= margin
    }
}

impl SignIn {
    /// Returns the text that is kept.
    #[expect(clippy::disallowed_methods, reason = "the record is encrypted")]
    pub fn to_record(&self) -> ApiKey {
        let record = Record {
            provider: self.provider.as_str(),
            issuer: &self.server,
            token_type: BEARER,
            access_token: self.tokens.access.expose_secret(),
            refresh_token: self.tokens.refresh.as_deref().map(ApiKey::expose_secret),
            expires_at: self.tokens.expires_at,
            scopes: &self.tokens.scopes,
        };
        // Text, times and lists of texts can always be written.
        ApiKey::new(serde_json::to_string(&record).unwrap_or_default())
    }

    /// Reads the text that is kept.
    #[expect(clippy::disallowed_methods, reason = "the record has the tokens in it")]
    pub fn from_record(record: &ApiKey) -> Result<Self, OauthError> {
        // The reader's own words could quote a token.
        let Ok(kept) = serde_json::from_str::<Kept>(record.expose_secret()) else {
            return Err(OauthError::SignInAgain(Again::Unreadable));
        };
        if kept.token_type != BEARER {
            return Err(OauthError::SignInAgain(Again::Unreadable));
        }
        redaction::learn_text(&kept.access_token);
        if let Some(refresh) = &kept.refresh_token {
            redaction::learn_text(refresh);
        }
        Ok(Self {
            provider: ProviderId::from(kept.provider),
            server: kept.issuer,
            tokens: Tokens {
                access: ApiKey::new(kept.access_token),
                refresh: kept.refresh_token.map(ApiKey::new).map(Arc::new),
                expires_at: kept.expires_at,
                scopes: kept.scopes,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"provider":"example","issuer":"https://id.example","tokenType":"Bearer","accessToken":"access-1","refreshToken":"refresh-1","expiresAt":"2026-11-23T10:00:00Z","scopes":["models"]}"#;

    fn read(text: &str) -> Result<SignIn, OauthError> {
        SignIn::from_record(&ApiKey::new(text.to_owned()))
    }

    #[test]
    fn what_is_kept_is_read_again_and_nothing_of_it_shows() {
        let sign_in = read(RECORD).unwrap();
        assert_eq!(sign_in.to_record().expose_secret(), RECORD);
        let shown = format!("{sign_in:?}");
        assert!(
            !shown.contains("access-1") && !shown.contains("refresh-1"),
            "{shown}"
        );
    }

    #[test]
    fn a_record_that_is_something_else_means_to_sign_in_again_and_is_not_quoted() {
        let other_type = RECORD.replace("Bearer", "mac");
        for text in [
            "",
            "sk-a-plain-key",
            r#"{"accessToken":"sk-a-plain-key"}"#,
            &other_type,
        ] {
            let err = read(text).unwrap_err();
            assert!(matches!(err, OauthError::SignInAgain(Again::Unreadable)));
            assert!(!format!("{err:?} {err}").contains("plain-key"));
        }
    }

    #[test]
    fn a_token_runs_out_a_margin_before_its_end() {
        let mut tokens = read(RECORD).unwrap().tokens;
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let margin = Duration::from_mins(5);
        assert!(!tokens.run_out(at("2026-11-23T09:54:59Z"), margin));
        assert!(tokens.run_out(at("2026-11-23T09:55:00Z"), margin));
        assert!(tokens.run_out(at("2026-11-23T11:00:00Z"), Duration::ZERO));
        tokens.expires_at = None;
        assert!(!tokens.run_out(at("2026-11-23T11:00:00Z"), margin));
    }
}
