//! The first frame: how a page shows who it is that cannot set a header.
//!
//! Until then a socket is as good as nothing: one small message is read and answered, and nothing
//! is sent unasked.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use openclaw_core::Kind;
use openclaw_ipc::jsonrpc::{self, FIRST_METHOD, Id, Request, Requests};
use openclaw_ipc::{Response, RpcError};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::super::crowd::Member;
use super::super::guard::admit;
use super::super::refused::Refused;
use super::super::wire::{Line, WRITE_TIMEOUT};
use super::end::End;
use crate::access::{Pass, Presented};
use crate::audit::Door;
use crate::builder::Gateway;

/// How many bytes a client may send before it has shown who it is.
const MAX_BYTES: usize = 4096;

/// How long a client may take to show who it is.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Auth {
    token: String,
}

/// A client that has a socket and has not shown yet who it is.
#[derive(Debug)]
pub(crate) struct Stranger {
    door: Door,
    line: Arc<Line>,
    /// Cancelled when too many others are in the same position.
    go: CancellationToken,
    _member: Member,
}

impl Stranger {
    /// Takes a place among the strangers.
    pub(super) fn new(gateway: &Gateway, door: Door, line: Arc<Line>) -> Self {
        Self::within(gateway, door, line, MAX_BYTES)
    }

    /// As [`Stranger::new`], for a client that may send so many bytes.
    pub(crate) fn within(gateway: &Gateway, door: Door, line: Arc<Line>, bytes: usize) -> Self {
        line.bound(bytes);
        let go = CancellationToken::new();
        Self {
            door,
            line,
            _member: gateway.shared.edge.strangers.join(go.clone()),
            go,
        }
    }

    /// Waits for the first frame, and admits whoever shows a good credential in it.
    pub(super) async fn log_in(
        self,
        gateway: &Gateway,
        socket: &mut WebSocket,
    ) -> Result<Pass, End> {
        let text = self.first_frame(gateway, socket).await?;
        let (id, outcome) = match jsonrpc::parse(text.as_bytes()) {
            Requests::One(Ok(request)) => (
                request.id.clone().unwrap_or(Id::Null),
                self.admit(gateway, request),
            ),
            // What else a frame may be is not told apart for strangers.
            Requests::One(Err(_)) | Requests::Batch(_) => {
                (Id::Null, admit(gateway, Presented::Nothing, self.door))
            }
        };
        let (response, pass) = match outcome {
            Ok(pass) => (Response { id, outcome: ok() }, Ok(pass)),
            Err(refused) => {
                let error = refused.told(gateway, self.door);
                (Response::error(id, error), Err(End::NO_CREDENTIAL))
            }
        };
        let answer = Message::Text(response.to_json().into());
        match time::timeout(WRITE_TIMEOUT, socket.send(answer)).await {
            Ok(Ok(())) => {
                self.is_known();
                pass
            }
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }

    fn admit(&self, gateway: &Gateway, request: Request) -> Result<Pass, Refused> {
        let auth = match request.method.as_str() {
            FIRST_METHOD => request
                .params
                .decode::<Auth>(|| vec!["token".to_owned()])
                .ok(),
            _ => None,
        };
        let presented = match &auth {
            Some(auth) => Presented::Bearer(&auth.token),
            None => Presented::Nothing,
        };
        admit(gateway, presented, self.door)
    }

    /// Lets the client send without a bound from now on.
    pub(crate) fn is_known(&self) {
        self.line.lift_bound();
    }

    /// Waits for the first text that the client sends.
    pub(crate) async fn first_frame(
        &self,
        gateway: &Gateway,
        socket: &mut WebSocket,
    ) -> Result<Utf8Bytes, End> {
        let shared = &gateway.shared;
        let mut patience = std::pin::pin!(time::sleep(PATIENCE));
        loop {
            tokio::select! {
                // Whatever has come counts before anything that has run out.
                biased;
                () = shared.connections.stop().cancelled() => return Err(End::STOPPING),
                received = socket.recv() => match received {
                    Some(Ok(Message::Text(text))) => return Ok(text),
                    Some(Ok(Message::Binary(_))) => return Err(End::BINARY),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_))) => return Err(End::Closed),
                    Some(Err(err)) => return Err(End::of(err)),
                    None => return Err(End::Gone),
                },
                () = self.line.used_up() => return Err(End::TOO_LARGE),
                () = self.go.cancelled() => return Err(End::CROWDED),
                () = patience.as_mut() => return Err(End::TOO_LATE),
            }
        }
    }
}

/// What a client is told that has shown a good credential.
fn ok() -> Result<Box<RawValue>, RpcError> {
    RawValue::from_string(r#"{"ok":true}"#.to_owned())
        .map_err(|_never| RpcError::new(Kind::Internal, "the answer could not be written"))
}
