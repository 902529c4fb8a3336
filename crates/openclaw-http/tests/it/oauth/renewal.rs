//! Renewing a sign-in, and giving it back.

use std::sync::Arc;
use std::time::Duration;

use openclaw_core::{ApiKey, Kind};
use openclaw_http::oauth::{Again, OauthError, Revoked};
use openclaw_testkit::identity::{Endpoint, Fault, IdentityServer};
use serde_json::Value;

use super::{assert_discreet, client, connect, given, http, impatient, settings, signed_in, stop};

#[tokio::test]
async fn a_renewed_sign_in_has_both_tokens_new() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    let first = signed_in(&client, &server).await;
    let second = client.renew(&first, &stop()).await.unwrap();
    let text = |token: &Option<Arc<ApiKey>>| token.as_ref().unwrap().expose_secret().to_owned();
    assert!(server.accepts(second.tokens.access.expose_secret()));
    assert_ne!(text(&first.tokens.refresh), text(&second.tokens.refresh));
    assert_eq!(second.tokens.scopes, ["models", "offline_access"]);
    assert_eq!(second.provider.as_str(), "example");
    assert_eq!(second.server, server.issuer());

    // One that is used twice ends the sign-in for both who have it.
    let err = client.renew(&first, &stop()).await.unwrap_err();
    assert!(
        matches!(err, OauthError::SignInAgain(Again::Refused)),
        "{err:?}"
    );
    assert_eq!(
        (err.kind(), err.hint()),
        (Kind::Unauthenticated, Some("sign in again"))
    );
    assert!(!server.accepts(second.tokens.access.expose_secret()));
    assert_discreet(&err, &server);
}

#[tokio::test]
async fn a_refresh_token_that_the_server_leaves_as_it_is_stays() {
    let server = IdentityServer::start();
    server.keep_refresh_tokens();
    server.token_life(Some(Duration::from_mins(1)));
    let client = client(&server).await;
    let first = signed_in(&client, &server).await;
    let second = client.renew(&first, &stop()).await.unwrap();
    let third = client.renew(&second, &stop()).await.unwrap();
    assert_eq!(
        third.tokens.refresh.unwrap().expose_secret(),
        first.tokens.refresh.unwrap().expose_secret()
    );
    assert_eq!(
        third.tokens.expires_at,
        Some("2026-11-23T10:01:00Z".parse().unwrap())
    );
}

#[tokio::test]
async fn a_refresh_token_goes_to_no_other_server_than_the_one_that_gave_it() {
    let (server, other) = (IdentityServer::start(), IdentityServer::start());
    let sign_in = signed_in(&client(&server).await, &server).await;
    let elsewhere = client(&other).await;
    for err in [
        elsewhere
            .renew(&sign_in, &stop())
            .await
            .map(drop)
            .unwrap_err(),
        elsewhere
            .revoke(&sign_in, &stop())
            .await
            .map(drop)
            .unwrap_err(),
    ] {
        assert!(
            matches!(err, OauthError::SignInAgain(Again::OtherServer)),
            "{err:?}"
        );
    }
    assert_eq!(other.seen(), []);
}

#[tokio::test]
async fn without_a_refresh_token_only_the_user_can_go_on() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    let mut sign_in = signed_in(&client, &server).await;
    sign_in.tokens.refresh = None;
    let err = client.renew(&sign_in, &stop()).await.unwrap_err();
    assert!(
        matches!(err, OauthError::SignInAgain(Again::NoRefreshToken)),
        "{err:?}"
    );
    assert_eq!(server.seen().len(), 1, "only the sign-in itself");
}

#[tokio::test]
async fn a_refresh_token_is_sent_once_whatever_happens() {
    for fault in [
        Fault::Silence,
        Fault::HangUp,
        Fault::Status(503),
        Fault::Error("temporarily_unavailable"),
        Fault::Error("invalid_scope"),
        Fault::Body("canary".to_owned()),
    ] {
        let server = IdentityServer::start();
        let client = connect(impatient(), &settings(&server)).await.unwrap();
        let sign_in = signed_in(&client, &server).await;
        server.fail(Endpoint::Token, fault.clone());
        let err = client.renew(&sign_in, &stop()).await.unwrap_err();
        assert_discreet(&err, &server);
        assert!(
            !matches!(err, OauthError::SignInAgain(_)),
            "{fault:?}: it may still be good"
        );
        assert_eq!(server.seen().len(), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn a_sign_in_that_is_given_back_is_good_for_nothing() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    let sign_in = signed_in(&client, &server).await;
    assert_eq!(
        client.revoke(&sign_in, &stop()).await.unwrap(),
        Revoked::Yes
    );
    assert!(!server.accepts(sign_in.tokens.access.expose_secret()));
    let asked = &server.seen()[1];
    assert_eq!(asked.endpoint, Endpoint::Revoke);
    assert_eq!(asked.form["token_type_hint"], "refresh_token");
    // Once more is no error.
    assert_eq!(
        client.revoke(&sign_in, &stop()).await.unwrap(),
        Revoked::Yes
    );
}

#[tokio::test]
async fn a_server_that_takes_nothing_back_is_not_asked() {
    let server = IdentityServer::start();
    server.metadata("revocation_endpoint", Value::Null);
    let client = client(&server).await;
    let sign_in = signed_in(&client, &server).await;
    assert_eq!(
        client.revoke(&sign_in, &stop()).await.unwrap(),
        Revoked::NotOffered
    );

    let mut settings = settings(&server);
    settings.endpoints = Some(given(&server));
    let client = connect(http(), &settings).await.unwrap();
    assert_eq!(
        client.revoke(&sign_in, &stop()).await.unwrap(),
        Revoked::NotOffered
    );
    assert_eq!(server.seen().len(), 1);
}
