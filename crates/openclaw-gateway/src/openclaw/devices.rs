//! `device.*`: which devices may come in.
//!
//! # Security
//! Whoever came in with a device's own token looks after that device only, unless they may do
//! everything.

use openclaw_core::Kind;
use openclaw_core::access::Principal;
use openclaw_core::access::devices::{PairedDevice, PairingRequest, Right, Rights};
use openclaw_ipc::RpcError;
use serde_json::{Value, json};

use super::Client;
use super::methods::given::Given;
use crate::rpc::{CallCx, Rpc};

/// `device.pair.list`.
pub(super) fn list(rpc: &Rpc, cx: &CallCx, given: Given) -> Result<Value, RpcError> {
    given.done()?;
    let (pending, paired) = rpc.access.devices()?.list();
    let own = match cx.admitted.principal() {
        Principal::Device(id) if Rights::of(cx.admitted.scopes()).include(Right::Admin) => Some(id),
        _ => None,
    };
    let pending: Vec<Value> = pending.iter().map(waiting).collect();
    let paired: Vec<Value> = paired
        .iter()
        .map(|device| {
            let mut row = let_in(device);
            if own == Some(&device.device_id)
                && let Some(row) = row.as_object_mut()
            {
                row.insert("current".to_owned(), true.into());
            }
            row
        })
        .collect();
    Ok(json!({"pending": pending, "paired": paired}))
}

/// `device.pair.approve`.
pub(super) async fn approve(
    rpc: &Rpc,
    client: &Client,
    mut given: Given,
) -> Result<Value, RpcError> {
    let request = given.needed_text("requestId")?;
    given.done()?;
    let by = client.admitted.principal().to_string();
    let id = request.clone();
    let device = rpc.approve_device(request, by, client.rights).await?;
    Ok(json!({"requestId": id, "device": let_in(&device)}))
}

/// `device.pair.reject`.
pub(super) async fn reject(
    rpc: &Rpc,
    client: &Client,
    mut given: Given,
) -> Result<Value, RpcError> {
    let request = given.needed_text("requestId")?;
    given.done()?;
    let by = client.admitted.principal().to_string();
    let rejected = rpc.reject_device(request, &by).await?;
    Ok(json!({"requestId": rejected.request_id, "deviceId": rejected.device_id}))
}

/// `device.pair.remove`.
pub(super) async fn remove(
    rpc: &Rpc,
    client: &Client,
    mut given: Given,
) -> Result<Value, RpcError> {
    let device = given.needed_text("deviceId")?;
    given.done()?;
    may_change(client, &device)?;
    let by = client.admitted.principal().to_string();
    let removed = rpc.remove_device(device, &by).await?;
    Ok(json!({"deviceId": removed.device_id}))
}

/// `device.token.rotate`.
pub(super) async fn rotate(
    rpc: &Rpc,
    client: &Client,
    mut given: Given,
) -> Result<Value, RpcError> {
    let device = given.needed_text("deviceId")?;
    operator(&mut given)?;
    let scopes = given.texts("scopes");
    given.done()?;
    may_change(client, &device)?;
    let rights = match scopes {
        Some(names) => Some(read(&names)?),
        None => None,
    };
    let devices = rpc.access.devices()?;
    let (_, paired) = devices.list();
    let known = paired
        .iter()
        .find(|known| known.device_id.as_str() == device);
    let wanted = rights.or_else(|| known.map(|known| known.rights));
    if wanted.is_some_and(|wanted| !client.rights.cover(wanted)) {
        let message = "you cannot give a device more than you may do yourself";
        return Err(RpcError::new(Kind::Denied, message));
    }
    let id = device.clone();
    let token = rpc
        .change_devices(move |devices| devices.give_token(&id, rights))
        .await?;
    let by = client.admitted.principal();
    rpc.device_ended(&device, format!("its token was replaced by {by}"));
    let now = openclaw_core::Clock::system().now().as_millisecond();
    let mut answer = json!({
        "deviceId": device,
        "role": "operator",
        "scopes": wanted.unwrap_or_default().iter().map(Right::as_str).collect::<Vec<_>>(),
        "rotatedAtMs": now,
    });
    // Whoever else asks could use it in the device's place.
    let is_own = client
        .device
        .as_ref()
        .is_some_and(|own| own.as_str() == device);
    if is_own && let Some(answer) = answer.as_object_mut() {
        let token = openclaw_ipc::methods::Disclosed::from(token).0;
        answer.insert("token".to_owned(), token.into());
    }
    Ok(answer)
}

