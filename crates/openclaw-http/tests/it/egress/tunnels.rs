//! Tunnels, and how they end.

use super::*;

/// Sends back what it gets, and then says how much it was.
async fn echo() -> SocketAddr {
    host(|mut stream| async move {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        let end = format!("{} bytes", bytes.len());
        stream.write_all(end.as_bytes()).await.unwrap();
    })
    .await
}

#[tokio::test]
async fn a_tunnel_carries_both_ways_after_one_end_has_said_its_last() {
    let address = echo().await;
    let proxy = Setup::private(&[&address]).start();
    let mut stream = proxy.tunnel(&address).await;
    let sent = "x".repeat(1_000_000);
    let (mut read, mut write) = stream.split();
    let mut back = String::new();
    let (written, got) = tokio::join!(
        async {
            write.write_all(sent.as_bytes()).await?;
            write.shutdown().await
        },
        read.read_to_string(&mut back)
    );
    written.unwrap();
    got.unwrap();
    assert_eq!(back, format!("{sent}1000000 bytes"));
    let told = proxy.told(2).await;
    assert_eq!(
        told[1],
        format!("1 tunnel {address} closed: 1000000 up 1000013 down")
    );
    proxy.stop().await;
}

#[tokio::test]
async fn what_comes_with_the_head_goes_through_the_tunnel() {
    let address = echo().await;
    let proxy = Setup::private(&[&address]).start();
    let mut stream = proxy.connect().await;
    let request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\nearly");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = rest(&mut stream).await;
    assert_eq!(
        answer,
        "HTTP/1.1 200 Connection established\r\n\r\nearly5 bytes"
    );
    proxy.stop().await;
}

#[tokio::test]
async fn the_end_of_the_proxy_ends_its_tunnels_and_is_told() {
    let address = echo().await;
    let proxy = Setup::private(&[&address]).start();
    let mut stream = proxy.tunnel(&address).await;
    stream.write_all(b"abc").await.unwrap();
    let mut told = proxy.told.clone();
    proxy.stop().await;
    assert_eq!(rest(&mut stream).await, "");
    let told = told.wait_for(|told| told.len() == 2).await.unwrap();
    assert!(
        told[1].starts_with(&format!("1 tunnel {address} closed: ")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_client_that_vanishes_takes_its_tunnel_along() {
    let (left, gone) = watch::channel(false);
    let address = host(move |mut stream| {
        let left = left.clone();
        async move {
            let mut byte = [0];
            // A reset is an end, too.
            while let Ok(1..) = stream.read(&mut byte).await {}
            left.send_replace(true);
        }
    })
    .await;
    let proxy = Setup::private(&[&address]).start();
    let stream = proxy.tunnel(&address).await;
    stream.set_zero_linger().unwrap();
    drop(stream);
    let mut gone = gone;
    timeout(PATIENCE, gone.wait_for(|gone| *gone))
        .await
        .unwrap()
        .unwrap();
    proxy.told(2).await;
    proxy.stop().await;
}
