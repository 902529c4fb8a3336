//! A device with a key of its own.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use openclaw_core::access::devices::DeviceKey;
use serde_json::{Value, json};

use crate::socket::{Frame, Socket};

/// What a terminal asks for.
const SCOPES: [&str; 4] = [
    "operator.admin",
    "operator.read",
    "operator.write",
    "operator.approvals",
];

/// A device, named by the key that it holds.
#[derive(Debug)]
pub(crate) struct Device {
    key: SigningKey,
    public: String,
    pub(crate) id: String,
}

impl Device {
    /// Makes one whose key follows from a number.
    pub(crate) fn new(seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let public = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        let id = DeviceKey::read(&public).unwrap().id().to_string();
        Self { key, public, id }
    }

    /// Signs a nonce along with what the device says.
    fn proof(&self, connect: &Connect, nonce: &str) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let signed_at = u64::try_from(now.as_millis()).unwrap();
        let text = [
            "v3",
            &self.id,
            "openclaw-tui",
            "ui",
            "operator",
            &SCOPES.join(","),
            &signed_at.to_string(),
            connect.signed_token(),
            nonce,
            "linux",
            "",
        ]
        .join("|");
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        json!({
            "id": self.id,
            "publicKey": self.public,
            "signature": URL_SAFE_NO_PAD.encode(signature),
            "signedAt": signed_at,
            "nonce": nonce,
        })
    }
}

/// How a device comes in.
#[derive(Debug)]
pub(crate) struct Connect {
    auth: Value,
    protocol: u64,
    headers: Vec<(&'static str, &'static str)>,
}

impl Connect {
    /// With the gateway's token.
    pub(crate) fn token(token: &str) -> Self {
        Self::auth(json!({ "token": token }))
    }

    /// With these credentials.
    pub(crate) fn auth(auth: Value) -> Self {
        Self {
            auth,
            protocol: 4,
            headers: Vec::new(),
        }
    }

    /// Speaks one version of the protocol and no other.
    pub(crate) fn protocol(mut self, version: u64) -> Self {
        self.protocol = version;
        self
    }

    /// Comes by a proxy, from another machine.
    pub(crate) fn by_proxy(mut self) -> Self {
        self.headers = vec![("x-forwarded-for", "203.0.113.7")];
        self
    }

    fn signed_token(&self) -> &str {
        let shown = self.auth.get("token").or(self.auth.get("deviceToken"));
        shown.and_then(Value::as_str).unwrap_or_default()
    }
}

/// A device's connection.
#[derive(Debug)]
pub(crate) struct Peer {
    socket: Socket,
    sent: u32,
    /// The events that came while an answer was waited for.
    passed: VecDeque<Value>,
    /// What the gateway greeted it with.
    pub(crate) hello: Value,
}

impl Peer {
    /// Comes in, or is told why not; then the gateway closes with a code.
    pub(crate) async fn connect(
        addr: SocketAddr,
        device: &Device,
        connect: Connect,
    ) -> Result<Self, (Value, u16)> {
        let mut peer = Self {
            socket: Socket::open_at("/", addr, &connect.headers).await,
            sent: 0,
            passed: VecDeque::new(),
            hello: Value::Null,
        };
        let challenge = peer.next().await.unwrap();
        assert_eq!(challenge["event"], "connect.challenge", "{challenge}");
        let nonce = challenge["payload"]["nonce"].as_str().unwrap();
        let params = json!({
            "minProtocol": connect.protocol,
            "maxProtocol": connect.protocol,
            "client": {
                "id": "openclaw-tui", "version": "0.0.1", "platform": "linux", "mode": "ui",
            },
            "role": "operator",
            "scopes": SCOPES,
            "caps": ["tool-events"],
            "device": device.proof(&connect, nonce),
            "auth": connect.auth,
        });
        match peer.call("connect", params).await {
            Ok(hello) => {
                peer.hello = hello;
                Ok(peer)
            }
            Err(error) => Err((error, peer.closed().await)),
        }
    }

    /// Calls a method and returns its answer, or its error; events are kept for later.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.sent += 1;
        let id = format!("r{}", self.sent);
        let request = json!({ "type": "req", "id": id, "method": method, "params": params });
        self.socket.send_text(&request.to_string()).await;
        loop {
            let frame = self.next().await.unwrap();
            if frame["type"] == "res" && frame["id"] == id.as_str() {
                return if frame["ok"] == true {
                    Ok(frame["payload"].clone())
                } else {
                    Err(frame["error"].clone())
                };
            }
            self.passed.push_back(frame);
        }
    }

    /// Returns the next frame, or the code by which the gateway closes.
    pub(crate) async fn next(&mut self) -> Result<Value, u16> {
        match self.socket.next_frame().await {
            Frame::Text(text) => Ok(serde_json::from_str(&text).unwrap()),
            Frame::Close(code) => Err(code),
        }
    }

    /// Returns the events up to the first `chat` of a state.
    pub(crate) async fn until_chat(&mut self, state: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let frame = match self.passed.pop_front() {
                Some(frame) => frame,
                None => self.next().await.unwrap(),
            };
            if frame["type"] != "event" {
                continue;
            }
            let is_it = frame["event"] == "chat" && frame["payload"]["state"] == state;
            events.push(frame);
            if is_it {
                return events;
            }
        }
    }

    /// Waits until the gateway closes, and returns its code.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}
