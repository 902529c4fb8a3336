//! Pages that somebody else names, read from a server on loopback that the owner allowed.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use openclaw_core::Kind;
use openclaw_http::fetch::{Bounds, Cut, FetchError, Fetched, Fetcher, Lists, Names, Policy};
use openclaw_http::guard::Resolver;
use openclaw_http::{Ca, Network};
use openclaw_testkit::{WebPage, WebServer};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Lets the server be reached by its address.
fn allowed(server: &WebServer) -> Fetcher {
    fetcher(&[], &[], &[server.addr().to_string()])
}

fn fetcher(allow: &[String], deny: &[String], private: &[String]) -> Fetcher {
    let lists = Lists {
        allow,
        deny,
        private,
    };
    Fetcher::new(Policy::parse_named(&lists, Names::WEB).unwrap())
}

async fn get(fetcher: &Fetcher, url: &str) -> Result<Fetched, FetchError> {
    fetcher.get(url, &CancellationToken::new()).await
}

fn bounds(bytes: usize, time: Duration) -> Bounds {
    Bounds {
        bytes,
        time,
        ..Bounds::default()
    }
}

#[tokio::test]
async fn a_page_is_read_with_nothing_that_tells_who_asks() {
    let server = WebServer::start();
    server.page("/a", WebPage::redirect("/b?x=1#part"));
    let page = WebPage::html("hello").header("set-cookie", "a=b");
    server.page("/b", page);
    let fetched = get(&allowed(&server), &server.url("/a#frag"))
        .await
        .unwrap();
    assert_eq!(fetched.url.as_str(), server.url("/b?x=1"));
    assert_eq!(
        (fetched.status, &fetched.body[..], fetched.cut),
        (200, &b"hello"[..], Cut::Whole)
    );
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        let names: Vec<&str> = request
            .lines()
            .skip(1)
            .filter_map(|line| Some(line.split_once(':')?.0))
            .collect();
        let told = [
            "host",
            "user-agent",
            "accept",
            "accept-language",
            "accept-encoding",
            "connection",
        ];
        assert_eq!(names, told, "{request}");
    }
}

