//! The sign-in by a code on another device.

use std::time::Duration;

use openclaw_http::oauth::{Asked, DeviceLogin, OauthError, Odd};
use openclaw_testkit::identity::{Endpoint, Fault, IdentityServer};
use serde_json::{Value, json};

use super::{assert_discreet, client, connect, given, impatient, settings, stop};

async fn wait(login: &mut DeviceLogin<'_>) -> u64 {
    match login.ask(&stop()).await {
        Ok(Asked::Wait(wait)) => wait.as_secs(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_code_that_is_typed_in_elsewhere_signs_in() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    let stop = stop();
    let login = client.on_device(&stop).await.unwrap();
    assert_eq!(login.user_code(), "WDJB-0001");
    assert_eq!(login.page(), format!("{}/type-it-in", server.issuer()));
    assert!(
        login
            .page_with_code()
            .unwrap()
            .ends_with("?user_code=WDJB-0001")
    );
    let typed = async {
        server.asked(2).await;
        server.approve("WDJB-0001");
    };
    let (tokens, ()) = tokio::join!(login.finish(&stop), typed);
    assert!(server.accepts(tokens.unwrap().access.expose_secret()));
}

#[tokio::test]
async fn a_server_that_is_asked_too_often_is_asked_more_slowly_from_then_on() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    let mut login = client.on_device(&stop()).await.unwrap();
    assert_eq!(login.interval(), Duration::from_secs(1));
    assert_eq!(wait(&mut login).await, 1);
    server.fail(Endpoint::Token, Fault::Error("slow_down"));
    assert_eq!(wait(&mut login).await, 6);
    assert_eq!(wait(&mut login).await, 6);
    // Some servers say it with a status of success.
    server.fail(Endpoint::Token, Fault::ErrorWithSuccess("slow_down"));
    assert_eq!(wait(&mut login).await, 11);
    server.fail(
        Endpoint::Token,
        Fault::ErrorWithSuccess("authorization_pending"),
    );
    assert_eq!(wait(&mut login).await, 11);
    for _ in 0..20 {
        server.fail(Endpoint::Token, Fault::Error("slow_down"));
        wait(&mut login).await;
    }
    assert_eq!(wait(&mut login).await, 60, "a minute at most");
}

#[tokio::test]
async fn a_server_that_is_away_for_a_moment_does_not_end_the_sign_in() {
    let server = IdentityServer::start();
    let client = connect(impatient(), &settings(&server)).await.unwrap();
    let mut login = client.on_device(&stop()).await.unwrap();
    server.fail(Endpoint::Token, Fault::Silence);
    assert_eq!(wait(&mut login).await, 2);
    server.fail(Endpoint::Token, Fault::Status(503));
    assert_eq!(wait(&mut login).await, 4);
    server.approve(login.user_code());
    let Asked::Done(tokens) = login.ask(&stop()).await.unwrap() else {
        panic!("not signed in");
    };
    assert!(server.accepts(tokens.access.expose_secret()));
}

#[tokio::test]
async fn a_no_and_a_code_that_has_run_out_end_it() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    let mut login = client.on_device(&stop()).await.unwrap();
    server.deny(login.user_code());
    let err = login.ask(&stop()).await.unwrap_err();
    assert!(matches!(err, OauthError::Declined), "{err:?}");

    let mut login = client.on_device(&stop()).await.unwrap();
    server.fail(Endpoint::Token, Fault::Error("expired_token"));
    let err = login.ask(&stop()).await.unwrap_err();
    assert!(matches!(err, OauthError::TooLate), "{err:?}");

    let mut login = client.on_device(&stop()).await.unwrap();
    server.fail(Endpoint::Token, Fault::Error("invalid_client"));
    let err = login.ask(&stop()).await.unwrap_err();
    assert_discreet(&err, &server);
    assert_eq!(
        err.to_string(),
        format!("{}/token refused: invalid_client", server.issuer())
    );
}

fn begun(member: &str, value: Value) -> Fault {
    let mut begun = json!({ "device_code": "d", "user_code": "ABCD", "expires_in": 600,
        "verification_uri": "http://127.0.0.1/page" });
    begun[member] = value;
    begun
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    Fault::Body(begun.to_string())
}

#[tokio::test]
async fn what_is_shown_to_the_user_cannot_drive_the_terminal_or_lead_into_the_open() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    for (member, value) in [
        ("user_code", json!("AB\u{1b}[2JCD")),
        ("user_code", json!("AB\nCD")),
        ("user_code", json!("")),
        ("user_code", json!("A".repeat(65))),
        ("user_code", Value::Null),
        ("device_code", json!("d\u{0}")),
        ("device_code", Value::Null),
        ("verification_uri", json!("http://phish.example/")),
        ("verification_uri", json!("javascript:alert(1)")),
        ("verification_uri", json!("https://me:pw@id.example/")),
        ("verification_uri", Value::Null),
        ("verification_uri_complete", json!("file:///etc/passwd")),
        ("expires_in", Value::Null),
        ("expires_in", json!(-1)),
        ("interval", json!("often")),
    ] {
        server.fail(Endpoint::Device, begun(member, value.clone()));
        let err = client.on_device(&stop()).await.unwrap_err();
        assert_discreet(&err, &server);
        assert!(
            !format!("{err} {err:?}").contains('\u{1b}'),
            "{member} {value}"
        );
    }
}

#[tokio::test]
async fn waits_of_any_size_become_sensible_ones() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    for (interval, seconds) in [
        (Value::Null, 5),
        (json!(0), 1),
        (json!("3"), 3),
        (json!(1e12), 60),
    ] {
        server.fail(Endpoint::Device, begun("interval", interval));
        let login = client.on_device(&stop()).await.unwrap();
        assert_eq!(login.interval().as_secs(), seconds);
    }
    server.fail(Endpoint::Device, begun("expires_in", json!(0)));
    let mut login = client.on_device(&stop()).await.unwrap();
    let err = login.ask(&stop()).await.unwrap_err();
    assert!(matches!(err, OauthError::TooLate), "{err:?}");
}

#[tokio::test]
async fn a_wait_ends_at_once_when_it_is_stopped() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    let stop = stop();
    let login = client.on_device(&stop).await.unwrap();
    stop.cancel();
    let err = login.finish(&stop).await.unwrap_err();
    assert!(matches!(err, OauthError::Cancelled), "{err:?}");
}

#[tokio::test]
async fn a_server_without_device_codes_is_said_to_have_none() {
    let server = IdentityServer::start();
    let mut settings = settings(&server);
    settings.endpoints = Some(openclaw_http::oauth::Given {
        device: None,
        ..given(&server)
    });
    let client = connect(impatient(), &settings).await.unwrap();
    let err = client.on_device(&stop()).await.unwrap_err();
    assert_eq!(
        err.to_string(),
        "the server has no device authorization endpoint"
    );
    assert_eq!(server.seen(), []);

    server.fail(Endpoint::Device, Fault::Body("{}".to_owned()));
    let client = super::client(&server).await;
    let err = client.on_device(&stop()).await.unwrap_err();
    assert!(
        matches!(
            err,
            OauthError::Odd {
                odd: Odd::Missing("verification_uri"),
                ..
            }
        ),
        "{err:?}"
    );
}
