//! Where a request comes from, if proxies are to be believed.
//!
//! Anybody can write `X-Forwarded-For` and its relatives, so they count only when the connection
//! comes from a proxy that the config names. From anybody else they are ignored, with one
//! consequence: a request from this machine that carries them comes from a proxy that nobody
//! named, so it is not taken for one of the owner's own.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use axum::http::{HeaderMap, HeaderName};

use super::edge::EdgeSettings;
use super::host::Scheme;

/// How many proxies a request may have come through.
const HOPS: usize = 32;
/// The longest name of a user.
const USER: usize = 256;

/// Where a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Client {
    /// The client's address, if it can be told.
    pub(super) ip: Option<IpAddr>,
    /// Whether the client is on this machine, with nobody in between.
    pub(super) local: bool,
    /// What a trusted proxy says about the request besides.
    pub(super) forwarded: Option<Forwarded>,
}

/// What a trusted proxy says about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forwarded {
    /// The host that the client asked for.
    pub(super) host: Option<String>,
    /// How the client reached the proxy.
    pub(super) scheme: Scheme,
    /// The user whom the proxy has let in.
    pub(super) user: Option<String>,
}

impl Client {
    /// Finds out who sent a request that came over a connection from `remote`.
    pub(super) fn of(settings: &EdgeSettings, remote: IpAddr, headers: &HeaderMap) -> Self {
        let forwarded = headers.keys().any(speaks_of_others);
        if !forwarded {
            return Self {
                ip: Some(remote),
                local: remote.is_loopback(),
                forwarded: None,
            };
        }
        if !settings.trusts(remote) {
            return Self {
                ip: Some(remote).filter(|ip| !ip.is_loopback()),
                local: false,
                forwarded: None,
            };
        }
        // A proxy speaks for others; a chain that ends on this machine was made up.
        let ip = first_stranger(settings, headers).filter(|ip| !ip.is_loopback());
        Self {
            ip,
            local: false,
            forwarded: Some(Forwarded {
                host: single(headers, "x-forwarded-host").map(str::to_owned),
                scheme: match single(headers, "x-forwarded-proto") {
                    Some(proto) if proto.eq_ignore_ascii_case("https") => Scheme::Https,
                    _ => Scheme::Http,
                },
                user: ip.and_then(|_| user(settings, remote, headers)),
            }),
        }
    }
}

/// Returns the user whom a trusted proxy names, if it may.
fn user(settings: &EdgeSettings, remote: IpAddr, headers: &HeaderMap) -> Option<String> {
    let auth = settings.proxy_auth.as_ref()?;
    let may = if remote.is_loopback() {
        auth.allow_loopback
    } else {
        // Whoever is on this machine can take any of its addresses.
        !is_own_address(remote)
    };
    let given = |name: &String| single(headers, name).is_some();
    if !may || !auth.required_headers.iter().all(given) {
        return None;
    }
    single(headers, &auth.user_header)
        .filter(|user| user.len() <= USER && !user.chars().any(char::is_control))
        .map(str::to_owned)
}

/// Returns the address that the last trusted proxy of the chain heard from.
fn first_stranger(settings: &EdgeSettings, headers: &HeaderMap) -> Option<IpAddr> {
    let chain: Vec<&str> = match (list(headers, "x-forwarded-for"), list(headers, "forwarded")) {
        (Some(chain), _) => chain,
        (None, Some(elements)) => elements.into_iter().map(forwarded_for).collect(),
        (None, None) if settings.real_ip => vec![single(headers, "x-real-ip")?],
        (None, None) => return None,
    };
    if chain.len() > HOPS {
        return None;
    }
    // Each proxy adds to the right whom it heard from, so only what trusted ones added counts.
    for node in chain.iter().rev() {
        let ip = address(node)?;
        if !settings.trusts(ip) {
            return Some(ip);
        }
    }
    chain.first().and_then(|node| address(node))
}

