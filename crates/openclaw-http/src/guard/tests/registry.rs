//! Every address against the registries themselves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use proptest::prelude::*;

use super::super::Place;

/// The registries of special-purpose addresses (RFC 6890; IANA's iana-ipv4-special-registry and
/// iana-ipv6-special-registry), their column "Globally Reachable", and multicast. What has "N/A" there is
/// not reachable here. The most specific block decides.
const REGISTRY: [(&str, bool); 61] = [
    ("0.0.0.0/0", true),
    ("0.0.0.0/8", false),
    ("0.0.0.0/32", false),
    ("10.0.0.0/8", false),
    ("100.64.0.0/10", false),
    ("127.0.0.0/8", false),
    // Reachable by the registry, and in truth only within the cloud that it belongs to.
    ("168.63.129.16/32", false),
    ("169.254.0.0/16", false),
    ("172.16.0.0/12", false),
    ("192.0.0.0/24", false),
    ("192.0.0.0/29", false),
    ("192.0.0.8/32", false),
    // Reachable by the registry; refused because they mean the nearest router.
    ("192.0.0.9/32", false),
    ("192.0.0.10/32", false),
    ("192.0.0.170/32", false),
    ("192.0.0.171/32", false),
    ("192.0.2.0/24", false),
    ("192.31.196.0/24", true),
    ("192.52.193.0/24", true),
    ("192.88.99.0/24", false),
    ("192.168.0.0/16", false),
    ("192.175.48.0/24", true),
    ("198.18.0.0/15", false),
    ("198.51.100.0/24", false),
    ("203.0.113.0/24", false),
    ("224.0.0.0/4", false),
    ("240.0.0.0/4", false),
    ("255.255.255.255/32", false),
    // Only this has been given out.
    ("::/0", false),
    ("2000::/3", true),
    ("::1/128", false),
    ("::/128", false),
    ("64:ff9b:1::/48", false),
    ("100::/64", false),
    ("100:0:0:1::/64", false),
    ("2001::/23", false),
    ("2001::/32", false),
    // As of 192.0.0.9.
    ("2001:1::1/128", false),
    ("2001:1::2/128", false),
    ("2001:1::3/128", false),
    ("2001:2::/48", false),
    ("2001:3::/32", true),
    ("2001:4:112::/48", true),
    ("2001:10::/28", false),
    ("2001:20::/28", true),
    ("2001:30::/28", true),
    ("2001:db8::/32", false),
    ("2002::/16", false),
    ("2620:4f:8000::/48", true),
    ("3fff::/20", false),
    ("5f00::/16", false),
    ("fc00::/7", false),
    ("fe80::/10", false),
    ("fec0::/10", false),
    ("ff00::/8", false),
    ("::/96", false),
    ("8.8.8.8/32", true),
    ("1.1.1.1/32", true),
    ("2606:4700::/32", true),
    ("2a00::/12", true),
    ("2400::/12", true),
];

fn is_global(address: IpAddr) -> bool {
    let inside = match address.to_canonical() {
        IpAddr::V6(v6) if v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] => {
            let [.., a, b, c, d] = v6.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        other => other,
    };
    REGISTRY
        .iter()
        .map(|(block, global)| (block.parse::<IpNet>().unwrap(), *global))
        .filter(|(block, _)| block.contains(&inside))
        .max_by_key(|(block, _)| block.prefix_len())
        .unwrap()
        .1
}

/// Addresses anywhere, at the edges of the blocks, and IPv4 addresses in all their IPv6 dresses.
fn addresses() -> impl Strategy<Value = IpAddr> {
    let v4 = any::<u32>().prop_map(|bits| IpAddr::V4(bits.into()));
    let v6 = any::<u128>().prop_map(|bits| IpAddr::V6(bits.into()));
    let unicast = any::<u128>().prop_map(|bits| IpAddr::V6((bits >> 3 | 1 << 125).into()));
    let low = any::<u32>().prop_map(|bits| IpAddr::V6(u128::from(bits).into()));
    let edge = (0..REGISTRY.len(), 0..4_u8, any::<u128>()).prop_map(|(at, which, bits)| {
        let block: IpNet = REGISTRY[at].0.parse().unwrap();
        match (block, which) {
            (_, 0) => block.network(),
            (_, 1) => block.broadcast(),
            (IpNet::V4(net), 2) => Ipv4Addr::from(u32::from(net.network()).wrapping_sub(1)).into(),
            (IpNet::V4(net), _) => {
                Ipv4Addr::from(u32::from(net.broadcast()).wrapping_add(1)).into()
            }
            (IpNet::V6(net), 2) => {
                Ipv6Addr::from(u128::from(net.network()) | bits & u128::from(net.hostmask())).into()
            }
            (IpNet::V6(net), _) => {
                Ipv6Addr::from(u128::from(net.broadcast()).wrapping_add(1)).into()
            }
        }
    });
    let dressed = (any::<u32>(), 0..REGISTRY.len(), 0..2_u8, 0..4_u8).prop_map(
        |(bits, at, special, dress)| {
            let inside = match REGISTRY[at].0.parse().unwrap() {
                IpNet::V4(net) if special == 0 => net.network(),
                _ => bits.into(),
            };
            let [a, b, c, d] = inside.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            IpAddr::V6(match dress {
                0 => inside.to_ipv6_mapped(),
                1 => Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                2 => Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                _ => Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            })
        },
    );
    prop_oneof![v4, v6, unicast, low, edge, dressed]
}

/// What the clouds name in their documentation as the address of their metadata service, or of
/// another that hands out credentials to the machines in it.
#[test]
fn no_service_of_a_cloud_for_its_own_machines_is_public() {
    for address in [
        // Amazon: machines, containers, pods.
        "169.254.169.254",
        "fd00:ec2::254",
        "169.254.170.2",
        "169.254.170.23",
        "fd00:ec2::23",
        // Google, Azure, Oracle, Alibaba, Tencent, Scaleway, Linode, OpenStack.
        "fd20:ce::254",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:c1::a9fe:a9fe",
        "100.100.100.200",
        "169.254.0.23",
        "169.254.42.42",
        "fd00:42::42",
        "fd00:a9fe:a9fe::1",
        "fe80::a9fe:a9fe",
        // In other spellings.
        "::ffff:168.63.129.16",
        "64:ff9b::a83f:8110",
    ] {
        assert_ne!(
            Place::of(address.parse().unwrap()),
            Place::Public,
            "{address}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_what_the_registries_call_reachable_is_public(address in addresses()) {
        prop_assert_eq!(Place::of(address) == Place::Public, is_global(address), "{}", address);
    }
}
