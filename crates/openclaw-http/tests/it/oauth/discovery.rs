//! Finding the endpoints of a server.

use openclaw_http::oauth::{OauthError, Odd};
use openclaw_testkit::identity::{Endpoint, Fault, IdentityServer, Redirect};
use serde_json::{Value, json};

use super::{browse, connect, given, http, impatient, settings};
use crate::server::Server;

#[tokio::test]
async fn metadata_that_would_mislead_is_refused() {
    for (member, value, expected) in [
        ("issuer", json!("https://other.example"), "another issuer"),
        ("issuer", Value::Null, "another issuer"),
        ("token_endpoint", Value::Null, "it has no `token_endpoint`"),
        (
            "token_endpoint",
            json!("http://elsewhere.example/token"),
            "is not https",
        ),
        ("token_endpoint", json!(7), "not as OAuth specifies it"),
        (
            "authorization_endpoint",
            json!("http://elsewhere.example/"),
            "is not https",
        ),
        (
            "authorization_endpoint",
            json!("javascript:alert(1)"),
            "is not a URL",
        ),
        (
            "device_authorization_endpoint",
            json!("https://u:p@id.example/"),
            "is not a URL",
        ),
        (
            "revocation_endpoint",
            json!("http://10.0.0.1/"),
            "is not https",
        ),
    ] {
        let server = IdentityServer::start();
        server.metadata(member, value.clone());
        let err = connect(http(), &settings(&server)).await.unwrap_err();
        assert!(
            err.to_string().contains(expected),
            "{member} {value}: {err}"
        );
    }
}

#[tokio::test]
async fn a_server_that_says_it_has_only_plain_pkce_gets_no_browser() {
    let server = IdentityServer::start();
    server.metadata("code_challenge_methods_supported", json!(["plain"]));
    let client = connect(http(), &settings(&server)).await.unwrap();
    let err = client.in_browser().await.unwrap_err();
    assert!(
        matches!(
            err,
            OauthError::Odd {
                odd: Odd::NoPkce,
                ..
            }
        ),
        "{err:?}"
    );
    assert!(client.on_device(&super::stop()).await.is_ok());
}

#[tokio::test]
async fn metadata_is_also_found_where_openid_connect_has_it() {
    // The identity server answers 404 to the second place, so a fault in the first one shows there.
    let server = IdentityServer::start();
    server.fail(Endpoint::Metadata, Fault::Status(404));
    let err = connect(impatient(), &settings(&server)).await.unwrap_err();
    assert_eq!(
        err.to_string(),
        format!(
            "{}/.well-known/openid-configuration answered with status 404",
            server.issuer()
        )
    );

    let found = Server::start([
        "HTTP/1.1 404 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
    ]);
    let mut settings = settings(&server);
    settings.issuer = Some(found.url("/tenant"));
    let err = connect(impatient(), &settings).await.unwrap_err();
    assert!(
        matches!(
            err,
            OauthError::Odd {
                odd: Odd::OtherIssuer,
                ..
            }
        ),
        "{err:?}"
    );
    let places: Vec<String> = found
        .requests()
        .iter()
        .map(|request| request.lines().next().unwrap().to_owned())
        .collect();
    assert_eq!(
        places,
        [
            "GET /.well-known/oauth-authorization-server/tenant HTTP/1.1",
            "GET /tenant/.well-known/openid-configuration HTTP/1.1",
        ]
    );
}

#[tokio::test]
async fn settings_that_would_send_secrets_in_the_open_are_refused_before_anything_is_sent() {
    let server = IdentityServer::start();
    for issuer in [
        "http://id.example",
        "ftp://id.example",
        "id.example",
        "https://id.example/?a=b",
    ] {
        let mut settings = settings(&server);
        settings.issuer = Some(issuer.to_owned());
        let err = connect(http(), &settings).await.unwrap_err();
        assert_eq!(
            err.hint(),
            Some("correct `oauth` in openclaw-rs.json5"),
            "{issuer}: {err}"
        );
    }
    let mut settings = settings(&server);
    settings.endpoints = Some(given(&server));
    settings.endpoints.as_mut().unwrap().token = "http://id.example/token".to_owned();
    let err = connect(http(), &settings).await.unwrap_err();
    assert!(
        matches!(
            err,
            OauthError::Insecure {
                setting: "tokenEndpoint",
                ..
            }
        ),
        "{err:?}"
    );
    settings.endpoints = None;
    settings.issuer = None;
    let err = connect(http(), &settings).await.unwrap_err();
    assert!(matches!(err, OauthError::NoServer), "{err:?}");
}

#[tokio::test]
async fn endpoints_that_are_given_need_no_metadata() {
    let server = IdentityServer::start();
    server.fail(Endpoint::Metadata, Fault::Status(500));
    let mut settings = settings(&server);
    settings.endpoints = Some(given(&server));
    let client = connect(http(), &settings).await.unwrap();
    assert!(browse(&client, &server).await.is_ok());
    // The issuer, where it is known, is compared all the same.
    server.redirect(Redirect::OtherIssuer);
    let err = browse(&client, &server).await.unwrap_err();
    assert!(
        matches!(
            err,
            OauthError::Odd {
                odd: Odd::MixedUp,
                ..
            }
        ),
        "{err:?}"
    );
    // A server that was given by its endpoints need not name itself.
    server.redirect(Redirect::NoIssuer);
    assert!(browse(&client, &server).await.is_ok());
}
