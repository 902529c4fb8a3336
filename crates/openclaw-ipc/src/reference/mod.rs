//! The documentation and the schema of the RPC surface, written from its tables.
//!
//! `cargo xtask codegen` keeps `docs/reference/rpc.md` and the committed schema equal to what
//! these functions return. Their output depends on the tables alone.

mod openrpc;
mod page;
mod types;
mod typescript;

use std::collections::BTreeMap;

use openclaw_core::Kind;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::jsonrpc::{INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR};
use crate::methods::METHODS;
use crate::notifications::NOTIFICATIONS;

pub use openrpc::openrpc;
pub use page::markdown;
pub use typescript::typescript;

/// Returns the JSON Schema of every params, output and notification in one document.
///
/// `methods` and `notifications` say what belongs to which name, `errors` lists the error codes,
/// and the types themselves are in `$defs`. Params are described as they are read and outputs as
/// they are written: a field that may be left out of the former may always be there in the latter.
pub fn schema() -> Value {
    let mut read = SchemaSettings::draft2020_12()
        .for_deserialize()
        .into_generator();
    let mut written = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let methods: Map<String, Value> = METHODS
        .iter()
        .map(|method| {
            let entry = json!({
                "scope": method.scope,
                "description": method.doc,
                "params": (method.params_schema)(&mut read),
                "output": (method.output_schema)(&mut written),
            });
            (method.name.to_owned(), entry)
        })
        .collect();
    let notifications: Map<String, Value> = NOTIFICATIONS
        .iter()
        .map(|notification| {
            let entry = json!({
                "description": notification.doc,
                "params": (notification.params_schema)(&mut written),
            });
            (notification.name.to_owned(), entry)
        })
        .collect();
    let error_data = written.subschema_for::<crate::jsonrpc::ErrorData>();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "RPC of openclaw-rs",
        "description": "JSON-RPC 2.0 over POST /rpc and GET /ws.",
        "methods": methods,
        "notifications": notifications,
        "errors": { "codes": error_codes(), "data": error_data },
        "$defs": definitions(read, written),
    })
}

/// Every error code with the kind that it comes with, the envelope's own codes first.
fn error_codes() -> Vec<Value> {
    let envelope = [
        (PARSE_ERROR, Kind::Invalid, "The text is not JSON."),
        (INVALID_REQUEST, Kind::Invalid, "The JSON is not a request."),
        (METHOD_NOT_FOUND, Kind::NotFound, "No method has this name."),
    ]
    .map(|(code, kind, when)| json!({"code": code, "kind": kind, "description": when}));
    let methods = Kind::ALL.map(|kind| json!({"code": kind.rpc_code(), "kind": kind}));
    envelope.into_iter().chain(methods).collect()
}

/// The types of both generators, by name; a type that occurs in both has one form.
fn definitions(mut read: SchemaGenerator, mut written: SchemaGenerator) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    all.extend(written.take_definitions(true));
    all.extend(read.take_definitions(true));
    all.values_mut().for_each(shorten_descriptions);
    all
}

/// Keeps the first paragraph of each description: the rest is for readers of the Rust code.
fn shorten_descriptions(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "description" => *text = first_paragraph(text),
                    _ => shorten_descriptions(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten_descriptions),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn first_paragraph(text: &str) -> String {
    let paragraph: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    paragraph.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_is_referred_to_is_defined() {
        fn references<'a>(schema: &'a Value, found: &mut Vec<&'a str>) {
            match schema {
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str));
                    members
                        .values()
                        .for_each(|member| references(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let schema = schema();
        let mut found = Vec::new();
        references(&schema, &mut found);
        assert!(found.len() > METHODS.len() * 2);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(schema.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn types_of_both_directions_agree() {
        let mut read = SchemaSettings::draft2020_12()
            .for_deserialize()
            .into_generator();
        let mut written = SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator();
        for method in METHODS {
            (method.params_schema)(&mut read);
            (method.output_schema)(&mut written);
        }
        for notification in NOTIFICATIONS {
            (notification.params_schema)(&mut written);
        }
        let written = written.take_definitions(true);
        for (name, schema) in read.take_definitions(true) {
            if let Some(other) = written.get(&name) {
                assert_eq!(&schema, other, "{name}");
            }
        }
    }

    #[test]
    fn params_are_closed_and_outputs_open() {
        let schema = schema();
        for (name, type_) in schema["$defs"].as_object().unwrap() {
            let closed = type_.get("additionalProperties") == Some(&Value::Bool(false));
            let params = METHODS.iter().any(|method| {
                schema["methods"][method.name]["params"]["$ref"] == format!("#/$defs/{name}")
            });
            let part = ["Attachment", "MessageSender"].contains(&name.as_str());
            assert_eq!(closed, params || part, "{name}");
        }
    }

    #[test]
    fn describes_a_field_where_it_differs_between_reading_and_writing() {
        let schema = schema();
        let params = &schema["$defs"]["SessionListParams"];
        assert_eq!(
            *params,
            json!({
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "cursor": {
                        "type": ["string", "null"],
                        "description": "The `nextCursor` of the page before; from the start unless given.",
                    },
                    "limit": {
                        "type": ["integer", "null"],
                        "minimum": 1,
                        "maximum": 1000,
                        "default": 200,
                        "description": "The largest number of sessions: 1 to 1,000; 200 unless given.",
                    },
                },
                "description": "Params of `session.list`.",
            })
        );
        let output = &schema["$defs"]["SessionListOutput"]["required"];
        assert_eq!(*output, json!(["sessions", "nextCursor"]));
    }
}
