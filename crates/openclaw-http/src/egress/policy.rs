//! The owner's lists, and what they say about one host.

use std::fmt;

use openclaw_core::Kind;

use super::error::Refusal;
use super::pattern::{Pattern, PatternError};
use crate::guard::{Host, HostError, Judged, Place, Target};

const ALLOW: &str = "sandbox.egress.allow";
pub(super) const DENY: &str = "sandbox.egress.deny";
pub(super) const PRIVATE: &str = "sandbox.egress.private";

/// What the lists are called where they are written, so that a refusal names the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    allow: &'static str,
    deny: &'static str,
    private: &'static str,
}

impl Names {
    /// The lists for commands in the sandbox.
    pub const SANDBOX: Self = Self {
        allow: ALLOW,
        deny: DENY,
        private: PRIVATE,
    };
    /// The lists for tools that read the web.
    pub const WEB: Self = Self {
        allow: "web.allow",
        deny: "web.deny",
        private: "web.private",
    };
    /// The lists for files whose addresses a program sends.
    pub const FILES: Self = Self {
        allow: "urlAllowlist",
        ..Self::WEB
    };
}

impl Default for Names {
    fn default() -> Self {
        Self::SANDBOX
    }
}

/// The lists as they are written, each entry a text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lists<'a> {
    /// The public hosts that may be reached; every one, if the list is empty.
    ///
    /// An address or block here means hosts that are asked for by their address: no name is looked
    /// up to find out whether it is allowed, since a look-up alone carries what is in the name.
    pub allow: &'a [String],
    /// The hosts that may not be reached, whatever else says so. An address or block here means
    /// every name that leads there, too.
    pub deny: &'a [String],
    /// The hosts that may be reached although they are private, each with its port. They need not
    /// be among the allowed ones.
    pub private: &'a [String],
}

/// What may be reached.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    names: Names,
    allow: Vec<Pattern>,
    deny: Vec<Pattern>,
    private: Vec<Target>,
    own_ports: Vec<u16>,
}

/// Which entry lets a connection through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing is listed as allowed, so every public host is.
    Public,
    /// An entry of the allowed hosts.
    Allow(String),
    /// An entry of the private hosts.
    Private(String),
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// An entry names no hosts.
    #[error("`{entry}` in {setting} names no hosts")]
    Entry {
        /// Which list.
        setting: &'static str,
        /// What is written there.
        entry: String,
        /// What is wrong with it.
        #[source]
        source: PatternError,
    },
    /// An entry of the private hosts is not one host with its port.
    #[error("`{entry}` in {setting} is not one host with its port")]
    Private {
        /// Which list.
        setting: &'static str,
        /// What is written there.
        entry: String,
        /// What is wrong with it.
        #[source]
        source: HostError,
    },
    /// An entry of the private hosts means no host, or many.
    #[error("`{entry}` in {setting} is {place}, and nothing can be reached there")]
    Nowhere {
        /// Which list.
        setting: &'static str,
        /// What is written there.
        entry: String,
        /// Where it is.
        place: Place,
    },
}

impl PolicyError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Config
    }

    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Entry { source, .. } => source.hint(),
            Self::Private { .. } => "write host:port, for example 127.0.0.1:8080",
            Self::Nowhere { .. } => "write the address of one host, for example 127.0.0.1:8080",
        }
    }
}

impl Policy {
    /// Reads the lists for commands in the sandbox.
    pub fn parse(lists: &Lists<'_>) -> Result<Self, PolicyError> {
        Self::parse_named(lists, Names::SANDBOX)
    }

    /// Reads lists that go by these names.
    pub fn parse_named(lists: &Lists<'_>, names: Names) -> Result<Self, PolicyError> {
        let patterns = |entries: &[String], setting| {
            let read = |entry: &String| {
                let pattern: Pattern = entry.parse()?;
                if setting == names.allow {
                    return pattern.public();
                }
                Ok(pattern)
            };
            let pattern = |entry: &String| {
                read(entry).map_err(|source| PolicyError::Entry {
                    setting,
                    entry: entry.clone(),
                    source,
                })
            };
            entries.iter().map(pattern).collect::<Result<Vec<_>, _>>()
        };
        let private = lists.private.iter();
        let private = private.map(|entry| one_host(entry, names.private));
        Ok(Self {
            names,
            allow: patterns(lists.allow, names.allow)?,
            deny: patterns(lists.deny, names.deny)?,
            private: private.collect::<Result<_, _>>()?,
            own_ports: Vec::new(),
        })
    }

    /// Keeps these ports of this machine out of reach, whatever the lists say: the gateway's own.
    #[must_use]
    pub fn with_own_ports(mut self, ports: Vec<u16>) -> Self {
        self.own_ports = ports;
        self
    }

    /// Lets one more host be reached at one port although it is private.
    pub(crate) fn add_private(&mut self, target: Target) {
        self.private.push(target);
    }

    pub(crate) fn private(&self) -> &[Target] {
        &self.private
    }

    pub(crate) fn own_ports(&self) -> &[u16] {
        &self.own_ports
    }

    /// Decides by what is asked for, before anything is looked up.
    pub(crate) fn decide(&self, target: &Target) -> Result<Rule, Refusal> {
        if let Some(denied) = self.deny.iter().find(|denied| denied.means(target)) {
            return Err(Refusal::Denied {
                target: target.clone(),
                entry: denied.to_string(),
                setting: self.names.deny,
            });
        }
        let listed = |named: &&Target| named.port == target.port && named.host.covers(&target.host);
        if let Some(private) = self.private.iter().find(listed) {
            return Ok(Rule::Private(private.to_string()));
        }
        if self.allow.is_empty() {
            return Ok(Rule::Public);
        }
        match self.allow.iter().find(|allowed| allowed.means(target)) {
            Some(allowed) => Ok(Rule::Allow(allowed.to_string())),
            None => Err(Refusal::NotAllowed {
                target: target.clone(),
                setting: self.names.allow,
            }),
        }
    }

    /// Decides by where a name led.
    pub(crate) fn may_connect(&self, target: &Target, judged: &Judged) -> Result<(), Refusal> {
        let denies = |denied: &&Pattern| {
            let mut addresses = judged.addresses();
            addresses.any(|address| denied.holds(address.ip(), address.port()))
        };
        match self.deny.iter().find(denies) {
            Some(denied) => Err(Refusal::Denied {
                target: target.clone(),
                entry: denied.to_string(),
                setting: self.names.deny,
            }),
            None => Ok(()),
        }
    }
}

fn one_host(entry: &str, setting: &'static str) -> Result<Target, PolicyError> {
    let target: Target = entry.parse().map_err(|source| PolicyError::Private {
        setting,
        entry: entry.to_owned(),
        source,
    })?;
    match target.host {
        Host::Address(address) if !Place::of(address).is_one_host() => Err(PolicyError::Nowhere {
            setting,
            entry: entry.to_owned(),
            place: Place::of(address),
        }),
        Host::Address(_) | Host::Name(_) => Ok(target),
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("every public host"),
            Self::Allow(entry) => write!(f, "{ALLOW}: {entry}"),
            Self::Private(entry) => write!(f, "{PRIVATE}: {entry}"),
        }
    }
}