/// Reads an address, with or without a port.
fn address(node: &str) -> Option<IpAddr> {
    let node = node.trim();
    let bare = node
        .strip_prefix('[')
        .and_then(|node| node.strip_suffix(']'));
    let ip = match bare.unwrap_or(node).parse::<IpAddr>() {
        Ok(ip) => ip,
        Err(_maybe_a_port) => node.parse::<SocketAddr>().ok()?.ip(),
    };
    Some(ip.to_canonical())
}

/// Returns the `for` of an element of `Forwarded` (RFC 7239); empty when there is none.
fn forwarded_for(element: &str) -> &str {
    element
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
        .map_or("", |(_, value)| value.trim().trim_matches('"'))
}

/// Returns the items of a header that is a list, over all its lines.
fn list<'a>(headers: &'a HeaderMap, name: &str) -> Option<Vec<&'a str>> {
    let mut items = Vec::new();
    for value in headers.get_all(name) {
        // What is no text is no address, and makes the chain one that cannot be followed.
        items.extend(value.to_str().unwrap_or_default().split(','));
    }
    (!items.is_empty()).then_some(items)
}

/// Returns a header that is there once, with one value that is not blank.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.trim();
    let alone = values.next().is_none() && !value.is_empty() && !value.contains(',');
    alone.then_some(value)
}

/// Tells whether a header says something about a client other than the one of the connection.
fn speaks_of_others(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("x-forwarded-")
        || name.starts_with("tailscale-")
        || matches!(
            name,
            "forwarded"
                | "via"
                | "x-real-ip"
                | "x-client-ip"
                | "true-client-ip"
                | "cf-connecting-ip"
        )
}

