//! How connections are made: whose certificates are believed, and which hosts a proxy is for.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url, redirect};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::error::HttpError;

/// The three ways out; each has a client of its own, built when it is first used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Plain HTTP to this machine, as to a local model: no proxy and no certificates.
    ///
    /// Keeping it apart saves the time and memory of reading the machine's certificates, and lets
    /// it work where there are none.
    Loopback,
    /// HTTPS to this machine: no proxy.
    LoopbackTls,
    /// Everywhere else, through the proxy that the environment names, if any.
    Outside,
}

impl Route {
    pub(crate) fn to(url: &Url) -> Self {
        match (is_loopback(url), url.scheme()) {
            (true, "http") => Self::Loopback,
            (true, _) => Self::LoopbackTls,
            (false, _) => Self::Outside,
        }
    }

    /// Builds this route's client. Reading certificates blocks for some milliseconds.
    pub(crate) fn build(self, connect_timeout: Duration) -> Result<Client, HttpError> {
        let tls = match self {
            Self::Loopback => without_certificates(),
            Self::LoopbackTls | Self::Outside => with_platform_certificates(),
        }
        .map_err(|source| HttpError::Tls { source })?;
        let builder = builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(connect_timeout)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("openclaw-rs/", env!("CARGO_PKG_VERSION")));
        match self {
            Self::Loopback | Self::LoopbackTls => builder.no_proxy(),
            Self::Outside => builder,
        }
        .build()
        .map_err(|source| HttpError::Client { source })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that builds clients"
)]
fn builder() -> ClientBuilder {
    Client::builder()
}

fn with_platform_certificates() -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn without_certificates() -> Result<ClientConfig, rustls::Error> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for (url, route) in [
            ("http://127.0.0.1:11434/v1", Route::Loopback),
            ("http://127.8.8.8/", Route::Loopback),
            ("http://LOCALHOST/", Route::Loopback),
            ("http://[::1]:8080/", Route::Loopback),
            ("http://[::ffff:127.0.0.1]/", Route::Loopback),
            ("https://localhost/", Route::LoopbackTls),
            ("http://localhost.example/", Route::Outside),
            ("http://127.0.0.1.example/", Route::Outside),
            ("http://10.0.0.1/", Route::Outside),
            ("https://api.example/", Route::Outside),
        ] {
            assert_eq!(Route::to(&Url::parse(url).unwrap()), route, "{url}");
        }
    }
}
