//! The way to a gateway: in the clear, over TLS, or by a unix socket.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::Endpoint;

/// Where a gateway is, and how to get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub(super) endpoint: Endpoint,
    way: Way,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    /// Over TLS, to whoever has the certificate of this SHA-256.
    Pinned(String),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Address {
    /// Leads over TLS to the one gateway whose certificate has this SHA-256, in hexadecimal digits.
    ///
    /// # Security
    /// Neither names nor dates of the certificate count, and no authority does.
    pub const fn pinned(endpoint: Endpoint, fingerprint: String) -> Self {
        Self {
            endpoint,
            way: Way::Pinned(fingerprint),
        }
    }

    /// Leads to a unix socket.
    #[cfg(unix)]
    pub fn unix(path: PathBuf) -> Self {
        Self {
            endpoint: Endpoint {
                host: path.display().to_string(),
                port: 0,
            },
            way: Way::Unix(path),
        }
    }

    /// Returns what the request for a WebSocket is addressed to.
    pub(super) fn url(&self) -> String {
        match self.way {
            Way::Plain | Way::Pinned(_) => format!("ws://{}/ws", self.endpoint),
            #[cfg(unix)]
            Way::Unix(_) => "ws://localhost/ws".to_owned(),
        }
    }

    pub(super) async fn open(&self) -> io::Result<Box<dyn Duplex>> {
        match &self.way {
            Way::Plain => Ok(Box::new(self.tcp().await?)),
            Way::Pinned(fingerprint) => {
                let connector = TlsConnector::from(Arc::new(config(fingerprint)?));
                let name = ServerName::try_from(self.endpoint.host.clone())
                    .map_err(|err| io::Error::new(io::ErrorKind::InvalidInput, err))?;
                Ok(Box::new(connector.connect(name, self.tcp().await?).await?))
            }
            #[cfg(unix)]
            Way::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        }
    }

    async fn tcp(&self) -> io::Result<TcpStream> {
        let address = (self.endpoint.host.as_str(), self.endpoint.port);
        let stream = TcpStream::connect(address).await?;
        // A call is one small message whose answer is waited for.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl From<&Endpoint> for Address {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            endpoint: endpoint.clone(),
            way: Way::Plain,
        }
    }
}

/// Returns what a certificate is known by: its SHA-256, in hexadecimal digits.
pub fn fingerprint(certificate: &[u8]) -> String {
    format!("{:x}", Sha256::digest(certificate))
}

/// What bytes come and go over.
pub(super) trait Duplex: AsyncRead + AsyncWrite + fmt::Debug + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + fmt::Debug + Send + Sync + Unpin> Duplex for T {}

fn config(fingerprint: &str) -> io::Result<ClientConfig> {
    let provider = Arc::new(crypto::ring::default_provider());
    let pin = Pin {
        fingerprint: fingerprint.to_owned(),
        provider: Arc::clone(&provider),
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(pin))
        .with_no_client_auth())
}

/// Believes one certificate, and that its owner has its key.
#[derive(Debug)]
struct Pin {
    fingerprint: String,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if fingerprint(end_entity) == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
