//! The sign-in in a browser.

use std::time::Duration;

use openclaw_http::HttpError;
use openclaw_http::oauth::{ErrorCode, LOGIN_TIME, OauthError, Odd};
use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::identity::{Endpoint, Fault, IdentityServer, Redirect};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use url::Url;

use super::{assert_discreet, browse, client, connect, impatient, settings, stop};

#[tokio::test]
async fn a_browser_brings_a_code_that_only_the_one_who_began_can_use() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    let tokens = browse(&client, &server).await.unwrap();
    assert!(server.accepts(tokens.access.expose_secret()));
    assert!(tokens.refresh.is_some());
    assert_eq!(
        tokens.expires_at,
        Some("2026-11-23T11:00:00Z".parse().unwrap())
    );
    assert_eq!(tokens.scopes, ["models", "offline_access"]);

    let seen = server.seen();
    let names: Vec<&str> = seen[0].form.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "client_id",
            "code",
            "code_verifier",
            "grant_type",
            "redirect_uri"
        ]
    );
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn the_url_holds_the_challenge_and_the_state_and_nothing_to_have_a_token_for() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    let login = client.in_browser().await.unwrap();
    let url = Url::parse(login.url()).unwrap();
    let names: Vec<String> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    assert_eq!(
        names,
        [
            "tenant",
            "response_type",
            "client_id",
            "redirect_uri",
            "state",
            "code_challenge",
            "code_challenge_method",
            "scope"
        ]
    );
    let shown = openclaw_core::redaction::mask(login.url());
    assert_eq!(shown, login.url(), "a masked URL would lead nowhere");
    let (url, stop) = (login.url().to_owned(), stop());
    let (done, _) = tokio::join!(login.finish(LOGIN_TIME, &stop), server.browse(&url));
    done.unwrap();
    assert!(!url.contains(&server.seen()[0].form["code_verifier"]));
}

#[tokio::test]
async fn a_redirect_that_is_not_what_it_should_be_ends_the_sign_in_without_a_code_being_used() {
    for (redirect, expected) in [
        (Redirect::OtherIssuer, Odd::MixedUp),
        (Redirect::NoIssuer, Odd::NoIssuer),
        (Redirect::TwoCodes, Odd::NotAsSpecified),
    ] {
        let server = IdentityServer::start();
        server.redirect(redirect);
        let err = browse(&client(&server).await, &server).await.unwrap_err();
        assert!(
            matches!(&err, OauthError::Odd { odd, .. } if *odd == expected),
            "{redirect:?}: {err:?}"
        );
        assert_eq!(server.seen(), []);
    }
}

#[tokio::test]
async fn a_no_is_told_apart_from_a_failure_and_the_servers_words_are_not_kept() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    server.redirect(Redirect::Error("access_denied"));
    let err = browse(&client, &server).await.unwrap_err();
    assert!(matches!(err, OauthError::Declined), "{err:?}");
    for (error, code) in [
        ("temporarily_unavailable", ErrorCode::TemporarilyUnavailable),
        ("\u{1b}[2Jinvented", ErrorCode::Other),
    ] {
        server.redirect(Redirect::Error(error));
        let err = browse(&client, &server).await.unwrap_err();
        assert!(
            matches!(&err, OauthError::Refused { code: got, .. } if *got == code),
            "{err:?}"
        );
        assert!(!format!("{err} {err:?}").contains('\u{1b}'));
    }
}

