//! `diagnostics`: what others may measure of this program, and where it sends that by itself.
//!
//! What OpenClaw's config does not have stands under the same key in `openclaw-rs.json5`: whether
//! `GET /metrics` needs a credential.

use std::time::Duration;

use serde_json::Value;

use super::own_providers::unknown;
use super::reader::Reader;
use super::secrets::SecretInput;
use crate::problem::{KeyPath, Problem};

/// The key in both files.
pub(super) const KEY: &str = "diagnostics";

/// What `openclaw-rs.json5` may say, and what for `metrics`.
const METRICS: &str = "metrics";
const ACCESS: [&str; 2] = ["read", "open"];

/// How often metrics are sent, unless the config says otherwise, and at the most.
const FLUSH: Duration = Duration::from_mins(1);
const FASTEST: Duration = Duration::from_secs(1);

/// The settings under `diagnostics`.
#[derive(Clone, Debug)]
pub struct DiagnosticsSettings {
    /// Whether anything is measured (`enabled`).
    pub enabled: bool,
    /// Who may read `GET /metrics` (`diagnostics.metrics` in `openclaw-rs.json5`).
    pub metrics: MetricsAccess,
    /// Where measurements are sent, if they are (`otel`).
    pub otel: Option<OtelSettings>,
}

impl Default for DiagnosticsSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            metrics: MetricsAccess::default(),
            otel: None,
        }
    }
}

/// Who may read `GET /metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Whoever has the scope `read`.
    #[default]
    Read,
    /// Everybody who reaches the port.
    Open,
}

/// The settings under `diagnostics.otel` of an export that is on.
#[derive(Clone, Debug, PartialEq)]
pub struct OtelSettings {
    /// The collector (`endpoint`); `/v1/traces` and `/v1/metrics` are added to it.
    pub endpoint: Option<String>,
    /// Where traces go instead (`tracesEndpoint`).
    pub traces_endpoint: Option<String>,
    /// Where metrics go instead (`metricsEndpoint`).
    pub metrics_endpoint: Option<String>,
    /// What is sent along (`headers`), each of which may be a secret.
    pub headers: Vec<(String, SecretInput)>,
    /// How this program calls itself (`serviceName`).
    pub service_name: Option<String>,
    /// Whether traces are sent (`traces`).
    pub traces: bool,
    /// Whether metrics are sent (`metrics`).
    pub metrics: bool,
    /// Which part of the turns is sent as traces, from 0 to 1 (`sampleRate`).
    pub sample_rate: f64,
    /// How often metrics are sent (`flushIntervalMs`).
    pub flush_interval: Duration,
    /// What the names of this program's own metrics begin with (`metricNamePrefix`).
    pub metric_name_prefix: Option<String>,
}

impl DiagnosticsSettings {
    /// Tells whether the same is measured and sent; who may read it does not count.
    pub fn measures_as(&self, other: &Self) -> bool {
        (self.enabled, &self.otel) == (other.enabled, &other.otel)
    }
}

impl Reader<'_> {
    /// Reads what `openclaw.json` says.
    pub(super) fn diagnostics(&mut self) -> DiagnosticsSettings {
        let flag = |reader: &Self, path: &[&str]| reader.raw(path).and_then(Value::as_bool);
        let otel = ["diagnostics", "otel"];
        let at = |key: &'static str| [otel[0], otel[1], key];
        let on = flag(self, &at("enabled")).unwrap_or(false);
        let headers = self.headers(&at("headers"));
        let text = |reader: &Self, key| reader.string(&at(key));
        DiagnosticsSettings {
            enabled: flag(self, &["diagnostics", "enabled"]).unwrap_or(true),
            metrics: MetricsAccess::default(),
            otel: on.then(|| OtelSettings {
                endpoint: text(self, "endpoint"),
                traces_endpoint: text(self, "tracesEndpoint"),
                metrics_endpoint: text(self, "metricsEndpoint"),
                headers,
                service_name: text(self, "serviceName"),
                traces: flag(self, &at("traces")).unwrap_or(true),
                metrics: flag(self, &at("metrics")).unwrap_or(true),
                sample_rate: self
                    .raw(&at("sampleRate"))
                    .and_then(Value::as_f64)
                    .unwrap_or(1.0),
                flush_interval: self
                    .number(&at("flushIntervalMs"))
                    .map_or(FLUSH, Duration::from_millis)
                    .max(FASTEST),
                // Blank means no prefix at all, which is not the same as none said.
                metric_name_prefix: self
                    .raw(&at("metricNamePrefix"))
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            }),
        }
    }
}

/// Returns everything that is wrong with the `diagnostics` of `openclaw-rs.json5`.
pub(super) fn problems(path: &KeyPath, value: &Value) -> Vec<Problem> {
    let Some(members) = value.as_object() else {
        return vec![Problem::new(path.clone(), "expected an object")];
    };
    let mut problems = Vec::new();
    for (key, value) in members {
        let at = path.key(key);
        if key != METRICS {
            problems.push(unknown(at, key, &[METRICS]));
        } else if access(value).is_none() {
            let mut problem = Problem::new(at, "expected one of: \"read\", \"open\"");
            problem.allowed = ACCESS.map(str::to_owned).to_vec();
            problems.push(problem);
        }
    }
    problems
}

/// Reads the `diagnostics` of `openclaw-rs.json5`, which was judged.
pub(super) fn read(value: Option<&Value>) -> MetricsAccess {
    value
        .and_then(|value| access(value.get(METRICS)?))
        .unwrap_or_default()
}

fn access(value: &Value) -> Option<MetricsAccess> {
    match value.as_str()? {
        "read" => Some(MetricsAccess::Read),
        "open" => Some(MetricsAccess::Open),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::meaning;
    use super::*;

    #[test]
    fn an_export_that_is_off_has_no_settings() {
        let off = meaning(r#"{ diagnostics: { otel: { endpoint: "http://c:4318" } } }"#);
        assert!(off.diagnostics.enabled && off.diagnostics.otel.is_none());
        let measured = meaning("{ diagnostics: { enabled: false } }").diagnostics;
        assert!(!measured.enabled);
    }

    #[test]
    fn an_export_has_the_defaults_of_openclaw() {
        let otel = meaning(r"{ diagnostics: { otel: { enabled: true } } }")
            .diagnostics
            .otel
            .unwrap();
        assert!(otel.traces && otel.metrics);
        assert_eq!((otel.sample_rate, otel.flush_interval), (1.0, FLUSH));
        let otel = meaning(
            r#"{ diagnostics: { otel: { enabled: true, flushIntervalMs: 10, sampleRate: 0.25,
                 headers: { "x-key": "abc" }, traces: false, metricNamePrefix: "" } } }"#,
        )
        .diagnostics
        .otel
        .unwrap();
        assert_eq!((otel.sample_rate, otel.flush_interval), (0.25, FASTEST));
        assert_eq!(otel.headers.len(), 1);
        assert!(!otel.traces);
        assert_eq!(otel.metric_name_prefix.as_deref(), Some(""));
    }

    #[test]
    fn our_own_file_says_who_may_read_the_metrics() {
        let judged = |value: Value| problems(&KeyPath::root().key(KEY), &value).len();
        assert_eq!(judged(json!({ "metrics": "open" })), 0);
        assert_eq!(judged(json!({ "metrics": "everybody" })), 1);
        assert_eq!(judged(json!({ "otel": {} })), 1);
        assert_eq!(judged(json!([])), 1);
        assert_eq!(
            read(Some(&json!({ "metrics": "open" }))),
            MetricsAccess::Open
        );
        assert_eq!(read(None), MetricsAccess::Read);
    }
}
