//! What one client does differently from the rest of the machine: its proxy, and whom it believes.

use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use openclaw_core::env::{Env, NODE_EXTRA_CA_CERTS};
use openclaw_core::redaction::learn;
use openclaw_core::{ApiKey, Kind};
use reqwest::{Client, ClientBuilder, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};

use crate::error::HttpError;

/// The longest file of certificates that is read; what all browsers believe together has 300 KiB.
const MAX_CA_BYTES: u64 = 8 * 1024 * 1024;

/// The network settings of a client.
///
/// By default the proxy is the one that the environment names and the certificates that are believed
/// are the machine's, with those that `NODE_EXTRA_CA_CERTS` names. `SSL_CERT_FILE` and `SSL_CERT_DIR`
/// take the place of the machine's, as they do for other programs. Certificates are always verified.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// How other machines are reached; this machine itself is never spoken to through a proxy.
    pub proxy: Proxy,
    /// Certificate authorities that are believed besides the machine's.
    pub ca: Vec<Ca>,
}

/// Which proxy a client uses.
#[derive(Clone, Default)]
pub enum Proxy {
    /// The one that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name.
    #[default]
    Environment,
    /// None, whatever the environment names.
    None,
    /// This one, with `user:password` if it wants them.
    Url(Url, Option<Arc<ApiKey>>),
}

/// A certificate authority, as PEM; there may be several in one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ca {
    /// A file of certificates, read when the client first connects.
    File(PathBuf),
    /// The certificates themselves.
    Pem(String),
}

/// Why network settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A file of certificates cannot be read.
    #[error("the certificates in `{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A text of certificates has none.
    #[error("{place} has no certificate in PEM form")]
    NoCertificate {
        /// The file, or the setting.
        place: String,
    },
    /// A text of certificates is damaged.
    #[error("{place} is not valid PEM")]
    Pem {
        /// The file, or the setting.
        place: String,
        /// What is wrong.
        #[source]
        source: pem::Error,
    },
    /// A certificate cannot be used.
    #[error("certificate {number} of {place} cannot be used")]
    Certificate {
        /// The file, or the setting.
        place: String,
        /// Which one, counted from 1.
        number: usize,
        /// What is wrong.
        #[source]
        source: rustls::Error,
    },
    /// The proxy's address is no address of a proxy; it is not repeated, since it may hold a password.
    #[error("the address of the proxy is not one of the form http://host:port")]
    ProxyUrl,
    /// A variable of the environment names no proxy; its value may hold a password.
    #[error("the environment variable `{name}` is not of the form http://host:port")]
    ProxyVariable {
        /// The variable.
        name: &'static str,
    },
    /// The proxy's name and password cannot be sent.
    #[error("the proxy's credentials have characters that a header cannot carry")]
    ProxyCredentials,
}

impl NetworkError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Config
    }

    /// Returns what to do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Unreadable { .. } => "check the path and who may read the file",
            Self::NoCertificate { .. } | Self::Pem { .. } | Self::Certificate { .. } => {
                "give the authority's certificate as text that begins with -----BEGIN CERTIFICATE-----"
            }
            Self::ProxyVariable { .. } => {
                "write the proxy as http://host:port or http://user:password@host:port, or unset the variable"
            }
            Self::ProxyUrl => {
                "write the proxy as http://host:port or http://user:password@host:port"
            }
            Self::ProxyCredentials => "check the proxy's user and password for stray characters",
        })
    }
}

impl Proxy {
    /// Reads a proxy's address, in which its user and password may stand.
    pub fn at(text: &str) -> Result<Self, NetworkError> {
        // What the parser says could quote the password.
        let mut url = Url::parse(text).map_err(|_quoting| NetworkError::ProxyUrl)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(NetworkError::ProxyUrl);
        }
        let credentials = credentials(&url)?;
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return Err(NetworkError::ProxyUrl);
        }
        Ok(Self::Url(url, credentials))
    }

    /// Gives a builder this proxy.
    pub(crate) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, HttpError> {
        let (url, credentials) = match self {
            Self::Environment => return Ok(builder),
            Self::None => return Ok(builder.no_proxy()),
            Self::Url(url, credentials) => (url, credentials),
        };
        let client = |source| HttpError::Client { source };
        let mut proxy = reqwest::Proxy::all(url.clone()).map_err(client)?;
        if let Some(credentials) = credentials {
            proxy = proxy.custom_http_auth(basic(credentials)?);
        }
        // What the environment exempts from its own proxy is not exempt from this one.
        Ok(builder.no_proxy().proxy(proxy))
    }
}

