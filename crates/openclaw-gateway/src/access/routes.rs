//! The addresses by which browsers and programs come by their tokens.
//!
//! | address | takes | gives |
//! |---|---|---|
//! | `POST /auth/login` | `{"code"}` of `login.create`, or `{"secret"}`: the configured token or password | the cookies of a browser session |
//! | `POST /auth/refresh` | the refresh cookie | fresh cookies |
//! | `POST /auth/token` | `{"refreshToken"}` | the next pair of tokens |
//! | `POST /auth/logout` | the session cookie | nothing; the session is over |
//!
//! Every failure looks the same from outside, and counts as a wrong credential.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use openclaw_core::access::tokens::{Grantee, Issued, NewGrant, TokenError, Tokens};
use openclaw_core::access::{Principal, Scopes};
use openclaw_core::clock::rfc3339;
use openclaw_core::{ApiKey, Kind};
use openclaw_ipc::RpcError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::cookies::{self, REFRESH_COOKIE, REFRESH_PATH, SESSION_COOKIE};
use super::{Access, Presented, page};
use crate::audit::{Door, Occasion, Reason, Transport};
use crate::builder::Gateway;
use crate::http::guard::{door, is_own_page};
use crate::http::refused::Refused;
use crate::http::routes::{self, json_text, refusal};

/// The most bytes of a body here.
const MAX_BODY: usize = 4096;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Login {
    code: Option<String>,
    secret: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Refresh {
    refresh_token: String,
}

/// Returns the routes of this module.
pub(crate) fn router() -> Router<Gateway> {
    Router::new()
        .route("/login", get(page::html))
        .route("/login.js", get(page::script))
        .route("/login.css", get(page::style))
        .route("/auth/login", post(login))
        .route("/auth/refresh", post(refresh))
        .route("/auth/token", post(token))
        .route("/auth/logout", post(logout))
}

async fn login(State(gateway): State<Gateway>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let door = door(Transport::Auth, &head.extensions);
    if let Some(refused) = of_foreign_page(&gateway, &head, door) {
        return refused;
    }
    let login: Login = match read(&head, body).await {
        Ok(login) => login,
        Err(refused) => return refused.answer(&gateway, door),
    };
    let access = &gateway.shared.rpc.access;
    let good = match (&login.code, &login.secret) {
        (Some(code), None) => access.codes.lock().redeem(code, access.clock.now()),
        // The page shows the secret once; from then on the browser has its cookie.
        (None, Some(secret)) => match gateway.shared.admit(Presented::Secret(secret), door) {
            Ok(_) => true,
            Err(refused) => return Refused::from(refused).answer(&gateway, door),
        },
        _ => false,
    };
    if !good {
        return refuse(&gateway, Reason::WrongCredential, door);
    }
    let new = NewGrant {
        name: browser_name(&head.headers),
        grantee: Grantee::Browser,
        scopes: Scopes::ALL,
    };
    match change(&gateway, move |tokens| tokens.grant(new)).await {
        Ok(issued) => {
            gateway.shared.rpc.token_issued(&issued, "login");
            let_in(&gateway, &issued, door);
            signed_in(&gateway, &issued)
        }
        Err(refused) => *refused,
    }
}

async fn refresh(State(gateway): State<Gateway>, request: Request) -> Response {
    let (head, _body) = request.into_parts();
    let door = door(Transport::Auth, &head.extensions);
    if let Some(refused) = of_foreign_page(&gateway, &head, door) {
        return refused;
    }
    let Some(presented) = cookies::value(&head.headers, REFRESH_COOKIE) else {
        return refuse(&gateway, Reason::NoCredential, door);
    };
    let presented = ApiKey::new(presented.to_owned());
    match exchange(&gateway, door, presented, Grantee::Browser).await {
        Ok(issued) => signed_in(&gateway, &issued),
        Err(refused) => *refused,
    }
}

async fn token(State(gateway): State<Gateway>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let door = door(Transport::Auth, &head.extensions);
    let asked: Refresh = match read(&head, body).await {
        Ok(asked) => asked,
        Err(refused) => return refused.answer(&gateway, door),
    };
    let presented = ApiKey::new(asked.refresh_token);
    match exchange(&gateway, door, presented, Grantee::Client).await {
        Ok(issued) => {
            let pair = openclaw_ipc::methods::TokensCreateOutput::from(issued);
            match serde_json::to_string(&pair) {
                Ok(text) => json_text(StatusCode::OK, text),
                Err(err) => {
                    tracing::error!(%err, "a pair of tokens cannot be written as JSON");
                    let err = RpcError::new(Kind::Internal, "the output could not be written");
                    refusal(StatusCode::INTERNAL_SERVER_ERROR, err)
                }
            }
        }
        Err(refused) => *refused,
    }
}

async fn logout(State(gateway): State<Gateway>, request: Request) -> Response {
    let (head, _body) = request.into_parts();
    let door = door(Transport::Auth, &head.extensions);
    if let Some(refused) = of_foreign_page(&gateway, &head, door) {
        return refused;
    }
    let Some(cookie) = cookies::session(&head.headers) else {
        return refuse(&gateway, Reason::NoCredential, door);
    };
    let pass = match gateway.shared.admit(Presented::Cookie(cookie), door) {
        Ok(pass) => pass,
        Err(refused) => return Refused::from(refused).answer(&gateway, door),
    };
    if let Principal::Browser(id) = pass.admitted.principal().clone() {
        let gone = id.clone();
        match change(&gateway, move |tokens| tokens.revoke(&gone)).await {
            Ok(_) => gateway.shared.rpc.token_ended(&id, "logged out"),
            Err(refused) => return *refused,
        }
    }
    let mut response = json_text(StatusCode::OK, json!({ "loggedIn": false }).to_string());
    for (name, path) in [(SESSION_COOKIE, "/"), (REFRESH_COOKIE, REFRESH_PATH)] {
        if let Some(cookie) = cookies::unset(name, path) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

/// Exchanges a refresh token; what is wrong with it is not told.
#[expect(
    clippy::disallowed_methods,
    reason = "it is looked up in the book of tokens"
)]
async fn exchange(
    gateway: &Gateway,
    door: Door,
    presented: ApiKey,
    by: Grantee,
) -> Result<Issued, Box<Response>> {
    let exchanged = change(gateway, move |tokens| {
        Ok(tokens.refresh(presented.expose_secret(), by))
    });
    match exchanged.await? {
        Ok(issued) => {
            let_in(gateway, &issued, door);
            Ok(issued)
        }
        Err(TokenError::Quicker) => {
            let sentence = "another tab of this browser was quicker";
            let refused = Refused::new(StatusCode::CONFLICT, sentence);
            Err(Box::new(refused.answer(gateway, door)))
        }
        Err(err) => {
            if let TokenError::Reused(id) = &err {
                tracing::warn!(%id, "a refresh token was used twice: its grant has ended");
                let reason = "its refresh token was used twice";
                gateway.shared.rpc.token_ended(id, reason);
            }
            Err(Box::new(refuse(gateway, Reason::WrongCredential, door)))
        }
    }
}

/// Puts on record that somebody was let in by what their browser or program has kept.
fn let_in(gateway: &Gateway, issued: &Issued, door: Door) {
    let principal = match issued.grantee {
        Grantee::Client => Principal::Issued(issued.id.clone()),
        Grantee::Browser => Principal::Browser(issued.id.clone()),
    };
    let occasion = Occasion::Allowed(principal, door);
    gateway.shared.rpc.audit.count(occasion);
}

/// Works with the tokens off the async threads: a change waits for the disk.
async fn change<T: Send + 'static>(
    gateway: &Gateway,
    make: impl FnOnce(&Tokens) -> Result<T, TokenError> + Send + 'static,
) -> Result<T, Box<Response>> {
    let made = gateway.shared.rpc.change_tokens(make).await;
    made.map_err(|err| Box::new(refusal(StatusCode::SERVICE_UNAVAILABLE, err)))
}

