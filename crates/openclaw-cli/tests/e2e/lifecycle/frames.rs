//! HTTP/2: over TLS, and in the clear for those who know.

use std::time::Duration;

use h2::client::SendRequest;
use http::{Request, StatusCode, Version};
use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{bearer, tls};
use crate::OPENCLAW;

/// Shakes hands; the connection works in a task of its own.
async fn frames(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> (SendRequest<bytes::Bytes>, tokio::task::JoinHandle<()>) {
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let working = tokio::spawn(async move { drop(connection.await) });
    (client.ready().await.unwrap(), working)
}

fn get(uri: String, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::get(uri).version(Version::HTTP_2);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

async fn status(client: &SendRequest<bytes::Bytes>, request: Request<()>) -> StatusCode {
    let mut client = client.clone().ready().await.unwrap();
    let (answer, _) = client.send_request(request, true).unwrap();
    answer.await.unwrap().status()
}

#[tokio::test]
async fn the_same_rules_hold_over_http_2() {
    let home = TestHome::new();
    home.lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let stream = TcpStream::connect(gateway.addr()).await.unwrap();
    let (client, _working) = frames(stream).await;
    let (at, bearer) = (gateway.addr(), bearer(&gateway));
    let good = ("authorization", &*bearer);
    for (uri, headers, wanted) in [
        (format!("http://{at}/health"), &[][..], 200),
        (format!("http://{at}/status"), &[], 401),
        (format!("http://{at}/status"), &[good], 200),
        (
            format!("http://{at}/status"),
            &[good, ("origin", "http://evil.example")],
            403,
        ),
        (
            format!("http://{at}/status"),
            &[good, ("host", "evil.example")],
            400,
        ),
        ("http://evil.example/status".to_owned(), &[good], 421),
        (format!("http://{at}/ws"), &[good], 426),
    ] {
        let answered = status(&client, get(uri.clone(), headers)).await;
        assert_eq!(answered.as_u16(), wanted, "{uri} {headers:?}");
    }
}

#[tokio::test]
async fn it_is_agreed_on_over_tls() {
    let home = TestHome::new();
    home.write_config(&json!({ "gateway": { "tls": { "enabled": true } } }).to_string());
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let certificate = home.state_dir().root().join("gateway/tls/gateway-cert.pem");
    let stream = tls::connect(&gateway, &certificate, &[b"h2", b"http/1.1"])
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (client, _working) = frames(stream).await;
    let (port, bearer) = (gateway.addr().port(), bearer(&gateway));
    let own = format!("https://localhost:{port}");
    let headers = [("authorization", &*bearer), ("origin", &*own)];
    let answered = status(&client, get(format!("{own}/status"), &headers)).await;
    assert_eq!(answered, StatusCode::OK);
}

#[tokio::test]
async fn requests_of_one_connection_do_not_wait_for_each_other() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.reply(Reply::text("at last").hold_after(0));
    home.use_provider(&provider, WireFormat::Anthropic);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let stream = TcpStream::connect(gateway.addr()).await.unwrap();
    let (mut client, _working) = frames(stream).await;
    let params = json!({ "sessionKey": "agent:main:main", "content": "hi" });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "session.message", "params": params });
    let request = Request::post(format!("http://{}/rpc", gateway.addr()))
        .header("content-type", "application/json")
        .header("authorization", bearer(&gateway))
        .body(())
        .unwrap();
    let (slow, mut body) = client.send_request(request, false).unwrap();
    body.send_data(call.to_string().into(), true).unwrap();
    provider.wait_for_holds(1).await;
    let health = get(format!("http://{}/health", gateway.addr()), &[]);
    assert_eq!(status(&client, health).await, StatusCode::OK);
    provider.release();
    let mut answer = slow.await.unwrap();
    let said = answer.body_mut().data().await.unwrap().unwrap();
    assert!(said.windows(7).any(|part| part == b"at last"), "{said:?}");
}

#[tokio::test]
async fn a_flood_of_requests_that_are_taken_back_ends_the_connection() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let stream = TcpStream::connect(gateway.addr()).await.unwrap();
    let (client, working) = frames(stream).await;
    let flood = async {
        for _ in 0..10_000 {
            let Ok(mut next) = client.clone().ready().await else {
                return;
            };
            // Its body never comes, so that it is under way when it is taken back.
            let request = Request::post(format!("http://{}/login", gateway.addr()));
            let request = request
                .header("content-type", "application/json")
                .body(())
                .unwrap();
            let Ok((_, mut body)) = next.send_request(request, false) else {
                return;
            };
            body.send_reset(h2::Reason::CANCEL);
            tokio::task::yield_now().await;
        }
        panic!("ten thousand requests were taken back");
    };
    timeout(Duration::from_mins(1), flood).await.unwrap();
    working.await.unwrap();
    let answer = openclaw_testkit::http::HttpRequest::get("/health");
    assert_eq!(answer.send(gateway.addr()).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let stream = TcpStream::connect(gateway.addr()).await.unwrap();
    let (client, _working) = frames(stream).await;
    let large = "x".repeat(60_000);
    let request = get(
        format!("http://{}/health", gateway.addr()),
        &[("x-large", &large)],
    );
    let mut next = client.clone().ready().await.unwrap();
    let (answer, _) = next.send_request(request, true).unwrap();
    match answer.await {
        Ok(answer) => assert_eq!(answer.status().as_u16(), 431),
        Err(err) => assert!(err.is_reset() || err.is_go_away() || err.is_io(), "{err}"),
    }
}

#[tokio::test]
async fn the_first_bytes_may_come_one_by_one() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    for (first, wanted) in [
        // Looks like a preface, and is none.
        ("PRI * HTTP/1.1\r\nhost: localhost\r\n\r\n", "HTTP/1.1 "),
        (
            "PUT /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
            "HTTP/1.1 405",
        ),
    ] {
        let mut stream = TcpStream::connect(gateway.addr()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for byte in first.as_bytes() {
            stream.write_all(&[*byte]).await.unwrap();
        }
        let mut answer = [0; 64];
        let read = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with(wanted), "{first:?}: {answer}");
    }
}
