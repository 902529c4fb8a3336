//! Who may speak to an agent, as types: an untrusted message becomes a turn in exactly one way.
//!
//! [`Admitted`] has no public constructor that takes a claim. It comes from a verified bearer
//! token or from being the local owner of the state directory.

use std::fmt;

use subtle::ConstantTimeEq as _;

use crate::ids::{ChannelId, MessageId, PeerId};
use crate::kind::Kind;
use crate::secrets::ApiKey;
use crate::validation::Attachment;

/// The shortest bearer token that the gateway accepts as its own, in bytes.
pub const MIN_TOKEN_LENGTH: usize = 16;

/// A message as it came in, before anybody has decided whether to listen to it.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// The channel that it came in on.
    pub channel: ChannelId,
    /// Who wrote it, as the channel says.
    pub peer: PeerId,
    /// The channel's own name for it, where it has one.
    pub message_id: Option<MessageId>,
    /// Its text.
    pub text: String,
    /// The files that came with it.
    pub attachments: Vec<Attachment>,
}

/// Who stands behind a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// The owner, at the machine itself.
    LocalOwner,
    /// Whoever holds the gateway's token.
    TokenBearer,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LocalOwner => "local-owner",
            Self::TokenBearer => "token",
        })
    }
}

/// Proof that somebody was allowed to give the agent work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    principal: Principal,
}

impl Admitted {
    /// Admits the owner of this process and its state directory.
    ///
    /// # Security
    /// Only for front doors that nobody else can reach: the command line and embedding programs.
    pub const fn local_owner() -> Self {
        Self {
            principal: Principal::LocalOwner,
        }
    }

    /// Returns who was admitted.
    pub const fn principal(&self) -> Principal {
        self.principal
    }
}

/// The bearer token that opens the gateway (RFC 6750).
#[derive(Clone, Debug)]
pub struct GatewayToken(ApiKey);

/// Why nobody was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The token is missing or wrong; which of the two is not told.
    #[error("the bearer token is missing or wrong")]
    Token,
}

impl Denied {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Unauthenticated
    }
}

/// Why a text cannot be the gateway's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakToken {
    /// It is too short to withstand guessing.
    #[error("a gateway token has at least {MIN_TOKEN_LENGTH} bytes, this one has {0}")]
    TooShort(usize),
    /// It has bytes that a header cannot carry.
    #[error("a gateway token has visible ASCII characters only")]
    Characters,
}

impl GatewayToken {
    /// Takes a configured token, unless it is too weak to be one.
    pub fn new(token: ApiKey) -> Result<Self, WeakToken> {
        let text = token.expose_secret();
        if text.len() < MIN_TOKEN_LENGTH {
            return Err(WeakToken::TooShort(text.len()));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(WeakToken::Characters);
        }
        Ok(Self(token))
    }

    /// Admits whoever presents the token; the comparison takes the same time for every wrong one.
    pub fn verify(&self, presented: Option<&str>) -> Result<Admitted, Denied> {
        let presented = presented.unwrap_or_default().as_bytes();
        let expected = self.0.expose_secret().as_bytes();
        if bool::from(expected.ct_eq(presented)) {
            Ok(Admitted {
                principal: Principal::TokenBearer,
            })
        } else {
            Err(Denied::Token)
        }
    }

    /// Returns the secret, for the client that presents it.
    pub const fn secret(&self) -> &ApiKey {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admits_the_bearer_of_the_token_and_nobody_else() {
        let token = GatewayToken::new(ApiKey::new("0123456789abcdef".into())).unwrap();
        let admitted = token.verify(Some("0123456789abcdef")).unwrap();
        assert_eq!(admitted.principal(), Principal::TokenBearer);
        for wrong in [
            None,
            Some(""),
            Some("0123456789abcde"),
            Some("0123456789abcdefg"),
            Some("undefined"),
        ] {
            assert_eq!(token.verify(wrong), Err(Denied::Token));
        }
    }

    #[test]
    fn refuses_a_token_that_can_be_guessed_or_not_sent() {
        let token = |text: &str| GatewayToken::new(ApiKey::new(text.into())).map(|_| ());
        assert_eq!(token(""), Err(WeakToken::TooShort(0)));
        assert_eq!(token("0123456789abcde\n"), Err(WeakToken::Characters));
    }
}
