//! Why a certificate and its key cannot be used.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use rustls::pki_types::pem;

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Only one of the two files is there.
    #[error("`{missing}` is missing, and `{there}` is there")]
    Half {
        /// The file that is missing.
        missing: PathBuf,
        /// The one that is there.
        there: PathBuf,
    },
    /// Neither of them is there, and none is to be made.
    #[error("there is no certificate at `{path}`")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file has not what it should.
    #[error("`{path}` has no {wanted} in PEM")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        wanted: &'static str,
        /// What was found.
        #[source]
        source: pem::Error,
    },
    /// What the file has is no certificate.
    #[error("what `{path}` has is no X.509 certificate")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The certificate does not hold any more.
    #[error("the certificate `{path}` has expired: it was good until {until}")]
    Expired {
        /// The file.
        path: PathBuf,
        /// Until when it was good.
        until: Timestamp,
    },
    /// The certificate does not hold yet.
    #[error("the certificate `{path}` is not good before {from}")]
    NotYet {
        /// The file.
        path: PathBuf,
        /// From when it is good.
        from: Timestamp,
    },
    /// The key is not the certificate's, or of a kind that is not known.
    #[error("the key `{key}` does not go with the certificate `{certificate}`")]
    Mismatch {
        /// The key.
        key: PathBuf,
        /// The certificate.
        certificate: PathBuf,
        /// What rustls says.
        #[source]
        source: rustls::Error,
    },
    /// A pair could not be made.
    #[error("no certificate can be made")]
    Make(#[from] rcgen::Error),
    /// A pair could not be kept.
    #[error("cannot write `{path}`: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The crypto of TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

impl TlsError {
    /// Returns what the operator can do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Half { .. } => "put both there, or remove both to have a pair made",
            Self::Missing { .. } => "set gateway.tls.certPath, or gateway.tls.autoGenerate to true",
            Self::Unreadable { .. } => "let the gateway's user read it, and point to a file",
            Self::Pem { .. } | Self::NoCertificate { .. } => {
                "set gateway.tls.certPath and gateway.tls.keyPath to files in PEM"
            }
            Self::Expired { .. } => "renew it",
            Self::NotYet { .. } => "look at this machine's clock",
            Self::Mismatch { .. } => "take the key that the certificate was made with",
            Self::Make(_) | Self::Write { .. } | Self::Setup(_) => {
                "set gateway.tls.certPath and gateway.tls.keyPath to a pair of your own"
            }
        }
    }
}
