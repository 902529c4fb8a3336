//! What a device signs to show that it holds its key.
//!
//! The texts are fixed by OpenClaw: members joined by `|`, the nonce of the gateway last (v2), or
//! followed by the platform and the family of the device (v3).

use super::connect::{ConnectClient, DeviceProof};

/// The members of the text that are not in the proof itself.
#[derive(Clone, Copy, Debug)]
pub struct SignedText<'a> {
    /// The device and what it signed.
    pub proof: &'a DeviceProof,
    /// What it says it is.
    pub client: &'a ConnectClient,
    /// The role that it asks for.
    pub role: &'a str,
    /// The scopes that it asks for, as it wrote them.
    pub scopes: &'a [String],
    /// The credential that it shows along with it, empty where there is none.
    pub token: &'a str,
    /// The nonce that the gateway gave.
    pub nonce: &'a str,
}

impl SignedText<'_> {
    /// Returns the text of version 2.
    pub fn v2(&self) -> String {
        let signed_at = self.proof.signed_at.to_string();
        [
            "v2",
            &self.proof.id,
            &self.client.id,
            &self.client.mode,
            self.role,
            &self.scopes.join(","),
            &signed_at,
            self.token,
            self.nonce,
        ]
        .join("|")
    }

    /// Returns the text of version 3.
    pub fn v3(&self) -> String {
        let family = self.client.device_family.as_deref().unwrap_or_default();
        let text = self.v2();
        let rest = text.strip_prefix("v2").unwrap_or(&text);
        format!(
            "v3{rest}|{}|{}",
            plain(&self.client.platform),
            plain(family)
        )
    }
}

/// Returns a name of a machine as it is signed: trimmed, and in lower case as far as it is ASCII.
fn plain(text: &str) -> String {
    text.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_those_of_openclaw() {
        let client = ConnectClient {
            id: "openclaw-tui".to_owned(),
            mode: "ui".to_owned(),
            version: "2026.9.6".to_owned(),
            platform: " Linux ".to_owned(),
            device_family: Some("Linux".to_owned()),
            ..ConnectClient::default()
        };
        let proof = DeviceProof {
            id: "d1".to_owned(),
            signed_at: 17,
            ..DeviceProof::default()
        };
        let text = SignedText {
            proof: &proof,
            client: &client,
            role: "operator",
            scopes: &["operator.read".to_owned(), "operator.write".to_owned()],
            token: "t",
            nonce: "n",
        };
        let rest = "d1|openclaw-tui|ui|operator|operator.read,operator.write|17|t|n";
        assert_eq!(text.v2(), format!("v2|{rest}"));
        assert_eq!(text.v3(), format!("v3|{rest}|linux|linux"));
    }
}
