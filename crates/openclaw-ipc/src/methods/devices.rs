//! Params and outputs of the methods about devices.

use openclaw_core::access::devices::{PairedDevice, PairingRequest, Rights};
use openclaw_core::clock::rfc3339;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Output of `devices.list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DevicesListOutput {
    /// The devices that wait to be let in.
    pub pending: Vec<PairingRow>,
    /// The devices that were let in.
    pub paired: Vec<DeviceRow>,
}

/// A device that waits to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PairingRow {
    /// Names the request.
    pub request_id: String,
    /// The device: the SHA-256 of its key.
    pub device_id: String,
    /// The program on it, as it says itself.
    pub client: String,
    /// Its system, as it says itself.
    pub platform: String,
    /// Its name, as it says itself.
    pub name: Option<String>,
    /// What it wants to be allowed.
    pub scopes: Vec<String>,
    /// The network address that it came from.
    pub from: Option<String>,
    /// Whether it was let in before, and wants more.
    pub wants_more: bool,
    /// When it asked.
    pub at: String,
}

/// A device that was let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRow {
    /// The device: the SHA-256 of its key.
    pub device_id: String,
    /// The program on it, as it says itself.
    pub client: String,
    /// Its system, as it says itself.
    pub platform: String,
    /// Its name, as it says itself.
    pub name: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Who let it in.
    pub approved_by: String,
    /// When it was given what it may do now.
    pub approved_at: String,
    /// Whether it has a token of its own.
    pub has_token: bool,
}

/// Params of `devices.approve`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DevicesApproveParams {
    /// The request.
    pub request_id: String,
}

/// Params of `devices.reject`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DevicesRejectParams {
    /// The request.
    pub request_id: String,
}

/// Params of `devices.revoke`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DevicesRevokeParams {
    /// The device.
    pub device_id: String,
}

/// Output of `devices.revoke`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DevicesRevokeOutput {
    /// Whether there was such a device.
    pub revoked: bool,
}

impl From<PairingRequest> for PairingRow {
    fn from(request: PairingRequest) -> Self {
        Self {
            request_id: request.request_id,
            device_id: request.device_id.to_string(),
            client: request.says.client_id,
            platform: request.says.platform,
            name: request.says.display_name,
            scopes: names(request.rights),
            from: request.from,
            wants_more: request.wants_more,
            at: rfc3339(request.at),
        }
    }
}

impl From<PairedDevice> for DeviceRow {
    fn from(device: PairedDevice) -> Self {
        Self {
            device_id: device.device_id.to_string(),
            client: device.says.client_id,
            platform: device.says.platform,
            name: device.says.display_name,
            scopes: names(device.rights),
            approved_by: device.approved_by,
            approved_at: rfc3339(device.approved),
            has_token: device.token.is_some(),
        }
    }
}

fn names(rights: Rights) -> Vec<String> {
    rights.iter().map(|right| right.to_string()).collect()
}
