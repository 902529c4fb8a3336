//! Requests for `http://` URLs, passed on.

use super::*;

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive, x-hop\r\n\
                     keep-alive: timeout=5\r\nx-hop: 1\r\nproxy-authenticate: Basic\r\nx-kept: 1\r\n\r\nhello";

#[tokio::test]
async fn a_request_arrives_in_origin_form_without_what_is_for_the_proxy() {
    let (address, seen) = web(HELLO).await;
    let proxy = Setup::private(&[&address]).start();
    let answer = proxy
        .ask(&format!(
            "GET http://{address}/a?b=%20c HTTP/1.1\r\nHost: {address}\r\nAccept: */*\r\n\
             Proxy-Authorization: Basic c2VjcmV0\r\nProxy-Connection: keep-alive\r\n\
             Connection: x-mine, host\r\nX-Mine: 1\r\nTE: trailers\r\nUpgrade: h2c\r\nX-Kept: \u{fc}\r\n\r\n"
        ))
        .await;
    let mut lines: Vec<_> = seen.borrow()[0].lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "",
            "GET /a?b=%20c HTTP/1.1",
            "accept: */*",
            "connection: close",
            &format!("host: {address}"),
            "via: 1.1 openclaw",
            "x-kept: \u{fc}",
        ]
    );
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "hello");
    for line in [
        "HTTP/1.1 200 OK",
        "x-kept: 1",
        "connection: close",
        "via: 1.1 openclaw",
    ] {
        assert!(head.lines().any(|other| other == line), "{line} in {head}");
    }
    for name in ["x-hop", "keep-alive", "proxy-authenticate"] {
        assert!(!head.contains(name), "{name} in {head}");
    }
    let told = proxy.told(2).await;
    assert_eq!(
        told[0],
        format!("1 request {address} open: {address} by sandbox.egress.private: {address}")
    );
    let sent = seen.borrow()[0].len();
    let received = HELLO.len();
    assert_eq!(
        told[1],
        format!("1 request {address} closed: {sent} up {received} down")
    );
    proxy.stop().await;
}

#[tokio::test]
async fn a_body_arrives_whole_however_it_is_cut() {
    let (address, seen) = web(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    )
    .await;
    let proxy = Setup::private(&[&address]).start();
    for framing in [
        "Content-Length: 11\r\n\r\nhello world",
        "Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n",
    ] {
        let request = format!("POST http://{address}/ HTTP/1.1\r\nHost: {address}\r\n{framing}");
        let answer = proxy.ask(&request).await;
        assert!(
            answer.ends_with("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
            "{answer}"
        );
    }
    let seen = seen.borrow();
    assert!(seen[0].ends_with("\r\n\r\nhello world"), "{seen:?}");
    assert!(
        seen[1].contains("hello ") && seen[1].ends_with("0\r\n\r\n"),
        "{seen:?}"
    );
    proxy.stop().await;
}

#[tokio::test]
async fn a_second_request_on_a_connection_is_not_taken() {
    let (address, seen) = web(HELLO).await;
    let proxy = Setup::private(&[&address]).start();
    let one = format!("GET http://{address}/1 HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let two = "GET http://169.254.169.254/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n";
    let answer = proxy.ask(&format!("{one}{two}")).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert_eq!(seen.borrow().len(), 1);
    assert!(!seen.borrow()[0].contains("169.254"));
    proxy.stop().await;
}

#[tokio::test]
async fn a_host_that_is_not_a_web_server_is_a_bad_gateway() {
    let proxy_of = |address: SocketAddr| (Setup::private(&[&address]).start(), address);
    for answer in [
        "SSH-2.0-OpenSSH_9.9\r\n\r\n",
        "",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
    ] {
        let (proxy, address) = proxy_of(web(answer).await.0);
        let request = format!("GET http://{address}/ HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let told = proxy.ask(&request).await;
        assert!(told.starts_with("HTTP/1.1 502 "), "{answer:?}: {told}");
        assert!(
            told.contains("proxy-status: openclaw; error=http_protocol_error"),
            "{told}"
        );
        proxy.stop().await;
    }
    // Nobody listens where somebody did a moment ago.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (proxy, address) = proxy_of(gone.local_addr().unwrap());
    drop(gone);
    let told = proxy
        .ask(&format!(
            "GET http://{address}/ HTTP/1.1\r\nHost: {address}\r\n\r\n"
        ))
        .await;
    assert!(told.starts_with("HTTP/1.1 502 "), "{told}");
    assert!(
        told.contains(&format!("no connection to {address}")),
        "{told}"
    );
    proxy.stop().await;
}
