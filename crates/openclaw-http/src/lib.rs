//! The one HTTP client of openclaw-rs: TLS, proxy, timeouts, cancellation and retry.
//!
//! Nothing else in the workspace builds a `reqwest` client. The client posts or gets JSON and
//! hands the answer out as a stream of bytes; what the bytes mean is the business of the crate that asked.
//! Redirects are never followed, because a request carries a secret for one host only.
//!
//! [`fetch`] is another client, for pages that somebody else names: it carries no secret and follows
//! redirects, each of which is judged.
//!
//! [`Network`] says through which proxy and whose certificates are believed. A [`Tape`] records the
//! exchanges of a client, or answers in place of the network.
//!
//! [`guard`] judges the addresses that somebody else may reach through this machine, and [`egress`] is
//! the proxy through which a command in the sandbox does.
//!
//! [`oauth`] signs in at providers that offer it, over the same client.
//!
//! Reading order: [`PostJson`] is a request, [`HttpClient`] sends it, [`Retry`] says how often,
//! [`Body`] is what came back and [`HttpError`] is what went wrong.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        reason = "a test looks at secrets of its own"
    )
)]

mod body;
mod client;
mod connect;
pub mod egress;
mod encoding;
mod error;
pub mod fetch;
pub mod guard;
mod limits;
mod network;
pub mod oauth;
mod proxy;
mod request;
mod retry;
mod tape;

pub use http::header::{self, HeaderMap, HeaderName, HeaderValue};
pub use reqwest::Url;

pub use body::Body;
pub use client::{HttpClient, Timeouts};
pub use error::{Cause, Endpoint, HttpError, Phase};
pub use network::{Ca, Network, NetworkError, Proxy};
pub use request::{GetJson, PostBytes, PostJson};
pub use retry::{Retry, jitter};
pub use tape::{Label, Tape, TapeError, Upcoming};
