//! What the proxy does not do, and what it says then.

use std::process::Stdio;

use super::*;

/// Fails the test if anybody connects.
async fn canary() -> (SocketAddr, watch::Receiver<bool>) {
    let (touched, seen) = watch::channel(false);
    let address = host(move |_stream| {
        touched.send_replace(true);
        async {}
    })
    .await;
    (address, seen)
}

fn connect(to: &str) -> String {
    format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n")
}

fn get(url: &str, host: &str) -> String {
    format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let proxy = Setup::default().start();
    let answer = proxy.ask(&connect("127.0.0.1:4000")).await;
    let text = "The sandbox's proxy makes no connection: 127.0.0.1 is a loopback address; \
                to allow it, add `127.0.0.1:4000` to sandbox.egress.private.\n";
    let head = format!(
        "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {}\r\nconnection: close\r\n\
         proxy-status: openclaw; error=http_request_denied\r\n\r\n",
        text.len()
    );
    assert_eq!(answer, format!("{head}{text}"));
    assert_eq!(
        proxy.told(1).await,
        ["1 tunnel 127.0.0.1:4000 refused: 127.0.0.1 is a loopback address"]
    );
    proxy.stop().await;
}

#[tokio::test]
async fn a_private_host_beside_a_list_of_public_ones_belongs_into_the_other_list() {
    let proxy = Setup {
        allow: vec!["example.com".to_owned()],
        ..Setup::default()
    }
    .start();
    for (host, setting) in [
        (
            "127.0.0.1:4000",
            "add `127.0.0.1:4000` to sandbox.egress.private",
        ),
        (
            "localhost:4000",
            "add `localhost:4000` to sandbox.egress.private",
        ),
        ("other.example:443", "add `other.example` there"),
    ] {
        let answer = proxy.ask(&connect(host)).await;
        assert!(
            answer.contains("is not in sandbox.egress.allow"),
            "{answer}"
        );
        assert!(answer.contains(setting), "{answer}");
    }
    proxy.stop().await;
}

#[tokio::test]
async fn no_spelling_of_a_private_address_gets_through() {
    let (address, touched) = canary().await;
    let port = address.port();
    let proxy = Setup::default().start();
    for host in [
        "127.0.0.1",
        "127.0.0.2",
        "0.0.0.0",
        "localhost",
        "LOCALHOST.",
        "x.localhost",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[fd00::1]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "metadata.google.internal",
        "[fd00:ec2::254]",
    ] {
        let answer = proxy.ask(&connect(&format!("{host}:{port}"))).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{host}: {answer}");
        let authority = format!("{host}:{port}");
        let answer = proxy
            .ask(&get(&format!("http://{authority}/"), &authority))
            .await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{host}: {answer}");
    }
    for host in [
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "0x7f000001",
        "127.1",
        "017700000001",
        "u@127.0.0.1",
        "127.0.0.1%00",
        "",
    ] {
        let answer = proxy.ask(&connect(&format!("{host}:{port}"))).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{host}: {answer}");
        let authority = format!("{host}:{port}");
        let answer = proxy
            .ask(&get(&format!("http://{authority}/"), &authority))
            .await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{host}: {answer}");
    }
    assert!(!*touched.borrow());
    proxy.stop().await;
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let (address, touched) = canary().await;
    let setup = Setup {
        resolver: Some(answers(&["93.184.216.34", "127.0.0.1"])),
        limits: Limits {
            connect: Duration::from_millis(300),
            ..Limits::default()
        },
        ..Setup::default()
    };
    let proxy = setup.start();
    let name = format!("rebind.example:{}", address.port());
    // Nobody answers there, here at least; what counts is that nothing went to this machine.
    let first = proxy.ask(&connect(&name)).await;
    assert!(first.starts_with("HTTP/1.1 50"), "{first}");
    let second = proxy.ask(&connect(&name)).await;
    assert!(second.starts_with("HTTP/1.1 403 "), "{second}");
    let told = proxy.told(2).await;
    assert!(told[0].contains("93.184.216.34"), "{told:?}");
    assert!(
        told[1].ends_with("rebind.example is a loopback address"),
        "{told:?}"
    );
    assert!(!*touched.borrow());
    proxy.stop().await;
}

#[tokio::test]
async fn the_gateways_own_port_is_out_of_reach_whatever_is_listed() {
    let (address, touched) = canary().await;
    let port = address.port();
    let setup = Setup {
        allow: vec!["*".to_owned()],
        own_ports: vec![port],
        resolver: Some(answers(&["127.0.0.1"])),
        private: vec![
            address.to_string(),
            format!("localhost:{port}"),
            format!("[::1]:{port}"),
            format!("gateway.example:{port}"),
        ],
        ..Setup::default()
    };
    let proxy = setup.start();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "gateway.example",
    ] {
        let answer = proxy.ask(&connect(&format!("{host}:{port}"))).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{host}: {answer}");
        assert!(
            answer.contains("is the gateway's own; no setting allows it"),
            "{answer}"
        );
    }
    assert!(!*touched.borrow());
    proxy.stop().await;
}

