//! Signing in by OAuth 2.1: as a public client, with PKCE in a browser or with a code on a device.
//!
//! Reading order: [`Settings`] is what a user writes down about a provider, [`Client::connect`]
//! finds its endpoints (RFC 8414), [`BrowserLogin`] (RFC 7636, RFC 8252, RFC 9207) and
//! [`DeviceLogin`] (RFC 8628) are the two ways to [`Tokens`], [`SignIn`] is what is kept of them,
//! and [`Client::renew`] and [`Client::revoke`] (RFC 7009) look after it.
//!
//! Left out: where a sign-in is kept, and when it is renewed. There is no client secret, no token
//! in a fragment and no password of a user: OAuth 2.1 has none of them for a program like this.
//!
//! # Security
//! What a server says in words is never kept: it may quote the token that it was sent. Only its
//! error code is, where that is one of the registered ones.

mod address;
mod answer;
mod browser;
mod client;
mod device;
mod error;
mod landing;
mod proof;
mod server;
mod tokens;

pub use browser::{BrowserLogin, LOGIN_TIME};
pub use client::{Client, Revoked};
pub use device::{Asked, DeviceLogin};
pub use error::{Again, ErrorCode, OauthError, Odd};
pub use server::{Given, Settings};
pub use tokens::{SignIn, Tokens};
