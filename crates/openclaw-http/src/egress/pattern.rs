//! One entry of a list: which hosts it means.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::guard::{Host, HostError, Place, Target, read_port, translated};

/// Some hosts, as an owner writes them.
///
/// | Entry | Hosts |
/// |---|---|
/// | `example.com` | that name, not those below it |
/// | `*.example.com` | every name below it, not the name itself |
/// | `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]` | that address |
/// | `192.0.2.0/24`, `2001:db8::/32` | those addresses |
/// | `*` | every host |
///
/// Each may end with `:port`, IPv6 in brackets then (`[2001:db8::]/32:443`); without one it means
/// every port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    Every,
    Name(String),
    Below(String),
    Net(IpNet),
}

/// Why a text is no entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is a URL.
    #[error("it is a URL and not a host")]
    Url,
    /// A star is somewhere else than in front.
    #[error("a star can only stand for everything before `.name`, or alone")]
    Star,
    /// What follows the slash is no length of a prefix, or the address has more than the prefix.
    #[error("it is not a block of addresses of the form 192.0.2.0/24")]
    Block,
    /// The host or the port is none.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A single address that is not public is allowed by another list.
    #[error("it is {0}, which this list does not make reachable")]
    NotPublic(Place),
}

impl PatternError {
    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Url => "write the host alone, or host:port",
            Self::Star => "write *.example.com for every name below example.com",
            Self::Block => {
                "write the first address of the block, a slash and the length of the prefix"
            }
            Self::Host(err) => err.hint(),
            Self::NotPublic(_) => "add it with its port to the list of private hosts",
        }
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.contains("://") {
            return Err(PatternError::Url);
        }
        let (hosts, port) = split(text);
        let port = port.map(read_port).transpose()?;
        Ok(Self {
            hosts: hosts.parse()?,
            port,
        })
    }
}

/// Parts the port from the hosts: it is after the only colon, or after brackets.
fn split(text: &str) -> (&str, Option<&str>) {
    let colons = text.bytes().filter(|byte| *byte == b':').count();
    match text.rsplit_once(':') {
        Some((hosts, port)) if colons == 1 || (hosts.contains(']') && !port.contains(']')) => {
            (hosts, Some(port))
        }
        _ => (text, None),
    }
}

impl FromStr for Hosts {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text == "*" {
            return Ok(Self::Every);
        }
        if let Some((address, length)) = text.split_once('/') {
            let block = address.parse().map(|host| match host {
                Host::Address(address) => length
                    .parse()
                    .ok()
                    .and_then(|length| IpNet::new(address, length).ok()),
                Host::Name(_) => None,
            });
            // A block that begins in its middle is one that somebody got wrong.
            return match block {
                Ok(Some(block)) if block.network() == block.addr() => Ok(Self::Net(block)),
                _ => Err(PatternError::Block),
            };
        }
        let below = text.strip_prefix("*.");
        let name = below.unwrap_or(text);
        if name.contains('*') {
            return Err(PatternError::Star);
        }
        match (name.parse()?, below) {
            (Host::Name(name), None) => Ok(Self::Name(name)),
            (Host::Name(name), Some(_)) => Ok(Self::Below(name)),
            (Host::Address(address), None) => Ok(Self::Net(address.into())),
            (Host::Address(_), Some(_)) => Err(PatternError::Star),
        }
    }
}

impl Pattern {
    /// Refuses what can be no entry of a list of public hosts.
    pub(super) fn public(self) -> Result<Self, PatternError> {
        if let Hosts::Net(block) = self.hosts
            && block.prefix_len() == block.max_prefix_len()
        {
            let place = Place::of(block.addr());
            if place != Place::Public {
                return Err(PatternError::NotPublic(place));
            }
        }
        Ok(self)
    }

    /// Tells whether it means what is asked for, as it is written.
    pub(super) fn means(&self, target: &Target) -> bool {
        self.has_port(target.port)
            && match (&self.hosts, &target.host) {
                (Hosts::Every, _) => true,
                (Hosts::Name(named), Host::Name(name)) => named == name,
                (Hosts::Below(named), Host::Name(name)) => name
                    .strip_suffix(named.as_str())
                    .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
                (Hosts::Net(block), Host::Address(address)) => holds(block, *address),
                (Hosts::Name(_) | Hosts::Below(_), Host::Address(_))
                | (Hosts::Net(_), Host::Name(_)) => false,
            }
    }

    /// Tells whether it means an address, whatever name led there.
    pub(super) fn holds(&self, address: IpAddr, port: u16) -> bool {
        matches!(&self.hosts, Hosts::Net(block) if holds(block, address)) && self.has_port(port)
    }

    fn has_port(&self, port: u16) -> bool {
        self.port.is_none_or(|only| only == port)
    }
}

/// An address behind a translator is in the block in which it is without one.
fn holds(block: &IpNet, address: IpAddr) -> bool {
    let inside = match address {
        IpAddr::V6(outer) => translated(outer).map(IpAddr::V4),
        IpAddr::V4(_) => None,
    };
    block.contains(&address) || inside.is_some_and(|inside| block.contains(&inside))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::Every => f.write_str("*")?,
            Hosts::Name(name) => f.write_str(name)?,
            Hosts::Below(name) => write!(f, "*.{name}")?,
            Hosts::Net(block) => {
                Host::Address(block.addr()).fmt(f)?;
                if block.prefix_len() < block.max_prefix_len() {
                    write!(f, "/{}", block.prefix_len())?;
                }
            }
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}
