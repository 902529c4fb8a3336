//! Who may do what: issued tokens, their scopes and their end, and browsers that log in.

use std::collections::BTreeMap;
use std::time::Duration;

use openclaw_core::access::{Scope, Scopes};
use openclaw_ipc::METHODS;
use openclaw_testkit::http::{HttpAnswer, HttpRequest};
use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::OPENCLAW;
use crate::audit::entries;
use crate::socket::{self, Frame, Socket};

/// Five times what a closed connection may take to be noticed.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A pair of tokens as a program holds them.
struct Pair {
    id: String,
    access: String,
    refresh: String,
}

impl Pair {
    fn of(issued: &Value) -> Self {
        let text = |key: &str| issued[key].as_str().unwrap().to_owned();
        Self {
            id: text("tokenId"),
            access: text("accessToken"),
            refresh: text("refreshToken"),
        }
    }

    async fn create(gateway: &GatewayProcess, scopes: &[Scope]) -> Self {
        let params = json!({ "name": "test", "scopes": scopes });
        Self::of(&gateway.rpc("tokens.create", params).await.unwrap())
    }
}

fn call(method: &str, params: &Value) -> HttpRequest {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    post("/rpc", &body)
}

fn post(path: &str, body: &Value) -> HttpRequest {
    HttpRequest::post(path, body.to_string()).header("content-type", "application/json")
}

async fn send(gateway: &GatewayProcess, request: HttpRequest) -> HttpAnswer {
    request.send(gateway.addr()).await.unwrap()
}

/// Calls a method that only looks, with a bearer token; returns the status.
async fn status_with(gateway: &GatewayProcess, token: &str) -> u16 {
    let request = call("agent.list", &json!({})).header("authorization", format!("Bearer {token}"));
    send(gateway, request).await.status
}

async fn exchange(gateway: &GatewayProcess, refresh: &str) -> HttpAnswer {
    send(
        gateway,
        post("/auth/token", &json!({ "refreshToken": refresh })),
    )
    .await
}

/// What an answer says, without what is another one in every answer.
fn told(answer: &HttpAnswer) -> (u16, Value) {
    let mut body = answer.json();
    body["error"]["data"]["id"].take();
    (answer.status, body)
}

#[tokio::test]
async fn every_method_opens_to_its_scope_and_to_no_other() {
    let home = TestHome::new();
    let provider = FakeProvider::scripted([Reply::text("hello"), Reply::text("hello")]);
    home.use_provider(&provider, WireFormat::Anthropic);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut told_strangers = BTreeMap::new();
    for scope in Scope::ALL {
        let token = Pair::create(&gateway, &[scope]).await;
        for method in METHODS {
            let params = serde_json::from_str(method.example.params).unwrap();
            let request = call(method.name, &params);
            let stranger = send(&gateway, request.clone()).await;
            told_strangers.insert(method.name, told(&stranger));

            let bearer = format!("Bearer {}", token.access);
            let answer = send(&gateway, request.header("authorization", bearer)).await;
            assert_eq!(answer.status, 200, "{}: {}", method.name, answer.text());
            let kind = answer.json()["error"]["data"]["kind"].clone();
            let may = Scopes::from_iter([scope]).include(method.scope);
            assert_eq!(
                kind == "denied",
                !may,
                "{} with {scope}: {kind}",
                method.name
            );
        }
    }
    // Somebody unknown cannot even tell which methods there are.
    let unknown = send(&gateway, call("no.such", &json!({}))).await;
    for (method, answer) in told_strangers {
        assert_eq!(answer, told(&unknown), "{method}");
    }
    assert_eq!(unknown.status, 401);
}

