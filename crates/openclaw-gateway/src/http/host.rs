//! The names that the gateway goes by.
//!
//! A web page cannot forge the header `Host`: it has the name under which the browser found the
//! gateway. A page that points a name of its own at this machine (DNS rebinding) is found out by
//! that name. An address cannot be pointed anywhere, so addresses are fine where the gateway can
//! be reached under them.

use std::net::{IpAddr, Ipv6Addr};

/// A host and maybe a port, as in the header `Host`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    /// The host, with the brackets around an IPv6 address.
    pub(super) host: &'a str,
    /// The port, where it is given.
    pub(super) port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads `host` or `host:port`, and nothing that could be taken for more than that.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            // The last colon may be one of the address.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port = match port {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
            None => None,
        };
        let is_address = bracketed(host).is_some_and(|text| text.parse::<Ipv6Addr>().is_ok());
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let is_name = !host.is_empty() && host.bytes().all(in_name);
        (is_address || is_name).then_some(Self { host, port })
    }

    /// Returns the address, if the host is one and no name.
    pub(super) fn address(&self) -> Option<IpAddr> {
        bracketed(self.host)
            .unwrap_or(self.host)
            .parse::<IpAddr>()
            .ok()
            .map(|ip| ip.to_canonical())
    }

    /// Tells whether a gateway can go by this name that is reached at `local`; `names` are those
    /// that it was given.
    pub(super) fn is_ours(&self, local: IpAddr, names: &[String]) -> bool {
        let given = || {
            names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(self.host))
        };
        match self.address() {
            // Loopback is reached under its own addresses only, whoever else claims to come by.
            Some(ip) if local.is_loopback() => ip.is_loopback() || given(),
            // Behind a router or in a container, nobody knows all the addresses.
            Some(ip) => !(ip.is_unspecified() || ip.is_multicast()) || given(),
            None => self.host.eq_ignore_ascii_case("localhost") || given(),
        }
    }

    /// Returns the origin of pages from here, as browsers write it.
    pub(super) fn origin(&self, scheme: Scheme) -> String {
        let host = self.host.to_ascii_lowercase();
        match self.port.filter(|port| *port != scheme.port()) {
            Some(port) => format!("{}://{host}:{port}", scheme.as_str()),
            None => format!("{}://{host}", scheme.as_str()),
        }
    }
}

/// How a client reaches the gateway, or the proxy in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

fn bracketed(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: &str = "127.0.0.1";
    const LAN: &str = "192.168.1.2";

    fn is_ours(host: &str, local: &str) -> bool {
        let names = ["claw.example".to_owned()];
        Authority::parse(host).is_some_and(|host| host.is_ours(local.parse().unwrap(), &names))
    }

    #[test]
    fn knows_its_own_names_from_those_of_others() {
        for host in [
            "127.0.0.1:18789",
            "localhost",
            "LOCALHOST:1",
            "[::1]:18789",
            "127.0.0.2",
            "Claw.Example:443",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(is_ours(host, LOOPBACK), "{host}");
            assert!(is_ours(host, LAN), "{host}");
        }
        for host in [
            "",
            ":18789",
            "evil.example",
            "evil.example:18789",
            "localhost.evil.example",
            "localhost.",
            "127.0.0.1.nip.io",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0.0.0.0:18789",
            "[::]:18789",
            "127.0.0.1:18789@evil.example",
            "evil.example@127.0.0.1",
            "127.0.0.1:x",
            "127.0.0.1:-1",
            "127.0.0.1:99999",
            "127.0.0.1, evil.example",
            "127.0.0.1/",
            "127.0.0.1#",
            "::1",
            "[::1",
            "[::1%25lo]",
            "local host",
        ] {
            assert!(!is_ours(host, LOOPBACK), "{host}");
            assert!(!is_ours(host, LAN), "{host}");
        }
        // Loopback cannot be reached under another address; the network can.
        for host in ["192.168.1.2:18789", "203.0.113.9", "[2001:db8::1]:1"] {
            assert_eq!(
                (is_ours(host, LOOPBACK), is_ours(host, LAN)),
                (false, true),
                "{host}"
            );
        }
    }

    #[test]
    fn writes_origins_as_browsers_do() {
        let origin = |host, scheme| Authority::parse(host).unwrap().origin(scheme);
        assert_eq!(
            origin("127.0.0.1:18789", Scheme::Http),
            "http://127.0.0.1:18789"
        );
        assert_eq!(origin("LocalHost:80", Scheme::Http), "http://localhost");
        assert_eq!(
            origin("claw.example:443", Scheme::Https),
            "https://claw.example"
        );
        assert_eq!(
            origin("claw.example:80", Scheme::Https),
            "https://claw.example:80"
        );
        assert_eq!(origin("[::1]:1", Scheme::Http), "http://[::1]:1");
    }
}
