//! URLs that may be given a secret.

use url::{Host, Url};

use super::error::OauthError;
use crate::error::Endpoint;

/// A URL to which secrets may go: https, or http on this machine; no user info and no fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address(Url);

/// Whether a URL in the open may be accepted at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InTheOpen {
    /// On this machine.
    OnLoopback,
    /// Nowhere: a server elsewhere must not point at services on this machine.
    Nowhere,
}

impl Address {
    /// Checks a URL; `setting` is what an error calls it.
    pub(super) fn read(
        text: &str,
        setting: &'static str,
        open: InTheOpen,
    ) -> Result<Self, OauthError> {
        let Ok(url) = Url::parse(text) else {
            return Err(OauthError::Url { setting });
        };
        let bare = url.username().is_empty() && url.password().is_none();
        if !bare || url.fragment().is_some() || !url.has_host() {
            return Err(OauthError::Url { setting });
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if open == InTheOpen::OnLoopback && is_this_machine(&url) => Ok(Self(url)),
            "http" => Err(OauthError::Insecure {
                setting,
                endpoint: Endpoint::of(&url),
            }),
            _ => Err(OauthError::Url { setting }),
        }
    }

    pub(super) const fn url(&self) -> &Url {
        &self.0
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        Endpoint::of(&self.0)
    }

    /// Returns what the addresses that this one names may be.
    pub(super) fn allows(&self) -> InTheOpen {
        if self.0.scheme() == "http" {
            InTheOpen::OnLoopback
        } else {
            InTheOpen::Nowhere
        }
    }
}

/// A name such as `x.localhost` is left to the system's resolver, so it may be anywhere.
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        match Address::read(text, "issuer", InTheOpen::OnLoopback) {
            Ok(address) => Ok(address.endpoint().to_string()),
            Err(err) => Err(err.to_string()),
        }
    }

    #[test]
    fn secrets_go_over_https_or_stay_on_this_machine() {
        for url in [
            "https://id.example/token",
            "http://127.0.0.1:8080/token",
            "http://localhost/token",
            "http://[::1]/token",
        ] {
            assert_eq!(read(url), Ok(url.to_owned()));
        }
        for url in [
            "http://id.example/token",
            "http://10.0.0.1/token",
            "http://127.0.0.1.example/token",
            "http://x.localhost/token",
            "http://0.0.0.0/token",
        ] {
            let refused = format!("`issuer` is not https, and {url} is not this machine");
            assert_eq!(read(url), Err(refused));
        }
    }

    #[test]
    fn what_is_no_plain_url_is_refused_without_repeating_it() {
        for url in [
            "https://me:secret@id.example/",
            "https://secret@id.example/",
            "https://id.example/#secret",
            "ftp://id.example/secret",
            "data:secret",
            "secret",
            "",
        ] {
            let refused = read(url).unwrap_err();
            assert!(refused.starts_with("`issuer` is not a URL"), "{refused}");
            assert!(!refused.contains("secret"), "{refused}");
        }
    }

    #[test]
    fn a_server_elsewhere_may_not_name_this_machine() {
        let issuer = Address::read("https://id.example", "issuer", InTheOpen::OnLoopback).unwrap();
        let named = Address::read("http://127.0.0.1/", "token_endpoint", issuer.allows());
        assert!(matches!(named, Err(OauthError::Insecure { .. })));
    }
}
