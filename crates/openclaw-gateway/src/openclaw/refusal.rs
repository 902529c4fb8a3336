//! How a client is told that it is not let in: OpenClaw's words, which its clients act on.

use openclaw_core::access::devices::{PairingRequest, Rights};
use openclaw_ipc::openclaw::connect::{ConnectAuth, ConnectClient};
use openclaw_ipc::openclaw::{ErrorCode, OpenclawError, Protocol};
use serde_json::json;

use crate::access::Refusal;
use crate::http::ws::end::End;

/// The close code of a client that broke the rules.
const POLICY: u16 = 1008;
/// The close code of a client that speaks another protocol.
const PROTOCOL: u16 = 1002;
/// How many bytes the reason of a close has at most (RFC 6455, 5.5).
const LONGEST: usize = 123;

/// Why a client is not let in: the answer to its `connect`, and how its socket is closed.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: OpenclawError,
    pub(super) end: End,
}

impl Refused {
    /// Refuses with a sentence that is the reason of the close, too.
    pub(super) fn with(error: OpenclawError) -> Self {
        let end = End::Said(POLICY, shortened(&error.message));
        Self { error, end }
    }

    /// Refuses a client that speaks no protocol that is spoken here.
    pub(super) fn protocol(min: u64, max: u64) -> Self {
        let error = Protocol::mismatch(min, max);
        Self {
            end: End::Said(PROTOCOL, error.message.clone()),
            error,
        }
    }

    /// Refuses a device that did not prove what it says.
    pub(super) fn device(reason: &str, message: &str) -> Self {
        let code = match reason {
            "device-id-mismatch" => "DEVICE_AUTH_DEVICE_ID_MISMATCH",
            "device-signature-stale" => "DEVICE_AUTH_SIGNATURE_EXPIRED",
            "device-nonce-missing" => "DEVICE_AUTH_NONCE_REQUIRED",
            "device-nonce-mismatch" => "DEVICE_AUTH_NONCE_MISMATCH",
            "device-signature" => "DEVICE_AUTH_SIGNATURE_INVALID",
            _ => "DEVICE_AUTH_PUBLIC_KEY_INVALID",
        };
        let details = json!({"code": code, "reason": reason});
        Self::with(OpenclawError::invalid(message).with_details(details))
    }

    /// Refuses a page of a browser without a device.
    pub(super) fn page_needs_device() -> Self {
        let message = "control ui requires device identity (use HTTPS or localhost secure context)";
        let details = json!({"code": "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"});
        Self::with(OpenclawError::invalid(message).with_details(details))
    }

    /// Refuses another client without a device that needs one.
    pub(super) fn needs_device() -> Self {
        let details = json!({"code": "DEVICE_IDENTITY_REQUIRED"});
        let error = OpenclawError::new(ErrorCode::NotPaired, "device identity required");
        Self::with(error.with_details(details))
    }

    /// Refuses a device's token that does not give what is asked for.
    pub(super) fn token_gives_less() -> Self {
        let message =
            "unauthorized: device token scope mismatch (re-pair or approve scope upgrade)";
        Self::with(OpenclawError::invalid(message).with_details(json!({
            "code": "AUTH_SCOPE_MISMATCH",
            "authReason": "scope_mismatch",
            "canRetryWithDeviceToken": false,
            "recommendedNextStep": "review_auth_configuration",
        })))
    }

    /// Refuses a device that waits to be let in.
    pub(super) fn not_paired(request: &PairingRequest, approved: Option<Rights>) -> Self {
        let names = |rights: Rights| -> Vec<&str> {
            rights
                .iter()
                .map(openclaw_ipc::openclaw::Right::as_str)
                .collect()
        };
        let (reason, message, hint) = match approved {
            None => (
                "not-paired",
                "pairing required: device is not approved yet",
                "Approve this device from the pending pairing requests.",
            ),
            Some(_) => (
                "scope-upgrade",
                "pairing required: device is asking for more scopes than currently approved",
                "Review the requested scopes, then approve the pending upgrade.",
            ),
        };
        let id = &request.request_id;
        let mut details = json!({
            "code": "PAIRING_REQUIRED",
            "reason": reason,
            "requestId": id,
            "remediationHint": hint,
            "deviceId": request.device_id,
            "requestedRole": "operator",
            "requestedScopes": names(request.rights),
        });
        if let (Some(approved), Some(details)) = (approved, details.as_object_mut()) {
            details.insert("approvedRoles".to_owned(), json!(["operator"]));
            details.insert("approvedScopes".to_owned(), json!(names(approved)));
        }
        let reason = format!("{message} (requestId: {id})");
        Self {
            error: OpenclawError::new(ErrorCode::NotPaired, message).with_details(details),
            end: End::Said(POLICY, shortened(&reason)),
        }
    }
}

