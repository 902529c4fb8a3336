//! From an HTTP request to its HTTP answer.

use std::future::poll_fn;
use std::pin::Pin;

use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde_json::json;

use super::body::{HangUpWatch, ReplyBody, Step};
use super::render::{self, Asked};
use super::reply::{Course, Message, Reply, Shape};
use super::script::Script;
use super::seen::SeenRequest;
use super::wire::{WireFormat, google_model};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream; charset=utf-8";
const LINES: &str = "application/x-ndjson";
const HTML: &str = "text/html; charset=UTF-8";

/// What some proxies say instead of passing an error on.
const PAGE: &str = "<html>\r\n<head><title>Bad gateway</title></head>\r\n<body>\r\n\
    <center><h1>Bad gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// Reads a request's body to its end.
pub(super) async fn collect(mut body: Incoming) -> Result<Vec<u8>, hyper::Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Some(data) = frame?.data_ref() {
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}

pub(super) async fn answer(head: &Parts, body: &[u8], script: &Script) -> Response<ReplyBody> {
    let (seen, reply) = script.take(read(head, body));
    let Some(reply) = reply else {
        return refuse(&seen, script);
    };
    if matches!(reply.course, Course::HoldHeaders) {
        let mut watch = HangUpWatch::new(&script.progress);
        script.progress.hold().await;
        watch.over();
    }
    let asked = Asked {
        wire: seen.wire.unwrap_or(WireFormat::OpenAi),
        number: seen.number,
        model: seen.model(),
        include_usage: seen.body.pointer("/stream_options/include_usage") == Some(&json!(true)),
    };
    let (streams, kind) = streams(&seen, asked.wire);
    let mut response = match &reply.shape {
        Shape::Message(message) if streams => {
            let steps = stream(message, &reply, &asked);
            respond(200, kind, ReplyBody::stream(steps, &script.progress))
        }
        Shape::Message(message) => {
            let text = render::document(message, &asked).to_string();
            whole(200, JSON, text, &reply.course, script)
        }
        Shape::Error {
            status,
            kind,
            message,
        } => {
            let error = render::error(&asked, *status, kind.as_deref(), message.as_deref());
            whole(*status, JSON, error.to_string(), &reply.course, script)
        }
        Shape::Html { status } => whole(*status, HTML, PAGE.to_owned(), &reply.course, script),
    };
    let id = format!("req_{:06}", seen.number);
    let id_header = match asked.wire {
        WireFormat::Anthropic => "request-id",
        _ => "x-request-id",
    };
    for (name, value) in [(id_header, &id)].into_iter().chain(
        reply
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value)),
    ) {
        let name = hyper::header::HeaderName::try_from(name).expect("a header name");
        let value = HeaderValue::try_from(value).expect("a header value");
        response.headers_mut().append(name, value);
    }
    response
}

/// Tells whether the answer is asked for as a stream, and the media type that it has then.
fn streams(seen: &SeenRequest, wire: WireFormat) -> (bool, &'static str) {
    let asked = seen.body.get("stream");
    match wire {
        WireFormat::Google => {
            let named = google_model(&seen.path);
            (named.is_some_and(|(_, streams)| streams), EVENTS)
        }
        WireFormat::Ollama => (asked != Some(&json!(false)), LINES),
        _ => (asked == Some(&json!(true)), EVENTS),
    }
}

fn read(head: &Parts, body: &[u8]) -> SeenRequest {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    SeenRequest {
        number: 0,
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        wire: WireFormat::of_path(head.uri.path()).filter(|_| head.method == hyper::Method::POST),
        body: serde_json::from_slice(body).unwrap_or_default(),
        system: None,
        turns: Vec::new(),
    }
}

/// Answers what the script has no answer for; the violation is on record already.
fn refuse(seen: &SeenRequest, script: &Script) -> Response<ReplyBody> {
    let (status, message) = match seen.wire {
        None => (404, "the fake provider knows no such endpoint"),
        Some(_) if !seen.body.is_object() => (400, "the fake provider wants a JSON object"),
        // No status that clients try again after: the test is over.
        Some(_) => (400, "the fake provider has no answer for this"),
    };
    let text = json!({"error": {"type": "invalid_request_error", "message": message}});
    whole(status, JSON, text.to_string(), &Course::Whole, script)
}

fn stream(message: &Message, reply: &Reply, asked: &Asked<'_>) -> Vec<Step> {
    let events = render::events(message, asked);
    let at = |n: &usize| events.split_at((*n).min(events.len()));
    let send = |events: &[String], offset| {
        let pieces = reply.chunking.cut(events, offset);
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
        pieces.map(Step::Send).collect::<Vec<_>>()
    };
    match &reply.course {
        Course::Whole | Course::HoldHeaders => send(&events, 0),
        Course::Cut(n) => {
            let mut steps = send(at(n).0, 0);
            steps.push(Step::Cut);
            steps
        }
        Course::Hold(n) => {
            let (before, after) = at(n);
            let mut steps = send(before, 0);
            steps.push(Step::Hold);
            steps.extend(send(after, before.iter().map(String::len).sum()));
            steps
        }
        Course::Error {
            after,
            kind,
            message,
        } => {
            let mut events = at(after).0.to_vec();
            events.push(render::error_event(asked.wire, kind, message));
            send(&events, 0)
        }
    }
}

/// Answers with a document that does not stream.
fn whole(
    status: u16,
    kind: &'static str,
    text: String,
    course: &Course,
    script: &Script,
) -> Response<ReplyBody> {
    let length = text.len();
    let mut bytes = Bytes::from(text);
    let steps = match course {
        Course::Whole | Course::HoldHeaders | Course::Error { .. } => vec![Step::Send(bytes)],
        Course::Cut(_) => {
            bytes.truncate(length / 2);
            vec![Step::Send(bytes), Step::Cut]
        }
        Course::Hold(_) => vec![Step::Hold, Step::Send(bytes)],
    };
    respond(
        status,
        kind,
        ReplyBody::document(steps, length, &script.progress),
    )
}

fn respond(status: u16, kind: &'static str, body: ReplyBody) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("an HTTP status");
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
