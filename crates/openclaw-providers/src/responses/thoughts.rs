//! Thoughts as they are carried back: the item's id and its encrypted content, in a form of ours.

use serde::{Deserialize, Serialize};

/// What a provider needs to read its own thoughts again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Sealed {
    /// The item's id, such as `rs_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_id: Option<String>,
    /// What only the provider can read.
    pub(super) encrypted: String,
}

impl Sealed {
    /// Reads a signature; none if it has another API's form.
    pub(super) fn of_signature(signature: &str) -> Option<Self> {
        serde_json::from_str(signature).ok()
    }

    /// Writes it as a signature.
    pub(super) fn to_signature(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_read_back_and_anybody_elses_is_not() {
        let sealed = Sealed {
            reasoning_id: Some("rs_1".into()),
            encrypted: "gAAA".into(),
        };
        let signature = sealed.to_signature().unwrap();
        assert_eq!(signature, r#"{"reasoningId":"rs_1","encrypted":"gAAA"}"#);
        assert_eq!(Sealed::of_signature(&signature), Some(sealed));
        for foreign in ["c2lnbmVk", r#"{"reasoning_details":[]}"#, "{}"] {
            assert_eq!(Sealed::of_signature(foreign), None);
        }
    }
}