/// Whose credential was refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt<'a> {
    pub(super) auth: &'a ConnectAuth,
    pub(super) client: &'a ConnectClient,
    /// Whether the client is on this machine.
    pub(super) local: bool,
    /// Whether the gateway is opened by a password.
    pub(super) asks_password: bool,
}

impl Attempt<'_> {
    /// Says that a credential is missing or wrong.
    ///
    /// # Security
    /// It says what the client knows itself: which sort of credential it sent.
    pub(super) fn refused(self, refusal: &Refusal) -> Refused {
        let auth = self.auth;
        let only_device = auth.device_token.is_some() && auth.token.is_none();
        let nothing = auth.token.is_none() && auth.password.is_none();
        let (code, reason, what) = if refusal.retry_after.is_some() {
            ("AUTH_RATE_LIMITED", "rate_limited", "")
        } else if only_device && auth.password.is_none() {
            ("AUTH_DEVICE_TOKEN_MISMATCH", "device_token_mismatch", "")
        } else {
            match (self.asks_password, nothing) {
                (false, true) => ("AUTH_TOKEN_MISSING", "token_missing", "token missing"),
                (false, false) => ("AUTH_TOKEN_MISMATCH", "token_mismatch", "token mismatch"),
                (true, true) => (
                    "AUTH_PASSWORD_MISSING",
                    "password_missing",
                    "password missing",
                ),
                (true, false) => (
                    "AUTH_PASSWORD_MISMATCH",
                    "password_mismatch",
                    "password mismatch",
                ),
            }
        };
        let message = match reason {
            "rate_limited" => {
                "unauthorized: too many failed authentication attempts (retry later)".to_owned()
            }
            "device_token_mismatch" => {
                "unauthorized: device token mismatch (rotate/reissue device token)".to_owned()
            }
            _ => format!("unauthorized: gateway {what} ({})", self.hint()),
        };
        let next = if refusal.retry_after.is_some() {
            "wait_then_retry"
        } else {
            "update_auth_credentials"
        };
        let mut error = OpenclawError::invalid(message).with_details(json!({
            "code": code,
            "authReason": reason,
            "canRetryWithDeviceToken": false,
            "recommendedNextStep": next,
        }));
        if refusal.retry_after.is_some() {
            error = error.retryable();
            error.retry_after_ms = refusal.error.data.retry_after_ms;
        }
        Refused::with(error)
    }

    fn hint(self) -> &'static str {
        let is_cli = self.client.id == "cli";
        let is_ui = self.client.id == "openclaw-control-ui" || self.client.mode == "webchat";
        match (is_cli, is_ui, self.asks_password) {
            (true, _, false) if self.local => {
                "use this gateway's gateway.auth.token or pair the device"
            }
            (true, _, false) => "set gateway.remote.token to match gateway.auth.token",
            (true, _, true) if self.local => "use this gateway's gateway.auth.password",
            (true, _, true) => "set gateway.remote.password to match gateway.auth.password",
            (false, true, false) => {
                "open the dashboard URL and paste the token in Control UI settings"
            }
            (false, true, true) => "enter the password in Control UI settings",
            (false, false, false) => "provide gateway auth token",
            (false, false, true) => "provide gateway auth password",
        }
    }
}

/// Shortens a reason to what fits into a close.
pub(super) fn shortened(text: &str) -> String {
    let fits = (0..=LONGEST.min(text.len())).rev();
    let end = fits.into_iter().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end))
        .unwrap_or_default()
        .to_owned()
}
