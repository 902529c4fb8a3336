//! Who may speak to an agent, as types: an untrusted message becomes a turn in exactly one way.
//!
//! [`Admitted`] has no public constructor that takes a claim of the caller's. It comes from a
//! verified secret ([`SharedSecret`], [`WebhookToken`]), an issued token ([`tokens`]), a proxy that the owner trusts,
//! or from being the local owner of the state directory. What the admitted may do is a set of
//! [`Scope`]s, given by whoever issued the proof.

pub mod devices;
mod scope;
mod shared_secret;
pub mod tokens;
mod webhook_token;

use std::fmt;
use std::sync::Arc;

pub use scope::{Scope, Scopes, UnknownScope};
pub use shared_secret::{MIN_TOKEN_LENGTH, SharedSecret, WeakToken};
pub use tokens::TokenId;
pub use webhook_token::WebhookToken;

use self::devices::DeviceId;

use crate::ids::{ChannelId, MessageId, PeerId};
use crate::kind::Kind;
use crate::validation::Attachment;

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

/// Who wrote a message, as the rules about tools see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sender {
    /// The channel that they wrote on.
    pub channel: ChannelId,
    /// Who they are there.
    pub peer: PeerId,
    /// Whose word they have.
    pub standing: Standing,
}

/// What a sender is to the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// A principal: somebody whom the agent works for.
    Principal,
    /// Somebody else, who may speak to it.
    Guest,
    /// A program that the owner has let in to hand on what others wrote: it may set tasks, and its
    /// words are not the owner's.
    Webhook,
}

impl Sender {
    /// Returns the sender of what this process does for its owner.
    pub fn owner(channel: &str) -> Self {
        Self {
            channel: channel.into(),
            peer: "owner".into(),
            standing: Standing::Principal,
        }
    }
}

/// Who stands behind a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// The owner, at the machine itself.
    LocalOwner,
    /// Whoever holds the gateway's configured token or password.
    SecretBearer,
    /// The holder of a token that was issued.
    Issued(TokenId),
    /// A browser that was logged in, and shows its cookie.
    Browser(TokenId),
    /// A device that was paired.
    Device(DeviceId),
    /// A user whom a proxy vouches for that the owner trusts.
    Proxied(Arc<str>),
    /// Whoever holds the token of the webhooks.
    Webhook,
    /// Anybody: the owner asked for no authentication.
    Anybody,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LocalOwner => f.write_str("local-owner"),
            Self::SecretBearer => f.write_str("token"),
            Self::Issued(id) => write!(f, "token {id}"),
            Self::Browser(id) => write!(f, "browser {id}"),
            Self::Device(id) => write!(f, "device {id}"),
            Self::Proxied(user) => write!(f, "proxy user {user}"),
            Self::Webhook => f.write_str("webhook"),
            Self::Anybody => f.write_str("anybody"),
        }
    }
}

/// Proof that somebody was allowed in, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    principal: Principal,
    scopes: Scopes,
}

impl Admitted {
    /// Admits the owner of this process and its state directory.
    ///
    /// # Security
    /// Only for front doors that nobody else can reach: the command line and embedding programs.
    pub const fn local_owner() -> Self {
        Self {
            principal: Principal::LocalOwner,
            scopes: Scopes::ALL,
        }
    }

    /// Admits whoever comes.
    ///
    /// # Security
    /// Only where the owner has turned authentication off, which goes on loopback alone.
    pub const fn anybody() -> Self {
        Self {
            principal: Principal::Anybody,
            scopes: Scopes::ALL,
        }
    }

    /// Admits a user whom a proxy vouches for.
    ///
    /// # Security
    /// Only after the request was seen to come from a proxy that the owner trusts by its address,
    /// and the user was found on the owner's list.
    pub fn proxied(user: &str) -> Self {
        Self {
            principal: Principal::Proxied(user.into()),
            scopes: Scopes::ALL,
        }
    }

    /// Returns who was admitted.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Tells whether the admitted may do what needs a scope.
    pub const fn may(&self, scope: Scope) -> bool {
        self.scopes.include(scope)
    }

    /// Returns everything that the admitted may do.
    pub const fn scopes(&self) -> Scopes {
        self.scopes
    }
}

/// Why nobody was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The credential is missing or wrong; which of the two is not told.
    #[error("the credential is missing or wrong")]
    Credential,
}

impl Denied {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Unauthenticated
    }
}
