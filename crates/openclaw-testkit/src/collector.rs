//! A collector of OpenTelemetry on loopback: it reads what it is sent with OpenTelemetry's own
//! library, so that what no other collector could read does not pass.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::Metric;

use parking_lot::Mutex;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

pub use opentelemetry_proto::tonic::metrics::v1::metric::Data;
pub use opentelemetry_proto::tonic::trace::v1::Span;

use crate::loopback::Loopback;

/// How long something may take to arrive.
const PATIENCE: Duration = Duration::from_secs(40);

/// A collector; it stops when this is dropped.
#[derive(Debug)]
pub struct Collector {
    server: Loopback,
    received: Arc<Received>,
}

#[derive(Debug, Default)]
struct Received {
    heads: Mutex<Vec<String>>,
    bodies: Mutex<Vec<u8>>,
    spans: Mutex<Vec<Span>>,
    services: Mutex<Vec<String>>,
    metrics: Mutex<Vec<Metric>>,
    more: Notify,
}

impl Collector {
    /// Starts a collector.
    pub fn start() -> Self {
        let received = Arc::new(Received::default());
        let shared = Arc::clone(&received);
        let server = Loopback::start("collector", move |stream| {
            let received = Arc::clone(&shared);
            // A client may leave at any time.
            async move { drop(serve(stream, &received).await) }
        });
        Self { server, received }
    }

    /// Returns its address.
    pub const fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Returns the endpoint to configure.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Returns the heads of the requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.received.heads.lock().clone()
    }

    /// Returns all bodies so far, as they came.
    pub fn bytes(&self) -> Vec<u8> {
        self.received.bodies.lock().clone()
    }

    /// Returns the names of the services that have sent something.
    pub fn services(&self) -> Vec<String> {
        self.received.services.lock().clone()
    }

    /// Returns the spans so far.
    pub fn spans(&self) -> Vec<Span> {
        self.received.spans.lock().clone()
    }

    /// Waits until so many spans have come.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn wait_for_spans(&self, count: usize) -> Vec<Span> {
        self.wait("spans", || self.received.spans.lock().len() >= count)
            .await;
        self.spans()
    }

    /// Waits until a metric of this name has come, and returns the last one.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn wait_for_metric(&self, name: &str) -> Metric {
        let last = || {
            let metrics = self.received.metrics.lock();
            metrics
                .iter()
                .rev()
                .find(|metric| metric.name == name)
                .cloned()
        };
        self.wait(name, || last().is_some()).await;
        last().expect("it has come")
    }

    async fn wait(&self, what: &str, done: impl Fn() -> bool) {
        let arrival = async {
            loop {
                let more = self.received.more.notified();
                if done() {
                    return;
                }
                more.await;
            }
        };
        let arrived = timeout(PATIENCE, arrival).await;
        assert!(arrived.is_ok(), "no {what} came: {:?}", self.heads());
    }
}

/// Returns the text of an attribute; numbers are written out.
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|one| one.key == name)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => text.clone(),
        any_value::Value::IntValue(number) => number.to_string(),
        any_value::Value::DoubleValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

async fn serve(mut stream: TcpStream, received: &Received) -> std::io::Result<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        received.take(&head, &body);
        let answer =
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await?;
    }
}

impl Received {
    fn take(&self, head: &str, body: &[u8]) {
        self.heads.lock().push(head.to_owned());
        self.bodies.lock().extend_from_slice(body);
        if head.starts_with("POST /v1/traces ") {
            let request = ExportTraceServiceRequest::decode(body).expect("a request with traces");
            for of_resource in request.resource_spans {
                let resource = of_resource.resource.unwrap_or_default();
                let service = attribute(&resource.attributes, "service.name");
                self.services.lock().extend(service);
                for scope in of_resource.scope_spans {
                    self.spans.lock().extend(scope.spans);
                }
            }
        } else if head.starts_with("POST /v1/metrics ") {
            let request =
                ExportMetricsServiceRequest::decode(body).expect("a request with metrics");
            for of_resource in request.resource_metrics {
                for scope in of_resource.scope_metrics {
                    self.metrics.lock().extend(scope.metrics);
                }
            }
        }
        self.more.notify_waiters();
    }
}
