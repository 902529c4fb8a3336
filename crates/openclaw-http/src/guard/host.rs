//! What is asked for: a host and a port, in one spelling.
//!
//! The same text means different hosts to different readers: `0177.0.0.1` is 127.0.0.1 to
//! `inet_aton` and 177.0.0.1 to others. What has more than one reading is refused here, before any
//! resolver can have its own.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use openclaw_core::Kind;

/// The longest text that is looked at; a name of other letters is shorter once it is in its ASCII form.
const MAX_TEXT: usize = 1024;
/// The longest name (RFC 1035, 2.3.4), without the dots that its wire form does not have.
const MAX_NAME: usize = 253;
/// The longest part between two dots.
const MAX_LABEL: usize = 63;

/// A host: a name in lower case and ASCII, without a dot at its end, or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name that a resolver may be asked for.
    Name(String),
    /// An address; one that is mapped into IPv6 is the IPv4 address that it stands for.
    Address(IpAddr),
}

/// A host with a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The host.
    pub host: Host,
    /// The port, which is not 0.
    pub port: u16,
}

/// Why a text names no host, or no port. The text is not repeated: it is anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// There is nothing.
    #[error("there is no host")]
    Empty,
    /// The name or one of its parts is longer than names are.
    #[error("the name of the host is too long")]
    TooLong,
    /// The text has what no name has: blanks, control characters, `@`, `%`, …
    #[error("the text is not the name of a host")]
    NotAHost,
    /// An address in a spelling that programs read differently, such as `127.1` or `0x7f000001`.
    #[error("the host is a number that is not an address of the form 192.0.2.1")]
    OddAddress,
    /// There is no port, or it is not a number from 1 to 65535.
    #[error("there is no port from 1 to 65535 after the host")]
    Port,
}

impl HostError {
    /// Returns the kind of this failure.
    pub const fn kind(self) -> Kind {
        Kind::Invalid
    }

    /// Returns what to do about it.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Empty | Self::TooLong | Self::NotAHost => {
                "write a host as name.example, 192.0.2.1 or [2001:db8::1]"
            }
            Self::OddAddress => "write the address as four decimal numbers with dots",
            Self::Port => "write host:port",
        }
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if text.len() > MAX_TEXT {
            return Err(HostError::TooLong);
        }
        let bracketed = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let Some(inside) = bracketed {
            return address(inside.parse::<Ipv6Addr>());
        }
        if text.contains(':') {
            return address(text.parse::<Ipv6Addr>());
        }
        // The parser of URLs would decode a percent sequence; the rest it refuses itself, mostly.
        let odd = |letter: char| {
            letter.is_control() || letter.is_whitespace() || "%@/\\?#[]<>^|\"`{}".contains(letter)
        };
        if text.contains(odd) {
            return Err(HostError::NotAHost);
        }
        match url::Host::parse(text) {
            Ok(url::Host::Domain(name)) => checked(&name),
            // Only the plain spelling is let through of all those that mean an address to a browser.
            Ok(url::Host::Ipv4(meant)) => match bare(text).parse::<Ipv4Addr>() {
                Ok(written) if written == meant => Ok(Self::Address(meant.into())),
                _ => Err(HostError::OddAddress),
            },
            Err(url::ParseError::InvalidIpv4Address) => Err(HostError::OddAddress),
            Ok(url::Host::Ipv6(_)) | Err(_) => Err(HostError::NotAHost),
        }
    }
}

impl Host {
    /// Tells whether it is a name of this machine by definition (RFC 6761, 6.3), or as good as.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Name(name) => {
                let known = [
                    "localhost",
                    "localhost.localdomain",
                    "ip6-localhost",
                    "ip6-loopback",
                ];
                known.contains(&name.as_str()) || name.ends_with(".localhost")
            }
            Self::Address(_) => false,
        }
    }

    /// Tells whether who names this host means the one that is asked for.
    pub(crate) fn covers(&self, asked: &Self) -> bool {
        match self {
            Self::Address(named) if named.is_loopback() => self == asked || asked.is_local(),
            Self::Address(_) | Self::Name(_) => self == asked,
        }
    }
}

/// Zones (`fe80::1%eth0`) are no part of what the standard library parses, and not let through.
fn address(parsed: Result<Ipv6Addr, std::net::AddrParseError>) -> Result<Host, HostError> {
    match parsed {
        Ok(address) => Ok(Host::Address(IpAddr::V6(address).to_canonical())),
        Err(_not_one) => Err(HostError::NotAHost),
    }
}

fn bare(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn checked(name: &str) -> Result<Host, HostError> {
    let name = bare(name);
    if name.is_empty() {
        return Err(HostError::Empty);
    }
    if name.len() > MAX_NAME || name.split('.').any(|label| label.len() > MAX_LABEL) {
        return Err(HostError::TooLong);
    }
    let plain = |letter: u8| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, b'-' | b'_')
    };
    if name
        .split('.')
        .any(|label| label.is_empty() || !label.bytes().all(plain))
    {
        return Err(HostError::NotAHost);
    }
    Ok(Host::Name(name.to_owned()))
}

impl Target {
    /// Reads `host:port`, where an IPv6 address has to be in brackets.
    ///
    /// The port may be missing if there is one to take in its place.
    pub fn parse(text: &str, default: Option<u16>) -> Result<Self, HostError> {
        let (host, port) = split(text)?;
        let port = match (port, default) {
            (Some(port), _) => read_port(port)?,
            (None, Some(port)) => port,
            (None, None) => return Err(HostError::Port),
        };
        Ok(Self {
            host: host.parse()?,
            port,
        })
    }
}

impl FromStr for Target {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        Self::parse(text, None)
    }
}

/// Parts a host from its port.
fn split(text: &str) -> Result<(&str, Option<&str>), HostError> {
    let after = match text.rfind(']') {
        Some(_) if !text.starts_with('[') => return Err(HostError::NotAHost),
        Some(end) => end,
        None => 0,
    };
    let Some((host, rest)) = text.split_at_checked(after) else {
        return Err(HostError::NotAHost);
    };
    match rest.split_once(':') {
        // Where the port of `::1:80` begins would be a guess.
        Some((_, port)) if port.contains(':') => Err(HostError::NotAHost),
        Some((before, port)) => {
            let end = host.len().saturating_add(before.len());
            Ok((text.get(..end).unwrap_or_default(), Some(port)))
        }
        None => Ok((text, None)),
    }
}

/// Reads a port; a sign, which the standard library takes, is none.
pub(crate) fn read_port(text: &str) -> Result<u16, HostError> {
    let digits = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port != 0 => Ok(port),
        _ => Err(HostError::Port),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
