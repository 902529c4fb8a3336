//! Why a host may not be spoken to.

use std::io;
use std::net::IpAddr;

use openclaw_core::Kind;

use super::host::{Host, Target};
use super::place::Place;

/// Why a host may not be spoken to, or cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// An address of the host is not public.
    #[error("{} is {place}", target.host)]
    Place {
        /// What was asked for.
        target: Target,
        /// The address; it is not in the message, which may be read by who must not learn it.
        address: IpAddr,
        /// Where it is.
        place: Place,
    },
    /// The name is one under which a cloud hands out credentials.
    #[error("{host} is where a cloud hands out the credentials of this machine")]
    Metadata {
        /// The name.
        host: Host,
    },
    /// The port is the gateway's own, which nothing makes reachable.
    #[error("port {port} of this machine is the gateway's own")]
    OwnPort {
        /// The port.
        port: u16,
    },
    /// The name cannot be looked up, or has no address.
    #[error("{host} cannot be found")]
    Lookup {
        /// The name.
        host: Host,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// The system does not say whether the address is this machine's own.
    #[error("it cannot be told whether {host} is this machine")]
    Unknown {
        /// What was asked for.
        host: Host,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Refused {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Place { .. } | Self::Metadata { .. } | Self::OwnPort { .. } => Kind::Denied,
            Self::Lookup { .. } | Self::Unknown { .. } => Kind::Unavailable,
        }
    }

    /// Returns what to do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Place { place, .. } if !place.is_one_host() => None,
            Self::Place { .. } => Some("have the owner allow exactly this host and port"),
            Self::Metadata { .. } | Self::OwnPort { .. } => None,
            Self::Lookup { .. } => Some("check the name, and that this machine can look names up"),
            Self::Unknown { .. } => Some("try again; the machine may be short of file handles"),
        }
    }
}
