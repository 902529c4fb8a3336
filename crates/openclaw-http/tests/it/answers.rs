//! Answers that are too long, compressed or from a proxy, and documents that are read whole.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use openclaw_core::{ApiKey, Kind};
use openclaw_http::{
    Body, GetJson, HttpClient, HttpError, Network, PostJson, Proxy, Retry, Url, header,
};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::server::Server;
use crate::{post, request, short, text};

async fn get(url: &str, limit: usize) -> Result<Vec<u8>, HttpError> {
    let request = GetJson::new(url)
        .unwrap()
        .secret_header(header::AUTHORIZATION, "Bearer ", &ApiKey::new("sk".into()))
        .unwrap()
        .retry(Retry::NEVER);
    let client = HttpClient::new(short());
    client
        .get_json(request, limit, &CancellationToken::new())
        .await
}

/// A server that answers with a body that has no end, until the client hangs up.
fn endless(head: &'static str) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serve = tokio::task::spawn_blocking(move || {
        let mut stream = listener.accept().unwrap().0;
        assert_ne!(stream.read(&mut [0; 16 * 1024]).unwrap(), 0);
        stream.write_all(head.as_bytes()).unwrap();
        while stream.write_all(&[b'x'; 16 * 1024]).is_ok() {}
    });
    (url, serve)
}

#[tokio::test]
async fn a_document_is_read_whole_up_to_the_caller_s_limit() {
    const LIST: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n4\r\n[1,2\r\n3\r\n,3]\r\n0\r\n\r\n";
    let server = Server::start([LIST, LIST]);
    assert_eq!(get(&server.url("/v1/models"), 7).await.unwrap(), b"[1,2,3]");
    let error = get(&server.url("/v1/models"), 6).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the answer of {} has more than 6 bytes",
            server.url("/v1/models")
        )
    );
    assert_eq!(error.kind(), Kind::Unavailable);
    let seen = server.requests();
    assert!(seen[0].starts_with("GET /v1/models HTTP/1.1\r\n"));
    for line in ["accept: application/json", "authorization: Bearer sk"] {
        assert!(seen[0].contains(&format!("\r\n{line}\r\n")), "{}", seen[0]);
    }
}

#[tokio::test]
async fn a_document_without_an_end_is_not_held_in_memory() {
    let (url, hung_up) = endless("HTTP/1.1 200 OK\r\n\r\n");
    let error = get(&url, 1024 * 1024).await.unwrap_err();
    assert!(matches!(error, HttpError::TooLarge { .. }), "{error:?}");
    hung_up.await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_compressed_is_refused_and_never_handed_on() {
    for (encoding, named) in [
        ("content-encoding: gzip", "gzip"),
        ("Content-Encoding: br, identity", "br, identity"),
        (
            "content-encoding: identity\r\ncontent-encoding: zstd",
            "zstd",
        ),
        ("transfer-encoding: gzip, chunked", "gzip, chunked"),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{encoding}\r\nconnection: close\r\n\r\n");
        let answer = format!("{head}5\r\n\u{1f}boom\r\n0\r\n\r\n");
        let server = Server::start([answer.leak()]);
        let error = post(short(), request(&server)).await.unwrap_err();
        assert!(
            matches!(&error, HttpError::Encoded { encoding, .. } if encoding == named),
            "{error:?}"
        );
        assert!(error.hint().is_some());
        assert!(!error.is_temporary());
        assert!(!server.requests()[0].contains("accept-encoding"));
    }
}

#[tokio::test]
async fn a_refusal_that_is_compressed_is_told_without_its_words() {
    let server = Server::start([
        "HTTP/1.1 401 No\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\nsqueezed",
    ]);
    let error = post(short(), request(&server)).await.unwrap_err();
    let HttpError::Status {
        status,
        body_excerpt,
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((status, body_excerpt.as_str()), (401, ""));
}

#[tokio::test]
async fn an_answer_that_says_it_is_plain_is_taken_as_it_is() {
    let server = Server::start([
        "HTTP/1.1 200 OK\r\ncontent-encoding: Identity\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
    ]);
    let body = post(short(), request(&server)).await.unwrap();
    assert_eq!(text(body).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_refusal_without_an_end_is_cut() {
    let (url, hung_up) = endless("HTTP/1.1 403 No\r\n\r\n");
    let error = post(short(), PostJson::new(&url, &json!({})).unwrap()).await;
    let Err(HttpError::Status { body_excerpt, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(body_excerpt.len(), 8 * 1024);
    hung_up.await.unwrap();
}

async fn through(proxy: Proxy, url: &str) -> Result<Body, HttpError> {
    let network = Network {
        proxy,
        ..Network::default()
    };
    let request = PostJson::new(url, &json!({})).unwrap().retry(Retry::NEVER);
    HttpClient::with_network(short(), network)
        .post_json(request, &CancellationToken::new())
        .await
}

#[tokio::test]
async fn a_proxy_in_the_settings_is_used_with_its_credentials() {
    let proxy = Server::start([crate::HELLO]);
    let at = proxy.url("").replace("http://", "http://me:pass%20word@");
    let body = through(Proxy::at(&at).unwrap(), "http://api.example/v1").await;
    assert_eq!(text(body.unwrap()).await.unwrap(), "hello");
    let seen = proxy.requests();
    assert!(seen[0].starts_with("POST http://api.example/v1 HTTP/1.1\r\n"));
    // This is `me:pass word`.
    assert!(
        seen[0].contains("\r\nproxy-authorization: Basic bWU6cGFzcyB3b3Jk\r\n"),
        "{}",
        seen[0]
    );
}

#[tokio::test]
async fn this_machine_is_never_spoken_to_through_a_proxy() {
    let server = Server::start([crate::HELLO]);
    let nobody = Url::parse("http://127.0.0.1:1").unwrap();
    let key = Some(Arc::new(ApiKey::new("me:secret".into())));
    let body = through(Proxy::Url(nobody, key), &server.url("/v1")).await;
    assert_eq!(text(body.unwrap()).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_proxy_that_is_down_is_named_without_its_password() {
    let nobody = Proxy::at("http://me:secret@127.0.0.1:1").unwrap();
    for scheme in ["http", "https"] {
        let url = format!("{scheme}://model.invalid/v1");
        let error = through(nobody.clone(), &url).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("no connection to {url} through the proxy http://127.0.0.1:1")
        );
        assert!(error.hint().unwrap().contains("check that the proxy runs"));
        assert!(error.is_temporary());
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_wants_other_credentials_is_asked_once() {
    for scheme in ["http", "https"] {
        let proxy = Server::start([
            "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ]);
        let network = Network {
            proxy: Proxy::at(&proxy.url("")).unwrap(),
            ..Network::default()
        };
        let url = format!("{scheme}://model.invalid/v1");
        let error = HttpClient::with_network(short(), network)
            .post_json(
                PostJson::new(&url, &json!({})).unwrap(),
                &CancellationToken::new(),
            )
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the proxy {} on the way to {url} wants other credentials",
                proxy.url("")
            )
        );
        assert!(error.hint().unwrap().contains("user and password"));
        assert_eq!(proxy.requests().len(), 1);
    }
}
