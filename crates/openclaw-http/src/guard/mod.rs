//! Which addresses may be spoken to on behalf of somebody who is not trusted with this network.
//!
//! A command in the sandbox, or a page that a model wants to read, names a host; behind the name may
//! be this very machine, the router, or the service that hands out a cloud machine's credentials.
//! [`Guard::addresses`] looks the name up once and judges every address that it has; [`Judged`]
//! connects to those and looks nothing up again, so a name that changes its mind in between (DNS
//! rebinding) gains nothing.
//!
//! Public is what the registries of RFC 6890 call globally reachable, with the few exceptions that
//! [`Place`] names. The addresses of this machine are never public, whatever they look like.
//!
//! A redirect is a new request: whoever follows one asks again. What a host behind a public address
//! passes on, and a port that a router forwards from its public address to this machine, cannot be
//! seen from here.
//!
//! Reading order: [`Host`] and [`Target`] are what is asked for, [`Resolver`] finds addresses,
//! [`Place`] judges one, [`Guard`] puts them together and [`Refused`] says why not.

mod error;
mod host;
mod judged;
mod own;
mod place;
mod resolver;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use self::error::Refused;
pub(crate) use self::host::read_port;
pub use self::host::{Host, HostError, Target};
pub use self::judged::{ConnectError, Judged};
pub use self::place::Place;
pub(crate) use self::place::translated;
pub use self::resolver::Resolver;

/// Names under which clouds hand out the credentials of a machine. Their addresses are refused too;
/// the names are so that a resolver which lies about them changes nothing.
const METADATA: [&str; 7] = [
    "instance-data",
    "instance-data.ec2.internal",
    "metadata",
    "metadata.azure.internal",
    "metadata.goog",
    "metadata.google.internal",
    "metadata.tencentyun.com",
];

/// The one judge of addresses; making one costs nothing.
#[derive(Clone, Debug)]
pub struct Guard {
    resolver: Resolver,
    private: Vec<Target>,
    own_ports: Vec<u16>,
}

impl Guard {
    /// Makes a guard that lets nobody reach anything but public addresses.
    pub const fn new(resolver: Resolver) -> Self {
        Self {
            resolver,
            private: Vec::new(),
            own_ports: Vec::new(),
        }
    }

    /// Lets exactly these hosts be reached at exactly these ports, although they are private.
    ///
    /// One that is named by its address is found under that address only, or as `localhost` if it
    /// is a loopback one. One that has a name may be on this machine or in a private network,
    /// but not link-local: there the credentials of clouds are, and whoever answers for the name
    /// could lead there.
    #[must_use]
    pub fn with_private(mut self, private: Vec<Target>) -> Self {
        self.private = private;
        self
    }

    /// Keeps these ports of this machine out of reach, whatever else is allowed: the gateway's own.
    #[must_use]
    pub fn with_own_ports(mut self, ports: Vec<u16>) -> Self {
        self.own_ports = ports;
        self
    }

    /// Looks a host up and judges every address that it has.
    ///
    /// One address that is refused refuses the host: a public name with a private address among its
    /// addresses is an attack or a mistake, and which of them the next client takes would be chance.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the look-up; the system may finish it.
    pub async fn addresses(&self, target: &Target) -> Result<Judged, Refused> {
        let found = match &target.host {
            Host::Address(address) => vec![*address],
            Host::Name(_) if target.host.is_local() => return self.local(target),
            Host::Name(name) if METADATA.contains(&name.as_str()) => {
                return Err(Refused::Metadata {
                    host: target.host.clone(),
                });
            }
            Host::Name(name) => self.look_up(name, target).await?,
        };
        let mut good = Vec::new();
        let mut unknown = None;
        for address in found {
            match self.judge(target, address.to_canonical()) {
                Ok(address) => good.push(SocketAddr::new(address, target.port)),
                Err(Refused::Unknown { host, source }) => unknown = Some((host, source)),
                Err(refused) => return Err(refused),
            }
        }
        match unknown {
            Some((host, source)) if good.is_empty() => Err(Refused::Unknown { host, source }),
            _ => Judged::of(target, good),
        }
    }

    async fn look_up(&self, name: &str, target: &Target) -> Result<Vec<IpAddr>, Refused> {
        let failed = |source: io::Error| Refused::Lookup {
            host: target.host.clone(),
            source,
        };
        self.resolver.look_up(name).await.map_err(failed)
    }

    /// No resolver is asked for this machine.
    fn local(&self, target: &Target) -> Result<Judged, Refused> {
        let judged = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            .map(|address| self.judge(target, address));
        let good = judged.iter().flatten();
        let good: Vec<_> = good
            .map(|address| SocketAddr::new(*address, target.port))
            .collect();
        match judged.into_iter().find_map(Result::err) {
            Some(refused) if good.is_empty() => Err(refused),
            _ => Judged::of(target, good),
        }
    }

    /// Returns the address if it may be spoken to.
    fn judge(&self, target: &Target, address: IpAddr) -> Result<IpAddr, Refused> {
        let port = target.port;
        let place = match Place::of(address) {
            Place::Public => match own::is_own(address) {
                Ok(true) => Place::Own,
                Ok(false) => return Ok(address),
                Err(source) => {
                    return Err(Refused::Unknown {
                        host: target.host.clone(),
                        source,
                    });
                }
            },
            place => place,
        };
        let refused = Refused::Place {
            target: target.clone(),
            address,
            place,
        };
        if !self.is_private(target, address, place) {
            return Err(refused);
        }
        // What else could be this machine's has to be asked for, since private ranges are used here too.
        let own = place.is_this_machine() || !matches!(own::is_own(address), Ok(false));
        if own && self.own_ports.contains(&port) {
            return Err(Refused::OwnPort { port });
        }
        Ok(address)
    }

    /// Tells whether the owner named this host, or this address of it, with this port.
    fn is_private(&self, target: &Target, address: IpAddr, place: Place) -> bool {
        let mut named = self
            .private
            .iter()
            .filter(|named| named.port == target.port);
        named.any(|named| match (&named.host, &target.host) {
            (Host::Address(is), _) if named.host.covers(&target.host) => {
                *is == address && place.is_one_host()
            }
            (Host::Name(is), Host::Name(name)) => is == name && place.may_have_a_name(),
            (Host::Name(_) | Host::Address(_), _) => false,
        })
    }
}
