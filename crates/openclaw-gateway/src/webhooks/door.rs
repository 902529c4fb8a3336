//! Letting requests in by the token of the webhooks, which is not the gateway's.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use openclaw_core::access::Scope;

use super::Open;
use super::refusal::Refusal;
use crate::audit::{Door, Occasion, Reason};
use crate::builder::Gateway;
use crate::http::guard::{bearer, only};
use crate::rpc::CallCx;

/// The other header that may have the token.
const TOKEN: HeaderName = HeaderName::from_static("x-openclaw-token");

/// Lets somebody in who shows the token; either way, it goes on record.
///
/// # Security
/// A token in the address was refused before: it would be on record elsewhere. The right token is
/// let in however many wrong ones came before it, as nobody finds it by trying.
pub(super) fn enter(
    gateway: &Gateway,
    open: &Open,
    head: &Parts,
    door: Door,
) -> Result<CallCx, Refusal> {
    let rpc = &gateway.shared.rpc;
    let shown = shown(&head.headers);
    let verified = shown.and_then(|token| open.token.verify(token).ok());
    let Some(admitted) = verified else {
        let reason = match shown {
            Some(_) => Reason::WrongCredential,
            None => Reason::NoCredential,
        };
        return Err(match rpc.limits.wrong_webhook_token(door.peer) {
            Ok(()) => {
                rpc.audit.count(Occasion::Denied(reason, door));
                Refusal::new(
                    StatusCode::UNAUTHORIZED,
                    "the token of the webhooks is missing or wrong",
                )
            }
            Err(wait) => {
                rpc.audit.count(Occasion::Denied(Reason::LockedOut, door));
                Refusal::wait("too many wrong tokens", wait.into())
            }
        });
    };
    rpc.limits.right_webhook_token(door.peer);
    let cx = CallCx::of(admitted, door.peer);
    let principal = cx.admitted.principal().clone();
    rpc.audit.count(Occasion::Allowed(principal, door));
    rpc.count_call(&cx, Scope::Write)?;
    if head.method != Method::POST {
        let error = "this address takes POST and nothing else";
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error));
    }
    Ok(cx)
}

/// Returns the token that a request shows; a bearer comes before the other header.
fn shown(headers: &HeaderMap) -> Option<&str> {
    let bearer = bearer(headers).map(str::trim);
    let other = || only(headers, &TOKEN).map(str::trim);
    let there = |token: &&str| !token.is_empty();
    bearer.filter(there).or_else(|| other().filter(there))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_a_bearer_or_stands_in_a_header_of_its_own() {
        let shown = |pairs: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                let name: HeaderName = name.parse().unwrap();
                headers.append(name, value.parse().unwrap());
            }
            shown(&headers).map(str::to_owned)
        };
        let (bearer, other) = (("authorization", "Bearer a"), ("x-openclaw-token", " b "));
        assert_eq!(shown(&[bearer, other]).as_deref(), Some("a"));
        assert_eq!(shown(&[other]).as_deref(), Some("b"));
        let basic = ("authorization", "Basic a");
        assert_eq!(shown(&[basic, other]).as_deref(), Some("b"));
        assert_eq!(
            shown(&[("authorization", "Bearer "), other]).as_deref(),
            Some("b")
        );
        assert_eq!(shown(&[other, other]), None);
        assert_eq!(shown(&[]), None);
    }
}
