//! A real browser at the gateway: its owner's login, and somebody else's page.

use std::path::PathBuf;
use std::time::Duration;

use openclaw_core::env::Env;
use openclaw_testkit::{GatewayProcess, TestHome, shared};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::OPENCLAW;

/// How long a browser may take to start, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// How long a page may take to come to rest, in milliseconds of the browser's own time.
const REST: &str = "--virtual-time-budget=10000";

/// What a browser needs to run where there is no screen, and nobody to be told anything.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--dump-dom",
];

/// Returns where Chromium is, if it is.
fn chromium(test: &str) -> Option<PathBuf> {
    let path = Env::from_process().get_os("PATH")?.to_owned();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("chromium"))
        .find(|program| program.is_file());
    if found.is_none() {
        shared::skip_note(test, "chromium");
    }
    found
}

/// Opens a page and returns what is in it once it has come to rest.
async fn page(home: &TestHome, browser: &PathBuf, profile: &str, url: &str) -> String {
    let profile = home.path().join(profile);
    let ran = home
        .command(browser)
        .args(FLAGS)
        .arg(REST)
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(url)
        .timeout(PATIENCE)
        .run()
        .await;
    ran.assert_code(0).stdout
}

#[tokio::test]
async fn a_link_logs_a_browser_in_once_and_the_browser_stays_logged_in() {
    let Some(browser) = chromium("a_link_logs_a_browser_in_once") else {
        return;
    };
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let link = home.command(OPENCLAW).arg("dashboard").run().await;
    let link = link.assert_code(0).stdout;
    let dom = page(&home, &browser, "first", link.trim()).await;
    assert!(dom.contains("You are logged in."), "{dom}");
    let address = format!("http://{}/", gateway.addr());
    let again = page(&home, &browser, "first", &address).await;
    assert!(again.contains("You are logged in."), "{again}");
    let other = page(&home, &browser, "second", link.trim()).await;
    assert!(other.contains("the link was used"), "{other}");
    let stranger = page(&home, &browser, "third", &address).await;
    assert!(stranger.contains("You are not logged in."), "{stranger}");
}

/// Serves one page to whoever asks, on another port of the same host.
async fn elsewhere(html: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    tokio::task::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            drop(stream.read(&mut request).await);
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                html.len()
            );
            drop(stream.write_all(format!("{head}{html}").as_bytes()).await);
        }
    });
    address
}

#[tokio::test]
async fn a_page_of_somebody_elses_gets_nowhere_even_in_the_owners_browser() {
    let Some(browser) = chromium("a_page_of_somebody_elses_gets_nowhere") else {
        return;
    };
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let link = home.command(OPENCLAW).arg("dashboard").run().await;
    let dom = page(&home, &browser, "owner", link.assert_code(0).stdout.trim()).await;
    assert!(dom.contains("You are logged in."), "{dom}");
    // Another port of the same host is the same site, so the browser sends the cookie along.
    let hostile = elsewhere(format!(
        r#"<body><script>
        const at = "{}";
        const note = (text) => document.body.append(text + "; ");
        const call = '{{"jsonrpc":"2.0","id":1,"method":"agent.list"}}';
        const socket = new WebSocket(`ws://${{at}}/ws`);
        socket.onopen = () => {{ note("socket open"); socket.send(call); }};
        socket.onmessage = (event) => note("socket said " + event.data);
        socket.onerror = () => note("socket refused");
        for (const type of ["text/plain", "application/json"])
          fetch(`http://${{at}}/rpc`, {{ method: "POST", body: call, credentials: "include", headers: {{ "Content-Type": type }} }})
            .then((answer) => answer.text()).then((text) => note("fetch read " + text), () => note("fetch refused"));
        fetch(`http://${{at}}/status`, {{ credentials: "include" }})
          .then((answer) => answer.text()).then((text) => note("status read " + text), () => note("status refused"));
        </script></body>"#,
        gateway.addr()
    ))
    .await;
    let dom = page(&home, &browser, "owner", &hostile).await;
    let said = dom.split("</script>").last().unwrap_or_default();
    for told in ["socket refused", "fetch refused", "status refused"] {
        assert!(said.contains(told), "{told}: {dom}");
    }
    for got in ["socket open", "socket said", "read "] {
        assert!(!said.contains(got), "{got}: {dom}");
    }
}