#[tokio::test]
async fn what_is_no_public_page_is_refused_before_anybody_is_asked() {
    let server = WebServer::start();
    server.page("/", WebPage::html("secret"));
    let port = server.addr().port();
    let fetcher = Fetcher::default();
    for (url, kind) in [
        (format!("http://127.0.0.1:{port}/"), Kind::Denied),
        (format!("http://2130706433:{port}/"), Kind::Denied),
        (format!("http://0x7f000001:{port}/"), Kind::Denied),
        (format!("http://0177.0.0.1:{port}/"), Kind::Denied),
        (format!("http://127.1:{port}/"), Kind::Denied),
        (format!("http://0:{port}/"), Kind::Denied),
        (format!("http://[::1]:{port}/"), Kind::Denied),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), Kind::Denied),
        (format!("http://[::ffff:7f00:1]:{port}/"), Kind::Denied),
        (format!("http://[64:ff9b::7f00:1]:{port}/"), Kind::Denied),
        (format!("http://localhost:{port}/"), Kind::Denied),
        (format!("http://LOCALHOST.:{port}/"), Kind::Denied),
        (format!("http://a.localhost:{port}/"), Kind::Denied),
        (
            "http://169.254.169.254/latest/meta-data/".to_owned(),
            Kind::Denied,
        ),
        ("http://metadata.google.internal/".to_owned(), Kind::Denied),
        ("http://10.0.0.1/".to_owned(), Kind::Denied),
        ("http://[fd00::1]/".to_owned(), Kind::Denied),
        ("http://0.0.0.0/".to_owned(), Kind::Denied),
        ("http://192.0.2.1:22/".to_owned(), Kind::Denied),
        ("http://192.0.2.1:6379/".to_owned(), Kind::Denied),
        (
            format!("http://me:hunter2@127.0.0.1:{port}/"),
            Kind::Invalid,
        ),
        ("http://example.com@127.0.0.1/".to_owned(), Kind::Invalid),
        ("file:///etc/passwd".to_owned(), Kind::Invalid),
        (format!("gopher://127.0.0.1:{port}/_GET"), Kind::Invalid),
        ("ftp://example.com/".to_owned(), Kind::Invalid),
        ("data:text/html,hello".to_owned(), Kind::Invalid),
        ("javascript:alert(1)".to_owned(), Kind::Invalid),
        ("http://".to_owned(), Kind::Invalid),
        ("//example.com".to_owned(), Kind::Invalid),
        (String::new(), Kind::Invalid),
        (
            format!("http://a.example/{}", "x".repeat(9000)),
            Kind::Invalid,
        ),
    ] {
        let error = get(&fetcher, &url).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{url}: {error}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_redirect_is_judged_like_the_first_address() {
    let server = WebServer::start();
    let other = WebServer::start();
    other.page("/", WebPage::html("secret"));
    for (path, to, kind) in [
        (
            "/metadata",
            "http://169.254.169.254/latest/?token=hunter2".to_owned(),
            Kind::Denied,
        ),
        ("/other", other.url("/"), Kind::Denied),
        (
            "/mapped",
            format!("http://[::ffff:127.0.0.1]:{}/", other.addr().port()),
            Kind::Denied,
        ),
        ("/file", "file:///etc/passwd".to_owned(), Kind::Invalid),
        ("/gopher", "gopher://127.0.0.1/".to_owned(), Kind::Invalid),
        (
            "/login",
            "http://a:hunter2@example.com/".to_owned(),
            Kind::Invalid,
        ),
        ("/round", "/round".to_owned(), Kind::Unavailable),
    ] {
        server.page(path, WebPage::redirect(&to));
        let error = get(&allowed(&server), &server.url(path)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{path}: {error}");
        let shown = format!("{error} {:?}", error.hint());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    assert_eq!(other.requests().len(), 0);
    // The first one, three that are followed, and no more.
    let rounds = server.requests();
    let rounds = rounds.iter().filter(|head| head.starts_with("GET /round"));
    assert_eq!(rounds.count(), 4);
}

#[tokio::test]
async fn a_name_is_looked_up_once_for_every_request_and_the_judged_address_is_asked() {
    let server = WebServer::start();
    server.page("/", WebPage::html("inside"));
    let port = server.addr().port();
    let looked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&looked);
    // Public at first, this machine from then on.
    let rebinding = Resolver::new(move |_name| {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        let address = if first {
            Ipv4Addr::new(203, 0, 113, 7)
        } else {
            Ipv4Addr::LOCALHOST
        };
        async move { Ok(vec![IpAddr::V4(address)]) }
    });
    let fetcher = Fetcher::default()
        .with_resolver(rebinding)
        .with_bounds(bounds(1000, Duration::from_secs(5)));
    let url = format!("http://rebinding.example:{port}/");
    for _ in 0..3 {
        let error = get(&fetcher, &url).await.unwrap_err();
        assert!(
            matches!(error.kind(), Kind::Denied | Kind::Unavailable),
            "{error}"
        );
    }
    assert_eq!(looked.load(Ordering::SeqCst), 3);
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn the_owner_says_which_hosts_may_be_read() {
    let server = WebServer::start();
    server.page("/", WebPage::html("hello"));
    let port = server.addr().port();
    let here = || Resolver::new(|_name| async { Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]) });
    let by_name = format!("http://wiki.lan:{port}/");
    let texts =
        |entries: &[&str]| -> Vec<String> { entries.iter().map(|&e| e.to_owned()).collect() };

    let trusted = Fetcher::default()
        .with_resolver(here())
        .with_trusted(vec!["wiki.lan".parse().unwrap()]);
    assert_eq!(get(&trusted, &by_name).await.unwrap().status, 200);
    let other = get(&trusted, &format!("http://other.lan:{port}/")).await;
    assert_eq!(other.unwrap_err().kind(), Kind::Denied);

    let denied = fetcher(&[], &texts(&["*.lan"]), &texts(&[]))
        .with_resolver(here())
        .with_trusted(vec!["wiki.lan".parse().unwrap()]);
    let error = get(&denied, &by_name).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("wiki.lan:{port} is denied by `*.lan` in web.deny")
    );

    let listed = fetcher(&texts(&["docs.example"]), &[], &[]);
    let error = get(&listed, "https://example.com/?key=hunter2")
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "example.com:443 is not in web.allow");
}

