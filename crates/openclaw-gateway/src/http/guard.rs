//! Who may speak to the edge at all.
//!
//! A browser on the same machine can reach a loopback port on behalf of any web page. Two headers
//! that pages cannot forge keep them out: `Origin` has to be our own, and `Host` has to be an
//! address or `localhost`, never a name that somebody's DNS server made up (DNS rebinding).

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::serve::Peer;
use crate::audit::{Door, Occasion, Reason, Transport};
use crate::builder::Gateway;

/// Refuses requests that a web page of somebody else's may have made.
pub(super) async fn same_origin(
    State(gateway): State<Gateway>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let denied = |reason| {
        let transport = Transport::of_path(request.uri().path());
        let door = door(transport, request.extensions());
        gateway
            .shared
            .rpc
            .audit
            .count(Occasion::Denied(reason, door));
    };
    let Some(host) = only(headers, &HOST).filter(|host| is_address(host)) else {
        denied(Reason::ForeignHost);
        return (
            StatusCode::FORBIDDEN,
            "the Host header has to be an IP address or localhost\n",
        )
            .into_response();
    };
    let foreign = headers
        .get_all(ORIGIN)
        .iter()
        .any(|origin| origin.to_str().ok() != Some(format!("http://{host}").as_str()));
    if foreign {
        denied(Reason::ForeignOrigin);
        return (
            StatusCode::FORBIDDEN,
            "requests from other origins are refused\n",
        )
            .into_response();
    }
    next.run(request).await
}

/// Returns where a request comes in.
pub(super) fn door(transport: Transport, extensions: &Extensions) -> Door {
    let peer = extensions.get().map(|Peer(address)| *address);
    Door { transport, peer }
}

/// Returns the token of `Authorization: Bearer …` (RFC 6750); the scheme's case does not matter.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = only(headers, &AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Returns a header's value if it is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &axum::http::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

fn is_address(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_addresses_from_names() {
        for host in [
            "127.0.0.1:18789",
            "localhost",
            "LOCALHOST:1",
            "[::1]:18789",
            "192.168.1.2",
        ] {
            assert!(is_address(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:18789",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
        ] {
            assert!(!is_address(host), "{host}");
        }
    }

    #[test]
    fn reads_the_bearer_token_and_nothing_else() {
        let token = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(token(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(token(&["bearer abc"]).as_deref(), Some("abc"));
        for values in [&[][..], &["abc"], &["Basic abc"], &["Bearer a", "Bearer b"]] {
            assert_eq!(token(values), None);
        }
    }
}