fn signed_in(gateway: &Gateway, issued: &Issued) -> Response {
    let now = gateway.shared.rpc.access.clock.now();
    let scopes: Vec<_> = issued.scopes.iter().collect();
    let text = json!({
        "loggedIn": true,
        "scopes": scopes,
        "expiresAt": rfc3339(issued.access_until),
    });
    let mut response = json_text(StatusCode::OK, text.to_string());
    let set = [
        cookies::set(
            SESSION_COOKIE,
            "/",
            &issued.access,
            issued.access_until,
            now,
        ),
        cookies::set(
            REFRESH_COOKIE,
            REFRESH_PATH,
            &issued.refresh,
            issued.refresh_until,
            now,
        ),
    ];
    for cookie in set.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Returns what a browser says it is, as far as that makes a name for a list.
fn browser_name(headers: &HeaderMap) -> String {
    const LONGEST: usize = 64;
    let agent = headers
        .get(axum::http::header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or("browser");
    agent
        .chars()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .take(LONGEST)
        .collect()
}

async fn read<T: DeserializeOwned>(head: &Parts, body: Body) -> Result<T, Refused> {
    let text = routes::read(&head.headers, body, MAX_BODY).await?;
    serde_json::from_slice(&text).map_err(|_quotes_the_text| {
        let sentence = "the body is not the JSON object that this address takes";
        Refused::new(StatusCode::BAD_REQUEST, sentence)
    })
}

/// Refuses somebody, and counts it.
fn refuse(gateway: &Gateway, reason: Reason, door: Door) -> Response {
    let rpc = &gateway.shared.rpc;
    let refusal = Access::refuse(reason, door, &rpc.limits, &rpc.audit);
    Refused::from(refusal).answer(gateway, door)
}

/// Refuses a page of somebody else's: it must neither use a browser's cookies nor set any.
fn of_foreign_page(gateway: &Gateway, head: &Parts, door: Door) -> Option<Response> {
    if is_own_page(&head.headers, &head.extensions) {
        return None;
    }
    let rpc = &gateway.shared.rpc;
    rpc.audit
        .count(Occasion::Denied(Reason::ForeignOrigin, door));
    let sentence = "only the gateway's own page logs in and out";
    Some(Refused::new(StatusCode::FORBIDDEN, sentence).answer(gateway, door))
}
