//! A client of OpenClaw's protocol that says what it is told to.

use std::net::SocketAddr;

use openclaw_testkit::GatewayProcess;
use serde_json::{Value, json};

use crate::socket::{Frame, Socket};

/// A client that was let in.
pub(super) struct Peer {
    socket: Socket,
    sent: u32,
    /// The methods that the gateway says it has.
    pub(super) methods: Vec<String>,
}

impl Peer {
    /// Connects with every scope.
    pub(super) async fn connect(gateway: &GatewayProcess) -> Self {
        let scopes = [
            "operator.admin",
            "operator.read",
            "operator.write",
            "operator.approvals",
            "operator.questions",
            "operator.pairing",
        ];
        Self::with_scopes(gateway.addr(), gateway.token().expose_secret(), &scopes).await
    }

    /// Connects with some scopes.
    pub(super) async fn with_scopes(addr: SocketAddr, token: &str, scopes: &[&str]) -> Self {
        let mut peer = Self {
            socket: Socket::open_at("/", addr, &[]).await,
            sent: 0,
            methods: Vec::new(),
        };
        let challenge = peer.next().await;
        assert_eq!(challenge["event"], "connect.challenge", "{challenge}");
        let connect = json!({
            "minProtocol": 4,
            "maxProtocol": 4,
            "client": {
                "id": "gateway-client", "version": "0.0.1", "platform": "linux", "mode": "backend",
            },
            "role": "operator",
            "scopes": scopes,
            "caps": [],
            "auth": { "token": token },
        });
        let hello = peer.call("connect", connect).await.unwrap();
        assert_eq!(hello["type"], "hello-ok", "{hello}");
        let methods = hello["features"]["methods"].as_array().unwrap().iter();
        peer.methods = methods
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        peer
    }

    /// Calls a method and returns its answer, or its error.
    pub(super) async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.ask(method, params).await;
        self.answer(&id).await
    }

    /// Sends a request and returns its id.
    pub(super) async fn ask(&mut self, method: &str, params: Value) -> String {
        self.sent += 1;
        let id = format!("r{}", self.sent);
        let request = json!({ "type": "req", "id": id, "method": method, "params": params });
        self.socket.send_text(&request.to_string()).await;
        id
    }

    /// Returns the next answer to a request; events and other answers are passed over.
    pub(super) async fn answer(&mut self, id: &str) -> Result<Value, Value> {
        loop {
            let frame = self.next().await;
            if frame["type"] == "res" && frame["id"] == id {
                return if frame["ok"] == true {
                    Ok(frame["payload"].clone())
                } else {
                    Err(frame["error"].clone())
                };
            }
        }
    }

    async fn next(&mut self) -> Value {
        match self.socket.next_frame().await {
            Frame::Text(text) => serde_json::from_str(&text).unwrap(),
            Frame::Close(code) => panic!("the gateway closed the socket with {code}"),
        }
    }
}