/// `device.token.revoke`.
pub(super) async fn revoke(
    rpc: &Rpc,
    client: &Client,
    mut given: Given,
) -> Result<Value, RpcError> {
    let device = given.needed_text("deviceId")?;
    operator(&mut given)?;
    given.done()?;
    may_change(client, &device)?;
    let id = device.clone();
    let had_one = rpc
        .change_devices(move |devices| devices.revoke_token(&id))
        .await?;
    if had_one {
        let by = client.admitted.principal();
        rpc.device_ended(&device, format!("its token was revoked by {by}"));
    }
    let now = openclaw_core::Clock::system().now().as_millisecond();
    Ok(json!({"deviceId": device, "role": "operator", "revokedAtMs": now}))
}

/// Reads the role that a token is for: there is one.
fn operator(given: &mut Given) -> Result<(), RpcError> {
    let role = given.needed_text("role")?;
    if role == "operator" {
        return Ok(());
    }
    let message = format!("unknown role: {role}");
    Err(RpcError::new(Kind::Invalid, message).with_field("role"))
}

fn read(names: &[String]) -> Result<Rights, RpcError> {
    let read = names.iter().map(|name| name.parse::<Right>());
    let rights: Result<Rights, _> = read.collect();
    rights.map_err(|err| RpcError::new(Kind::Invalid, err.to_string()).with_field("scopes"))
}

fn may_change(client: &Client, device: &str) -> Result<(), RpcError> {
    let is_own = client
        .device
        .as_ref()
        .is_some_and(|own| own.as_str() == device);
    if is_own || client.rights.include(Right::Admin) {
        return Ok(());
    }
    let message = "this device can look after itself only";
    Err(RpcError::new(Kind::Denied, message))
}

fn waiting(request: &PairingRequest) -> Value {
    let says = &request.says;
    cleaned(json!({
        "requestId": request.request_id,
        "deviceId": request.device_id,
        "publicKey": request.public_key,
        "displayName": says.display_name,
        "platform": says.platform,
        "deviceFamily": says.device_family,
        "clientId": says.client_id,
        "clientMode": says.client_mode,
        "role": "operator",
        "roles": ["operator"],
        "scopes": request.rights,
        "remoteIp": request.from,
        "isRepair": request.wants_more,
        "ts": request.at.as_millisecond(),
    }))
}

fn let_in(device: &PairedDevice) -> Value {
    let says = &device.says;
    let tokens: Vec<Value> = device
        .token
        .iter()
        .map(|token| {
            json!({
                "role": "operator",
                "scopes": token.rights,
                "createdAtMs": token.created.as_millisecond(),
            })
        })
        .collect();
    cleaned(json!({
        "deviceId": device.device_id,
        "publicKey": device.public_key,
        "displayName": says.display_name,
        "platform": says.platform,
        "deviceFamily": says.device_family,
        "clientId": says.client_id,
        "clientMode": says.client_mode,
        "role": "operator",
        "roles": ["operator"],
        "scopes": device.rights,
        "createdAtMs": device.created.as_millisecond(),
        "approvedAtMs": device.approved.as_millisecond(),
        "tokens": tokens,
    }))
}

/// Leaves out what is not known.
fn cleaned(mut row: Value) -> Value {
    if let Some(row) = row.as_object_mut() {
        row.retain(|_, value| !value.is_null());
    }
    row
}