#[tokio::test]
async fn a_revoked_token_closes_its_sockets_and_opens_nothing_any_more() {
    let home = TestHome::new();
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let (gone, kept) = (
        Pair::create(&gateway, &[Scope::Read]).await,
        Pair::create(&gateway, &[Scope::Read]).await,
    );
    let mut socket = Socket::open_bearer(gateway.addr(), &gone.access).await;
    let mut other = Socket::open_bearer(gateway.addr(), &kept.access).await;
    socket.send_text(&call_text("agent.list")).await;
    assert!(socket.next_answer().await["result"].is_object());

    let revoked = gateway
        .rpc("tokens.revoke", json!({ "tokenId": gone.id }))
        .await;
    assert_eq!(revoked.unwrap(), json!({ "revoked": true }));
    let frame = timeout(AT_ONCE, socket.next_frame()).await.unwrap();
    assert!(matches!(frame, Frame::Close(_)), "{frame:?}");
    assert_eq!(status_with(&gateway, &gone.access).await, 401);
    assert_eq!(exchange(&gateway, &gone.refresh).await.status, 401);

    other.send_text(&call_text("agent.list")).await;
    assert!(other.next_answer().await["result"].is_object());
    let list = gateway.rpc("tokens.list", json!({})).await.unwrap();
    assert_eq!(list["tokens"].as_array().unwrap().len(), 1);
    assert!(list["tokens"][0]["lastUsedAt"].is_string());
    gateway.terminate().await;
    let entries = entries(&home, "token").await;
    let kinds: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["kind"].as_str())
        .collect();
    assert_eq!(kinds, ["token.issued", "token.issued", "token.ended"]);
}

#[tokio::test]
async fn a_page_that_may_call_neither_uses_cookies_nor_sets_any_and_goes_with_its_origin() {
    const UI: &str = "https://ui.example";
    let home = TestHome::new();
    let config = |origins: &[&str]| {
        json!({ "gateway": { "controlUi": { "allowedOrigins": origins } } }).to_string()
    };
    home.write_config(&config(&[UI]));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let login = post(
        "/auth/login",
        &json!({ "secret": gateway.token().expose_secret() }),
    );
    let cookies = cookies(&send(&gateway, login.clone()).await);
    let jar = cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let jar = jar.collect::<Vec<_>>().join("; ");
    for path in ["/auth/refresh", "/auth/logout"] {
        let with_cookies = || HttpRequest::post(path, "").header("cookie", &*jar);
        for request in [
            with_cookies().header("origin", UI),
            with_cookies().header("sec-fetch-site", "cross-site"),
            with_cookies().header("sec-fetch-site", "same-site"),
        ] {
            assert_eq!(send(&gateway, request).await.status, 403, "{path}");
        }
    }
    assert_eq!(send(&gateway, login.header("origin", UI)).await.status, 403);

    let pair = Pair::create(&gateway, &[Scope::Read]).await;
    let bearer = format!("Bearer {}", pair.access);
    let headers = [("authorization", &*bearer), ("origin", UI)];
    let mut socket = Socket::open_with(gateway.addr(), &headers).await;
    socket.send_text(&call_text("agent.list")).await;
    assert!(socket.next_answer().await["result"].is_object());
    home.write_config(&config(&[]));
    assert_eq!(socket.next_frame().await, Frame::Close(1012));
    let refused = socket::refused(gateway.addr(), &headers).await;
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
}

#[tokio::test]
async fn what_cannot_be_a_token_is_no_guess_and_a_good_one_works_while_others_guess() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let pair = Pair::create(&gateway, &[Scope::Read]).await;
    for odd in ["", "two words", "[object Object]", &"x".repeat(8000)] {
        for _ in 0..5 {
            assert_eq!(status_with(&gateway, odd).await, 401, "{odd}");
        }
    }
    for _ in 0..10 {
        assert_eq!(status_with(&gateway, "wrong").await, 401);
    }
    assert_eq!(status_with(&gateway, "wrong").await, 429);
    assert_eq!(exchange(&gateway, "oc_rt_wrong").await.status, 429);
    assert_eq!(status_with(&gateway, &pair.access).await, 200);
    assert_eq!(exchange(&gateway, &pair.refresh).await.status, 200);
}

