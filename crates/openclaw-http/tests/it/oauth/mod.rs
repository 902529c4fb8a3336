//! Signing in at the identity server of the test kit, and at ones that do not behave.

mod browser;
mod device;
mod discovery;
mod renewal;

use std::time::Duration;

use openclaw_core::{Clock, ProviderId};
use openclaw_http::oauth::{Client, Given, LOGIN_TIME, OauthError, Settings, SignIn, Tokens};
use openclaw_http::{HttpClient, Timeouts};
use openclaw_testkit::IdentityServer;
use openclaw_testkit::identity::CLIENT_ID;
use tokio_util::sync::CancellationToken;

const NOW: &str = "2026-11-23T10:00:00Z";

fn http() -> HttpClient {
    HttpClient::new(Timeouts {
        connect: Duration::from_secs(5),
        first_byte: Duration::from_secs(5),
        idle: Duration::from_secs(5),
        total: Duration::from_secs(20),
    })
}

/// A client that gives up at once on a server that says nothing.
fn impatient() -> HttpClient {
    HttpClient::new(Timeouts {
        connect: Duration::from_secs(5),
        first_byte: Duration::from_millis(50),
        idle: Duration::from_millis(50),
        total: Duration::from_secs(5),
    })
}

fn settings(server: &IdentityServer) -> Settings {
    Settings {
        issuer: Some(server.issuer()),
        endpoints: None,
        client_id: CLIENT_ID.to_owned(),
        scopes: vec!["models".to_owned(), "offline_access".to_owned()],
    }
}

fn stop() -> CancellationToken {
    CancellationToken::new()
}

async fn connect(http: HttpClient, settings: &Settings) -> Result<Client, OauthError> {
    let client = Client::connect(http, settings, &stop()).await?;
    Ok(client.with_clock(Clock::fixed(NOW.parse().unwrap())))
}

async fn client(server: &IdentityServer) -> Client {
    connect(http(), &settings(server)).await.unwrap()
}

/// Signs in by a browser whose user says yes.
async fn browse(client: &Client, server: &IdentityServer) -> Result<Tokens, OauthError> {
    let login = client.in_browser().await?;
    let url = login.url().to_owned();
    let stop = stop();
    let (tokens, _page) = tokio::join!(login.finish(LOGIN_TIME, &stop), server.browse(&url));
    tokens
}

async fn signed_in(client: &Client, server: &IdentityServer) -> SignIn {
    let tokens = browse(client, server).await.unwrap();
    client.signed_in(ProviderId::from("example"), tokens)
}

/// Fails if an error shows anything that the server gave out or was sent in confidence.
#[track_caller]
fn assert_discreet(err: &OauthError, server: &IdentityServer) {
    let mut shown = vec![format!("{err} {err:?} {:?}", err.hint())];
    let mut cause = std::error::Error::source(err);
    while let Some(source) = cause {
        shown.push(format!("{source} {source:?}"));
        cause = source.source();
    }
    let shown = shown.join(" ");
    for secret in server.secrets() {
        assert!(!shown.contains(&secret), "{secret} in {shown}");
    }
    assert!(!shown.contains("you sent"), "{shown}");
}

fn given(server: &IdentityServer) -> Given {
    let at = |path: &str| Some(format!("{}{path}", server.issuer()));
    Given {
        authorization: at("/authorize?tenant=1"),
        token: at("/token").unwrap(),
        device: at("/device"),
        revocation: None,
    }
}
