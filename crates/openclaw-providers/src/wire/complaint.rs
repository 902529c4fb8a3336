//! What a provider says is wrong, in any of the shapes in use.
//!
//! They are `{"error":{"message":…,"type":…,"code":…}}`, `{"error":"…"}`, the same without the
//! envelope, and a list of one of them. Plain text is taken as it is; a page of HTML says only that
//! somebody else answered.

use std::time::Duration;

use openclaw_core::redaction::mask;
use serde_json::Value;

use super::{Fault, read_whole};
use crate::error::{Reason, excerpt};
use crate::google;

/// The most characters of a provider's message that are kept.
const MESSAGE_CHARS: usize = 500;

/// What is told in place of a page of HTML.
const PAGE: &str = "a web page and not a word of the API, so a proxy or another server answered";

/// Makes a provider's words fit to be shown: without keys, in one line and of bounded length.
pub(super) fn public(message: &str) -> String {
    let words = mask(message);
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    excerpt(&line, MESSAGE_CHARS)
}

/// Reads the body of an answer with a status of failure.
pub(super) fn of_body(body: &str, status: u16) -> (Reason, String) {
    let by_status = Reason::of_status(status.into());
    match read_whole::<Value>(body) {
        Ok(document) => {
            let error = error_in(&document).unwrap_or(&document);
            let message = message_of(error);
            let named = named_reason(error).unwrap_or(by_status);
            (named.or_by_words(&message), message)
        }
        Err(_not_json) if body.trim_start().starts_with('<') => (by_status, PAGE.to_owned()),
        Err(_not_json) => (by_status.or_by_words(body), body.to_owned()),
    }
}

/// Finds how long an error asks to be left alone, where that is not in a header.
pub(super) fn retry_after(body: &str) -> Option<Duration> {
    let document = serde_json::from_str::<Value>(body).ok()?;
    google::retry_delay(error_in(&document)?)
}

/// Finds the error in a document; one that is `null` is none.
pub(super) fn error_in(document: &Value) -> Option<&Value> {
    let one = match document {
        Value::Array(several) => several.first()?,
        one => one,
    };
    one.get("error").filter(|error| !error.is_null())
}

/// Reads an error object that came inside of a stream.
pub(crate) fn sent(error: &Value) -> Fault {
    let message = message_of(error);
    let reason = named_reason(error).unwrap_or(Reason::Unknown);
    Fault::Sent {
        reason: reason.or_by_words(&message),
        message,
    }
}

/// Reads the data of an event that is named `error`.
pub(super) fn of_event(data: &str) -> Fault {
    match read_whole::<Value>(data) {
        Ok(document) => sent(error_in(&document).unwrap_or(&document)),
        Err(_not_json) => Fault::Sent {
            reason: Reason::Unknown.or_by_words(data),
            message: data.to_owned(),
        },
    }
}

/// The code is asked first: OpenAI's `invalid_request_error` covers wrong keys too.
fn named_reason(error: &Value) -> Option<Reason> {
    let named = |object: &Value, field: &str| {
        let name = object.get(field).and_then(Value::as_str);
        name.and_then(Reason::of_name)
    };
    named(error, "code")
        .or_else(|| named(error.get("innererror")?, "code"))
        .or_else(|| named(error, "type"))
        .or_else(|| named(error, "status"))
        .or_else(|| error.get("code")?.as_u64().map(Reason::of_status))
}

fn message_of(error: &Value) -> String {
    let text = ["message", "detail", "error"]
        .into_iter()
        .find_map(|field| error.get(field))
        .unwrap_or(error);
    match text {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_an_error_is_read() {
        for (body, reason, message) in [
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                Reason::Overloaded,
                "Overloaded",
            ),
            (
                r#"{"error":{"message":"no","type":"invalid_request_error","code":"invalid_api_key"}}"#,
                Reason::Authentication,
                "no",
            ),
            (
                r#"{"error":{"code":"content_filter","message":"no","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
                Reason::ContentFilter,
                "no",
            ),
            (
                r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]"#,
                Reason::Authentication,
                "API key not valid.",
            ),
            (
                r#"{"error":{"code":"401","message":"no"}}"#,
                Reason::Authentication,
                "no",
            ),
            (
                r#"{"error":"no such model"}"#,
                Reason::NotFound,
                "no such model",
            ),
            (
                r#"{"object":"error","message":"This model's maximum context length is 1 tokens","code":400}"#,
                Reason::ContextLength,
                "This model's maximum context length is 1 tokens",
            ),
            (
                r#"{"detail":[{"msg":"x"}]}"#,
                Reason::InvalidRequest,
                r#"[{"msg":"x"}]"#,
            ),
            (
                "upstream is gone",
                Reason::InvalidRequest,
                "upstream is gone",
            ),
            ("\n<html>secret</html>", Reason::InvalidRequest, PAGE),
        ] {
            assert_eq!(of_body(body, 400), (reason, message.to_owned()), "{body}");
        }
    }

    #[test]
    fn an_error_in_a_stream_is_read_with_and_without_its_envelope() {
        let overloaded = Fault::Sent {
            reason: Reason::Overloaded,
            message: "busy".into(),
        };
        for data in [
            r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#,
            r#"{"type":"error","code":"overloaded_error","message":"busy","param":null}"#,
        ] {
            assert_eq!(of_event(data), overloaded);
        }
        assert_eq!(
            of_event("the model is overloaded"),
            Fault::Sent {
                reason: Reason::Overloaded,
                message: "the model is overloaded".into()
            }
        );
    }
}
