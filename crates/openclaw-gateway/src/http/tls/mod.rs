//! TLS at the gateway's own door: which certificate is shown, and how a renewed one is taken up.
//!
//! Connections keep what they came in with; each new one is shown the pair that is in force then.

mod der;
mod error;
mod pair;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use openclaw_config::TlsSettings;
use openclaw_core::Clock;
use parking_lot::{Mutex, RwLock};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use self::error::TlsError;
use self::pair::Pair;
use crate::reload::Stamp;

/// What a client may choose from, in the order in which we like it.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The TLS of a gateway.
#[derive(Debug)]
pub(crate) struct Tls {
    settings: TlsSettings,
    provider: Arc<CryptoProvider>,
    shown: Arc<Shown>,
    config: Arc<ServerConfig>,
    /// The state in which the files were when they were last read.
    seen: Mutex<Vec<Stamp>>,
    /// Why the files as they are now are not in force.
    refused: Mutex<Option<String>>,
}

/// The pair in force.
#[derive(Debug)]
struct Shown(RwLock<Pair>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().certified))
    }
}

impl Tls {
    /// Reads the pair, and makes one where the settings ask for that.
    pub(crate) fn open(settings: &TlsSettings) -> Result<Self, TlsError> {
        pair::provide(settings)?;
        let provider = Arc::new(default_provider());
        let seen = Mutex::new(stamps(settings));
        let pair = Pair::read(settings, &provider, Clock::system().now())?;
        let shown = Arc::new(Shown(RwLock::new(pair)));
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Shown>::clone(&shown);
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self {
            settings: settings.clone(),
            provider,
            shown,
            config: Arc::new(config),
            seen,
            refused: Mutex::default(),
        })
    }

    /// Agrees with a client on how to speak.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(Arc::clone(&self.config))
            .accept(stream)
            .await
    }

    /// Returns the SHA-256 of the certificate in force, in hexadecimal digits.
    pub(crate) fn fingerprint(&self) -> String {
        self.shown.0.read().fingerprint.clone()
    }

    /// Returns what is wrong with the certificate, if anything is.
    pub(crate) fn trouble(&self, now: Timestamp) -> Option<String> {
        let until = self.shown.0.read().until;
        if now > until {
            return Some(format!(
                "the certificate has expired: it was good until {until}"
            ));
        }
        self.refused.lock().clone()
    }

    /// Looks at the files, and takes up what has changed; returns whether another certificate is in
    /// force. What is half written is looked at again the next time.
    pub(crate) fn look(&self) -> bool {
        let now = stamps(&self.settings);
        if *self.seen.lock() == now {
            return false;
        }
        let read = Pair::read(&self.settings, &self.provider, Clock::system().now());
        // Changed while it was read: what was read may be of two states.
        if stamps(&self.settings) != now {
            return false;
        }
        *self.seen.lock() = now;
        match read {
            Ok(pair) => {
                let until = pair.until;
                let other = self.shown.0.read().fingerprint != pair.fingerprint;
                *self.shown.0.write() = pair;
                *self.refused.lock() = None;
                tracing::info!(%until, "the changed certificate is taken up");
                other
            }
            Err(err) => {
                tracing::error!(%err, "the changed certificate is refused; the old one stays");
                *self.refused.lock() = Some(err.to_string());
                false
            }
        }
    }
}

fn stamps(settings: &TlsSettings) -> Vec<Stamp> {
    let files: [Option<&PathBuf>; 3] = [
        Some(&settings.certificate),
        Some(&settings.key),
        settings.authorities.as_ref(),
    ];
    files
        .into_iter()
        .flatten()
        .map(|file| Stamp::of(file))
        .collect()
}

#[cfg(test)]
mod tests;
