//! Answers, and how they are put together for one request or a batch.

use std::time::Duration;

use openclaw_core::Kind;
use openclaw_core::redaction::mask_json;
use serde::de::Error as _;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::VERSION;
use super::error::RpcError;
use super::id::Id;

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Response {
    /// The request's id, or null where it could not be read.
    pub id: Id,
    /// The method's output as JSON text, or why there is none.
    pub outcome: Result<Box<RawValue>, RpcError>,
}

/// The answer to what one HTTP body or one WebSocket message brought.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The answer to a single request.
    One(Response),
    /// The answers to a batch; never empty.
    Batch(Vec<Response>),
}

/// A response before it is known to have exactly one of result and error.
#[derive(Deserialize)]
struct Wire {
    jsonrpc: String,
    id: Id,
    // A result of `null` is a result; a plain `Option` would take it for none.
    #[serde(default, deserialize_with = "present")]
    result: Option<Box<RawValue>>,
    #[serde(default)]
    error: Option<RpcError>,
}

impl Response {
    /// Answers the request of this id; a notification has none and gets no answer.
    pub fn to(id: Option<Id>, outcome: Result<Box<RawValue>, RpcError>) -> Option<Self> {
        id.map(|id| Self { id, outcome })
    }

    /// Answers that a request failed.
    pub const fn error(id: Id, error: RpcError) -> Self {
        Self {
            id,
            outcome: Err(error),
        }
    }

    /// Returns the response as JSON text, with known secrets masked.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

impl Reply {
    /// Returns the reply to a batch, or nothing when it held only notifications.
    pub fn batch(responses: Vec<Response>) -> Option<Self> {
        (!responses.is_empty()).then_some(Self::Batch(responses))
    }

    /// Returns after how long to try again, if nothing was done because the caller asks too often.
    ///
    /// A batch of which a part was done is no such reply, whatever the rest was.
    pub fn retry_after(&self) -> Option<Duration> {
        let wait = |response: &Response| {
            let error = response.outcome.as_ref().err()?;
            error
                .retry_after()
                .filter(|_| error.kind() == Kind::Limited)
        };
        match self {
            Self::One(response) => wait(response),
            // After the shortest of the waits, a part of it can be done.
            Self::Batch(responses) => {
                let waits: Option<Vec<Duration>> = responses.iter().map(wait).collect();
                waits?.into_iter().min()
            }
        }
    }

    /// Returns the reply as JSON text, with known secrets masked.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct("Response", 3)?;
        object.serialize_field("jsonrpc", VERSION)?;
        match &self.outcome {
            Ok(result) => object.serialize_field("result", result)?,
            Err(error) => object.serialize_field("error", error)?,
        }
        object.serialize_field("id", &self.id)?;
        object.end()
    }
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(response) => response.serialize(to),
            Self::Batch(responses) => responses.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Response {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(from)?;
        if wire.jsonrpc != VERSION {
            return Err(D::Error::custom("a response is of JSON-RPC 2.0"));
        }
        let outcome = match (wire.result, wire.error) {
            (Some(result), None) => Ok(result),
            (None, Some(error)) => Err(error),
            (Some(_), Some(_)) | (None, None) => {
                return Err(D::Error::custom("a response has a result or an error"));
            }
        };
        Ok(Self {
            id: wire.id,
            outcome,
        })
    }
}

fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(from).map(Some)
}

