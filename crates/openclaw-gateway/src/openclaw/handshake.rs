//! Letting a client in: the nonce, the first frame, the credential, the device.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use openclaw_core::access::Principal;
use openclaw_core::access::devices::{DeviceId, DeviceKey, Right, Rights};
use openclaw_core::access::tokens::Ended;
use openclaw_core::clock::Clock;
use openclaw_core::decode::decode;
use openclaw_ipc::openclaw::connect::{CHALLENGE, CONNECT, ConnectAuth, OPERATOR};
use openclaw_ipc::openclaw::device::SignedText;
use openclaw_ipc::openclaw::{
    ConnectParams, EventFrame, OpenclawError, Protocol, ReadFrame, RequestFrame, ResponseFrame,
};
use serde_json::json;
use tokio::time;
use uuid::Uuid;

use super::Client;
use super::pairing::{self, Asking};
use super::refusal::{Attempt, Refused};
use super::welcome;
use crate::access::{Access, Pass, Presented};
use crate::audit::Door;
use crate::builder::Gateway;
use crate::http::wire::WRITE_TIMEOUT;
use crate::http::ws::end::End;
use crate::http::ws::login::Stranger;

/// How far the time of a signature may be off.
const SKEW: Duration = Duration::from_mins(2);
/// What the token of a device begins with.
const DEVICE_TOKEN: &str = "oc_dt_";
/// The clients that people use: they keep a key on their device.
const FOR_PEOPLE: [&str; 2] = ["openclaw-control-ui", "openclaw-tui"];

/// A client that has a socket.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) door: Door,
    /// What it showed in a header.
    pub(super) shown: Option<Pass>,
    /// Whether a page of a browser asked.
    pub(super) from_page: bool,
    pub(super) stranger: Stranger,
}

/// A client that was let in, and until when.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) client: Client,
    pub(super) until: Vec<Ended>,
}

/// By what a client was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// Nothing: the owner asks for nothing.
    Nothing,
    /// The gateway's own token or password.
    Secret,
    /// A token that was issued, or a browser's cookie; the token of webhooks opens no socket.
    Issued,
    /// A proxy that names its user.
    Proxy,
    /// The token of a device.
    Device,
}

impl Means {
    fn of(principal: &Principal) -> Self {
        match principal {
            Principal::Anybody | Principal::LocalOwner => Self::Nothing,
            Principal::SecretBearer => Self::Secret,
            Principal::Issued(_) | Principal::Browser(_) | Principal::Webhook => Self::Issued,
            Principal::Proxied(_) => Self::Proxy,
            Principal::Device(_) => Self::Device,
        }
    }

    /// Returns OpenClaw's word for it.
    pub(super) fn named(self, access: &Access) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Secret if access.asks_password() => "password",
            Self::Secret | Self::Issued => "token",
            Self::Proxy => "trusted-proxy",
            Self::Device => "device-token",
        }
    }
}

impl Arrived {
    /// Asks a client who it is, and lets it in or says why not.
    pub(super) async fn shake(
        self,
        gateway: &Gateway,
        socket: &mut WebSocket,
    ) -> Result<Guest, End> {
        let nonce = Uuid::new_v4().to_string();
        let now = Clock::system().now().as_millisecond();
        let challenge = EventFrame::new(CHALLENGE, json!({"nonce": nonce, "ts": now}));
        send(socket, challenge.to_json()).await?;
        let text = self.stranger.first_frame(gateway, socket).await?;
        let unfit = |reason: String| End::Said(1008, super::refusal::shortened(&reason));
        let frame = RequestFrame::read(text.as_str())
            .map_err(|err| unfit(format!("invalid request frame: {err}")))?;
        let request = match frame {
            ReadFrame::Request(request) => request,
            ReadFrame::Unfit { id, error } => {
                return Err(refuse(socket, id, Refused::with(error)).await);
            }
        };
        match self
            .admit(gateway, &nonce, request.method, request.params)
            .await
        {
            Ok((guest, hello)) => {
                let outcome = serde_json::to_value(hello).map_err(|err| {
                    tracing::error!(%err, "a greeting cannot be written as JSON");
                    unfit("the greeting could not be written".to_owned())
                })?;
                let answer = ResponseFrame {
                    id: request.id,
                    outcome: Ok(outcome),
                };
                send(socket, answer.to_json()).await?;
                self.stranger.is_known();
                Ok(guest)
            }
            Err(refused) => Err(refuse(socket, request.id, *refused).await),
        }
    }

