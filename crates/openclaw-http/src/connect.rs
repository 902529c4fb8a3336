//! How connections are made: whose certificates are believed, and which hosts a proxy is for.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use openclaw_core::env::Env;
use reqwest::{Client, Url, redirect};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::error::HttpError;
use crate::network::{Network, builder};

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
    /// Everywhere else, through the proxy that the settings or the environment name, if any.
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
    pub(crate) fn build(
        self,
        network: &Network,
        connect_timeout: Duration,
    ) -> Result<Client, HttpError> {
        let tls = match self {
            Self::Loopback => without_certificates(),
            Self::LoopbackTls | Self::Outside => {
                with_certificates(network.certificates(&Env::from_process())?)
            }
        }
        .map_err(|source| HttpError::Tls { source })?;
        let builder = builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(connect_timeout)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("openclaw-rs/", env!("CARGO_PKG_VERSION")));
        match self {
            Self::Loopback | Self::LoopbackTls => builder.no_proxy(),
            Self::Outside => network.proxy.apply(builder)?,
        }
        .build()
        .map_err(|source| HttpError::Client { source })
    }
}

/// The platform's certificates and these are believed.
fn with_certificates(extra: Vec<CertificateDer<'static>>) -> Result<ClientConfig, rustls::Error> {
    let verifier = Verifier::new_with_extra_roots(extra, provider())?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Returns how to speak TLS and HTTP/1.1 with any server, by the certificates that this machine
/// believes. Reading them blocks for some milliseconds.
pub(crate) fn tls_of_one(network: &Network) -> Result<ClientConfig, HttpError> {
    let certificates = network.certificates(&Env::from_process())?;
    let mut config = with_certificates(certificates).map_err(|source| HttpError::Tls { source })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
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

/// Tells whether a connection failed because of the server's certificate.
pub(crate) fn is_untrusted(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return true;
        }
        next = match error.downcast_ref().and_then(io::Error::get_ref) {
            // What an I/O error carries is not among its sources.
            Some(carried) => Some(carried),
            None => error.source(),
        };
    }
    false
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
