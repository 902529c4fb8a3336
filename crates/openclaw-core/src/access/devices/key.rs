//! A device's key, and the name that follows from it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Names a device: the SHA-256 of its raw key, in hex.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(String);

impl DeviceId {
    /// Returns the id as it is shown and sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ed25519 key of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceKey(VerifyingKey);

/// A text that is no key, or one that anybody could sign for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the device's key is no ed25519 key in base64")]
pub struct NotAKey;

impl DeviceKey {
    /// Reads a key: 32 bytes in base64 of the form for addresses, with or without padding.
    pub fn read(text: &str) -> Result<Self, NotAKey> {
        let bytes = decode(text).ok_or(NotAKey)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_longer| NotAKey)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_no_point| NotAKey)?;
        // One point has one encoding here, so that one key has one name.
        if key.is_weak() || key.to_edwards().compress().as_bytes() != &bytes {
            return Err(NotAKey);
        }
        Ok(Self(key))
    }

    /// Returns the name of the device that holds the key.
    pub fn id(&self) -> DeviceId {
        DeviceId(format!("{:x}", Sha256::digest(self.0.as_bytes())))
    }

    /// Tells whether a signature over a text was made with the key.
    pub fn has_signed(&self, text: &str, signature: &str) -> bool {
        decode(signature)
            .and_then(|bytes| Signature::from_slice(&bytes).ok())
            .is_some_and(|signature| self.0.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // A device of a recorded session; its key was made for the recording.
    const KEY: &str = "WJpa8j1U8X--HxndFFuV6niqjHLzhADJ5kGyG3wrFj0";
    const ID: &str = "48e26651cfff014e091854005b8b0f065e1d1a14b68af92b390a485952e2b62e";
    const SIGNATURE: &str =
        "lKYsFhp2d4Nq41FXDrydEA3gz4RvKXB8YkjFGKfMJsGN7GZM8DUgNL-gK6MhTo_4lJOZPKOuf0kWRWSIxpA5Bw";
    const SIGNED: &str = "v2|48e26651cfff014e091854005b8b0f065e1d1a14b68af92b390a485952e2b62e|openclaw-control-ui|webchat|operator|operator.admin,operator.approvals,operator.pairing|1795358221040|fake-gateway-token-0123456789|5e91da93-9c95-46ac-b73c-3550d2446b71";

    #[test]
    fn a_recorded_device_is_recognised() {
        let key = DeviceKey::read(KEY).unwrap();
        assert_eq!((key.id().as_str(), key.to_string().as_str()), (ID, KEY));
        assert!(key.has_signed(SIGNED, SIGNATURE));
        assert!(!key.has_signed(&SIGNED.replace("admin", "read"), SIGNATURE));
        assert!(!key.has_signed(SIGNED, "AA") && !key.has_signed(SIGNED, "not base64!"));
    }

    #[test]
    fn a_key_that_anybody_can_sign_for_is_none() {
        // The neutral element: every signature of zeros fits it.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let twice_named = [0xff; 32];
        for bytes in [neutral, [0; 32], twice_named] {
            assert_eq!(
                DeviceKey::read(&URL_SAFE_NO_PAD.encode(bytes)),
                Err(NotAKey)
            );
        }
        assert_eq!(DeviceKey::read("AAAA"), Err(NotAKey));
    }
}