/// User names and passwords are escaped in a URL, and sent as they are.
fn credentials(url: &Url) -> Result<Option<Arc<ApiKey>>, NetworkError> {
    let plain = |text: &str| {
        let form = format!("x={}", text.replace('+', "%2B"));
        url::form_urlencoded::parse(form.as_bytes())
            .next()
            .map(|(_, plain)| plain.into_owned())
            .ok_or(NetworkError::ProxyCredentials)
    };
    let password = url.password();
    if url.username().is_empty() && password.is_none() {
        return Ok(None);
    }
    let user = plain(url.username())?;
    let password = ApiKey::new(plain(password.unwrap_or_default())?);
    learn(&password);
    Ok(Some(Arc::new(joined(&user, &password))))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the password is put into the one secret that the proxy gets"
)]
fn joined(user: &str, password: &ApiKey) -> ApiKey {
    ApiKey::new(format!("{user}:{}", password.expose_secret()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the header takes it to the proxy that it is for"
)]
fn basic(credentials: &ApiKey) -> Result<HeaderValue, NetworkError> {
    learn(credentials);
    let text = format!("Basic {}", STANDARD.encode(credentials.expose_secret()));
    let Ok(mut value) = HeaderValue::try_from(text) else {
        return Err(NetworkError::ProxyCredentials);
    };
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::None => f.write_str("None"),
            // The URL's own form would show a password in it.
            Self::Url(url, credentials) => f
                .debug_tuple("Url")
                .field(&url.host_str())
                .field(credentials)
                .finish(),
        }
    }
}

impl Network {
    /// Reads every certificate that is believed besides the machine's. This blocks.
    pub(crate) fn certificates(
        &self,
        env: &Env,
    ) -> Result<Vec<CertificateDer<'static>>, NetworkError> {
        let named = env.get_os(NODE_EXTRA_CA_CERTS.name).map(PathBuf::from);
        let named = named.map(Ca::File);
        let mut certificates = Vec::new();
        for ca in named.iter().chain(&self.ca) {
            let (place, text) = match ca {
                Ca::File(path) => (format!("`{}`", path.display()), read(path)?),
                Ca::Pem(text) => (
                    "the certificate in the settings".to_owned(),
                    text.clone().into_bytes(),
                ),
            };
            certificates.extend(parse(&place, &text)?);
        }
        Ok(certificates)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, NetworkError> {
    let unreadable = |source| NetworkError::Unreadable {
        path: path.to_owned(),
        source,
    };
    // Opening a pipe would wait for somebody to write to it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("it is not a file")));
    }
    let mut bytes = Vec::new();
    let read = fs::File::open(path)
        .and_then(|file| {
            file.take(MAX_CA_BYTES.saturating_add(1))
                .read_to_end(&mut bytes)
        })
        .map_err(unreadable)?;
    if u64::try_from(read).is_ok_and(|read| read > MAX_CA_BYTES) {
        return Err(unreadable(io::Error::other("it is too large")));
    }
    Ok(bytes)
}

fn parse(place: &str, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, NetworkError> {
    let certificates = CertificateDer::pem_slice_iter(text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| NetworkError::Pem {
            place: place.to_owned(),
            source,
        })?;
    if certificates.is_empty() {
        return Err(NetworkError::NoCertificate {
            place: place.to_owned(),
        });
    }
    for (at, certificate) in certificates.iter().enumerate() {
        // The client's own store would not say which of them it is.
        let mut alone = rustls::RootCertStore::empty();
        alone
            .add(certificate.clone())
            .map_err(|source| NetworkError::Certificate {
                place: place.to_owned(),
                number: at.saturating_add(1),
                source,
            })?;
    }
    Ok(certificates)
}

/// Builds a client; this is the one place that does.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that builds clients"
)]
pub(crate) fn builder() -> ClientBuilder {
    Client::builder()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_keeps_its_password_apart_from_its_address() {
        let Ok(Proxy::Url(url, Some(credentials))) =
            Proxy::at("http://me:p%40ss+word@proxy.example:3128")
        else {
            panic!("an address of a proxy is refused");
        };
        assert_eq!(url.as_str(), "http://proxy.example:3128/");
        assert!(credentials.verify("me:p@ss+word"));
        let proxy = Proxy::Url(url, Some(credentials));
        assert!(!format!("{proxy:?}").contains("ss"), "{proxy:?}");
    }

    #[test]
    fn what_is_no_address_of_a_proxy_is_refused_without_its_password() {
        for text in [
            "",
            "proxy:3128",
            "socks5://me:secret@host",
            "http://",
            "me:secret@host",
        ] {
            let error = Proxy::at(text).unwrap_err();
            assert!(matches!(error, NetworkError::ProxyUrl), "{text}");
            assert!(!format!("{error:?}").contains("secret"));
        }
    }

    #[test]
    fn a_file_of_certificates_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let network = Network {
            ca: vec![Ca::File(path.clone())],
            ..Network::default()
        };
        let refused = || network.certificates(&Env::default()).unwrap_err();
        let shown = path.display();
        assert_eq!(
            refused().to_string(),
            format!("the certificates in `{shown}` cannot be read")
        );
        for (text, message) in [
            ("", format!("`{shown}` has no certificate in PEM form")),
            ("hello", format!("`{shown}` has no certificate in PEM form")),
            (
                "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
                format!("`{shown}` is not valid PEM"),
            ),
            (
                "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
                format!("certificate 1 of `{shown}` cannot be used"),
            ),
        ] {
            fs::write(&path, text).unwrap();
            let error = refused();
            assert_eq!(error.to_string(), message);
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn the_variable_for_more_certificates_is_followed() {
        let env: Env = [("NODE_EXTRA_CA_CERTS", "/nowhere/ca.pem")]
            .into_iter()
            .collect();
        let error = Network::default().certificates(&env).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the certificates in `/nowhere/ca.pem` cannot be read"
        );
    }
}
