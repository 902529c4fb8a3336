//! Web addresses, as far as a migration has to understand them.

use std::net::{Ipv4Addr, Ipv6Addr};

/// An `http` or `https` address without credentials, query or fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) is_secure: bool,
    /// In lower case; an IPv6 address without its brackets.
    pub(super) host: String,
    /// The port, unless it is the scheme's own.
    pub(super) port: Option<u16>,
    /// Without slashes at its end.
    pub(super) path: String,
}

impl Address {
    /// Reads an address; one without a scheme is an `http` one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (is_secure, rest) = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => match scheme.to_lowercase().as_str() {
                "http" => (false, rest),
                "https" => (true, rest),
                _ => return None,
            },
            _ => (false, text),
        };
        let folded = text.to_lowercase();
        let is_broken = folded.starts_with("http:") || folded.starts_with("https:");
        if rest.is_empty() || rest.starts_with('/') || (is_broken && rest == text) {
            return None;
        }
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let path = tail.split(['?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return None;
        }
        let (host, port) = host_and_port(authority)?;
        let own_port = if is_secure { 443 } else { 80 };
        Some(Self {
            is_secure,
            host,
            port: port.filter(|port| *port != own_port),
            path: path.trim_end_matches('/').to_owned(),
        })
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
        let host = if bare.contains(':') {
            format!("[{bare}]")
        } else {
            bare.to_owned()
        };
        Self::parse(&format!("http://{host}:{port}"))
    }

    /// Returns the port that is used.
    pub(super) fn effective_port(&self) -> u16 {
        self.port.unwrap_or(if self.is_secure { 443 } else { 80 })
    }
}

/// The form in which an address is written.
impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.is_secure { "https" } else { "http" };
        write!(f, "{scheme}://")?;
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.path)
    }
}

fn is_scheme(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    const NOT_IN_A_HOST: &str = " \t\"<>^`{|}%[]";
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (inner, port) = rest.split_once(']')?;
        let address: Ipv6Addr = inner.parse().ok()?;
        (address.to_string(), port)
    } else {
        let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        if host.is_empty() || host.contains(|c| NOT_IN_A_HOST.contains(c)) {
            return None;
        }
        (host.to_lowercase(), port)
    };
    match port.strip_prefix(':') {
        Some("") => Some((host, None)),
        Some(port) => Some((host, Some(port.parse().ok()?))),
        None if port.is_empty() => Some((host, None)),
        None => None,
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
