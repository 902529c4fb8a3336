//! The cookies of a browser that is logged in (RFC 6265bis).
//!
//! `HttpOnly` keeps scripts from them, `SameSite=Strict` keeps requests of other sites without
//! them. A browser sends them to every port of the same host, which no attribute prevents: see
//! `SECURITY.md`.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use openclaw_core::ApiKey;

/// Carries the access token.
pub(crate) const SESSION_COOKIE: &str = "openclaw_session";
/// Carries the refresh token, to the one address that takes it.
pub(super) const REFRESH_COOKIE: &str = "openclaw_refresh";
/// The address that takes the refresh token.
pub(super) const REFRESH_PATH: &str = "/auth/refresh";

/// Returns the value of the session cookie, if there is exactly one.
pub(crate) fn session(headers: &HeaderMap) -> Option<&str> {
    value(headers, SESSION_COOKIE)
}

/// Returns the value of a cookie, if there is exactly one of that name.
pub(super) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(|(key, value)| (key == name).then_some(value));
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// Returns the header that gives a browser a cookie, or `None` for a value that no cookie can have.
#[expect(
    clippy::disallowed_methods,
    reason = "the cookie takes it to the browser"
)]
pub(super) fn set(
    name: &str,
    path: &str,
    secret: &ApiKey,
    until: Timestamp,
    now: Timestamp,
) -> Option<HeaderValue> {
    let seconds = until.duration_since(now).as_secs().max(0);
    let text = format!(
        "{name}={}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict",
        secret.expose_secret()
    );
    let mut header = HeaderValue::try_from(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Returns the header that takes a cookie away.
pub(super) fn unset(name: &str, path: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(format!(
        "{name}=; Path={path}; Max-Age=0; HttpOnly; SameSite=Strict"
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_one_cookie_of_a_name() {
        let session = |headers: &[&'static str]| {
            let mut map = HeaderMap::new();
            for header in headers {
                map.append(COOKIE, HeaderValue::from_static(header));
            }
            session(&map).map(str::to_owned)
        };
        let one = Some("abc".to_owned());
        assert_eq!(session(&["openclaw_session=abc"]), one);
        assert_eq!(session(&["a=b; openclaw_session=abc; c"]), one);
        assert_eq!(session(&["a=b", "openclaw_session=abc"]), one);
        for none in [
            &[][..],
            &["openclaw_sessions=abc"],
            &["xopenclaw_session=abc"],
            // Another port of this host may have set a second one; which is ours cannot be told.
            &["openclaw_session=abc; openclaw_session=def"],
        ] {
            assert_eq!(session(none), None, "{none:?}");
        }
    }
}
