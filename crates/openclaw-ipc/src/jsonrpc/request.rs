//! Reading requests, alone and in batches.

use std::borrow::Cow;
use std::fmt;

use openclaw_core::Kind;
use openclaw_core::validation::check_json_depth;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::VERSION;
use super::error::RpcError;
use super::id::Id;
use super::params::Params;
use super::response::Response;

/// The largest number of requests in one batch.
pub const MAX_BATCH: usize = 64;

/// One call of one method.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Ties the answer to the request; a notification has none and gets no answer.
    pub id: Option<Id>,
    /// The method's name; it is not checked to exist.
    pub method: String,
    /// What the method is called with.
    pub params: Params,
}

/// What one HTTP body or one WebSocket message brought.
///
/// Each entry is a request, or the answer that its sender gets because it is none.
#[derive(Clone, Debug)]
pub enum Requests {
    /// A single message.
    One(Result<Request, Response>),
    /// A batch of one to [`MAX_BATCH`] messages, in the order in which they came.
    Batch(Vec<Result<Request, Response>>),
}

/// Reads a message that came from outside.
///
/// Nesting is bounded before anything is parsed, so the text may be any bytes at all.
pub fn parse(text: &[u8]) -> Requests {
    let refuse = |error| Requests::One(Err(Response::error(Id::Null, error)));
    if let Err(err) = check_json_depth(text) {
        return refuse(RpcError::invalid_request(err.to_string()));
    }
    let json: &RawValue = match serde_json::from_slice(text) {
        Ok(json) => json,
        Err(err) => return refuse(RpcError::not_json(&err)),
    };
    if !json.get().starts_with('[') {
        return Requests::One(read(json));
    }
    match serde_json::from_str::<Vec<&RawValue>>(json.get()) {
        Ok(entries) if entries.is_empty() => {
            refuse(RpcError::invalid_request("the batch is empty"))
        }
        Ok(entries) if entries.len() > MAX_BATCH => {
            let message = format!("a batch has at most {MAX_BATCH} requests");
            let hint = "send them in several batches; nothing of this one was done";
            refuse(RpcError::new(Kind::Limited, message).with_hint(hint))
        }
        Ok(entries) => Requests::Batch(entries.into_iter().map(read).collect()),
        Err(err) => refuse(RpcError::not_json(&err)),
    }
}

/// The members of a request that the specification knows, unread.
#[derive(Default)]
struct Members<'a> {
    jsonrpc: Member<'a>,
    method: Member<'a>,
    params: Member<'a>,
    id: Member<'a>,
}

#[derive(Clone, Copy, Default)]
enum Member<'a> {
    #[default]
    Absent,
    Once(&'a RawValue),
    Repeated,
}

fn read(json: &RawValue) -> Result<Request, Response> {
    let refuse = |id, message: &str| {
        let error = RpcError::invalid_request(message);
        Err(Response::error(id, error))
    };
    if !json.get().starts_with('{') {
        return refuse(Id::Null, "a request is an object");
    }
    let Ok(members) = serde_json::from_str::<Members<'_>>(json.get()) else {
        return refuse(Id::Null, "a member's name is not text");
    };
    let id = match members.id {
        Member::Absent => None,
        Member::Once(json) => match Id::read(json) {
            Some(id) => Some(id),
            None => return refuse(Id::Null, "`id` must be a string, a number or null"),
        },
        Member::Repeated => return refuse(Id::Null, "`id` is given twice"),
    };
    // The answer to a broken request carries the id even where a notification was meant: what is
    // no valid request is no notification either.
    let refuse = |message: &str| refuse(id.clone().unwrap_or(Id::Null), message);
    match members.jsonrpc {
        Member::Once(json) if text(json).as_deref() == Some(VERSION) => {}
        Member::Once(_) | Member::Absent => return refuse("`jsonrpc` must be \"2.0\""),
        Member::Repeated => return refuse("`jsonrpc` is given twice"),
    }
    let method = match members.method {
        Member::Once(json) => match text(json) {
            Some(method) => method,
            None => return refuse("`method` must be a string"),
        },
        Member::Absent => return refuse("`method` is missing"),
        Member::Repeated => return refuse("`method` is given twice"),
    };
    let params = match members.params {
        Member::Absent => Params::read(None),
        Member::Once(json) => Params::read(Some(json)),
        Member::Repeated => return refuse("`params` is given twice"),
    };
    match params {
        Some(params) => Ok(Request { id, method, params }),
        None => refuse("`params` must be an object or an array"),
    }
}