/// Tells whether an address is one of this machine's: only those can be listened on.
fn is_own_address(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(proxy_auth: Option<ProxyAuth>) -> EdgeSettings {
        EdgeSettings {
            proxies: vec![
                "10.0.0.0/8".parse().unwrap(),
                "127.0.0.1/32".parse().unwrap(),
            ],
            proxy_auth,
            ..EdgeSettings::default()
        }
    }

    use openclaw_config::ProxyAuth;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    fn client(remote: &str, lines: &[(&str, &str)]) -> Client {
        let settings = EdgeSettings {
            real_ip: true,
            ..settings(None)
        };
        Client::of(&settings, remote.parse().unwrap(), &headers(lines))
    }

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn headers_of_somebody_who_is_not_trusted_do_not_count() {
        for name in [
            "x-forwarded-for",
            "x-real-ip",
            "forwarded",
            "cf-connecting-ip",
            "x-forwarded-user",
        ] {
            let far = client("192.0.2.1", &[(name, "198.51.100.7")]);
            assert_eq!(
                (far.ip, far.local, far.forwarded),
                (ip("192.0.2.1"), false, None),
                "{name}"
            );
            let near = client("::1", &[(name, "198.51.100.7")]);
            assert_eq!(
                (near.ip, near.local, near.forwarded),
                (None, false, None),
                "{name}"
            );
        }
        let near = client("127.0.0.1", &[]);
        assert_eq!(
            (near.ip, near.local, near.forwarded),
            (ip("127.0.0.1"), true, None)
        );
    }

    #[test]
    fn a_chain_counts_as_far_as_it_is_trusted() {
        let through = |lines: &[(&str, &str)]| client("10.0.0.1", lines).ip;
        let forwarded = "x-forwarded-for";
        assert_eq!(through(&[(forwarded, "198.51.100.7")]), ip("198.51.100.7"));
        assert_eq!(
            through(&[(forwarded, "203.0.113.1, 198.51.100.7, 10.1.1.1")]),
            ip("198.51.100.7")
        );
        assert_eq!(
            through(&[(forwarded, "203.0.113.1"), (forwarded, "198.51.100.7")]),
            ip("198.51.100.7")
        );
        assert_eq!(
            through(&[(forwarded, "198.51.100.7:4711")]),
            ip("198.51.100.7")
        );
        assert_eq!(
            through(&[(forwarded, "[2001:db8::1]:4711")]),
            ip("2001:db8::1")
        );
        assert_eq!(
            through(&[(forwarded, "::ffff:198.51.100.7")]),
            ip("198.51.100.7")
        );
        assert_eq!(
            through(&[(forwarded, "10.2.2.2, 10.1.1.1")]),
            ip("10.2.2.2")
        );
        assert_eq!(
            through(&[(
                "forwarded",
                "for=\"[2001:db8::1]:1\";proto=https, for=10.3.3.3"
            )]),
            ip("2001:db8::1")
        );
        assert_eq!(
            through(&[("x-real-ip", "198.51.100.7")]),
            ip("198.51.100.7")
        );
        for unclear in [
            "",
            "unknown",
            "198.51.100.7, ",
            "198.51.100.7, x, 10.1.1.1",
            "127.0.0.1",
            "203.0.113.1, 127.0.0.2",
            &"1.1.1.1,".repeat(40),
        ] {
            assert_eq!(through(&[(forwarded, unclear)]), None, "{unclear}");
        }
        assert_eq!(through(&[("forwarded", "proto=https")]), None);
        let shut = settings(None);
        let real = headers(&[("x-real-ip", "198.51.100.7")]);
        assert_eq!(
            Client::of(&shut, "10.0.0.1".parse().unwrap(), &real).ip,
            None
        );
    }

    #[test]
    fn a_trusted_proxy_names_the_user_the_host_and_the_scheme() {
        let auth = ProxyAuth {
            user_header: "x-user".to_owned(),
            required_headers: vec!["x-forwarded-proto".to_owned()],
            allow_users: Vec::new(),
            allow_loopback: false,
        };
        let good = [
            ("x-forwarded-for", "198.51.100.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "claw.example"),
            ("x-user", "nick@example.com"),
        ];
        let user = |auth: &ProxyAuth, remote: &str, lines: &[(&str, &str)]| {
            let settings = settings(Some(auth.clone()));
            let client = Client::of(&settings, remote.parse().unwrap(), &headers(lines));
            client.forwarded.and_then(|forwarded| forwarded.user)
        };
        let nick = Some("nick@example.com".to_owned());
        assert_eq!(user(&auth, "10.0.0.1", &good), nick);
        assert_eq!(user(&auth, "192.0.2.1", &good), None);
        assert_eq!(user(&auth, "127.0.0.1", &good), None);
        let near = ProxyAuth {
            allow_loopback: true,
            ..auth.clone()
        };
        assert_eq!(user(&near, "127.0.0.1", &good), nick);
        for without in 0..good.len() {
            let mut lines = good.to_vec();
            let (name, _) = lines.remove(without);
            let left = user(&auth, "10.0.0.1", &lines);
            assert_eq!(left.is_some(), name == "x-forwarded-host", "without {name}");
        }
        for bad in ["", " ", "a,b", &"u".repeat(300)] {
            let mut lines = good.to_vec();
            lines[3].1 = bad;
            assert_eq!(user(&auth, "10.0.0.1", &lines), None, "{bad}");
        }
        let twice = [&good[..], &[("x-user", "root")]].concat();
        assert_eq!(user(&auth, "10.0.0.1", &twice), None);

        let settings = settings(None);
        let client = Client::of(&settings, "10.0.0.1".parse().unwrap(), &headers(&good));
        let forwarded = Forwarded {
            host: Some("claw.example".to_owned()),
            scheme: Scheme::Https,
            user: None,
        };
        assert_eq!(client.forwarded, Some(forwarded));
    }

    #[test]
    fn an_address_of_this_machine_is_known_from_others() {
        assert!(is_own_address(IpAddr::from([127, 0, 0, 1])));
        assert!(!is_own_address(IpAddr::from([192, 0, 2, 1])));
    }
}
