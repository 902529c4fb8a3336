//! The collector: where it is, and what it is sent.

use std::sync::Arc;
use std::time::Duration;

use openclaw_config::OtelSettings;
use openclaw_core::ApiKey;
use openclaw_http::{HeaderName, HttpClient, HttpError, PostBytes, Timeouts};
use tokio_util::sync::CancellationToken;

use super::message::Resource;
use crate::error::GatewayError;
use crate::home::Home;

const MIME: &str = "application/x-protobuf";

/// Where a collector is that nobody has named: this machine, on the port of OTLP over HTTP.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:4318";
/// How this program calls itself, as OpenClaw does.
const DEFAULT_SERVICE: &str = "openclaw";

/// The most of an answer that is read; what it says is not looked at.
const ANSWER: usize = 64 * 1024;

/// A collector that does not answer at once is left alone until the next time.
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(3),
    first_byte: Duration::from_secs(5),
    idle: Duration::from_secs(5),
    total: Duration::from_secs(10),
};

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Metrics,
}

impl Signal {
    /// Returns its name, in paths and in labels.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }
}

/// A collector.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    client: HttpClient,
    traces: String,
    metrics: String,
    headers: Vec<(HeaderName, Arc<ApiKey>)>,
    pub(super) resource: Resource,
}

impl Collector {
    pub(super) fn of(settings: &OtelSettings, home: &Home) -> Result<Self, GatewayError> {
        let base = settings.endpoint.as_deref().unwrap_or(DEFAULT_ENDPOINT);
        let url = |exact: &Option<String>, signal: Signal| match exact {
            Some(exact) => exact.clone(),
            None => below(base, signal),
        };
        let mut headers = Vec::new();
        for (name, value) in &settings.headers {
            let path = format!("diagnostics.otel.headers.{name}");
            let Ok(header) = HeaderName::try_from(name.as_str()) else {
                tracing::warn!(path, "this is no name of a header; it is not sent");
                continue;
            };
            headers.push((header, home.secret(value, &path)?));
        }
        Ok(Self {
            client: HttpClient::new(TIMEOUTS),
            traces: url(&settings.traces_endpoint, Signal::Traces),
            metrics: url(&settings.metrics_endpoint, Signal::Metrics),
            headers,
            resource: Resource {
                service: settings
                    .service_name
                    .clone()
                    .unwrap_or_else(|| DEFAULT_SERVICE.to_owned()),
                instance: uuid::Uuid::new_v4().to_string(),
            },
        })
    }

    /// Sends something, once.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; the collector may have taken it or not.
    pub(super) async fn send(
        &self,
        signal: Signal,
        body: Vec<u8>,
        stop: &CancellationToken,
    ) -> Result<(), HttpError> {
        let url = match signal {
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
        };
        let mut request = PostBytes::new(url, MIME, body)?;
        for (name, value) in &self.headers {
            request = request.secret_header(name.clone(), "", value)?;
        }
        self.client.post_bytes(request, ANSWER, stop).await?;
        Ok(())
    }
}

/// Returns the address of a signal: below the endpoint, unless that already ends with the path of
/// one, which it then takes the place of.
fn below(endpoint: &str, signal: Signal) -> String {
    let base = endpoint.trim_end_matches('/');
    let base = ["/v1/traces", "/v1/metrics", "/v1/logs"]
        .iter()
        .find_map(|path| base.strip_suffix(path))
        .unwrap_or(base);
    format!("{base}/v1/{}", signal.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_has_a_path_below_the_endpoint() {
        for endpoint in [
            "http://c:4318",
            "http://c:4318/",
            "http://c:4318/v1/traces",
            "http://c:4318/v1/metrics/",
        ] {
            assert_eq!(below(endpoint, Signal::Traces), "http://c:4318/v1/traces");
        }
        assert_eq!(
            below("https://c/otlp", Signal::Metrics),
            "https://c/otlp/v1/metrics"
        );
    }
}
