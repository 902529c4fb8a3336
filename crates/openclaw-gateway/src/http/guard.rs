//! Who may speak to the edge at all, and as whom.
//!
//! Every request is judged in the same order, before anything of it is read but its head: can it be
//! read in one way only, is it meant for this gateway (`Host`), is it the request of a page that
//! may call (`Origin`), does its address carry a secret. Only then is it asked who sent it
//! ([`presented`]), and only then does anybody look at what it wants.
//!
//! A browser on the same machine can reach a loopback port on behalf of any web page. Two headers
//! that pages cannot forge keep them out: `Origin` has to be our own or one that the config names,
//! and `Host` has to be one of our own names.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, HOST, ORIGIN, TRANSFER_ENCODING,
};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;

use super::client::Client;
use super::edge::EdgeSettings;
use super::framing::Verdict;
use super::headers::{preflight, protect, share};
use super::host::{Authority, Scheme};
use super::query::has_a_secret;
use super::refused::Refused;
use super::wire::Line;
use crate::access::{Pass, Presented, session};
use crate::audit::{Door, Occasion, Reason, Transport};
use crate::builder::Gateway;

/// How a request came in.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// The other end of the connection.
    pub(super) remote: IpAddr,
    /// The address that it came to.
    pub(super) local: IpAddr,
    /// What the connection itself is spoken over.
    pub(super) scheme: Scheme,
    /// What is to be thought of the request's head.
    pub(super) head: Verdict,
    /// The connection.
    pub(crate) line: Arc<Line>,
}

/// What is known of a request that may be served.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    client: Client,
    page: Page,
}

/// Which page a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    /// None, as far as the request says.
    None,
    /// One of the gateway's own.
    Own,
    /// One of an origin that the config names.
    Allowed,
}

/// Judges every request, and gives every answer the headers that protect it.
pub(super) async fn guard(
    State(gateway): State<Gateway>,
    mut request: Request,
    next: Next,
) -> Response {
    let settings = gateway.shared.edge.settings();
    let origin = request.headers().get(ORIGIN).cloned();
    let judged = judge(&settings, &request);
    let shared = matches!(&judged, Ok(visit) if visit.page == Page::Allowed);
    let mut response = match judged {
        Ok(visit) if visit.page != Page::None && asks_first(&request) => preflight(),
        Ok(visit) => {
            request.extensions_mut().insert(visit);
            next.run(request).await
        }
        Err((refused, reason)) => {
            let door = Door {
                transport: Transport::of_path(request.uri().path()),
                peer: request
                    .extensions()
                    .get()
                    .map(|arrival: &Arrival| arrival.remote),
                local: false,
            };
            if let Some(reason) = reason {
                let occasion = Occasion::Denied(reason, door);
                gateway.shared.rpc.audit.count(occasion);
            }
            refused.answer(&gateway, door)
        }
    };
    protect(&mut response);
    if let Some(origin) = origin.filter(|_| shared) {
        share(&mut response, origin);
    }
    response
}

/// Lets nobody on who does not show a good credential.
pub(super) async fn let_in(
    State(gateway): State<Gateway>,
    mut request: Request,
    next: Next,
) -> Response {
    let transport = Transport::of_path(request.uri().path());
    let door = door(transport, request.extensions());
    let presented = presented(request.headers(), request.extensions());
    match admit(&gateway, presented, door) {
        Ok(pass) => {
            request.extensions_mut().insert(pass);
            next.run(request).await
        }
        Err(refused) => refused.answer(&gateway, door),
    }
}

/// Admits whoever shows a good credential.
pub(crate) fn admit(
    gateway: &Gateway,
    presented: Presented<'_>,
    door: Door,
) -> Result<Pass, Refused> {
    gateway.shared.admit(presented, door).map_err(Refused::from)
}

/// Returns where a request comes in.
pub(crate) fn door(transport: Transport, extensions: &Extensions) -> Door {
    let client = extensions.get().map(|visit: &Visit| &visit.client);
    Door {
        transport,
        peer: client.and_then(|client| client.ip),
        local: client.is_some_and(|client| client.local),
    }
}

/// Returns what a request shows to be let in.
///
/// # Security
/// What is there and cannot be read counts as a wrong credential, never as none. A cookie counts
/// on a request of a page of our own, or of no page at all: browsers send it along with requests of
/// other ports of the same host, too.
pub(crate) fn presented<'a>(headers: &'a HeaderMap, extensions: &'a Extensions) -> Presented<'a> {
    let visit: Option<&Visit> = extensions.get();
    let forwarded = visit.and_then(|visit| visit.client.forwarded.as_ref());
    if let Some(user) = forwarded.and_then(|forwarded| forwarded.user.as_deref()) {
        return Presented::Proxied(user);
    }
    if headers.contains_key(AUTHORIZATION) {
        return Presented::Bearer(bearer(headers).unwrap_or_default());
    }
    match session(headers).filter(|_| is_own_page(headers, extensions)) {
        Some(cookie) => Presented::Cookie(cookie),
        None => Presented::Nothing,
    }
}

