//! Recorded answers, served over a socket.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use openclaw_core::ApiKey;
use openclaw_http::Timeouts;
use openclaw_providers::{
    Completion, EventStream, Provider, ProviderConfig, ProviderError, Quirks, Request, StreamEvent,
    build,
};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::server::Server;

pub(super) const KEY: &str = "sk-very-secret";

/// How long a silent server is waited for, where it is.
pub(super) const PATIENCE: Duration = Duration::from_millis(50);

/// What a recorded stream is, as its ending tells.
const FORMATS: [(&str, &str); 2] = [
    ("sse", "text/event-stream"),
    ("ndjson", "application/x-ndjson"),
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// Returns the folders that an answer of an API may be in: Azure speaks the formats of OpenAI.
fn folders(api: &str) -> impl Iterator<Item = &str> {
    [Some(api), api.strip_prefix("azure-")]
        .into_iter()
        .flatten()
}

/// How the body of an answer is to end.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// The server closes the connection in order.
    InOrder,
    /// The server closes it before everything that it had announced is sent.
    Torn,
}

/// Returns the recorded stream of a case with the head of an answer.
pub(super) fn stream(api: &str, case: &str, end: End) -> Result<&'static str, String> {
    let announced = match end {
        End::InOrder => "",
        End::Torn => "content-length: 9000000\r\n",
    };
    let places = folders(api).flat_map(|folder| {
        FORMATS.map(|(ending, mime)| {
            let file = format!("sse/{folder}/{case}.{ending}");
            (fixtures().join(file), mime)
        })
    });
    for (path, mime) in places {
        if let Ok(body) = fs::read_to_string(path) {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {mime}\r\n{announced}");
            return Ok(format!("{head}connection: close\r\n\r\n{body}").leak());
        }
    }
    Err(format!("no answer of the case `{case}` is recorded"))
}

/// Returns the body of the recorded stream of a case.
pub(super) fn body(api: &str, case: &str) -> Result<&'static str, String> {
    let (_, body) = stream(api, case, End::InOrder)?
        .split_once("\r\n\r\n")
        .unwrap();
    Ok(body)
}

/// Returns the recorded answer of a case that is no stream.
pub(super) fn refusal(api: &str, case: &str) -> Result<&'static str, String> {
    let paths = folders(api).map(|folder| fixtures().join(format!("http/{folder}/{case}.http")));
    let Some(text) = paths.map(fs::read_to_string).find_map(Result::ok) else {
        return Err(format!("no answer of the case `{case}` is recorded"));
    };
    let text = text.replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let body = body.trim_end();
    let head = head.trim_end().replace('\n', "\r\n");
    let length = body.len();
    let added = format!("content-length: {length}\r\nconnection: close");
    Ok(format!("{head}\r\n{added}\r\n\r\n{body}").leak())
}

/// Makes a provider of that name which asks this server.
pub(super) fn provider(api: &str, id: &str, server: &Server) -> Arc<dyn Provider> {
    with_timeouts(api, id, server, Timeouts::default())
}

/// Makes a provider which does not wait for long.
pub(super) fn impatient(api: &str, server: &Server, timeouts: Timeouts) -> Arc<dyn Provider> {
    with_timeouts(api, "mine", server, timeouts)
}

fn with_timeouts(api: &str, id: &str, server: &Server, timeouts: Timeouts) -> Arc<dyn Provider> {
    // Of the servers that speak Chat Completions, OpenRouter signs thoughts.
    let compat = json!({"thinkingFormat": "openrouter"});
    built(api, id, server, timeouts, &compat)
}

/// Makes a provider whose model is different in this way.
pub(super) fn odd(api: &str, server: &Server, compat: &Value) -> Arc<dyn Provider> {
    built(api, "mine", server, Timeouts::default(), compat)
}

fn built(
    api: &str,
    id: &str,
    server: &Server,
    timeouts: Timeouts,
    compat: &Value,
) -> Arc<dyn Provider> {
    // What Azure alone needs; the others do not know these.
    let params = json!({"apiVersion": "2025-04-01-preview", "deployment": "model-1"});
    let params: Map<_, _> = params.as_object().unwrap().clone();
    let quirks = Quirks::read(compat.as_object().unwrap());
    let config = ProviderConfig {
        base_url: Some(server.url("")),
        api_key: Some(Arc::new(ApiKey::new(KEY.into()))),
        timeouts,
        params,
        quirks: BTreeMap::from([("model-1".to_owned(), quirks)]),
        ..ProviderConfig::new(id)
    };
    build(api, config).unwrap()
}

/// Asks for the recorded answer of a case and returns the whole of it.
pub(super) async fn complete(
    api: &str,
    case: &str,
    request: Request,
) -> Result<Completion, String> {
    let server = Server::start([stream(api, case, End::InOrder)?]);
    provider(api, "mine", &server)
        .complete(request, CancellationToken::new())
        .await
        .map_err(|error| format!("`{case}` is no answer: {error:?}"))
}

/// Opens the stream of an answer.
pub(super) async fn open(
    provider: &Arc<dyn Provider>,
    stop: &CancellationToken,
) -> Result<EventStream, String> {
    let events = provider.stream(super::request(), stop.clone()).await;
    events.map_err(|error| format!("no stream: {error:?}"))
}

/// Returns the words of a stream and the error that it ends with.
pub(super) async fn words_and_error(
    events: EventStream,
) -> Result<(String, ProviderError), String> {
    let mut events = events.collect::<Vec<_>>().await;
    let error = match events.pop() {
        Some(Err(error)) => error,
        other => return Err(format!("ends with {other:?} instead of an error")),
    };
    let words = events.into_iter().filter_map(|event| match event {
        Ok(StreamEvent::Text(text)) => Some(text),
        _ => None,
    });
    Ok((words.collect(), error))
}
