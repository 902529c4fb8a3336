//! The secret by which programs of others hand messages to agents, and do nothing else.

use std::sync::Arc;

use super::shared_secret::check_token;
use super::{Admitted, Denied, Principal, Scopes, SharedSecret, WeakToken};
use crate::redaction::learn;
use crate::secrets::ApiKey;

/// The configured token of the webhooks; whoever shows it may set an agent a task, and has no scope.
#[derive(Clone, Debug)]
pub struct WebhookToken(Arc<ApiKey>);

impl WebhookToken {
    /// Takes a configured token, unless it is too weak to be one.
    #[expect(clippy::disallowed_methods, reason = "its form is checked")]
    pub fn new(token: impl Into<Arc<ApiKey>>) -> Result<Self, WeakToken> {
        let token = token.into();
        check_token(token.expose_secret())?;
        learn(&token);
        Ok(Self(token))
    }

    /// Admits whoever presents the token; the comparison takes the same time for every wrong one.
    pub fn verify(&self, presented: &str) -> Result<Admitted, Denied> {
        if self.0.verify(presented) {
            Ok(Admitted {
                principal: Principal::Webhook,
                scopes: Scopes::default(),
            })
        } else {
            Err(Denied::Credential)
        }
    }

    /// Tells whether this is also the gateway's own token or password.
    pub fn opens(&self, gateway: &SharedSecret) -> bool {
        self.0.same(gateway.secret())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scope;
    use super::*;

    fn token(text: &str) -> Result<WebhookToken, WeakToken> {
        WebhookToken::new(ApiKey::new(text.to_owned()))
    }

    #[test]
    fn its_holder_has_no_scope() {
        let token = token("of-the-webhooks-0123").unwrap();
        let admitted = token.verify("of-the-webhooks-0123").unwrap();
        assert_eq!(admitted.principal(), &Principal::Webhook);
        assert!(Scope::ALL.iter().all(|scope| !admitted.may(*scope)));
        assert_eq!(token.verify("of-the-webhooks-012"), Err(Denied::Credential));
    }

    #[test]
    fn it_is_known_when_it_is_the_gateway_s_own() {
        let own = |text: &str| SharedSecret::password(ApiKey::new(text.to_owned()));
        let token = token("of-the-webhooks-0123").unwrap();
        assert!(token.opens(&own("of-the-webhooks-0123")));
        assert!(!token.opens(&own("another-token-456789")));
    }

    #[test]
    fn one_that_can_be_guessed_is_refused() {
        assert_eq!(token("short").err(), Some(WeakToken::TooShort(5)));
        let unsendable = token("with a blank in its middle").err();
        assert_eq!(unsendable, Some(WeakToken::Characters));
    }
}
