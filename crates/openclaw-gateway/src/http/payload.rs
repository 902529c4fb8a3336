//! Reading bodies, and JSON objects in them.

use std::time::Duration;

use axum::body::{self, Body, Bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use openclaw_core::validation::check_json_depth;
use serde_json::{Map, Value};
use tokio::time;

use super::refused::Refused;

/// How long a client may take to send a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads a body of at most so many bytes.
pub(crate) async fn collect(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Bytes, Refused> {
    let too_large = || {
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large")
            .with_hint(format!("send at most {limit} bytes"))
    };
    if declared_size(headers).is_some_and(|size| size > limit) {
        return Err(too_large());
    }
    match time::timeout(BODY_TIMEOUT, body::to_bytes(body, limit)).await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(_too_large)) => Err(too_large()),
        Err(_elapsed) => {
            let sentence = "the body took too long to arrive";
            Err(Refused::new(StatusCode::REQUEST_TIMEOUT, sentence))
        }
    }
}

/// Reads a body as an object, or says why it is none. A member that is null is one that is not
/// there.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, String> {
    check_json_depth(body).map_err(|err| err.to_string())?;
    let value: Value = serde_json::from_slice(body).map_err(|err| {
        let (line, column) = (err.line(), err.column());
        format!("the body is not JSON from line {line}, character {column} on")
    })?;
    match value {
        Value::Object(object) => {
            let there = object.into_iter().filter(|(_, value)| !value.is_null());
            Ok(there.collect())
        }
        _ => Err("the body has to be a JSON object".to_owned()),
    }
}

fn declared_size(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
