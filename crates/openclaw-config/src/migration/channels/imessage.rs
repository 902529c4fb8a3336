//! iMessage.

use serde_json::Value;

use super::aliases::{Aliases, Delivery};
use crate::migration::log::Log;
use crate::migration::scope::Scope;
use crate::migration::tree::{Record, take};

/// Brings the settings of iMessage into the current form.
pub(super) fn all(root: &mut Record, log: &mut Log) {
    Scope::Channel("imessage").visit(root, &mut |entry, path| {
        let catches_up = entry.get("catchup").and_then(|own| own.get("enabled"));
        // One that is on is left for its owner to think about.
        if catches_up != Some(&Value::Bool(true)) && take(entry, "catchup").is_some() {
            log.removed(
                &path.key("catchup"),
                "what was missed is always caught up with",
            );
        }
    });
    Aliases::new("imessage", Delivery::Only).apply(root, log);
}