#[tokio::test]
async fn a_name_that_is_not_allowed_is_not_looked_up() {
    // The resolver of a test that names none fails when it is asked.
    let setup = Setup {
        allow: vec!["*.example.com:443".to_owned()],
        deny: vec!["bad.example.com".to_owned()],
        ..Setup::default()
    };
    let proxy = setup.start();
    for (host, text) in [
        ("secret.evil.example:443", "add `secret.evil.example` there"),
        ("a.example.com:80", "add `a.example.com` there"),
        (
            "bad.example.com:443",
            "remove the entry from sandbox.egress.deny",
        ),
    ] {
        let answer = proxy.ask(&connect(host)).await;
        assert!(
            answer.starts_with("HTTP/1.1 403 ") && answer.contains(text),
            "{answer}"
        );
    }
    proxy.stop().await;
}

#[tokio::test]
async fn an_address_that_is_denied_is_denied_under_every_name() {
    let setup = Setup {
        deny: vec!["93.184.0.0/16".to_owned()],
        resolver: Some(answers(&["93.184.216.34"])),
        ..Setup::default()
    };
    let proxy = setup.start();
    let answer = proxy.ask(&connect("a.example:443")).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("is denied by `93.184.0.0/16`"), "{answer}");
    proxy.stop().await;
}

#[tokio::test]
async fn what_is_not_a_request_to_a_proxy_is_told_so() {
    let proxy = Setup::default().start();
    for request in [
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_owned(),
        "GET https://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n".to_owned(),
        "GET http://a.example/ HTTP/1.1\nHost: a.example\n\n".to_owned(),
        "\x16\x03\x01\x02\x00\x01\x00\x01".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
    ] {
        let answer = proxy.ask(&request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request:?}: {answer}");
        assert!(
            answer.contains("this is not HTTP/1.1 as a proxy takes it: "),
            "{answer}"
        );
    }
    let long = format!("GET http://a.example/{} HTTP/1.1\r\n", "x".repeat(20_000));
    let answer = proxy.ask(&long).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    proxy.stop().await;
}

/// Runs curl through the proxy; nothing where there is no curl.
#[expect(clippy::print_stderr, reason = "what is skipped is shown")]
async fn curl(proxy: &Running, more: &[&str]) -> Option<(i32, String)> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the client that users have is the test"
    )]
    let mut command = tokio::process::Command::new("curl");
    command
        .args([
            "-sS",
            "-m",
            "10",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{http_connect}",
        ])
        .args(["--noproxy", "", "-x", &format!("http://{}", proxy.address)])
        .args(more)
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/local/bin")
        .stderr(Stdio::null())
        .stdin(Stdio::null());
    match command.output().await {
        Ok(output) => Some((
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )),
        Err(err) => {
            eprintln!("skipped: curl does not run: {err}");
            None
        }
    }
}

#[tokio::test]
async fn curl_gets_what_is_allowed_and_nothing_else() {
    const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    const MOVED: &str = "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/meta-data/\r\n\
                         content-length: 0\r\n\r\n";
    let (hello, _) = web(HELLO).await;
    let (moved, _) = web(MOVED).await;
    let proxy = Setup::private(&[&hello, &moved]).start();
    let hello = format!("http://{hello}/");
    let Some(result) = curl(&proxy, &[&hello]).await else {
        return;
    };
    assert_eq!(result, (0, "200 000".to_owned()));
    let result = curl(&proxy, &["--proxytunnel", &hello]).await.unwrap();
    assert_eq!(result, (0, "200 200".to_owned()));
    // The redirect is passed on, and whoever follows it is refused.
    let moved = format!("http://{moved}/");
    let result = curl(&proxy, &[&moved]).await.unwrap();
    assert_eq!(result, (0, "302 000".to_owned()));
    let result = curl(&proxy, &["-L", &moved]).await.unwrap();
    assert_eq!(result, (0, "403 000".to_owned()));
    let told = proxy.told.borrow().clone();
    assert!(
        told.iter()
            .any(|line| line.contains("request 169.254.169.254:80 refused: ")),
        "{told:?}"
    );
    for url in [
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/",
        "http://localhost/",
        "http://10.0.0.1/",
    ] {
        let result = curl(&proxy, &[url]).await.unwrap();
        assert_eq!(result, (0, "403 000".to_owned()), "{url}");
    }
    // A tunnel that is refused is an error of curl's own. It makes addresses of odd numbers itself.
    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://0x7f.1/",
    ] {
        let (code, text) = curl(&proxy, &[url]).await.unwrap();
        assert!(
            code != 0 && text.starts_with("000 40"),
            "{url}: {code} {text}"
        );
    }
    proxy.stop().await;
}
