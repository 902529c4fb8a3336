//! Requests that can be read in more than one way, and frames that are none.

use openclaw_testkit::{GatewayProcess, TestHome};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::OPENCLAW;
use crate::socket::{Frame, Socket};

/// Sends bytes, and returns everything that comes back until the gateway closes the connection.
async fn said_to(gateway: &GatewayProcess, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(gateway.addr()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset ends it, too.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_second_request_hidden_in_the_first_is_never_answered() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let token = gateway.token().expose_secret();
    for framing in [
        "Content-Length: 0\r\nContent-Length: 40",
        "Content-Length: 0\r\nContent-Length: 0",
        "Content-Length: 40\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 40",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:\u{b}chunked",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: 5,5",
        "Content-Length: -1",
        "X-A: b\r\n c\r\nContent-Length: 0",
        "X-A: b\nContent-Length: 40",
        "X-A: b\rContent-Length: 40",
        "X-A: b\0\r\nContent-Length: 0",
    ] {
        let request = format!(
            "POST /rpc HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\n{framing}\r\n\r\n0\r\n\r\n\
             GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        );
        let said = said_to(&gateway, request.as_bytes()).await;
        assert!(said.matches("HTTP/1.1 ").count() <= 1, "{framing}: {said}");
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 400 "),
            "{framing}: {said}"
        );
    }
    // Whoever does not wait for an answer gets no second one.
    let request = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(3);
    let said = said_to(&gateway, request.as_bytes()).await;
    assert_eq!(said.matches("HTTP/1.1 200").count(), 1, "{said}");
}

#[tokio::test]
async fn one_connection_carries_one_request_after_the_other() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let token = gateway.token().expose_secret();
    let mut stream = TcpStream::connect(gateway.addr()).await.unwrap();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"no.such"}"#;
    for _ in 0..5 {
        let request = format!(
            "POST /rpc HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        // In pieces, as a network may deliver it.
        for piece in request.as_bytes().chunks(29) {
            stream.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut answer = Vec::new();
        while !answer.ends_with(b"\"id\":1}") {
            answer.push(stream.read_u8().await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_never_reads_is_not_read_from_either() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut deaf = Socket::open(&gateway).await;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools.list"}"#;
    let sending = async {
        for _ in 0..200_000 {
            deaf.send_text(call).await;
        }
    };
    let sent = tokio::time::timeout(std::time::Duration::from_secs(2), sending).await;
    assert!(sent.is_err(), "the gateway took everything");
}

#[tokio::test]
async fn a_socket_that_breaks_the_protocol_is_told_so() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    for (bytes, code) in [
        // Unmasked, a reserved bit, reserved types, a long or cut-up ping, a continuation of nothing.
        (&b"\x81\x02{}"[..], 1002),
        (b"\xc1\x82\0\0\0\0{}", 1002),
        (b"\x83\x82\0\0\0\0{}", 1002),
        (b"\x8b\x81\0\0\0\0x", 1002),
        (
            &[&b"\x89\xfe\0\x7e\0\0\0\0"[..], &[b'x'; 126]].concat(),
            1002,
        ),
        (b"\x09\x81\0\0\0\0x", 1002),
        (b"\x80\x82\0\0\0\0{}", 1002),
        (b"\x81\x84\0\0\0\0\"\xff\xfe\"", 1007),
        (b"\x81\xff\0\0\0\0\x7f\0\0\0\0\0\0\0", 1009),
        (b"\x81\xff\x80\0\0\0\0\0\0\x05\0\0\0\0", 1009),
        (b"\x82\x82\0\0\0\0{}", 1003),
        (b"\x88\x82\0\0\0\0\x03\xe8", 1000),
        (b"\x88\x82\0\0\0\0\x03\xe7", 1002),
        (b"\x88\x81\0\0\0\0x", 1002),
    ] {
        let mut socket = Socket::open(&gateway).await;
        socket.send_raw(bytes).await;
        assert_eq!(socket.next_frame().await, Frame::Close(code), "{bytes:x?}");
    }
}

#[tokio::test]
async fn a_flood_of_pings_ends_the_socket() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut socket = Socket::open(&gateway).await;
    socket.send_raw(&b"\x89\x80\0\0\0\0".repeat(1000)).await;
    assert_eq!(socket.next_frame().await, Frame::Close(1008));
}
