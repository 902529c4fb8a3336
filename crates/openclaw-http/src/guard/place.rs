//! Where an address is, by the registries of special-purpose addresses (RFC 6890, kept by IANA).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Where an address is.
///
/// Stricter than the registries in one thing: the anycast addresses of `192.0.0.0/24` and `2001:1::/32`
/// mean whoever is nearest, which is the router of this network, and are [`Place::Reserved`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Globally reachable.
    Public,
    /// No address at all; systems take it for this machine.
    Unspecified,
    /// This machine.
    Loopback,
    /// A public-looking address that this machine has itself.
    Own,
    /// A private network (RFC 1918, RFC 4193).
    Private,
    /// Between a provider and its customers (RFC 6598).
    Shared,
    /// The same link, with the metadata services of clouds (169.254.169.254).
    LinkLocal,
    /// A public-looking address at which a cloud serves the machines in it, and them alone: Azure's
    /// 168.63.129.16, which hands out certificates and settings. Those of other clouds are
    /// link-local, private, shared or reserved by themselves.
    Platform,
    /// Many machines at once, broadcast included.
    Multicast,
    /// IPv4 within IPv6 by a way that is given up, or that leads wherever a relay leads: 6to4,
    /// Teredo, IPv4-compatible addresses, NAT64 of one's own.
    Relayed,
    /// For examples, measurements, protocols or nothing yet.
    Reserved,
}

/// The first block that an address is in decides; what is in none is public.
const V4: [(Ipv4Net, Place); 17] = [
    (v4([0, 0, 0, 0], 32), Place::Unspecified),
    (v4([0, 0, 0, 0], 8), Place::Reserved),
    (v4([10, 0, 0, 0], 8), Place::Private),
    (v4([100, 64, 0, 0], 10), Place::Shared),
    (v4([127, 0, 0, 0], 8), Place::Loopback),
    (v4([168, 63, 129, 16], 32), Place::Platform),
    (v4([169, 254, 0, 0], 16), Place::LinkLocal),
    (v4([172, 16, 0, 0], 12), Place::Private),
    (v4([192, 0, 0, 0], 24), Place::Reserved),
    (v4([192, 0, 2, 0], 24), Place::Reserved),
    (v4([192, 88, 99, 0], 24), Place::Relayed),
    (v4([192, 168, 0, 0], 16), Place::Private),
    (v4([198, 18, 0, 0], 15), Place::Reserved),
    (v4([198, 51, 100, 0], 24), Place::Reserved),
    (v4([203, 0, 113, 0], 24), Place::Reserved),
    (v4([255, 255, 255, 255], 32), Place::Multicast),
    (v4([224, 0, 0, 0], 3), Place::Reserved),
];

/// The first block that an address is in decides; what is in none is reserved, since nothing outside
/// of `2000::/3` has been given out.
const V6: [(Ipv6Net, Place); 17] = [
    (v6(0, 96), Place::Relayed),
    (v6(0x0064_ff9b_0001_0000, 48), Place::Relayed),
    (v6(0xfc00_0000_0000_0000, 7), Place::Private),
    (v6(0xfec0_0000_0000_0000, 10), Place::Private),
    (v6(0xfe80_0000_0000_0000, 10), Place::LinkLocal),
    (v6(0xff00_0000_0000_0000, 8), Place::Multicast),
    (v6(0x2001_0000_0000_0000, 32), Place::Relayed),
    (v6(0x2001_0003_0000_0000, 32), Place::Public),
    (v6(0x2001_0004_0112_0000, 48), Place::Public),
    (v6(0x2001_0020_0000_0000, 28), Place::Public),
    (v6(0x2001_0030_0000_0000, 28), Place::Public),
    (v6(0x2001_0000_0000_0000, 23), Place::Reserved),
    (v6(0x2001_0db8_0000_0000, 32), Place::Reserved),
    (v6(0x2002_0000_0000_0000, 16), Place::Relayed),
    (v6(0x3fff_0000_0000_0000, 20), Place::Reserved),
    (v6(0x2000_0000_0000_0000, 3), Place::Public),
    (v6(0, 0), Place::Reserved),
];

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

/// Makes a block from the first half of its address.
const fn v6(high: u128, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::from_bits(high << 64), length)
}

impl Place {
    /// Judges an address; an IPv4 address within an IPv6 one is judged as what it is.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => match translated(address) {
                Some(inside) => of_v4(inside),
                None => of_v6(address),
            },
        }
    }

    /// Tells whether it is this machine for certain.
    pub(super) const fn is_this_machine(self) -> bool {
        matches!(self, Self::Loopback | Self::Own | Self::Unspecified)
    }

    /// Tells whether one host can be meant by such an address.
    pub(crate) const fn is_one_host(self) -> bool {
        !matches!(self, Self::Unspecified | Self::Multicast)
    }

    /// Tells whether a private host with a name may be there.
    pub(super) const fn may_have_a_name(self) -> bool {
        matches!(
            self,
            Self::Public | Self::Loopback | Self::Own | Self::Private | Self::Shared
        )
    }
}

fn of_v4(address: Ipv4Addr) -> Place {
    if address.is_multicast() {
        return Place::Multicast;
    }
    let block = V4.iter().find(|(block, _)| block.contains(&address));
    block.map_or(Place::Public, |(_, place)| *place)
}

fn of_v6(address: Ipv6Addr) -> Place {
    if address.is_unspecified() {
        return Place::Unspecified;
    }
    if address.is_loopback() {
        return Place::Loopback;
    }
    let block = V6.iter().find(|(block, _)| block.contains(&address));
    block.map_or(Place::Reserved, |(_, place)| *place)
}

/// Returns the IPv4 address to which a translator (NAT64, RFC 6052) leads an IPv6 one.
pub(crate) fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    const WELL_KNOWN: Ipv6Net = v6(0x0064_ff9b_0000_0000, 96);
    if !WELL_KNOWN.contains(&address) {
        return None;
    }
    let [.., a, b, c, d] = address.octets();
    Some(Ipv4Addr::new(a, b, c, d))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "a public address",
            Self::Unspecified => "no address of any host",
            Self::Loopback => "a loopback address",
            Self::Own => "an address of this machine",
            Self::Private => "an address of a private network",
            Self::Shared => "an address of a provider's own network",
            Self::LinkLocal => "a link-local address, where cloud credentials are handed out",
            Self::Platform => "an address at which a cloud serves its own machines",
            Self::Multicast => "an address of many machines at once",
            Self::Relayed => "an IPv6 address that hides an IPv4 one",
            Self::Reserved => "a reserved address",
        })
    }
}