fn text(json: &RawValue) -> Option<String> {
    serde_json::from_str(json.get()).ok()
}

impl<'a> Member<'a> {
    fn add(&mut self, json: &'a RawValue) {
        *self = match self {
            Self::Absent => Self::Once(json),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        };
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    let member = match &*name {
                        "jsonrpc" => &mut members.jsonrpc,
                        "method" => &mut members.method,
                        "params" => &mut members.params,
                        "id" => &mut members.id,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    member.add(map.next_value()?);
                }
                Ok(members)
            }
        }

        from.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Returns the entries of `text` as `method id params?` or as the answer's code and id.
    fn entries(text: &str) -> Vec<String> {
        let show = |entry: Result<Request, Response>| match entry {
            Ok(request) => {
                let id = request.id.map(|id| serde_json::to_string(&id).unwrap());
                format!(
                    "{} {}",
                    request.method,
                    id.unwrap_or_else(|| "-".to_owned())
                )
            }
            Err(response) => {
                let id = serde_json::to_string(&response.id).unwrap();
                let error = response.outcome.unwrap_err();
                format!("{} {id}: {}", error.code, error.message)
            }
        };
        match parse(text.as_bytes()) {
            Requests::One(entry) => vec![show(entry)],
            Requests::Batch(entries) => entries.into_iter().map(show).collect(),
        }
    }

    #[test]
    fn reads_requests_and_notifications() {
        for (text, expected) in [
            (
                r#"{"jsonrpc":"2.0","method":"a.b","params":{},"id":1}"#,
                "a.b 1",
            ),
            (
                r#" {"id":"x","method":"a.b","jsonrpc":"2.0","more":[1]} "#,
                r#"a.b "x""#,
            ),
            (r#"{"jsonrpc":"2.0","method":"a.b","id":null}"#, "a.b null"),
            (r#"{"jsonrpc":"2.0","method":"a.b"}"#, "a.b -"),
            (
                r#"{"jsonrpc":"2.0","\u006dethod":"a.b","id":1.50}"#,
                "a.b 1.50",
            ),
            (r#"{"jsonrpc":"2.0","method":"a.b","params":null}"#, "a.b -"),
            (
                r#"{"jsonrpc":"2.0","method":"a.b","params":[1],"id":1}"#,
                "a.b 1",
            ),
        ] {
            assert_eq!(entries(text), [expected], "{text}");
        }
    }

    #[test]
    fn answers_a_broken_request_under_its_id_where_that_can_be_read() {
        for (text, expected) in [
            (
                r#"{"method":"m","id":1}"#,
                r#"-32600 1: `jsonrpc` must be "2.0""#,
            ),
            (
                r#"{"jsonrpc":2.0,"method":"m","id":1}"#,
                r#"-32600 1: `jsonrpc` must be "2.0""#,
            ),
            (
                r#"{"jsonrpc":"2.0","jsonrpc":"2.0","method":"m","id":1}"#,
                "-32600 1: `jsonrpc` is given twice",
            ),
            (
                r#"{"jsonrpc":"2.0","id":"a"}"#,
                r#"-32600 "a": `method` is missing"#,
            ),
            (
                r#"{"jsonrpc":"2.0","method":1,"id":"a"}"#,
                r#"-32600 "a": `method` must be a string"#,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"\ud800","id":1}"#,
                "-32600 1: `method` must be a string",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"m","method":"n","id":1}"#,
                "-32600 1: `method` is given twice",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"m","params":"x","id":1}"#,
                "-32600 1: `params` must be an object or an array",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"m","params":{},"params":{},"id":1}"#,
                "-32600 1: `params` is given twice",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"m","id":1,"id":1}"#,
                "-32600 null: `id` is given twice",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"m","id":{"a":1}}"#,
                "-32600 null: `id` must be a string, a number or null",
            ),
            (
                r#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#,
                "-32600 null: `method` must be a string",
            ),
            (r#""text""#, "-32600 null: a request is an object"),
            (
                r#"{"\ud800":1}"#,
                "-32600 null: a member's name is not text",
            ),
        ] {
            assert_eq!(entries(text), [expected], "{text}");
        }
    }

    #[test]
    fn answers_text_that_is_not_json_once() {
        for text in [
            "",
            " ",
            "{",
            r#"{"jsonrpc":"2.0","method":"m"} x"#,
            r#"[{"jsonrpc":"2.0","method":"m","id":"1"},{"jsonrpc":"2.0","method"]"#,
            "{\"jsonrpc\":\"2.0\",\"method\":\"a\0b\"}",
        ] {
            let [entry] = entries(text).try_into().unwrap();
            assert!(
                entry.starts_with("-32700 null: the text is not JSON from line 1"),
                "{entry}"
            );
        }
        let Requests::One(Err(response)) = parse(b"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}")
        else {
            panic!("bytes that are no text were read");
        };
        assert_eq!(response.outcome.unwrap_err().code, -32700);
    }

    #[test]
    fn reads_a_batch_entry_by_entry() {
        assert_eq!(
            entries(
                r#"[{"jsonrpc":"2.0","method":"m","id":1},1,[{"jsonrpc":"2.0","method":"m"}],{"jsonrpc":"2.0","method":"n"},{"foo":"boo"}]"#
            ),
            [
                "m 1",
                "-32600 null: a request is an object",
                "-32600 null: a request is an object",
                "n -",
                r#"-32600 null: `jsonrpc` must be "2.0""#,
            ]
        );
    }

    #[test]
    fn bounds_a_batch_on_both_sides() {
        let batch = |n: usize| format!("[{}]", vec!["1"; n].join(","));
        assert_eq!(entries("[]"), ["-32600 null: the batch is empty"]);
        assert_eq!(entries(&batch(MAX_BATCH)).len(), MAX_BATCH);
        assert_eq!(
            entries(&batch(MAX_BATCH + 1)),
            ["-32029 null: a batch has at most 64 requests"]
        );
    }

    #[test]
    fn bounds_nesting_before_parsing() {
        for text in ["[".repeat(200_000), r#"{"a":"#.repeat(200_000)] {
            assert_eq!(
                entries(&text),
                ["-32600 null: the JSON is nested deeper than 32 levels"]
            );
        }
    }

    #[test]
    fn params_that_no_program_can_hold_are_invalid_params_not_a_lost_id() {
        let Requests::One(Ok(request)) =
            parse(br#"{"jsonrpc":"2.0","method":"m","params":{"a":1e999},"id":7}"#)
        else {
            panic!("the envelope is fine");
        };
        assert_eq!(request.id, Some(Id::from(7)));
        let error = request.params.decode::<Value>(Vec::new).unwrap_err();
        assert_eq!(
            error.message,
            "params have a number out of range or a broken escape"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(parse(&bytes));
        }

        #[test]
        fn any_text_of_json_characters_is_answered_or_read(text in r#"[\[\]{}:,"0-9a-z\\. ]{0,80}"#) {
            drop(parse(text.as_bytes()));
        }

        #[test]
        fn what_a_client_writes_is_what_is_read(
            id in any::<Option<u64>>(), method in any::<String>(), key in "[a-z]{1,8}", value in any::<String>()
        ) {
            let mut message = json!({"jsonrpc": "2.0", "method": method, "params": {key.clone(): value}});
            if let Some(id) = id {
                message["id"] = json!(id);
            }
            let Requests::One(Ok(request)) = parse(message.to_string().as_bytes()) else {
                panic!("a valid request was refused");
            };
            let params = Params::from(serde_json::Map::from_iter([(key, Value::from(value))]));
            prop_assert_eq!(request, Request { id: id.map(Id::from), method, params });
        }
    }
}
