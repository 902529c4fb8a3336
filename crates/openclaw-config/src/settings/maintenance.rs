//! `session.maintenance`: how long sessions are kept, and how much room they may take.

use std::time::Duration;

use serde_json::Value;

use super::quantity::{QuantityError, parse_duration, parse_size};
use super::reader::Reader;

/// Where the settings stand.
const AT: [&str; 2] = ["session", "maintenance"];

/// What OpenClaw has here and this program has not.
const NOT_FOLLOWED: [&[&str]; 5] = [
    &["archiveDashboardAfter"],
    &["coldStorage", "enabled"],
    &["highWaterBytes"],
    &["maxEntries"],
    &["resetArchiveRetention"],
];

/// The settings under `session.maintenance`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// What the gateway does about sessions that are too old or too many (`mode`).
    pub mode: Option<MaintenanceMode>,
    /// How long a session is kept after its last event (`pruneAfter`).
    pub prune_after: Option<Duration>,
    /// How many bytes the event log may use (`maxDiskBytes`).
    pub max_disk_bytes: Option<u64>,
    /// How long a session is safe after its last event, however little room there is
    /// (`preserveRecent`).
    pub preserve_recent: Option<Duration>,
}

/// What the gateway does about sessions that are too old or too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaintenanceMode {
    /// It archives and deletes them.
    Enforce,
    /// It says which they are.
    Warn,
}

impl Reader<'_> {
    pub(super) fn maintenance(&mut self) -> Maintenance {
        for keys in NOT_FOLLOWED {
            let path = [&AT[..], keys].concat();
            let off =
                |value: &Value| matches!(value, Value::Bool(false)) || value.as_u64() == Some(0);
            if self.raw(&path).is_some_and(|value| !off(value)) {
                self.not_followed(&path, "is not supported");
            }
        }
        Maintenance {
            mode: match self.string(&at("mode")).as_deref() {
                Some("enforce") => Some(MaintenanceMode::Enforce),
                Some("warn") => Some(MaintenanceMode::Warn),
                _ => None,
            },
            // Keeping sessions for no time at all is more likely a mistake than a wish, and no
            // room at all means no limit, as in OpenClaw.
            prune_after: self
                .quantity("pruneAfter", parse_duration)
                .filter(|duration| !duration.is_zero()),
            max_disk_bytes: self
                .quantity("maxDiskBytes", parse_size)
                .filter(|bytes| *bytes > 0),
            preserve_recent: self
                .quantity("preserveRecent", parse_duration)
                .filter(|duration| !duration.is_zero()),
        }
    }

    /// A quantity is text or a number; `false` switches it off.
    fn quantity<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, QuantityError>,
    ) -> Option<T> {
        let parsed = match self.raw(&at(key))? {
            Value::String(text) => parse(text),
            Value::Number(number) => parse(&number.to_string()),
            _ => return None,
        };
        parsed
            .map_err(|err| self.not_followed(&at(key), err.to_string()))
            .ok()
    }
}

fn at(key: &str) -> [&str; 3] {
    let [session, maintenance] = AT;
    [session, maintenance, key]
}
