//! `gateway.tls`: whether the gateway speaks TLS, and with which certificate.

use std::path::PathBuf;

use serde_json::Value;

use super::reader::Reader;

/// Where the certificate and its key are, below the state directory, unless the config says so;
/// OpenClaw keeps its own there, too.
const CERTIFICATE: &str = "gateway/tls/gateway-cert.pem";
const KEY: &str = "gateway/tls/gateway-key.pem";

/// The settings under `gateway.tls` of a gateway that speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificate chain, in PEM (`certPath`).
    pub certificate: PathBuf,
    /// Its private key, in PEM (`keyPath`).
    pub key: PathBuf,
    /// Further certificates that complete the chain, in PEM (`caPath`).
    pub authorities: Option<PathBuf>,
    /// What is done where both files are missing (`autoGenerate`).
    pub missing: WhenMissing,
}

/// What is done where neither the certificate nor the key is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenMissing {
    /// A pair is made that certifies itself.
    Generate,
    /// The gateway does not start.
    Refuse,
}

impl Reader<'_> {
    pub(super) fn tls(&mut self) -> Option<TlsSettings> {
        let flag = |key| self.raw(&["gateway", "tls", key]).and_then(Value::as_bool);
        if flag("enabled") != Some(true) {
            return None;
        }
        let missing = match flag("autoGenerate") {
            Some(false) => WhenMissing::Refuse,
            Some(true) | None => WhenMissing::Generate,
        };
        let file = |key, otherwise| match self.string(&["gateway", "tls", key]) {
            Some(text) => self.path(&text),
            None => self.state_dir().join(otherwise),
        };
        Some(TlsSettings {
            certificate: file("certPath", CERTIFICATE),
            key: file("keyPath", KEY),
            authorities: self
                .string(&["gateway", "tls", "caPath"])
                .map(|text| self.path(&text)),
            missing,
        })
    }
}
