//! The messages of OTLP 1.x that are sent (`opentelemetry/proto/…/v1/*.proto`).

use jiff::Timestamp;

use super::super::meters::{Sample, Snapshot};
use super::super::table::{About, Shape};
use super::proto::Message;

/// Who measured.
const LIBRARY: &str = "openclaw-rs";
/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;
/// `STATUS_CODE_ERROR`.
const FAILED: u64 = 2;
/// The last of a trace's flags: it is sampled.
const SAMPLED: u32 = 1;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Whole(u64),
    Real(f64),
}

/// An attribute.
pub(super) type Attribute = (&'static str, Value);

/// What a span is to whom it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It stays within the program.
    Internal,
    /// It asks somebody else.
    Client,
}

/// A part of a trace.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) trace: [u8; 16],
    pub(super) id: [u8; 8],
    pub(super) parent: Option<[u8; 8]>,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) began: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) attributes: Vec<Attribute>,
    /// What kind of failure it ended with, if it failed.
    pub(super) failure: Option<String>,
}

/// Who is measured.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) service: String,
    pub(super) instance: String,
}

/// Returns an `ExportTraceServiceRequest`.
pub(super) fn traces(resource: &Resource, spans: &[Span]) -> Vec<u8> {
    let scope = Message::default()
        .message(1, &library())
        .messages(2, spans.iter().map(span));
    let of_resource = Message::default()
        .message(1, &described(resource))
        .message(2, &scope);
    Message::default().message(1, &of_resource).into_bytes()
}

/// Returns an `ExportMetricsServiceRequest`; `prefix` stands before the names of this program's own
/// metrics in place of `openclaw.`.
pub(super) fn metrics(
    resource: &Resource,
    snapshots: &[Snapshot],
    prefix: Option<&str>,
    (began, now): (Timestamp, Timestamp),
) -> Vec<u8> {
    let filled = snapshots.iter().filter(|one| !one.series.is_empty());
    let scope = Message::default().message(1, &library()).messages(
        2,
        filled.map(|snapshot| metric(snapshot, prefix, (began, now))),
    );
    let of_resource = Message::default()
        .message(1, &described(resource))
        .message(2, &scope);
    Message::default().message(1, &of_resource).into_bytes()
}

fn library() -> Message {
    Message::default()
        .text(1, LIBRARY)
        .text(2, env!("CARGO_PKG_VERSION"))
}

fn described(resource: &Resource) -> Message {
    let text = |text: &str| Value::Text(text.to_owned());
    let attributes = [
        ("service.name", text(&resource.service)),
        ("service.version", text(env!("CARGO_PKG_VERSION"))),
        ("service.instance.id", text(&resource.instance)),
        ("telemetry.sdk.name", text(LIBRARY)),
        ("telemetry.sdk.language", text("rust")),
    ];
    Message::default().messages(1, attributes.iter().map(attribute))
}

fn span(span: &Span) -> Message {
    let kind = match span.role {
        Role::Internal => 1,
        Role::Client => 3,
    };
    let status = match &span.failure {
        Some(kind) => Message::default().text(2, kind).number(3, FAILED),
        None => Message::default(),
    };
    Message::default()
        .bytes(1, &span.trace)
        .bytes(2, &span.id)
        .bytes(4, span.parent.as_ref().map_or(&[], |id| id))
        .text(5, &span.name)
        .number(6, kind)
        .fixed(7, nanos(span.began))
        .fixed(8, nanos(span.ended))
        .messages(9, span.attributes.iter().map(attribute))
        .message(15, &status)
        .fixed32(16, SAMPLED)
}

fn metric(snapshot: &Snapshot, prefix: Option<&str>, times: (Timestamp, Timestamp)) -> Message {
    let about = &snapshot.about;
    let name = match (prefix, about.otlp.strip_prefix("openclaw.")) {
        (Some(prefix), Some(rest)) => format!("{prefix}{rest}"),
        _ => about.otlp.to_owned(),
    };
    let points = snapshot
        .series
        .iter()
        .map(|(labels, sample)| point(about, labels, sample, times));
    let data = Message::default().messages(1, points);
    let (field, data) = match about.shape {
        Shape::Gauge => (5, data),
        Shape::Counter => (7, data.number(2, CUMULATIVE).number(3, 1)),
        Shape::Histogram(_) => (9, data.number(2, CUMULATIVE)),
    };
    Message::default()
        .text(1, &name)
        .text(2, about.help)
        .text(3, about.unit)
        .message(field, &data)
}

/// Returns a `NumberDataPoint` or a `HistogramDataPoint`.
fn point(
    about: &About,
    labels: &[String],
    sample: &Sample,
    (began, now): (Timestamp, Timestamp),
) -> Message {
    let named = about.labels.iter().zip(labels);
    let attributes: Vec<Attribute> = named
        .map(|((_, name), value)| (*name, Value::Text(value.clone())))
        .collect();
    let attributes = attributes.iter().map(attribute);
    let times = Message::default()
        .fixed(2, nanos(began))
        .fixed(3, nanos(now));
    match sample {
        Sample::Value(value) => times.double(4, *value).messages(7, attributes),
        Sample::Histogram { counts, sum } => {
            let bounds = match about.shape {
                Shape::Histogram(bounds) => bounds,
                Shape::Counter | Shape::Gauge => &[],
            };
            times
                .fixed(4, counts.iter().sum())
                .double(5, *sum)
                .packed(6, counts.iter().map(|count| count.to_le_bytes()))
                .packed(7, bounds.iter().map(|bound| bound.to_le_bytes()))
                .messages(9, attributes)
        }
    }
}

/// Returns a `KeyValue`.
fn attribute((name, value): &Attribute) -> Message {
    let value = match value {
        Value::Text(text) => Message::default().exact_text(1, text),
        Value::Whole(number) => Message::default().exact(3, *number),
        Value::Real(number) => Message::default().double(4, *number),
    };
    Message::default().text(1, name).message(2, &value)
}

fn nanos(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond()).unwrap_or_default()
}
