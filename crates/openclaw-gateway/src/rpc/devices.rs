//! The methods about devices, and what the handshake of OpenClaw's protocol does with them.
//!
//! # Security
//! Whoever lets a device in gives it no more than they may do themselves.

use std::sync::Arc;

use openclaw_core::Kind;
use openclaw_core::access::devices::{
    DeviceError, Devices, Newcomer, PairedDevice, PairingRequest, Rights,
};
use openclaw_core::clock::Clock;
use openclaw_core::events::AuditEntry;
use openclaw_ipc::methods::{
    DeviceRow, DevicesApprove, DevicesApproveParams, DevicesList, DevicesListOutput, DevicesReject,
    DevicesRejectParams, DevicesRevoke, DevicesRevokeOutput, DevicesRevokeParams, NoParams,
    PairingRow,
};
use openclaw_ipc::{Handle, RpcError};
use serde_json::json;
use tokio::task::spawn_blocking;

use super::{CallCx, Rpc, logged};
use crate::openclaw::Shout;

impl Handle<DevicesList> for Rpc {
    async fn handle(&self, _cx: &CallCx, _params: NoParams) -> Result<DevicesListOutput, RpcError> {
        let (pending, paired) = self.access.devices()?.list();
        Ok(DevicesListOutput {
            pending: pending.into_iter().map(PairingRow::from).collect(),
            paired: paired.into_iter().map(DeviceRow::from).collect(),
        })
    }
}

impl Handle<DevicesApprove> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: DevicesApproveParams,
    ) -> Result<DeviceRow, RpcError> {
        let by = cx.admitted.principal().to_string();
        let most = Rights::of(cx.admitted.scopes());
        let device = self.approve_device(params.request_id, by, most).await?;
        Ok(device.into())
    }
}

impl Handle<DevicesReject> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: DevicesRejectParams,
    ) -> Result<PairingRow, RpcError> {
        let by = cx.admitted.principal().to_string();
        Ok(self.reject_device(params.request_id, &by).await?.into())
    }
}

impl Handle<DevicesRevoke> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: DevicesRevokeParams,
    ) -> Result<DevicesRevokeOutput, RpcError> {
        let by = cx.admitted.principal().to_string();
        match self.remove_device(params.device_id, &by).await {
            Ok(_gone) => Ok(DevicesRevokeOutput { revoked: true }),
            Err(err) if err.kind() == Kind::NotFound => Ok(DevicesRevokeOutput { revoked: false }),
            Err(err) => Err(err),
        }
    }
}

impl Rpc {
    /// Has a device wait until somebody lets it in.
    pub(crate) async fn request_pairing(
        &self,
        newcomer: Newcomer,
    ) -> Result<PairingRequest, RpcError> {
        let request = self
            .change_devices(|devices| devices.request(newcomer))
            .await?;
        self.audit.enter([AuditEntry::DeviceRequested {
            device: request.device_id.to_string(),
            rights: names(request.rights),
            peer: request.from.clone(),
        }]);
        let says = &request.says;
        let mut payload = json!({
            "requestId": request.request_id,
            "deviceId": request.device_id,
            "publicKey": request.public_key,
            "platform": says.platform,
            "clientId": says.client_id,
            "clientMode": says.client_mode,
            "role": "operator",
            "roles": ["operator"],
            "scopes": names(request.rights),
            "silent": false,
            "isRepair": request.wants_more,
            "ts": request.at.as_millisecond(),
        });
        if let Some(payload) = payload.as_object_mut() {
            for (name, value) in [
                ("displayName", &says.display_name),
                ("deviceFamily", &says.device_family),
                ("remoteIp", &request.from),
            ] {
                if let Some(value) = value {
                    payload.insert(name.to_owned(), value.as_str().into());
                }
            }
        }
        self.floor
            .shout(Shout::Device("device.pair.requested", payload));
        Ok(request)
    }

    /// Lets a device in at once.
    pub(crate) async fn pair(
        &self,
        newcomer: Newcomer,
        by: &'static str,
    ) -> Result<PairedDevice, RpcError> {
        let paired = self
            .change_devices(move |devices| devices.pair(newcomer, by))
            .await?;
        self.paired(&paired);
        Ok(paired)
    }

    /// Lets a device in that waits.
    pub(crate) async fn approve_device(
        &self,
        request: String,
        by: String,
        most: Rights,
    ) -> Result<PairedDevice, RpcError> {
        let named = request.clone();
        let paired = self
            .change_devices(move |devices| devices.approve(&named, &by, most))
            .await?;
        self.paired(&paired);
        self.resolved(&request, paired.device_id.as_str(), "approved");
        Ok(paired)
    }

    /// Turns a device away that waits.
    pub(crate) async fn reject_device(
        &self,
        request: String,
        by: &str,
    ) -> Result<PairingRequest, RpcError> {
        let rejected = self
            .change_devices(move |devices| devices.reject(&request))
            .await?;
        let device = rejected.device_id.as_str();
        self.device_ended(device, format!("turned away by {by}"));
        self.resolved(&rejected.request_id, device, "rejected");
        Ok(rejected)
    }

    /// Takes a device out.
    pub(crate) async fn remove_device(
        &self,
        device: String,
        by: &str,
    ) -> Result<PairedDevice, RpcError> {
        let removed = self
            .change_devices(move |devices| devices.remove(&device))
            .await?;
        self.device_ended(removed.device_id.as_str(), format!("revoked by {by}"));
        Ok(removed)
    }

    /// Changes the devices off the async threads: it waits for the disk.
    pub(crate) async fn change_devices<T: Send + 'static>(
        &self,
        make: impl FnOnce(&Devices) -> Result<T, DeviceError> + Send + 'static,
    ) -> Result<T, RpcError> {
        let devices = Arc::clone(self.access.devices()?);
        match spawn_blocking(move || make(&devices)).await {
            Ok(made) => made.map_err(|err| device_error(&err)),
            Err(_stopping) => Err(RpcError::new(Kind::Cancelled, "the gateway stops")),
        }
    }

    /// Puts on record that something about a device opens nothing any more.
    pub(crate) fn device_ended(&self, device: &str, reason: String) {
        self.audit.enter([AuditEntry::DeviceEnded {
            device: device.to_owned(),
            reason,
        }]);
    }

    fn paired(&self, device: &PairedDevice) {
        self.audit.enter([AuditEntry::DevicePaired {
            device: device.device_id.to_string(),
            rights: names(device.rights),
            by: device.approved_by.clone(),
        }]);
    }

    fn resolved(&self, request: &str, device: &str, decision: &str) {
        let now = Clock::system().now().as_millisecond();
        let payload =
            json!({"requestId": request, "deviceId": device, "decision": decision, "ts": now});
        self.floor
            .shout(Shout::Device("device.pair.resolved", payload));
    }
}

fn names(rights: Rights) -> Vec<String> {
    rights.iter().map(|right| right.to_string()).collect()
}

fn device_error(err: &DeviceError) -> RpcError {
    match err {
        DeviceError::NoRequest(_)
        | DeviceError::NoDevice(_)
        | DeviceError::TooMuch
        | DeviceError::Full
        | DeviceError::Unknown => RpcError::new(err.kind(), err.to_string()),
        DeviceError::Random | DeviceError::File(_) => {
            logged(err, err.kind(), "the devices could not be changed")
        }
    }
}
