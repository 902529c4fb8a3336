//! The one secret that the owner shares with clients: the gateway's token, or its password.

use std::sync::Arc;

use super::{Admitted, Denied, Principal, Scopes};
use crate::redaction::learn;
use crate::secrets::ApiKey;

/// The shortest bearer token that the gateway accepts as its own, in bytes.
pub const MIN_TOKEN_LENGTH: usize = 16;

/// The gateway's configured token (RFC 6750) or password; whoever shows it may do everything.
#[derive(Clone, Debug)]
pub struct SharedSecret {
    secret: Arc<ApiKey>,
    guessable: bool,
}

/// Why a text cannot be the gateway's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakToken {
    /// It is too short to withstand guessing.
    #[error("such a token has at least {MIN_TOKEN_LENGTH} bytes, this one has {0}")]
    TooShort(usize),
    /// It has bytes that a header cannot carry.
    #[error("such a token has visible ASCII characters only")]
    Characters,
}

impl SharedSecret {
    /// Takes a configured token, unless it is too weak to be one.
    #[expect(clippy::disallowed_methods, reason = "its form is checked")]
    pub fn token(token: impl Into<Arc<ApiKey>>) -> Result<Self, WeakToken> {
        let token = token.into();
        check_token(token.expose_secret())?;
        learn(&token);
        Ok(Self {
            secret: token,
            guessable: false,
        })
    }

    /// Takes a configured password, however weak: a person chose it.
    pub fn password(password: impl Into<Arc<ApiKey>>) -> Self {
        let secret = password.into();
        learn(&secret);
        Self {
            secret,
            guessable: true,
        }
    }

    /// Admits whoever presents the secret; the comparison takes the same time for every wrong one.
    pub fn verify(&self, presented: &str) -> Result<Admitted, Denied> {
        if self.secret.verify(presented) {
            Ok(Admitted {
                principal: Principal::SecretBearer,
                scopes: Scopes::ALL,
            })
        } else {
            Err(Denied::Credential)
        }
    }

    /// Tells whether the secret may be found by trying, so that guesses have to be slowed down
    /// even where they are right.
    pub const fn is_guessable(&self) -> bool {
        self.guessable
    }

    /// Tells whether two secrets are the same.
    pub fn same(&self, other: &Self) -> bool {
        let same = self.secret.same(&other.secret);
        same && self.guessable == other.guessable
    }

    /// Returns the secret, for the client that presents it.
    pub fn secret(&self) -> &ApiKey {
        &self.secret
    }
}

/// Checks that a text can be a bearer token that withstands guessing.
pub(super) fn check_token(text: &str) -> Result<(), WeakToken> {
    if text.len() < MIN_TOKEN_LENGTH {
        return Err(WeakToken::TooShort(text.len()));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(WeakToken::Characters);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admits_the_bearer_of_the_token_and_nobody_else() {
        let token = SharedSecret::token(ApiKey::new("0123456789abcdef".into())).unwrap();
        let admitted = token.verify("0123456789abcdef").unwrap();
        assert_eq!(admitted.principal(), &Principal::SecretBearer);
        for wrong in ["", "0123456789abcde", "0123456789abcdefg", "undefined"] {
            assert_eq!(token.verify(wrong), Err(Denied::Credential));
        }
    }

    #[test]
    fn refuses_a_token_that_can_be_guessed_or_not_sent() {
        let token = |text: &str| SharedSecret::token(ApiKey::new(text.into())).map(|_| ());
        assert_eq!(token(""), Err(WeakToken::TooShort(0)));
        assert_eq!(token("0123456789abcde\n"), Err(WeakToken::Characters));
    }

    #[test]
    fn a_password_may_be_any_text() {
        let password = SharedSecret::password(ApiKey::new("Grüße, Welt".into()));
        assert!(password.verify("Grüße, Welt").is_ok());
        assert!(password.is_guessable());
        assert_eq!(password.verify("Grüße"), Err(Denied::Credential));
    }
}