    async fn admit(
        &self,
        gateway: &Gateway,
        nonce: &str,
        method: String,
        params: serde_json::Value,
    ) -> Result<(Guest, openclaw_ipc::openclaw::HelloOk), Box<Refused>> {
        if method != CONNECT {
            let message = "invalid handshake: first request must be connect";
            return Err(Refused::with(OpenclawError::invalid(message)).into());
        }
        let params: ConnectParams = decode(params).map_err(|err| {
            Refused::with(OpenclawError::invalid(format!(
                "invalid connect params: {err}"
            )))
        })?;
        let (min, max) = (params.min_protocol, params.max_protocol);
        let protocol = Protocol::common(min, max).ok_or_else(|| Refused::protocol(min, max))?;
        if params.role.as_deref().unwrap_or(OPERATOR) != OPERATOR {
            return Err(Refused::with(OpenclawError::invalid("invalid role")).into());
        }
        let key = match &params.device {
            Some(_) => Some(proven(&params, nonce)?),
            None => None,
        };
        let id = key.as_ref().map(DeviceKey::id);
        let pass = self.credential(gateway, &params, id.as_ref())?;
        let means = Means::of(pass.admitted.principal());
        let given = match (&id, means) {
            (Some(id), Means::Device) => {
                let devices = gateway.shared.rpc.access.devices().ok();
                let device = devices.and_then(|devices| devices.paired(id));
                device.map_or_else(Rights::default, |device| device.token_rights())
            }
            _ => Rights::of(pass.admitted.scopes()),
        };
        let asked = asked_for(&params);
        if means == Means::Device && !given.cover(asked) {
            return Err(Refused::token_gives_less().into());
        }
        let mut until = vec![pass.ended.clone()];
        let mut rights = given.and(asked);
        let mut device_token = None;
        let mut admitted = pass.admitted.clone();
        match key {
            Some(key) if self.is_paired_by(means, &params) => {
                let asking = Asking {
                    key,
                    params: &params,
                    rights,
                    door: self.door,
                    silent: self.is_silent(&params),
                };
                let paired = pairing::pair(gateway, asking).await?;
                until.extend(paired.until);
                device_token = paired.token;
                admitted = admitted.on_device(&paired.id);
            }
            Some(_) => {}
            None => rights = self.without_device(means, &params, rights)?,
        }
        let client = Client {
            conn_id: Uuid::new_v4().to_string(),
            admitted: admitted.within(rights.scopes()),
            from: self.door.peer,
            rights,
            protocol,
            says: params.client,
            caps: params.caps,
            device: id,
            follows: <_>::default(),
        };
        let hello = welcome::hello(gateway, &client, means, device_token).await;
        Ok((Guest { client, until }, hello))
    }

    /// Judges the credential of a `connect`; one in a header counts where there is none in it.
    fn credential(
        &self,
        gateway: &Gateway,
        params: &ConnectParams,
        device: Option<&DeviceId>,
    ) -> Result<Pass, Box<Refused>> {
        let shared = &gateway.shared;
        let nothing = ConnectAuth::default();
        let auth = params.auth.as_ref().unwrap_or(&nothing);
        let of_device = |text: &&String| text.starts_with(DEVICE_TOKEN);
        let device_token = auth.device_token.as_ref();
        let own = auth.token.as_ref().filter(of_device).or(device_token);
        let presented = match (&auth.token, device, own, &auth.password) {
            (token, Some(device), Some(own), None)
                if token.as_ref().is_none_or(|t| of_device(&t)) =>
            {
                Presented::Device(device, own)
            }
            (Some(token), ..) => Presented::Bearer(token),
            (None, _, _, Some(password)) => Presented::Secret(password),
            (None, _, Some(_), None) => {
                return Err(Refused::needs_device().into());
            }
            (None, _, None, None) => match &self.shown {
                Some(pass) => return Ok(pass.clone()),
                None => Presented::Nothing,
            },
        };
        shared.admit(presented, self.door).map_err(|refusal| {
            let attempt = Attempt {
                auth,
                client: &params.client,
                local: self.door.local,
                asks_password: shared.rpc.access.asks_password(),
            };
            attempt.refused(&refusal).into()
        })
    }

