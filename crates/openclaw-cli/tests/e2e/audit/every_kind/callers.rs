//! What comes over the network: programs with tokens, browsers, and strangers.

use openclaw_core::access::Scope;
use openclaw_testkit::GatewayProcess;
use openclaw_testkit::http::{HttpAnswer, HttpRequest};
use serde_json::{Value, json};

use super::{CALLS, Expected, GUESSED, MESSAGES, PASSWORD, Stage};
use crate::audit::MAIN;
use crate::socket::{self, Frame, Socket};

const HERE: &str = "127.0.0.1";

/// A grant and its tokens.
struct Pair {
    id: String,
    access: String,
    refresh: String,
}

fn post(path: &str, body: &Value) -> HttpRequest {
    HttpRequest::post(path, body.to_string()).header("content-type", "application/json")
}

fn call(method: &str) -> HttpRequest {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": {} });
    post("/rpc", &body)
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

async fn send(gateway: &GatewayProcess, request: HttpRequest, status: u16) -> HttpAnswer {
    let answer = request.send(gateway.addr()).await.unwrap();
    assert_eq!(answer.status, status, "{request:?}: {}", answer.text());
    answer
}

/// Opens a socket, shows a token in the first frame, and returns the answer.
async fn first_frame(gateway: &GatewayProcess, token: &str) -> (Socket, Value) {
    let params = json!({ "token": token });
    let auth = json!({ "jsonrpc": "2.0", "id": 1, "method": "auth", "params": params });
    let mut socket = Socket::open_with(gateway.addr(), &[]).await;
    socket.send_text(&auth.to_string()).await;
    let answer = socket.next_answer().await;
    (socket, answer)
}

impl Stage {
    async fn pair(&mut self, gateway: &GatewayProcess, scope: Scope) -> Pair {
        let params = json!({ "name": "test", "scopes": [scope] });
        let made = gateway.rpc("tokens.create", params).await.unwrap();
        Pair {
            id: made["tokenId"].as_str().unwrap().to_owned(),
            access: self.secret(&made["accessToken"]),
            refresh: self.secret(&made["refreshToken"]),
        }
    }

    /// How tokens come and go, and what their bearers may not do.
    pub(super) async fn tokens(&mut self, gateway: &GatewayProcess) -> Vec<Expected> {
        let reader = self.pair(gateway, Scope::Read).await;
        let approver = self.pair(gateway, Scope::Approvals).await;
        let status = HttpRequest::get("/status");
        for (request, answer) in [(status, 403), (call("tokens.list"), 200)] {
            let request = request.header("authorization", bearer(&approver.access));
            drop(send(gateway, request, answer).await);
        }
        let (_socket, answer) = first_frame(gateway, &reader.access).await;
        assert_eq!(answer["result"]["ok"], true);
        let refresh = || post("/auth/token", &json!({ "refreshToken": reader.refresh }));
        let next = send(gateway, refresh(), 200).await.json();
        for token in [&next["accessToken"], &next["refreshToken"]] {
            self.secret(token);
        }
        drop(send(gateway, refresh(), 401).await);
        self.ran(&["tokens", "revoke", &approver.id]).await;

        let issued = |id: &str, scope: Scope| {
            let value = json!({ "id": id, "scopes": [scope], "by": "token" });
            Expected::once("token.issued", value)
        };
        let ended = |id: &str, reason: &str| {
            Expected::once("token.ended", json!({ "id": id, "reason": reason }))
        };
        let allowed = |id: &str, transport: &str| {
            let principal = format!("token {id}");
            let value = json!({ "principal": principal, "transport": transport, "peer": HERE });
            Expected::once("auth.allowed", value)
        };
        let forbidden = |method: &str| {
            let principal = format!("token {}", approver.id);
            let value = json!({ "principal": principal, "method": method });
            Expected::once("auth.forbidden", value)
        };
        vec![
            issued(&reader.id, Scope::Read),
            issued(&approver.id, Scope::Approvals),
            allowed(&reader.id, "ws"),
            allowed(&approver.id, "status"),
            allowed(&approver.id, "rpc"),
            forbidden("GET /status"),
            forbidden("tokens.list"),
            ended(&reader.id, "its refresh token was used twice"),
            ended(&approver.id, "revoked by token"),
        ]
    }

    /// Who calls and writes too much.
    pub(super) async fn limits(&mut self, gateway: &GatewayProcess) -> Vec<Expected> {
        let caller = self.pair(gateway, Scope::Read).await;
        let (mut calls, mut messages) = (0, 0);
        for _ in 0..CALLS * 2 {
            let call = call("agent.list").header("authorization", bearer(&caller.access));
            calls += u64::from(call.send(gateway.addr()).await.unwrap().status == 429);
        }
        for _ in 0..MESSAGES * 2 {
            let params = json!({ "sessionKey": MAIN, "content": "hi" });
            messages += u64::from(gateway.rpc("session.message", params).await.is_err());
        }
        let limited = |principal: String, what: &str, times| {
            let value = json!({ "principal": principal, "what": what, "peer": HERE });
            Expected("rate.limited", value, times)
        };
        vec![
            limited(format!("token {}", caller.id), "calls", calls),
            limited("token".to_owned(), "messages", messages),
        ]
    }

    /// How a browser logs in and out.
    pub(super) async fn browser(&mut self, gateway: &GatewayProcess) -> Vec<Expected> {
        let link = self.ran(&["dashboard", "--json"]).await;
        let link: Value = serde_json::from_str(&link).unwrap();
        let code = link["data"]["url"]
            .as_str()
            .unwrap()
            .split_once("#t=")
            .unwrap()
            .1;
        let code = self.secret(&json!(code));
        let login = send(gateway, post("/auth/login", &json!({ "code": code })), 200).await;
        let set = login
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie");
        let cookies: Vec<&str> = set
            .map(|(_, cookie)| cookie.split(';').next().unwrap())
            .collect();
        for cookie in &cookies {
            self.secret(&json!(cookie.split_once('=').unwrap().1));
        }
        for status in [200, 401] {
            let logout = HttpRequest::post("/auth/logout", "").header("cookie", cookies.join("; "));
            drop(send(gateway, logout, status).await);
        }
        let allowed = json!({ "principal": "browser…", "transport": "auth", "peer": HERE });
        vec![
            Expected::once("token.offered", json!({ "by": "token" })),
            Expected::once("token.issued", json!({ "by": "login" })),
            // By the code, and once more to log out.
            Expected("auth.allowed", allowed, 2),
            Expected::once("token.ended", json!({ "reason": "logged out" })),
        ]
    }

    /// Who is not let in, until nobody is any more.
    pub(super) async fn strangers(&self, gateway: &GatewayProcess) -> Vec<Expected> {
        let wrong = bearer(GUESSED);
        let login = |what: &str, secret: &str| post("/auth/login", &json!({ what: secret }));
        let status = HttpRequest::get("/status");
        for (request, answer) in [
            (call("agent.list"), 401),
            (call("agent.list").header("authorization", &wrong), 401),
            (HttpRequest::get(format!("/status?token={GUESSED}")), 400),
            (status.header("authorization", &wrong), 401),
            (
                call("agent.list").header("origin", "https://evil.example"),
                403,
            ),
            (login("code", GUESSED), 401),
            (
                post("/auth/token", &json!({ "refreshToken": GUESSED })),
                401,
            ),
        ] {
            drop(send(gateway, request, answer).await);
        }
        let answer = socket::refused(gateway.addr(), &[("authorization", &wrong)]).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        let (mut socket, _answer) = first_frame(gateway, GUESSED).await;
        assert_eq!(socket.next_frame().await, Frame::Close(1008));
        let host = "GET /status HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
        let answer = socket::exchange(gateway.addr(), host).await;
        assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
        let mut guesses = 0;
        while login("secret", GUESSED)
            .send(gateway.addr())
            .await
            .unwrap()
            .status
            == 401
        {
            guesses += 1;
        }
        drop(send(gateway, login("secret", PASSWORD), 429).await);

        let denied = |reason: &str, transport: &str, times| {
            let value = json!({ "reason": reason, "transport": transport, "peer": HERE });
            Expected("auth.denied", value, times)
        };
        // The second use of a refresh token and of a cookie were wrong credentials, too.
        let earlier = 2;
        vec![
            denied("no credential", "rpc", 1),
            denied("wrong credential", "rpc", 1),
            denied("wrong credential", "status", 1),
            denied("wrong credential", "ws", 2),
            denied("wrong credential", "auth", earlier + 2 + guesses),
            denied("foreign Origin", "rpc", 1),
            denied("foreign Host", "status", 1),
            denied("credential in an address", "status", 1),
            // The guess that was one too many, and the right one after it.
            denied("locked out", "auth", 2),
        ]
    }
}
