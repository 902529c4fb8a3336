//! Which pages may call, under which names the gateway is found, and which proxies are believed.

use std::fs;

use openclaw_testkit::http::{HttpAnswer, HttpRequest};
use openclaw_testkit::{GatewayProcess, TestHome};
use serde_json::json;

use crate::OPENCLAW;
use crate::socket;

/// How often the gateway is asked whether it has noticed.
const ASK: std::time::Duration = std::time::Duration::from_millis(50);
const UI: &str = "https://ui.example";

fn post() -> HttpRequest {
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "agent.list" });
    HttpRequest::post("/rpc", call.to_string()).header("content-type", "application/json")
}

/// Sends a request with the gateway's token.
async fn admitted(gateway: &GatewayProcess, request: HttpRequest) -> HttpAnswer {
    gateway.rpc_client().send(request).await.unwrap()
}

/// Sends a request for a path under this `Host`, and returns the status of the answer.
async fn status_under(gateway: &GatewayProcess, headers: &str) -> String {
    let head = format!("GET /health HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
    let answer = socket::exchange(gateway.addr(), &head).await;
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused_everywhere() {
    let home = TestHome::new();
    home.write_config(
        &json!({ "gateway": { "controlUi": { "allowedOrigins": [UI] } } }).to_string(),
    );
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let port = gateway.addr().port();
    let bearer = format!("Bearer {}", gateway.token().expose_secret());
    let near_miss = format!("http://127.0.0.1:{}", port ^ 1);
    for origin in [
        "http://evil.example",
        "null",
        "",
        &near_miss,
        &format!("http://localhost:{port}"),
        &format!("https://127.0.0.1:{port}"),
        &format!("http://127.0.0.1:{port}/"),
        &format!("http://127.0.0.1:{port}.evil.example"),
        &format!("http://127.0.0.1:{port}@evil.example"),
        "http://ui.example",
        "https://ui.example:8443",
        "https://UI.example",
        "https://ui.example.evil.example",
        "https://evil.example, https://ui.example",
    ] {
        for request in [
            post(),
            HttpRequest::get("/health"),
            HttpRequest::get("/login"),
        ] {
            let answer = admitted(&gateway, request.header("origin", origin)).await;
            assert_eq!(answer.status, 403, "`{origin}`: {}", answer.text());
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
        let headers = [("authorization", &*bearer), ("origin", origin)];
        let answer = socket::refused(gateway.addr(), &headers).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    }
    let twice = post().header("origin", UI).header("origin", UI);
    assert_eq!(admitted(&gateway, twice).await.status, 403);
    let own = format!("http://127.0.0.1:{port}");
    let answer = admitted(&gateway, post().header("origin", own)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn a_page_that_the_config_names_may_call() {
    let home = TestHome::new();
    home.write_config(
        &json!({ "gateway": { "controlUi": { "allowedOrigins": [UI] } } }).to_string(),
    );
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let ask = async |origin: &str| {
        HttpRequest::new("OPTIONS", "/rpc")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type",
            )
            .send(gateway.addr())
            .await
    };
    let granted = ask(UI).await.unwrap();
    let header = |name| granted.header(name);
    assert_eq!(granted.status, 204);
    assert_eq!(header("access-control-allow-origin"), Some(UI));
    assert_eq!(header("access-control-allow-methods"), Some("GET, POST"));
    let headers = header("access-control-allow-headers");
    assert_eq!(headers, Some("authorization, content-type"));
    assert_eq!(header("access-control-allow-credentials"), None);
    assert_eq!(header("vary"), Some("origin"));
    let refused = ask("https://evil.example").await.unwrap();
    assert_eq!(
        (
            refused.status,
            refused.header("access-control-allow-origin")
        ),
        (403, None)
    );

    // It can read refusals, too.
    let unknown = post()
        .header("origin", UI)
        .send(gateway.addr())
        .await
        .unwrap();
    assert_eq!(unknown.status, 401);
    assert_eq!(unknown.header("access-control-allow-origin"), Some(UI));
    let answer = admitted(&gateway, post().header("origin", UI)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("access-control-allow-origin"), Some(UI));
    assert_eq!(answer.header("vary"), Some("origin"));

    // A changed config counts without a new start.
    home.write_config(&json!({ "gateway": { "controlUi": { "allowedOrigins": [] } } }).to_string());
    let mut asked = tokio::time::interval(ASK);
    while ask(UI).await.unwrap().status != 403 {
        asked.tick().await;
    }
}

#[tokio::test]
async fn a_host_that_is_a_name_is_refused_everywhere() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let port = gateway.addr().port();
    for (headers, status) in [
        (format!("host: evil.example:{port}\r\n"), "421"),
        ("host: evil.example\r\n".to_owned(), "421"),
        (format!("host: 192.168.1.2:{port}\r\n"), "421"),
        (format!("host: 0.0.0.0:{port}\r\n"), "421"),
        (
            format!("host: 127.0.0.1:{port}\r\nhost: evil.example\r\n"),
            "400",
        ),
        (String::new(), "400"),
        (
            format!("host: evil.example\r\nx-forwarded-host: 127.0.0.1:{port}\r\n"),
            "421",
        ),
        (format!("host: 127.0.0.1:{port}\r\n"), "200"),
        (format!("host: localhost:{port}\r\n"), "200"),
        (format!("host: [::1]:{port}\r\n"), "200"),
    ] {
        assert_eq!(status_under(&gateway, &headers).await, status, "{headers}");
    }
    let absolute = HttpRequest::get("http://evil.example/health");
    assert_eq!(absolute.send(gateway.addr()).await.unwrap().status, 400);
}

#[tokio::test]
async fn a_proxy_is_believed_only_if_the_config_names_it() {
    let home = TestHome::new();
    let settings = |proxies: &[&str]| {
        let auth = json!({
            "mode": "trusted-proxy",
            "trustedProxy": {
                "userHeader": "X-User", "allowUsers": ["nick"], "allowLoopback": true
            }
        });
        json!({ "gateway": { "auth": auth, "trustedProxies": proxies } }).to_string()
    };
    home.write_config(&settings(&["127.0.0.1"]));
    // The kit wants to know a token; here it opens nothing.
    home.state_dir().create().unwrap();
    drop(home.state_dir().read_or_create_token().unwrap());
    let gateway = GatewayProcess::start_with(&home, OPENCLAW, |command| {
        command.env("OPENCLAW_GATEWAY_PASSWORD", "a password of some length")
    })
    .await;
    let status = async |headers: &[(&str, &str)]| {
        let request = headers.iter().fold(post(), |request, (name, value)| {
            request.header(*name, *value)
        });
        request.send(gateway.addr()).await.unwrap().status
    };
    let client = ("x-forwarded-for", "198.51.100.7");
    assert_eq!(status(&[client, ("x-user", "nick")]).await, 200);
    for headers in [
        &[client][..],
        &[("x-user", "nick")],
        &[client, ("x-user", "root")],
        &[client, ("x-user", "nick"), ("x-user", "nick")],
        &[("x-forwarded-for", "127.0.0.1"), ("x-user", "nick")],
        &[("x-forwarded-for", "nobody"), ("x-user", "nick")],
    ] {
        assert_eq!(status(headers).await, 401, "{headers:?}");
    }
    home.write_config(&settings(&["192.0.2.1"]));
    let mut asked = tokio::time::interval(ASK);
    while status(&[client, ("x-user", "nick")]).await != 401 {
        asked.tick().await;
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_what_they_may_not_do() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    for answer in [
        admitted(&gateway, post()).await,
        admitted(&gateway, HttpRequest::get("/status")).await,
        admitted(&gateway, HttpRequest::get("/nothing")).await,
        admitted(&gateway, HttpRequest::get("/rpc")).await,
        HttpRequest::get("/health")
            .send(gateway.addr())
            .await
            .unwrap(),
        HttpRequest::get("/login")
            .send(gateway.addr())
            .await
            .unwrap(),
        HttpRequest::get("/rpc").send(gateway.addr()).await.unwrap(),
        HttpRequest::get("/health?token=x")
            .send(gateway.addr())
            .await
            .unwrap(),
        HttpRequest::get("/")
            .header("origin", "null")
            .send(gateway.addr())
            .await
            .unwrap(),
    ] {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("vary", "origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{answer:?}");
        }
        assert!(answer.header("permissions-policy").is_some());
        assert_eq!(answer.header("server"), None);
    }
}

#[tokio::test]
async fn a_secret_in_an_address_is_refused_and_is_in_no_log() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let token = gateway.token().expose_secret();
    for name in ["token", "access_token", "auth", "%74oken", "Api-Key"] {
        for path in ["/rpc", "/ws", "/health", "/nothing"] {
            let request = HttpRequest::get(format!("{path}?a=b&{name}={token}"));
            let answer = request.send(gateway.addr()).await.unwrap();
            assert_eq!(answer.status, 400, "{path} {name}");
            let good = admitted(&gateway, request).await;
            assert_eq!(good.status, 400, "{path} {name}");
        }
    }
    let log = fs::read_to_string(gateway.stderr_file()).unwrap();
    assert!(!log.contains(token), "{log}");
}
