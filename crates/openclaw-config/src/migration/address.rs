//! Web addresses, as the settings of channels name them.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::Url;

/// An `http` or `https` address without credentials; a query and a fragment do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address(Url);

impl Address {
    /// Reads an address; one without a scheme is an `http` one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let folded = text.to_lowercase();
        let is_web = ["http://", "https://"]
            .iter()
            .any(|scheme| folded.starts_with(scheme));
        let is_broken = ["http:", "https:"].iter().any(|scheme| {
            let rest = folded.strip_prefix(scheme);
            rest.is_some_and(|rest| !rest.starts_with("//") || rest.starts_with("///"))
        });
        let has_scheme = text.split_once("://").is_some_and(|(scheme, _)| {
            let is_letter = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
            scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(is_letter)
        });
        if is_broken || (has_scheme && !is_web) {
            return None;
        }
        let url = if is_web {
            Url::parse(text)
        } else {
            Url::parse(&format!("http://{text}"))
        };
        let url = url.ok()?;
        let is_bare = url.username().is_empty() && url.password().is_none();
        is_bare.then_some(Self(url))
    }

    /// Makes an `http` address of a host, which may have brackets, and a port.
    pub(super) fn of(host: &str, port: u16) -> Option<Self> {
        let host = host.trim();
        let bare = match (host.strip_prefix('['), host.ends_with(']')) {
            (Some(inner), true) => inner.strip_suffix(']')?,
            (None, false) => host,
            _ => return None,
        };
        let is_address = bare.parse::<Ipv4Addr>().is_ok() || bare.parse::<Ipv6Addr>().is_ok();
        if !is_address && !is_name(bare) {
            return None;
        }
        if bare.contains(':') {
            Self::parse(&format!("http://[{bare}]:{port}"))
        } else {
            Self::parse(&format!("http://{bare}:{port}"))
        }
    }

    /// Tells whether what is sent there is encrypted.
    pub(super) fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Returns the host in lower case; an IPv6 address without its brackets.
    pub(super) fn host(&self) -> &str {
        let host = self.0.host_str().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Returns the port that is used.
    pub(super) fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// Returns the same address at another port.
    ///
    /// Every address that is read can have one: none is without a host.
    pub(super) fn at_port(mut self, port: u16) -> Option<Self> {
        self.0.set_port(Some(port)).ok()?;
        Some(self)
    }
}

/// The form in which an address is written: without slashes at its end.
impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://", self.0.scheme())?;
        f.write_str(self.0.host_str().unwrap_or_default())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.0.path().trim_end_matches('/'))
    }
}

fn is_name(host: &str) -> bool {
    const LONGEST: usize = 253;
    const LONGEST_LABEL: usize = 63;
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let edges = label.starts_with('-') || label.ends_with('-');
        !label.is_empty() && label.len() <= LONGEST_LABEL && !edges && label.chars().all(is_letter)
    };
    host.len() <= LONGEST && host.split('.').all(is_label)
}