#[tokio::test]
async fn a_secret_is_no_name_and_no_part_of_an_address() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let token = gateway.token().expose_secret();
    let held = format!("with {token} in it");
    for (method, params) in [
        (
            "session.create",
            json!({ "peerId": format!("peer-{token}") }),
        ),
        (
            "session.message",
            json!({ "sessionKey": "agent:main:main", "content": "hi", "idempotencyKey": held }),
        ),
    ] {
        let refused = gateway.rpc(method, params).await.unwrap_err();
        assert_eq!(refused["data"]["kind"], "invalid", "{refused}");
    }
    let created = gateway.rpc("session.create", json!({})).await.unwrap();
    let end = json!({ "sessionKey": created["sessionKey"], "reason": held });
    gateway.rpc("session.end", end).await.unwrap();
    let key = created["sessionKey"].as_str().unwrap();
    let events = home
        .command(OPENCLAW)
        .args(["sessions", "events", key, "--json"]);
    let events = events.run().await.assert_code(0);
    assert!(events.stdout.contains("with [REDACTED] in it"), "{events}");
    for query in [
        format!("x={token}"),
        "k=oc_at_abc".to_owned(),
        "token=x".to_owned(),
    ] {
        let asked = HttpRequest::get(format!("/status?{query}"));
        let asked = asked.header("authorization", format!("Bearer {token}"));
        assert_eq!(send(&gateway, asked).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_pipe_in_the_place_of_a_file_is_told_and_not_waited_for() {
    for name in ["gateway.token", "gateway.key", "tokens.sealed"] {
        let home = TestHome::new();
        home.state_dir().create().unwrap();
        let pipe = home.state_dir().own().join(name);
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        if name == "tokens.sealed" {
            // The owner gets in all the same; issued tokens open nothing.
            let gateway = GatewayProcess::start(&home, OPENCLAW).await;
            let refused = gateway.rpc("tokens.list", json!({})).await.unwrap_err();
            assert_eq!(refused["data"]["kind"], "unavailable", "{refused}");
            continue;
        }
        let run = home
            .command(OPENCLAW)
            .args(["gateway", "run", "--port", "0"]);
        let run = run.run().await.assert_code(69);
        assert!(run.stderr.contains(name), "{run}");
    }
}

#[tokio::test]
async fn who_may_not_look_is_told_nothing_unasked_either() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let (reader, approver) = (
        Pair::create(&gateway, &[Scope::Read]).await,
        Pair::create(&gateway, &[Scope::Approvals]).await,
    );
    let bearer = format!("Bearer {}", approver.access);
    let status = HttpRequest::get("/status").header("authorization", bearer);
    assert_eq!(send(&gateway, status).await.status, 403);

    let mut sees = Socket::open_bearer(gateway.addr(), &reader.access).await;
    let mut blind = Socket::open_bearer(gateway.addr(), &approver.access).await;
    gateway.rpc("session.create", json!({})).await.unwrap();
    let Frame::Text(event) = sees.next_frame().await else {
        panic!("the socket was closed");
    };
    assert!(event.contains("SessionStarted"), "{event}");
    // Whatever comes first on the other socket is the answer, and no event.
    blind.send_text(&call_text("agent.list")).await;
    let Frame::Text(answer) = blind.next_frame().await else {
        panic!("the socket was closed");
    };
    assert!(answer.contains("operator.read"), "{answer}");
}

fn call_text(method: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method }).to_string()
}

#[tokio::test]
async fn tokens_outlive_a_restart_and_a_refresh_token_is_good_once() {
    let home = TestHome::new();
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let first = Pair::create(&gateway, &[Scope::Read]).await;
    gateway.terminate().await;
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    assert_eq!(status_with(&gateway, &first.access).await, 200);

    let answer = exchange(&gateway, &first.refresh).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let second = Pair::of(&answer.json());
    assert_eq!(second.id, first.id);
    for access in [&first.access, &second.access] {
        assert_eq!(status_with(&gateway, access).await, 200);
    }
    let stolen = exchange(&gateway, &first.refresh).await;
    let unknown = exchange(&gateway, "oc_rt_nonsense").await;
    assert_eq!(
        told(&stolen),
        told(&unknown),
        "nobody learns that it was a good one"
    );
    assert_eq!(stolen.status, 401);
    for access in [&first.access, &second.access] {
        assert_eq!(
            status_with(&gateway, access).await,
            401,
            "the theft ends the grant"
        );
    }
    assert_eq!(exchange(&gateway, &second.refresh).await.status, 401);
}

