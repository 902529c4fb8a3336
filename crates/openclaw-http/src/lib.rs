//! The one HTTP client of openclaw-rs: TLS, proxy, timeouts, cancellation and retry.
//!
//! Nothing else in the workspace builds a `reqwest` client. The client posts JSON and hands the
//! answer out as a stream of bytes; what the bytes mean is the business of the crate that asked.
//! Redirects are never followed, because a request carries a secret for one host only.
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
mod error;
pub mod oauth;
mod request;
mod retry;

pub use http::header::{self, HeaderMap, HeaderName, HeaderValue};

pub use body::Body;
pub use client::{HttpClient, Timeouts};
pub use error::{Endpoint, HttpError, Phase};
pub use request::PostJson;
pub use retry::Retry;