    /// Tells whether it has to be decided about the device.
    ///
    /// An issued token says by itself what its bearer may do, and until when: a device does not
    /// turn it into something that lasts. A program of this machine that has the gateway's own
    /// credential is let in by that.
    fn is_paired_by(&self, means: Means, params: &ConnectParams) -> bool {
        match means {
            Means::Nothing | Means::Secret | Means::Proxy => !self.is_backend(params),
            Means::Issued | Means::Device => false,
        }
    }

    /// Tells whether a device is let in without asking anybody: one of this machine's own.
    fn is_silent(&self, params: &ConnectParams) -> bool {
        let for_people = FOR_PEOPLE.contains(&params.client.id.as_str());
        let is_page = for_people || params.client.mode == "webchat";
        self.door.local && (!self.from_page || is_page)
    }

    fn is_backend(&self, params: &ConnectParams) -> bool {
        let client = &params.client;
        let is_own = client.id == "gateway-client" && client.mode == "backend";
        is_own && self.door.local && !self.from_page
    }

    /// Returns what a client may do that shows no device: without one, the gateway's own credential
    /// gives nothing but to its programs on this machine.
    fn without_device(
        &self,
        means: Means,
        params: &ConnectParams,
        rights: Rights,
    ) -> Result<Rights, Box<Refused>> {
        if FOR_PEOPLE.contains(&params.client.id.as_str()) && !matches!(means, Means::Proxy) {
            return Err(Refused::page_needs_device().into());
        }
        let client = &params.client;
        let is_cli = client.id == "cli" && client.mode == "cli";
        let is_own = self.is_backend(params) || (is_cli && self.door.local && !self.from_page);
        Ok(match means {
            Means::Nothing | Means::Issued | Means::Device => rights,
            Means::Secret | Means::Proxy if is_own => rights,
            Means::Secret | Means::Proxy => Rights::default(),
        })
    }
}

/// Returns what a client asks for; names that are not known here ask for nothing.
fn asked_for(params: &ConnectParams) -> Rights {
    let asked = params.scopes.iter().flatten();
    asked
        .filter_map(|name| name.parse::<Right>().ok())
        .collect()
}

/// Returns the key of a device that has signed our nonce, just now.
fn proven(params: &ConnectParams, nonce: &str) -> Result<DeviceKey, Box<Refused>> {
    let Some(proof) = &params.device else {
        return Err(Refused::needs_device().into());
    };
    let refuse = |reason, message| Err(Refused::device(reason, message).into());
    let Ok(key) = DeviceKey::read(&proof.public_key) else {
        return refuse("device-public-key", "device public key invalid");
    };
    if key.id().as_str() != proof.id {
        return refuse("device-id-mismatch", "device identity mismatch");
    }
    let now = u64::try_from(Clock::system().now().as_millisecond()).unwrap_or_default();
    if u128::from(now.abs_diff(proof.signed_at)) > SKEW.as_millis() {
        return refuse("device-signature-stale", "device signature expired");
    }
    if proof.nonce.trim().is_empty() {
        return refuse("device-nonce-missing", "device nonce required");
    }
    if proof.nonce.trim() != nonce {
        return refuse("device-nonce-mismatch", "device nonce mismatch");
    }
    let nothing = ConnectAuth::default();
    let auth = params.auth.as_ref().unwrap_or(&nothing);
    let token = [&auth.token, &auth.device_token, &auth.bootstrap_token];
    let text = SignedText {
        proof,
        client: &params.client,
        role: OPERATOR,
        scopes: params.scopes.as_deref().unwrap_or_default(),
        token: token
            .into_iter()
            .flatten()
            .next()
            .map_or("", String::as_str),
        nonce,
    };
    let signed = |text: String| key.has_signed(&text, &proof.signature);
    if signed(text.v3()) || signed(text.v2()) {
        return Ok(key);
    }
    refuse("device-signature", "device signature invalid")
}

/// Tells a client why it is not let in.
async fn refuse(socket: &mut WebSocket, id: String, refused: Refused) -> End {
    let answer = ResponseFrame {
        id,
        outcome: Err(refused.error),
    };
    match send(socket, answer.to_json()).await {
        Ok(()) => refused.end,
        Err(end) => end,
    }
}

/// Sends a frame, unless the client does not read.
async fn send(socket: &mut WebSocket, text: String) -> Result<(), End> {
    let sent = time::timeout(WRITE_TIMEOUT, socket.send(Message::Text(text.into()))).await;
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}