#[tokio::test]
async fn a_changed_gateway_token_drops_whoever_came_in_by_the_old_one() {
    let home = TestHome::new();
    let config = |token: &str| json!({ "gateway": { "auth": { "token": token } } }).to_string();
    let (old, new) = ("old-token-0123456789", "new-token-0123456789");
    home.write_config(&config(old));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let issued = {
        let create = json!({ "name": "kept", "scopes": [Scope::Read] });
        let request =
            call("tokens.create", &create).header("authorization", format!("Bearer {old}"));
        Pair::of(&send(&gateway, request).await.json()["result"])
    };
    let mut socket = Socket::open_bearer(gateway.addr(), old).await;
    home.write_config(&config(new));
    let frame = socket.next_frame().await;
    assert!(matches!(frame, Frame::Close(_)), "{frame:?}");
    assert_eq!(status_with(&gateway, old).await, 401);
    assert_eq!(status_with(&gateway, new).await, 200);
    assert_eq!(
        status_with(&gateway, &issued.access).await,
        200,
        "its own owner ends it"
    );
}

#[tokio::test]
async fn a_link_logs_one_browser_in_until_it_logs_out() {
    let home = TestHome::new();
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let link = home
        .command(OPENCLAW)
        .args(["dashboard", "--json"])
        .run()
        .await;
    let link = link.assert_code(0).json();
    let (address, code) = link["data"]["url"]
        .as_str()
        .unwrap()
        .split_once("#t=")
        .unwrap();
    assert_eq!(address, format!("http://{}/login", gateway.addr()));

    let login = post("/auth/login", &json!({ "code": code }));
    let answer = send(&gateway, login.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cookies = cookies(&answer);
    assert!(
        !answer.text().contains(&cookies["openclaw_session"]),
        "only the cookie has it"
    );
    assert_eq!(send(&gateway, login).await.status, 401, "the code was used");

    let jar = |names: &[&str]| {
        let pairs: Vec<String> = names
            .iter()
            .map(|name| format!("{name}={}", cookies[*name]))
            .collect();
        pairs.join("; ")
    };
    let own = format!("http://{}", gateway.addr());
    let read = |origin: &str| {
        call("agent.list", &json!({}))
            .header("cookie", jar(&["openclaw_session"]))
            .header("origin", origin)
    };
    assert_eq!(send(&gateway, read(&own)).await.status, 200);
    assert_eq!(
        send(&gateway, read("http://127.0.0.1:1")).await.status,
        403,
        "another page"
    );
    let bearer = format!("Bearer {}", cookies["openclaw_session"]);
    let upgrade = [("origin", &*own), ("cookie", &*jar(&["openclaw_session"]))];
    let mut socket = Socket::open_with(gateway.addr(), &upgrade).await;
    socket.send_text(&call_text("agent.list")).await;
    assert!(socket.next_answer().await["result"].is_object());

    let refresh =
        || HttpRequest::post("/auth/refresh", "").header("cookie", jar(&["openclaw_refresh"]));
    let refreshed = send(&gateway, refresh()).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    gateway.terminate().await;
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let own = format!("http://{}", gateway.addr());
    let with_cookie = |path: &str| {
        HttpRequest::post(path, "")
            .header("cookie", jar(&["openclaw_session"]))
            .header("origin", own.clone())
    };
    let status = HttpRequest::get("/status").header("cookie", jar(&["openclaw_session"]));
    assert_eq!(
        send(&gateway, status.clone()).await.status,
        200,
        "still logged in"
    );
    let out = send(&gateway, with_cookie("/auth/logout")).await;
    assert_eq!(out.status, 200, "{}", out.text());
    assert_eq!(send(&gateway, status).await.status, 401);
    let refused = socket::refused(gateway.addr(), &[("authorization", &bearer)]).await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
}

/// The cookies that an answer sets; each is out of reach for scripts and other sites.
fn cookies(answer: &HttpAnswer) -> BTreeMap<String, String> {
    let set = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie");
    let cookies: BTreeMap<String, String> = set
        .map(|(_, cookie)| {
            let (pair, attributes) = cookie.split_once("; ").unwrap();
            assert!(
                attributes.contains("HttpOnly") && attributes.contains("SameSite=Strict"),
                "{attributes}"
            );
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect();
    assert_eq!(cookies.len(), 2, "{:?}", answer.headers);
    cookies
}

#[tokio::test]
async fn a_password_opens_the_gateway_but_not_to_somebody_who_guesses() {
    let home = TestHome::new();
    home.write_config(
        &json!({ "gateway": { "auth": { "mode": "password", "password": "correct horse" } } })
            .to_string(),
    );
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    assert_eq!(status_with(&gateway, "correct horse").await, 200);
    let login = post("/auth/login", &json!({ "secret": "correct horse" }));
    assert_eq!(send(&gateway, login.clone()).await.status, 200);
    let ran = home
        .command(OPENCLAW)
        .args(["tokens", "list", "--json"])
        .run()
        .await;
    assert_eq!(
        ran.assert_code(0).json()["data"]["tokens"][0]["grantee"],
        "browser"
    );

    let mut statuses = Vec::new();
    for guess in 0..12 {
        statuses.push(status_with(&gateway, &format!("guess {guess}")).await);
    }
    assert_eq!(statuses.first(), Some(&401));
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    let right = send(&gateway, login).await;
    assert_eq!(right.status, 429, "a right guess does not show");
    assert!(right.header("retry-after").is_some());
}

#[tokio::test]
async fn a_gateway_without_authentication_stays_on_this_machine() {
    let home = TestHome::new();
    let config =
        |bind: &str| json!({ "gateway": { "auth": { "mode": "none" }, "bind": bind } }).to_string();
    home.write_config(&config("lan"));
    let refused = home
        .command(OPENCLAW)
        .args(["gateway", "run", "--port", "0"])
        .run()
        .await;
    let refused = refused.assert_code(78);
    assert!(
        refused.stderr.contains("gateway.auth.mode"),
        "{}",
        refused.stderr
    );

    home.write_config(&config("loopback"));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let look = || call("agent.list", &json!({}));
    assert_eq!(send(&gateway, look()).await.status, 200);
    let forwarded = look().header("x-forwarded-for", "203.0.113.7");
    assert_eq!(
        send(&gateway, forwarded).await.status,
        401,
        "it came through a proxy"
    );
    let page = look().header("origin", "https://evil.example");
    assert_eq!(send(&gateway, page).await.status, 403);
}

#[tokio::test]
async fn a_trusted_proxy_names_the_user_and_nobody_else_can() {
    let home = TestHome::new();
    home.write_config(
        &json!({ "gateway": {
            "trustedProxies": ["127.0.0.1"],
            "auth": { "mode": "trusted-proxy", "trustedProxy": {
                "userHeader": "x-user", "requiredHeaders": ["x-proof"], "allowUsers": ["ada"], "allowLoopback": true
            } }
        } })
        .to_string(),
    );
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let status = |headers: &[(&str, &str)]| {
        let request = call("agent.list", &json!({})).header("x-forwarded-for", "203.0.113.7");
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        let addr = gateway.addr();
        async move { request.send(addr).await.unwrap().status }
    };
    assert_eq!(status(&[("x-user", "ada"), ("x-proof", "1")]).await, 200);
    assert_eq!(
        status(&[("x-user", "ada")]).await,
        401,
        "a required header is missing"
    );
    assert_eq!(
        status(&[("x-user", "eve"), ("x-proof", "1")]).await,
        401,
        "not on the list"
    );
    assert_eq!(status(&[("x-proof", "1")]).await, 401);
    // Programs of the owner's go beside the proxy.
    let ran = home
        .command(OPENCLAW)
        .args(["tokens", "list", "--json"])
        .run()
        .await;
    drop(ran.assert_code(0));
}
