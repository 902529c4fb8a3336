//! The RPC surface as an OpenRPC document, which `rpc.discover` answers.

use serde_json::{Map, Value, json};

use super::schema;
use crate::methods::{METHODS, RpcDiscoverInfo, RpcDiscoverOutput};

/// The version of OpenRPC that is written.
const OPENRPC: &str = "1.3.2";

/// Where the schema has its types, and where OpenRPC has them.
const FROM: &str = "#/$defs/";
const TO: &str = "#/components/schemas/";

/// Returns the description of every method as an OpenRPC document.
///
/// It is the schema of [`schema()`](super::schema()) in other words: the same types under the same names.
pub fn openrpc() -> RpcDiscoverOutput {
    let mut schema = schema();
    rename(&mut schema);
    let part = |pointer: &str| schema.pointer(pointer).cloned().unwrap_or_default();
    let types = part("/$defs");
    let methods = METHODS.iter().map(|method| {
        let entry = part(&format!("/methods/{}", method.name));
        object(json!({
            "name": method.name,
            "summary": method.doc.lines().next().unwrap_or_default(),
            "description": method.doc,
            "paramStructure": "either",
            "params": params(&entry, &types),
            "result": { "name": "output", "required": true, "schema": entry.get("output") },
            "x-scope": method.scope,
        }))
    });
    let methods = methods.collect();
    let notifications = part("/notifications");
    let notifications = notifications.as_object().into_iter().flatten();
    let notifications = notifications.map(|(name, entry)| {
        object(json!({
            "name": name,
            "summary": entry.get("description"),
            "params": entry.get("params"),
        }))
    });
    RpcDiscoverOutput {
        openrpc: OPENRPC.to_owned(),
        info: RpcDiscoverInfo {
            title: "openclaw-rs".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            description: Some("JSON-RPC 2.0 over `POST /rpc` and the WebSocket `/ws`.".to_owned()),
        },
        methods,
        notifications: notifications.collect(),
        components: object(json!({ "schemas": types, "errors": errors(&part("/errors/codes")) })),
    }
}

/// Returns the params of a method, each on its own, in the order of their positions.
fn params(entry: &Value, types: &Value) -> Vec<Value> {
    let reference = entry.pointer("/params/$ref").and_then(Value::as_str);
    let type_ = reference
        .and_then(|name| name.strip_prefix(TO))
        .and_then(|name| types.get(name));
    let required = type_.and_then(|type_| type_.get("required")?.as_array());
    let fields = type_.and_then(|type_| type_.get("properties")?.as_object());
    fields
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let required = required.is_some_and(|all| all.iter().any(|one| one == name.as_str()));
            let mut param = Map::new();
            param.insert("name".to_owned(), json!(name));
            if let Some(summary) = schema.get("description") {
                param.insert("summary".to_owned(), summary.clone());
            }
            param.insert("required".to_owned(), json!(required));
            param.insert("schema".to_owned(), schema.clone());
            Value::Object(param)
        })
        .collect()
}

/// Returns the errors by a name of their own; of one code there may be several.
fn errors(codes: &Value) -> Map<String, Value> {
    let codes = codes.as_array().into_iter().flatten();
    let error = |entry: &Value| {
        let code = entry.get("code")?;
        let kind = entry.get("kind")?.as_str()?;
        let message = entry.get("description").and_then(Value::as_str);
        let error = json!({ "code": code, "message": message.unwrap_or(kind) });
        let name = format!("{kind}{}", code.to_string().replace('-', "_"));
        Some((name, error))
    };
    codes.filter_map(error).collect()
}

/// Names every type as OpenRPC does.
fn rename(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "$ref" => *text = text.replacen(FROM, TO, 1),
                    _ => rename(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(rename),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        serde_json::to_value(openrpc()).unwrap()
    }

    #[test]
    fn every_method_is_described_with_its_scope_and_its_params_in_order() {
        let document = document();
        let methods = document["methods"].as_array().unwrap();
        let names: Vec<_> = methods.iter().map(|method| &method["name"]).collect();
        let table: Vec<_> = METHODS.iter().map(|method| method.name).collect();
        assert_eq!(names, table);
        let end = methods
            .iter()
            .find(|method| method["name"] == "session.end")
            .unwrap();
        assert_eq!(end["x-scope"], "operator.write");
        let params = end["params"].as_array().unwrap();
        let params: Vec<_> = params
            .iter()
            .map(|param| (&param["name"], &param["required"]))
            .collect();
        assert_eq!(
            params,
            [
                (&json!("sessionKey"), &json!(true)),
                (&json!("reason"), &json!(false))
            ]
        );
    }

    #[test]
    fn it_is_a_document_of_the_published_form() {
        let form = include_str!("../../../../fixtures/openrpc/meta-schema.json");
        let form: Value = serde_json::from_str(form).unwrap();
        let form = jsonschema::validator_for(&form).unwrap();
        let document = document();
        let wrong: Vec<String> = form
            .iter_errors(&document)
            .map(|err| format!("{}: {err:.300}", err.instance_path()))
            .collect();
        assert_eq!(wrong, [""; 0]);
        assert!(!document.to_string().contains(FROM));
    }
}
