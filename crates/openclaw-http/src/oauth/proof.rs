//! What proves that an answer belongs to a request: the PKCE verifier (RFC 7636) and the state.

use std::fmt;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openclaw_core::ApiKey;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::error::OauthError;

/// 256 bits, as RFC 7636 (7.1) recommends.
const BYTES: usize = 32;

/// The PKCE verifier: it shows that who asks for the tokens is who began.
#[derive(Debug)]
pub(super) struct Verifier(ApiKey);

impl Verifier {
    pub(super) fn random() -> Result<Self, OauthError> {
        Ok(Self(ApiKey::new(random()?)))
    }

    pub(super) const fn secret(&self) -> &ApiKey {
        &self.0
    }

    /// Returns the S256 challenge; it tells nothing about the verifier.
    #[expect(clippy::disallowed_methods, reason = "only the hash leaves")]
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.expose_secret()))
    }
}

/// The state: it shows that a redirect answers to our request.
///
/// The user sees it in a URL and it is good for nothing else, so it is no secret that would have to
/// be masked there.
pub(super) struct State(String);

impl State {
    pub(super) fn random() -> Result<Self, OauthError> {
        random().map(Self)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares in a time that does not depend on where a difference is.
    pub(super) fn is(&self, text: &str) -> bool {
        bool::from(self.0.as_bytes().ct_eq(text.as_bytes()))
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State(..)")
    }
}

fn random() -> Result<String, OauthError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|err| OauthError::Random(io::Error::other(err)))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        assert_eq!(
            Verifier(ApiKey::new(verifier)).challenge(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn every_proof_is_new_has_43_characters_and_does_not_show() {
        let (one, other) = (Verifier::random().unwrap(), Verifier::random().unwrap());
        assert_ne!(one.challenge(), other.challenge());
        assert_eq!(one.secret().expose_secret().len(), 43);
        assert!(!format!("{one:?}").contains(one.secret().expose_secret()));

        let (one, other) = (State::random().unwrap(), State::random().unwrap());
        assert!(one.is(one.as_str()) && one.as_str().len() == 43);
        assert!(!one.is(other.as_str()) && !one.is(""));
        assert!(!format!("{one:?}").contains(one.as_str()));
    }
}