fn to_json(message: &impl Serialize) -> String {
    // Strings, numbers and text that is JSON already cannot fail to become JSON. Should that ever
    // change, the caller still gets an answer that it can read.
    let text = serde_json::to_string(message).unwrap_or_else(|_| {
        r#"{"jsonrpc":"2.0","error":{"code":-32603,"message":"the answer could not be written","data":{"kind":"internal"}},"id":null}"#.to_owned()
    });
    mask_json(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(id: Id, json: &str) -> Response {
        Response {
            id,
            outcome: Ok(RawValue::from_string(json.to_owned()).unwrap()),
        }
    }

    #[test]
    fn has_exactly_one_of_result_and_error() {
        assert_eq!(
            ok(Id::from(7), "null").to_json(),
            r#"{"jsonrpc":"2.0","result":null,"id":7}"#
        );
        assert_eq!(
            Response::error(Id::Null, RpcError::new(Kind::Internal, "m")).to_json(),
            r#"{"jsonrpc":"2.0","error":{"code":-32603,"message":"m","data":{"kind":"internal"}},"id":null}"#
        );
    }

    #[test]
    fn no_answer_carries_a_secret() {
        let secret = "cnry-of-an-answer-0123456789";
        openclaw_core::redaction::learn_text(secret);
        let result = ok(Id::from(secret), &format!(r#"{{"text":"so {secret}"}}"#));
        let error = Response::error(Id::from(1), RpcError::new(Kind::Invalid, secret));
        assert_eq!(
            Reply::batch(vec![result, error]).unwrap().to_json(),
            r#"[{"jsonrpc":"2.0","result":{"text":"so [REDACTED]"},"id":"[REDACTED]"},{"jsonrpc":"2.0","error":{"code":-32602,"message":"[REDACTED]","data":{"kind":"invalid"}},"id":1}]"#
        );
    }

    #[test]
    fn the_outcome_of_a_notification_goes_nowhere() {
        let outcome = || Err(RpcError::new(Kind::NotFound, "m"));
        assert!(Response::to(None, outcome()).is_none());
        assert!(Response::to(Some(Id::Null), outcome()).is_some());
    }

    #[test]
    fn a_batch_of_notifications_has_no_reply() {
        assert!(Reply::batch(Vec::new()).is_none());
        let reply = Reply::batch(vec![ok(Id::from("a"), "{}"), ok(Id::from(2), "[]")]).unwrap();
        assert_eq!(
            reply.to_json(),
            r#"[{"jsonrpc":"2.0","result":{},"id":"a"},{"jsonrpc":"2.0","result":[],"id":2}]"#
        );
    }

    #[test]
    fn a_reply_is_to_be_asked_for_again_when_all_of_it_was_limited() {
        let limited = |seconds| {
            let error = RpcError::new(Kind::Limited, "too many calls");
            let error = error.with_retry_after(Duration::from_secs(seconds));
            Response::error(Id::from(1), error)
        };
        let seconds = |reply: Option<Reply>| reply.unwrap().retry_after().map(|d| d.as_secs());
        assert_eq!(seconds(Some(Reply::One(limited(2)))), Some(2));
        let all = Reply::batch(vec![limited(3), limited(2)]);
        assert_eq!(seconds(all), Some(2));
        let some = Reply::batch(vec![limited(3), ok(Id::from(2), "{}")]);
        assert_eq!(seconds(some), None);
        // The batch was too long; that gets no better by waiting.
        let other = Response::error(Id::Null, RpcError::new(Kind::Limited, "too many requests"));
        assert_eq!(seconds(Some(Reply::One(other))), None);
    }

    #[test]
    fn what_is_written_reads_back() {
        for response in [
            ok(Id::from("x"), r#"{"a":[1,2.50]}"#),
            ok(Id::from(1), "null"),
            Response::error(Id::Null, RpcError::new(Kind::Denied, "no")),
        ] {
            let json = response.to_json();
            assert_eq!(
                serde_json::from_str::<Response>(&json).unwrap().to_json(),
                json
            );
        }
    }

    #[test]
    fn refuses_a_response_that_is_none() {
        for json in [
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":"m"}}"#,
            r#"{"jsonrpc":"1.0","id":1,"result":1}"#,
            r#"{"jsonrpc":"2.0","result":1}"#,
        ] {
            assert!(serde_json::from_str::<Response>(json).is_err(), "{json}");
        }
    }
}
