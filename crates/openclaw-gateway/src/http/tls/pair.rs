//! A certificate and its key: read from files, judged, and made where there is none.

use std::fs;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use openclaw_config::{TlsSettings, WhenMissing};
use openclaw_core::state_dir::{private_dir, private_file, publish};
use openclaw_ipc::client::fingerprint;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, SanType, date_time_ymd};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::TlsError;
use super::der::Facts;

/// The longest file that is read for a certificate or a key.
const LONGEST: u64 = 1 << 20;
/// The longest chain that is sent.
const CHAIN: usize = 10;

/// A certificate with its key, ready to be shown.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
    /// Until when the certificate is good.
    pub(super) until: Timestamp,
    /// The SHA-256 of the certificate, in hexadecimal digits.
    pub(super) fingerprint: String,
}

impl Pair {
    /// Reads the pair that the settings name, as it is good at this time.
    pub(super) fn read(
        settings: &TlsSettings,
        provider: &CryptoProvider,
        now: Timestamp,
    ) -> Result<Self, TlsError> {
        let path = &settings.certificate;
        let mut chain = certificates(path)?;
        let Some(facts) = chain.first().and_then(|first| Facts::of(first)) else {
            return Err(TlsError::NoCertificate { path: path.clone() });
        };
        let (from, until) = (facts.not_before, facts.not_after);
        if now > until {
            return Err(TlsError::Expired {
                path: path.clone(),
                until,
            });
        }
        if now < from {
            return Err(TlsError::NotYet {
                path: path.clone(),
                from,
            });
        }
        let fingerprint = chain.first().map(|first| fingerprint(first));
        let fingerprint = fingerprint.unwrap_or_default();
        if let Some(authorities) = &settings.authorities {
            complete(&mut chain, &certificates(authorities)?);
        }
        let key = PrivateKeyDer::from_pem_slice(&read(&settings.key)?)
            .map_err(|source| not_pem(&settings.key, "private key", source))?;
        let certified =
            CertifiedKey::from_der(chain, key, provider).map_err(|source| TlsError::Mismatch {
                key: settings.key.clone(),
                certificate: path.clone(),
                source,
            })?;
        Ok(Self {
            certified: Arc::new(certified),
            until,
            fingerprint,
        })
    }
}

/// Makes a pair where neither file is there, if that is what the settings ask for.
pub(super) fn provide(settings: &TlsSettings) -> Result<(), TlsError> {
    let (certificate, key) = (&settings.certificate, &settings.key);
    let half = |missing: &PathBuf, there: &PathBuf| TlsError::Half {
        missing: missing.clone(),
        there: there.clone(),
    };
    match (is_there(certificate), is_there(key)) {
        (true, true) => Ok(()),
        (true, false) => Err(half(key, certificate)),
        (false, true) => Err(half(certificate, key)),
        (false, false) if settings.missing == WhenMissing::Generate => make(certificate, key),
        (false, false) => Err(TlsError::Missing {
            path: certificate.clone(),
        }),
    }
}

/// Tells whether there is anything at a path, even a link that leads nowhere.
fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Makes a certificate that certifies itself, for the names by which this machine knows itself.
fn make(certificate: &Path, key: &Path) -> Result<(), TlsError> {
    let pair = KeyPair::generate()?;
    let mut params = CertificateParams::new(["localhost".to_owned()])?;
    params.subject_alt_names.extend([
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ]);
    params
        .distinguished_name
        .push(DnType::CommonName, "openclaw-gateway");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = date_time_ymd(2020, 1, 1);
    // Who trusts it trusts this very certificate, so its end protects nobody.
    params.not_after = date_time_ymd(2049, 12, 31);
    let made = params.self_signed(&pair)?;
    // The key first: a certificate without its key would be half a pair for ever.
    keep(key, pair.serialize_pem().as_bytes())?;
    keep(certificate, made.pem().as_bytes())?;
    tracing::info!(certificate = %certificate.display(), "a certificate is made");
    Ok(())
}

/// Writes a file that only its owner can read, whole or not at all, over nobody else's.
fn keep(path: &Path, text: &[u8]) -> Result<(), TlsError> {
    let write = || -> io::Result<()> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        private_dir(folder)?;
        let draft = path.with_extension(format!("{}.draft", std::process::id()));
        let kept = private_file(&draft)
            .and_then(|mut file| file.write_all(text).and_then(|()| file.sync_all()))
            .and_then(|()| publish(&draft, path));
        drop(fs::remove_file(&draft));
        kept
    };
    write().map_err(|source| TlsError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Adds the certificates by which others find their way from the first one to one that they trust.
fn complete(chain: &mut Vec<CertificateDer<'static>>, known: &[CertificateDer<'static>]) {
    while chain.len() < CHAIN {
        let Some(last) = chain.last().and_then(|last| Facts::of(last)) else {
            return;
        };
        let signs = |candidate: &&CertificateDer<'static>| {
            let facts = Facts::of(candidate);
            // One that certifies itself is believed because it is known, not because it is sent.
            facts.is_some_and(|facts| facts.subject == last.issuer && facts.issuer != facts.subject)
        };
        match known.iter().find(signs) {
            Some(next) if !chain.contains(next) => chain.push(next.clone()),
            _ => return,
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    let source = match found {
        Ok(found) if !found.is_empty() => return Ok(found),
        Ok(_) => pem::Error::NoItemsFound,
        Err(source) => source,
    };
    Err(not_pem(path, "certificate", source))
}

fn not_pem(path: &Path, wanted: &'static str, source: pem::Error) -> TlsError {
    TlsError::Pem {
        path: path.to_owned(),
        wanted,
        source,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let read = || {
        let about = fs::metadata(path)?;
        if about.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // A pipe or a device might never come to an end.
        if !about.is_file() {
            return Err(io::Error::other("it is no plain file"));
        }
        if about.len() > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        fs::read(path)
    };
    read().map_err(|source| TlsError::Unreadable {
        path: path.to_owned(),
        source,
    })
}
