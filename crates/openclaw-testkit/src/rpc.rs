//! JSON-RPC over `POST /rpc`, written out by hand so that the gateway's own bytes are tested.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use openclaw_core::ApiKey;
use serde_json::{Value, json};

use crate::http::{HttpAnswer, HttpRequest};

/// A way to a gateway; clones may be used side by side, and after the gateway is gone.
#[derive(Clone, Debug)]
pub struct RpcClient {
    addr: SocketAddr,
    token: Arc<ApiKey>,
}

impl RpcClient {
    /// Makes a client; nothing is connected before a call.
    pub fn new(addr: SocketAddr, token: impl Into<Arc<ApiKey>>) -> Self {
        let token = token.into();
        Self { addr, token }
    }

    /// Calls a method and returns its result, or its error object.
    ///
    /// An `Err` outside means that no whole answer came.
    ///
    /// # Panics
    /// When the answer is no JSON-RPC answer to this call.
    pub async fn call(&self, method: &str, params: Value) -> io::Result<Result<Value, Value>> {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.post(call.to_string()).await?;
        if !answer.complete {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let document = answer.json();
        assert_eq!(
            (document.get("jsonrpc"), document.get("id")),
            (Some(&json!("2.0")), Some(&json!(1))),
            "no answer to `{method}` (HTTP {}): {document:#}",
            answer.status
        );
        match (document.get("result"), document.get("error")) {
            (Some(result), None) => Ok(Ok(result.clone())),
            (None, Some(error)) => Ok(Err(error.clone())),
            _ => panic!("neither a result nor an error of `{method}`: {document:#}"),
        }
    }

    /// Posts any bytes to `/rpc` with the token.
    pub async fn post(&self, body: impl Into<Vec<u8>>) -> io::Result<HttpAnswer> {
        let request = HttpRequest::post("/rpc", body).header("content-type", "application/json");
        self.send(request).await
    }

    /// Sends any request with the token.
    #[expect(
        clippy::disallowed_methods,
        reason = "the header takes it to the gateway"
    )]
    pub async fn send(&self, request: HttpRequest) -> io::Result<HttpAnswer> {
        let bearer = format!("Bearer {}", self.token.expose_secret());
        request
            .header("authorization", bearer)
            .send(self.addr)
            .await
    }
}
