//! `session.maintenance`: how long sessions are kept, and how much room they may take.

use std::time::Duration;

use serde_json::Value;

use super::quantity::{QuantityError, parse_duration, parse_size};
use super::resolve::{Reader, shown};

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
        if let Some(other) = self.value(&AT).filter(|value| !value.is_object()) {
            self.expected(&AT, "an object", &other);
            return Maintenance::default();
        }
        for keys in NOT_FOLLOWED {
            let path = [&AT[..], keys].concat();
            let off = |value: &Value| {
                matches!(value, Value::Null | Value::Bool(false)) || value.as_u64() == Some(0)
            };
            if self.value(&path).is_some_and(|value| !off(&value)) {
                self.warning(&path, "is not supported".to_owned());
            }
        }
        Maintenance {
            mode: self.mode(),
            prune_after: self.prune_after(),
            max_disk_bytes: self.max_disk_bytes(),
            preserve_recent: self.preserve_recent(),
        }
    }

    fn mode(&mut self) -> Option<MaintenanceMode> {
        let path = [&AT[..], &["mode"]].concat();
        match self.string(&path)?.as_str() {
            "enforce" => Some(MaintenanceMode::Enforce),
            "warn" => Some(MaintenanceMode::Warn),
            other => {
                self.problem(&path, format!("`{other}` is none of enforce, warn"));
                None
            }
        }
    }

    /// Keeping sessions for no time at all is more likely a mistake than a wish.
    fn prune_after(&mut self) -> Option<Duration> {
        let path = [&AT[..], &["pruneAfter"]].concat();
        let duration = self.quantity(&path, parse_duration)?;
        if duration.is_zero() {
            self.problem(
                &path,
                "expected a duration above 0, such as `30d`".to_owned(),
            );
            return None;
        }
        Some(duration)
    }

    fn preserve_recent(&mut self) -> Option<Duration> {
        let path = [&AT[..], &["preserveRecent"]].concat();
        self.quantity(&path, parse_duration)
            .filter(|duration| !duration.is_zero())
    }

    /// No room at all means no limit, as in OpenClaw.
    fn max_disk_bytes(&mut self) -> Option<u64> {
        let path = [&AT[..], &["maxDiskBytes"]].concat();
        self.quantity(&path, parse_size).filter(|bytes| *bytes > 0)
    }

    /// A quantity is text or a number; `false` switches it off.
    fn quantity<T>(
        &mut self,
        path: &[&str],
        parse: impl FnOnce(&str) -> Result<T, QuantityError>,
    ) -> Option<T> {
        let parsed = match self.value(path)? {
            Value::Null | Value::Bool(false) => return None,
            Value::String(text) => parse(&text),
            Value::Number(number) => parse(&number.to_string()),
            other => {
                self.problem(
                    path,
                    format!("expected text, a number or false, found {}", shown(&other)),
                );
                return None;
            }
        };
        parsed
            .map_err(|err| self.problem(path, err.to_string()))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, RawConfig, resolve};
    use super::*;
    use crate::problem::Problem;

    fn resolved(maintenance: &str) -> Result<Config, Vec<Problem>> {
        let text = format!("{{ session: {{ maintenance: {maintenance} }} }}");
        resolve::resolve(&RawConfig::parse(&text).unwrap())
    }

    #[test]
    fn reads_what_openclaw_writes() {
        let config = resolved(
            "{ mode: 'enforce', pruneAfter: '30d', maxDiskBytes: '500mb', preserveRecent: 7,
               resetArchiveRetention: false, maxEntries: 5000, coldStorage: { enabled: false } }",
        )
        .unwrap();
        let day = Duration::from_hours(24);
        assert_eq!(
            config.maintenance,
            Maintenance {
                mode: Some(MaintenanceMode::Enforce),
                prune_after: Some(day * 30),
                max_disk_bytes: Some(500 << 20),
                preserve_recent: Some(day * 7),
            }
        );
        let warned: Vec<_> = config.warnings.into_iter().map(|one| one.path).collect();
        assert_eq!(warned, ["session.maintenance.maxEntries"]);
    }

    #[test]
    fn what_is_not_said_or_switched_off_is_no_limit() {
        for text in [
            "{}",
            "{ pruneAfter: null, maxDiskBytes: false, preserveRecent: false }",
            "{ maxDiskBytes: 0, preserveRecent: 0 }",
        ] {
            let config = resolved(text).unwrap();
            assert_eq!(config.maintenance, Maintenance::default(), "{text}");
        }
    }

    #[test]
    fn every_problem_is_named_with_its_place() {
        let problems =
            resolved("{ mode: 'off', pruneAfter: 0, maxDiskBytes: true, preserveRecent: 'soon' }")
                .unwrap_err();
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "session.maintenance.mode: `off` is none of enforce, warn",
                "session.maintenance.pruneAfter: expected a duration above 0, such as `30d`",
                "session.maintenance.maxDiskBytes: expected text, a number or false, found `true`",
                "session.maintenance.preserveRecent: `soon` is no duration: write a number and one of ms, s, m, h, d, such as `30d`",
            ]
        );
        assert_eq!(
            resolved("'daily'").unwrap_err()[0].to_string(),
            "session.maintenance: expected an object, found `daily`"
        );
    }
}
