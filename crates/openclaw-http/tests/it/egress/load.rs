//! Too many, too slow, or silent: everything has its bound.

use tokio::task::JoinSet;

use super::*;

fn hasty() -> Limits {
    Limits {
        head: Duration::from_millis(300),
        connect: Duration::from_secs(5),
        idle: Duration::from_millis(300),
        ..Limits::default()
    }
}

#[tokio::test]
async fn two_hundred_at_once_are_all_served() {
    let (address, _) = web("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let proxy = Setup::private(&[&address]).start();
    let mut clients = JoinSet::new();
    for _ in 0..200 {
        let mut stream = proxy.connect().await;
        clients.spawn(async move {
            let request = format!("GET http://{address}/ HTTP/1.1\r\nHost: {address}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            rest(&mut stream).await
        });
    }
    for answer in clients.join_all().await {
        assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    }
    assert_eq!(proxy.told(400).await.len(), 400);
    proxy.stop().await;
}

#[tokio::test]
async fn no_more_clients_are_served_than_may_be() {
    let address = host(|mut stream| async move {
        drop(stream.read_to_end(&mut Vec::new()).await);
    })
    .await;
    let mut setup = Setup::private(&[&address]);
    setup.limits.clients = 3;
    let proxy = setup.start();
    let mut served = Vec::new();
    for _ in 0..3 {
        served.push(proxy.tunnel(&address).await);
    }
    // The fourth waits until one of the others leaves.
    let mut fourth = proxy.connect().await;
    let request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    fourth.write_all(request.as_bytes()).await.unwrap();
    let early = timeout(Duration::from_millis(300), fourth.read_u8()).await;
    assert!(early.is_err(), "{early:?}");
    served.pop();
    let first = timeout(PATIENCE, fourth.read_u8()).await.unwrap().unwrap();
    assert_eq!(first, b'H');
    proxy.stop().await;
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off() {
    let setup = Setup {
        limits: hasty(),
        ..Setup::default()
    };
    let proxy = setup.start();
    let mut stream = proxy.connect().await;
    stream.write_all(b"GET http://a.example/ HT").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let mut silent = proxy.connect().await;
    let answer = rest(&mut silent).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    proxy.stop().await;
}

#[tokio::test]
async fn a_host_that_never_answers_is_given_up() {
    let address = host(|mut stream| async move {
        drop(stream.read_to_end(&mut Vec::new()).await);
    })
    .await;
    let mut setup = Setup::private(&[&address]);
    setup.limits = hasty();
    let proxy = setup.start();
    let request = format!("GET http://{address}/ HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let answer = proxy.ask(&request).await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    let mut tunnel = proxy.tunnel(&address).await;
    assert_eq!(rest(&mut tunnel).await, "");
    proxy.told(4).await;
    proxy.stop().await;
}

#[tokio::test]
async fn a_name_server_that_never_answers_is_given_up() {
    let setup = Setup {
        limits: Limits {
            connect: Duration::from_millis(300),
            ..Limits::default()
        },
        resolver: Some(Resolver::new(|_| std::future::pending())),
        ..Setup::default()
    };
    let proxy = setup.start();
    let answer = proxy
        .ask("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert!(
        answer.contains("proxy-status: openclaw; error=dns_timeout"),
        "{answer}"
    );
    proxy.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_a_request_behind_frees_its_host() {
    let (left, mut gone) = watch::channel(false);
    let address = host(move |mut stream| {
        let left = left.clone();
        async move {
            drop(stream.read_to_end(&mut Vec::new()).await);
            left.send_replace(true);
        }
    })
    .await;
    let proxy = Setup::private(&[&address]).start();
    let mut stream = proxy.connect().await;
    let request = format!("GET http://{address}/ HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    proxy.told(1).await;
    drop(stream);
    timeout(PATIENCE, gone.wait_for(|gone| *gone))
        .await
        .unwrap()
        .unwrap();
    proxy.told(2).await;
    proxy.stop().await;
}

#[tokio::test]
async fn an_answer_that_nobody_reads_fills_no_memory() {
    // The host would send for ever; what it could get rid of is what lies between it and the client.
    let (sent, got_rid_of) = watch::channel(0_usize);
    let address = host(move |mut stream| {
        let sent = sent.clone();
        async move {
            let piece = vec![b'x'; 64 * 1024];
            while let Ok(n) = stream.write(&piece).await {
                sent.send_modify(|sent| *sent += n);
            }
        }
    })
    .await;
    let mut setup = Setup::private(&[&address]);
    setup.limits.idle = Duration::from_millis(500);
    let proxy = setup.start();
    let stream = proxy.tunnel(&address).await;
    // The proxy closes for want of movement, although both ends are there.
    proxy.told(2).await;
    let total = *got_rid_of.borrow();
    assert!(total < 64 * 1024 * 1024, "{total}");
    drop(stream);
    proxy.stop().await;
}
