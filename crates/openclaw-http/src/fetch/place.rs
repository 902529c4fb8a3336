//! Where a URL leads, and which URLs lead nowhere.

use reqwest::Url;

use super::error::FetchError;
use crate::guard::{Host, HostError, Target};

/// Ports behind which other services listen that a line of text can move: the ports that browsers
/// refuse (the Fetch standard, "port blocking").
const BAD_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6379, 6566, 6665, 6666,
    6667, 6668, 6669, 6679, 6697,
];

/// The longest URL that is looked at.
const MAX_URL: usize = 8 * 1024;

/// Reads the URL that somebody asks for.
pub(super) fn read(text: &str) -> Result<Url, FetchError> {
    if text.len() > MAX_URL {
        return Err(FetchError::TooLongUrl { limit: MAX_URL });
    }
    let url = Url::parse(text.trim()).map_err(|source| FetchError::Url { source })?;
    checked(url)
}

/// Refuses what is no page of the web.
pub(super) fn checked(mut url: Url) -> Result<Url, FetchError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(FetchError::Scheme {
            scheme: url.scheme().chars().take(32).collect(),
        });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(FetchError::Credentials);
    }
    url.set_fragment(None);
    Ok(url)
}

/// Returns the host and port that a URL leads to; `named` are those that the owner wrote down.
pub(super) fn target(url: &Url, named: &[Target]) -> Result<Target, FetchError> {
    let host = match url.host() {
        Some(url::Host::Domain(name)) => name.parse().map_err(FetchError::Host)?,
        Some(url::Host::Ipv4(address)) => Host::Address(address.into()),
        Some(url::Host::Ipv6(address)) => {
            Host::Address(std::net::IpAddr::V6(address).to_canonical())
        }
        None => return Err(FetchError::Host(HostError::Empty)),
    };
    let port = url
        .port_or_known_default()
        .ok_or(FetchError::Host(HostError::Port))?;
    let target = Target { host, port };
    if BAD_PORTS.contains(&port) && !named.contains(&target) {
        return Err(FetchError::Port { port });
    }
    Ok(target)
}