#[tokio::test]
async fn what_is_too_long_is_cut_and_a_bomb_is_not_unpacked() {
    let server = WebServer::start();
    server.page("/long", WebPage::html("x".repeat(5000)));
    server.page("/endless", WebPage::endless("y".repeat(10_000)));
    server.page("/bomb", WebPage::html(vec![0; 64 * 1024 * 1024]).gzipped());
    server.page("/packed", WebPage::html("hello ".repeat(100)).gzipped());
    server.page(
        "/broken",
        WebPage::html("no gzip").header("content-encoding", "gzip"),
    );
    server.page(
        "/br",
        WebPage::html("hello").header("content-encoding", "br"),
    );
    let fetcher = allowed(&server).with_bounds(bounds(1000, Duration::from_secs(20)));
    let started = Instant::now();
    for path in ["/long", "/endless", "/bomb"] {
        let fetched = get(&fetcher, &server.url(path)).await.unwrap();
        assert_eq!(
            (fetched.body.len(), fetched.cut),
            (1000, Cut::TooLong),
            "{path}"
        );
    }
    assert!(started.elapsed() < Duration::from_secs(10));
    let fetched = get(&fetcher, &server.url("/packed")).await.unwrap();
    assert_eq!((fetched.body.len(), fetched.cut), (600, Cut::Whole));
    for path in ["/broken", "/br"] {
        let error = get(&fetcher, &server.url(path)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "{path}");
    }
}

#[tokio::test]
async fn a_server_gets_so_much_time_and_no_more_and_a_caller_can_stop() {
    let server = WebServer::start();
    server.page("/silent", WebPage::silent());
    server.page("/stalling", WebPage::stalling("begun"));
    let fetcher = allowed(&server).with_bounds(bounds(1000, Duration::from_millis(300)));
    for path in ["/silent?key=hunter2", "/stalling"] {
        let error = get(&fetcher, &server.url(path)).await.unwrap_err();
        assert!(matches!(error, FetchError::Slow { .. }), "{path}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let stop = CancellationToken::new();
    let fetcher = allowed(&server);
    let url = server.url("/silent");
    let fetching = fetcher.get(&url, &stop);
    let stopping = async { stop.cancel() };
    let (fetched, ()) = tokio::join!(fetching, stopping);
    assert!(matches!(fetched, Err(FetchError::Cancelled)));
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = WebServer::start();
    let mut page = WebPage::html("hello");
    for n in 0..2000 {
        page = page.header(&format!("x-{n}"), &"v".repeat(100));
    }
    server.page("/", page);
    let error = get(&allowed(&server), &server.url("/")).await.unwrap_err();
    assert!(matches!(error, FetchError::Broken { .. }), "{error}");
}

/// Answers over TLS with a certificate of its own authority, and returns that one's.
async fn tls_server() -> (std::net::SocketAddr, String) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &Issuer::new(ca, ca_key))
        .unwrap();
    let acceptor = crate::tls::acceptor(certificate.der().clone(), &key);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut head = [0; 16];
            stream.read_exact(&mut head).await.unwrap();
            assert!(head.starts_with(b"GET /a?b HTTP/1."));
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret";
            stream.write_all(answer).await.unwrap();
            // A client that has what it wants leaves.
            drop(stream.read_to_end(&mut Vec::new()).await);
        }
    });
    (addr, pem)
}

#[tokio::test]
async fn a_certificate_is_held_against_the_name_that_was_asked_for() {
    let (addr, pem) = tls_server().await;
    let url = format!("https://localhost:{}/a?b", addr.port());
    let stranger = fetcher(&[], &[], &[addr.to_string()]);
    let error = get(&stranger, &url).await.unwrap_err();
    assert!(matches!(error, FetchError::Certificate { .. }), "{error}");
    let believing = stranger.with_network(Network {
        ca: vec![Ca::Pem(pem)],
        ..Network::default()
    });
    let fetched = get(&believing, &url).await.unwrap();
    assert_eq!((fetched.status, &fetched.body[..]), (200, &b"secret"[..]));
    let by_address = format!("https://{addr}/a?b");
    let error = get(&believing, &by_address).await.unwrap_err();
    assert!(matches!(error, FetchError::Certificate { .. }), "{error}");
}