#[tokio::test]
async fn guesses_and_silent_visitors_do_not_keep_the_true_redirect_out() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    let login = client.in_browser().await.unwrap();
    let url = Url::parse(login.url()).unwrap();
    let landing = url.query_pairs().find(|(name, _)| name == "redirect_uri");
    let landing = Url::parse(&landing.unwrap().1).unwrap();
    let addr = landing.socket_addrs(|| None).unwrap()[0];
    let visits = async {
        let mut silent = Vec::new();
        for _ in 0..8 {
            silent.push(TcpStream::connect(addr).await.unwrap());
        }
        // Half a request, and one whose head never ends.
        silent[0].write_all(b"GET /callback?state=").await.unwrap();
        silent[1].write_all(&vec![b'x'; 40_000]).await.unwrap();
        let guessed = "/callback?code=stolen&state=<script>alert(1)</script>";
        for target in ["/favicon.ico", "/", "/callback", guessed] {
            let answer = HttpRequest::get(target).send(addr).await.unwrap();
            assert_eq!(answer.status, 404);
            assert!(!answer.text().contains("script"), "nothing is echoed");
            let policy = answer.header("content-security-policy").unwrap();
            assert!(policy.contains("default-src 'none'"));
        }
        server.redirect(Redirect::WrongState);
        let wrong = server.browse(url.as_str()).await;
        assert_eq!(wrong.status, 404);
        server.redirect(Redirect::Right);
        let back = server.visit(url.as_str()).await;
        let back = Url::parse(&back).unwrap();
        let target = format!("{}?{}", back.path(), back.query().unwrap());
        // As a name that was made to lead here would have it.
        let rebound = HttpRequest::new("GET", &target).header("host", "evil.example");
        assert_eq!(rebound.send(addr).await.unwrap().status, 404);
        let page = HttpRequest::get(&target).send(addr).await.unwrap();
        assert_eq!(page.status, 200);
        for secret in server.secrets() {
            assert!(!page.text().contains(&secret));
        }
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        drop(silent);
        (addr, target)
    };
    let stop = stop();
    let (tokens, (addr, target)) = tokio::join!(login.finish(LOGIN_TIME, &stop), visits);
    assert!(server.accepts(tokens.unwrap().access.expose_secret()));
    // Nobody listens any more for a second one.
    assert!(HttpRequest::get(target).send(addr).await.is_err());
}

#[tokio::test]
async fn the_waiting_ends_by_time_and_by_a_stop_and_the_port_is_free_again() {
    let server = IdentityServer::start();
    let client = client(&server).await;
    let login = client.in_browser().await.unwrap();
    let soon = Duration::from_millis(20);
    let err = login.finish(soon, &stop()).await.unwrap_err();
    assert!(matches!(err, OauthError::TooLate), "{err:?}");

    let login = client.in_browser().await.unwrap();
    let stopped = stop();
    stopped.cancel();
    let err = login.finish(LOGIN_TIME, &stopped).await.unwrap_err();
    assert!(matches!(err, OauthError::Cancelled), "{err:?}");
}

#[tokio::test]
async fn whatever_the_token_endpoint_answers_it_is_asked_once_and_not_quoted() {
    for fault in [
        Fault::Error("invalid_grant"),
        Fault::Error("invalid_client"),
        Fault::Error("canary-invented"),
        Fault::ErrorWithSuccess("invalid_request"),
        Fault::Status(307),
        Fault::Status(401),
        Fault::Status(500),
        Fault::Status(503),
        Fault::Body(String::new()),
        Fault::Body("you sent everything".to_owned()),
        Fault::Body("[1]".to_owned()),
        Fault::Body("{\"access_token\":".to_owned()),
        Fault::Body(format!("\"{}\"", "x".repeat(300_000))),
        Fault::Body("[".repeat(100_000)),
        Fault::Silence,
        Fault::HangUp,
    ] {
        let server = IdentityServer::start();
        let client = connect(impatient(), &settings(&server)).await.unwrap();
        server.fail(Endpoint::Token, fault.clone());
        let err = browse(&client, &server).await.unwrap_err();
        assert_discreet(&err, &server);
        assert!(!format!("{err:?}").contains("canary"), "{err:?}");
        assert_eq!(
            server.seen().len(),
            1,
            "{fault:?}: a code is good for one try"
        );
        if fault == Fault::Silence {
            assert!(
                matches!(err, OauthError::Http(HttpError::Timeout { .. })),
                "{err:?}"
            );
        }
    }
}
