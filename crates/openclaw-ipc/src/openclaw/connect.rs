//! The handshake: the nonce, what the client says about itself, and what it is told.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::OpenclawError;

/// The event by which the gateway begins.
pub const CHALLENGE: &str = "connect.challenge";
/// The method that has to come first.
pub const CONNECT: &str = "connect";
/// The role of people and of programs that act for them.
pub const OPERATOR: &str = "operator";

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Protocol(u32);

impl Protocol {
    /// The oldest that is spoken here: OpenClaw 2026.2's.
    pub const OLDEST: Self = Self(3);
    /// The newest: OpenClaw 2026.9's.
    pub const NEWEST: Self = Self(4);

    /// Returns the newest version that both sides speak.
    pub fn common(min: u64, max: u64) -> Option<Self> {
        let newest = max.min(u64::from(Self::NEWEST.0));
        let oldest = min.max(u64::from(Self::OLDEST.0));
        let newest = u32::try_from(newest).ok()?;
        (u64::from(newest) >= oldest).then_some(Self(newest))
    }

    /// Returns its number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Returns the error for a client that speaks none of these.
    pub fn mismatch(min: u64, max: u64) -> OpenclawError {
        OpenclawError::invalid("protocol mismatch").with_details(json!({
            "code": "PROTOCOL_MISMATCH",
            "clientMinProtocol": min,
            "clientMaxProtocol": max,
            "expectedProtocol": Self::NEWEST.0,
            "minimumProbeProtocol": Self::OLDEST.0,
        }))
    }
}

/// The params of `connect`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectParams {
    /// The oldest protocol that the client speaks.
    pub min_protocol: u64,
    /// The newest.
    pub max_protocol: u64,
    /// What the client is.
    pub client: ConnectClient,
    /// What it can do beyond the base, such as `tool-events`.
    #[serde(default)]
    pub caps: Vec<String>,
    /// As what it comes in.
    #[serde(default)]
    pub role: Option<String>,
    /// What it wants to be allowed.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// The device that it runs on.
    #[serde(default)]
    pub device: Option<DeviceProof>,
    /// Its credentials.
    #[serde(default)]
    pub auth: Option<ConnectAuth>,
    /// The language of its user.
    #[serde(default)]
    pub locale: Option<String>,
    /// Which browser it is.
    #[serde(default)]
    pub user_agent: Option<String>,
    /// What a node offers; there are no nodes here.
    #[serde(default)]
    pub commands: Option<Value>,
    /// See [`Self::commands`].
    #[serde(default)]
    pub permissions: Option<Value>,
    /// See [`Self::commands`].
    #[serde(default)]
    pub path_env: Option<Value>,
    /// See [`Self::commands`].
    #[serde(default)]
    pub computer_use: Option<Value>,
    /// See [`Self::commands`].
    #[serde(default)]
    pub worker_runs: Option<Value>,
}

/// What a client says it is; none of it is proof of anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectClient {
    /// Which program, such as `openclaw-tui`.
    pub id: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Its version.
    pub version: String,
    /// Its build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    /// The system that it runs on.
    pub platform: String,
    /// The sort of machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    /// The machine's model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_identifier: Option<String>,
    /// Where its user's clock is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// How it is used, such as `ui`.
    pub mode: String,
    /// This very copy of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
}

/// A device's key, and its signature over the nonce.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceProof {
    /// The SHA-256 of the raw key, in hex.
    pub id: String,
    /// The raw ed25519 key, in base64 without padding.
    pub public_key: String,
    /// The signature, in base64 without padding.
    pub signature: String,
    /// When it was made, in milliseconds since 1970.
    pub signed_at: u64,
    /// The nonce that was signed.
    pub nonce: String,
}

/// The credentials of a client.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectAuth {
    /// The gateway's token, or one that it issued.
    #[serde(default)]
    pub token: Option<String>,
    /// The gateway's password.
    #[serde(default)]
    pub password: Option<String>,
    /// The token that this device was given.
    #[serde(default)]
    pub device_token: Option<String>,
    /// A code to set up a device; none are given out here.
    #[serde(default)]
    pub bootstrap_token: Option<String>,
    /// For OpenClaw's own helpers; none of them are here.
    #[serde(default)]
    pub approval_runtime_token: Option<String>,
    /// See [`Self::approval_runtime_token`].
    #[serde(default)]
    pub agent_runtime_identity_token: Option<String>,
}

impl std::fmt::Debug for ConnectAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConnectAuth([redacted])")
    }
}

/// What a client is told that was let in.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename = "hello-ok", rename_all = "camelCase")]
pub struct HelloOk {
    /// The protocol that both speak from now on.
    pub protocol: Protocol,
    /// Who answers.
    pub server: HelloServer,
    /// What it can do.
    pub features: HelloFeatures,
    /// How things stand.
    pub snapshot: Value,
    /// As what the client was let in.
    pub auth: HelloAuth,
    /// The bounds of the connection.
    pub policy: HelloPolicy,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloServer {
    /// The gateway's version.
    pub version: String,
    /// This run of the gateway.
    pub boot_id: String,
    /// The connection.
    pub conn_id: String,
}

/// What the gateway can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HelloFeatures {
    /// The methods that it answers.
    pub methods: Vec<&'static str>,
    /// The events that it may send.
    pub events: Vec<&'static str>,
    /// What else it keeps to.
    pub capabilities: Vec<&'static str>,
}

/// As what a client was let in.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloAuth {
    /// By which sort of credential.
    pub method: &'static str,
    /// In which role.
    pub role: &'static str,
    /// What it may do.
    pub scopes: Vec<&'static str>,
    /// The token by which this device can come in from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
    /// When the device was given it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_at_ms: Option<i64>,
}

impl std::fmt::Debug for HelloAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HelloAuth")
            .field("method", &self.method)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// The bounds of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloPolicy {
    /// The largest frame that is read, in bytes.
    pub max_payload: usize,
    /// How many bytes may wait for a client that does not read.
    pub max_buffered_bytes: usize,
    /// How often a client is told that the gateway lives, in milliseconds.
    pub tick_interval_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_protocol_is_spoken() {
        let common = |min, max| Protocol::common(min, max).map(Protocol::number);
        assert_eq!(common(3, 3), Some(3));
        assert_eq!(common(4, 4), Some(4));
        assert_eq!(common(1, 9), Some(4));
        assert_eq!(common(2, 3), Some(3));
        assert_eq!(
            (common(1, 2), common(5, 9), common(4, 3)),
            (None, None, None)
        );
        assert_eq!(common(u64::MAX, u64::MAX), None);
    }

    #[test]
    fn no_credential_is_shown() {
        let auth = ConnectAuth {
            token: Some("secret".to_owned()),
            ..ConnectAuth::default()
        };
        assert!(!format!("{auth:?}").contains("secret"));
    }
}