/// Tells whether a request says that a page sends it.
pub(crate) fn is_page(extensions: &Extensions) -> bool {
    let visit: Option<&Visit> = extensions.get();
    visit.is_none_or(|visit| visit.page != Page::None)
}

/// Tells whether a request comes from a page of our own, or from no page at all.
pub(crate) fn is_own_page(headers: &HeaderMap, extensions: &Extensions) -> bool {
    match extensions.get().map(|visit: &Visit| visit.page) {
        Some(Page::Own) => true,
        Some(Page::None) => is_of_own_site(headers),
        Some(Page::Allowed) | None => false,
    }
}

/// Says why a request is not served whoever sent it, or what is known of it.
fn judge(settings: &EdgeSettings, request: &Request) -> Result<Visit, (Refused, Option<Reason>)> {
    let headers = request.headers();
    let bad = |sentence| (Refused::new(StatusCode::BAD_REQUEST, sentence), None);
    let Some(arrival) = request.extensions().get::<Arrival>() else {
        return Err(bad("the request came in by no connection"));
    };
    if arrival.head != Verdict::Clear || !is_plainly_coded(headers) {
        let (refused, _) = bad("where the request ends can be read in more than one way");
        return Err((refused, Some(Reason::Ambiguous)));
    }
    let client = Client::of(settings, arrival.remote, headers);
    let host = own_host(settings, arrival, &client, request)?;
    let page = page(settings, headers, &host)?;
    if request.uri().query().is_some_and(has_a_secret) {
        let hint = "send the token in the header `Authorization: Bearer …`";
        let (refused, _) = bad("secrets are never taken from an address");
        return Err((refused.with_hint(hint), Some(Reason::InAddress)));
    }
    Ok(Visit { client, page })
}

/// Returns the origin of our own pages as this client knows it.
fn own_host(
    settings: &EdgeSettings,
    arrival: &Arrival,
    client: &Client,
    request: &Request,
) -> Result<String, (Refused, Option<Reason>)> {
    let bad = |sentence| (Refused::new(StatusCode::BAD_REQUEST, sentence), None);
    let foreign = || {
        let sentence = "the gateway does not go by the name that is in the Host header";
        let refused = Refused::new(StatusCode::MISDIRECTED_REQUEST, sentence).with_hint(
            "use its address or localhost, or add the origin to gateway.controlUi.allowedOrigins",
        );
        (refused, Some(Reason::ForeignHost))
    };
    let Some(text) = only(request.headers(), &HOST) else {
        return Err(bad("a request has one Host header"));
    };
    if !is_meant_for(request.uri(), text) {
        return Err(bad("the request names two hosts"));
    }
    let host = Authority::parse(text).ok_or_else(foreign)?;
    let forwarded = client.forwarded.as_ref();
    let scheme = forwarded.map_or(arrival.scheme, |forwarded| forwarded.scheme);
    let outer = match forwarded.and_then(|forwarded| forwarded.host.as_deref()) {
        Some(text) => Some(Authority::parse(text).ok_or_else(foreign)?),
        None => None,
    };
    // A browser on this machine can send what a proxy on this machine would send, but for `Host`.
    let vouched_for = outer.is_some() && !arrival.remote.is_loopback();
    if !vouched_for && !host.is_ours(arrival.local, &settings.names) {
        return Err(foreign());
    }
    Ok(outer.unwrap_or(host).origin(scheme))
}

fn page(
    settings: &EdgeSettings,
    headers: &HeaderMap,
    own: &str,
) -> Result<Page, (Refused, Option<Reason>)> {
    if !headers.contains_key(ORIGIN) {
        return Ok(Page::None);
    }
    match only(headers, &ORIGIN) {
        Some(origin) if origin == own => Ok(Page::Own),
        Some(origin) if settings.origins.iter().any(|known| known == origin) => Ok(Page::Allowed),
        _ => {
            let sentence = "requests of pages of other origins are refused";
            let refused = Refused::new(StatusCode::FORBIDDEN, sentence);
            Err((refused, Some(Reason::ForeignOrigin)))
        }
    }
}

/// Tells whether a browser asks whether a page may call, before it does.
fn asks_first(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Tells whether the target of a request, if it names a host, names the one that `Host` does.
fn is_meant_for(target: &Uri, host: &str) -> bool {
    target
        .authority()
        .is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(host))
}

/// Tells whether the body is as it stands, or in chunks, and nothing else.
fn is_plainly_coded(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
}

/// Tells whether a request without an `Origin` is at least none that another site has caused.
fn is_of_own_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(site, None | Some(b"same-origin" | b"none"))
}

/// Returns the token of `Authorization: Bearer …` (RFC 6750); the scheme's case does not matter.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = only(headers, &AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Returns a header's value if it is there exactly once.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_target_of_a_request_names_no_other_host() {
        let meant = |target: &str| is_meant_for(&target.parse().unwrap(), "127.0.0.1:1");
        assert!(meant("/rpc") && meant("http://127.0.0.1:1/rpc") && meant("*"));
        assert!(!meant("http://evil.example/rpc") && !meant("http://x@127.0.0.1:1/rpc"));
    }
}
