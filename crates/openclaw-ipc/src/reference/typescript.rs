//! The types of the RPC surface in TypeScript, written from its schema.

use std::fmt::Arguments;

use serde_json::{Map, Value};

use super::schema;
use super::types::doc;

/// What does not follow from the tables: the envelope around everything.
const ENVELOPE: &str = r#"/** The name of a method. */
export type Method = keyof Methods;

/** What a method is called with. */
export type Params<M extends Method> = Methods[M]["params"];

/** What a method answers. */
export type Output<M extends Method> = Methods[M]["output"];

/** Ties an answer to its request. */
export type Id = string | number | null;

/** A call; without an id it is a notification, which is not answered. */
export interface Request<M extends Method = Method> {
  jsonrpc: "2.0";
  id?: Id;
  method: M;
  params?: Params<M>;
}

/** Why a call failed. */
export interface RpcError {
  code: ErrorCode;
  message: string;
  data: ErrorData;
}

/** The answer to a call. */
export type Response<M extends Method = Method> =
  | { jsonrpc: "2.0"; id: Id; result: Output<M>; error?: never }
  | { jsonrpc: "2.0"; id: Id; error: RpcError; result?: never };

/** What the gateway says unasked; `method` tells which it is. */
export type Notification = {
  [N in keyof Notifications]: { jsonrpc: "2.0"; method: N; params: Notifications[N]; id?: never };
}[keyof Notifications];
"#;

/// Returns a module of declarations: every type, method, notification and error code.
pub fn typescript() -> String {
    let schema = schema();
    let mut text = String::from(
        "// Written by `cargo xtask codegen` from the tables in openclaw-ipc. Change them there.\n\n",
    );
    table(&mut text, &schema, "methods", "Methods");
    table(&mut text, &schema, "notifications", "Notifications");
    text.push_str(ENVELOPE);
    text.push_str("\n/** Every code that an error may have. */\nexport type ErrorCode =");
    let mut codes: Vec<String> = members(&schema, "/errors/codes")
        .filter_map(|entry| Some(entry.get("code")?.to_string()))
        .collect();
    codes.sort_unstable();
    codes.dedup();
    for code in codes {
        text.extend([" | ", &code]);
    }
    text.push_str(";\n");
    for (name, type_) in fields(&schema, "/$defs") {
        text.push('\n');
        comment(&mut text, doc(type_), "");
        text.extend(["export type ", name, " = ", &words(type_, ""), ";\n"]);
    }
    text
}

/// Writes an interface with one member for each row of a table.
fn table(text: &mut String, schema: &Value, table: &str, name: &str) {
    comment(text, &format!("The {table}, by name."), "");
    text.extend(["export interface ", name, " {\n"]);
    for (name, entry) in fields(schema, &format!("/{table}")) {
        comment(text, doc(entry), "  ");
        let of = |part: &str| entry.get(part).map(|part| words(part, "  "));
        let params = of("params").unwrap_or_default();
        match of("output") {
            Some(output) => {
                let scope = entry.get("scope").unwrap_or(&Value::Null);
                line(
                    text,
                    format_args!(
                        "  \"{name}\": {{ params: {params}; output: {output}; scope: {scope} }};"
                    ),
                );
            }
            None => line(text, format_args!("  \"{name}\": {params};")),
        }
    }
    text.push_str("}\n\n");
}

/// Says in TypeScript what a schema takes; `margin` is where its lines begin.
fn words(schema: &Value, margin: &str) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return name.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return either(values.iter().map(Value::to_string).collect());
    }
    let choices = ["oneOf", "anyOf"]
        .iter()
        .find_map(|keyword| schema.get(*keyword)?.as_array());
    let choices =
        choices.map(|choices| either(choices.iter().map(|choice| words(choice, margin)).collect()));
    match (choices, schema.get("properties")) {
        (Some(choices), None) => choices,
        // Fields that all have, and others that depend on the case.
        (Some(choices), Some(_)) => format!("{} & ({choices})", record(schema, margin)),
        (None, _) => match schema.get("type") {
            Some(Value::Array(types)) => {
                let types = types.iter().filter_map(Value::as_str);
                either(types.map(|name| plain(name, schema, margin)).collect())
            }
            Some(Value::String(name)) => plain(name, schema, margin),
            _ => "unknown".to_owned(),
        },
    }
}

fn plain(name: &str, schema: &Value, margin: &str) -> String {
    match name {
        "integer" | "number" => "number".to_owned(),
        "array" => {
            let item = schema.get("items").unwrap_or(&Value::Null);
            match words(item, margin) {
                item if item.contains([' ', '|']) => format!("({item})[]"),
                item => format!("{item}[]"),
            }
        }
        "object" => record(schema, margin),
        // `string`, `boolean` and `null` have the same names in both.
        same => same.to_owned(),
    }
}

/// Says what an object has.
fn record(schema: &Value, margin: &str) -> String {
    let inner = format!("{margin}  ");
    let required = schema.get("required").and_then(Value::as_array);
    let mut text = String::new();
    for (name, property) in fields(schema, "/properties") {
        let is_required = required.is_some_and(|all| all.iter().any(|one| one == name));
        comment(&mut text, doc(property), &inner);
        let optional = if is_required { "" } else { "?" };
        let words = words(property, &inner);
        line(
            &mut text,
            format_args!("{inner}{}{optional}: {words};", key(name)),
        );
    }
    match (text.is_empty(), schema.get("additionalProperties")) {
        (true, Some(Value::Bool(false))) => "Record<string, never>".to_owned(),
        (true, Some(of @ Value::Object(_))) => format!("Record<string, {}>", words(of, margin)),
        (true, _) => "Record<string, unknown>".to_owned(),
        (false, _) => format!("{{\n{text}{margin}}}"),
    }
}

fn either(mut words: Vec<String>) -> String {
    let mut seen = Vec::new();
    words.retain(|word| {
        let new = !seen.contains(word);
        seen.push(word.clone());
        new
    });
    words.join(" | ")
}

/// Quotes a name that is no identifier.
fn key(name: &str) -> String {
    if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        name.to_owned()
    } else {
        Value::from(name).to_string()
    }
}

fn comment(text: &mut String, doc: &str, margin: &str) {
    let doc = doc.lines().next().unwrap_or_default().replace("*/", "* /");
    if !doc.is_empty() {
        line(text, format_args!("{margin}/** {doc} */"));
    }
}

fn line(text: &mut String, line: Arguments<'_>) {
    text.extend([&line.to_string(), "\n"]);
}

fn fields<'a>(schema: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let fields = schema.pointer(pointer).and_then(Value::as_object);
    let fields = fields.into_iter().flat_map(Map::iter);
    fields.map(|(name, value)| (name.as_str(), value))
}

fn members<'a>(schema: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    let members = schema.pointer(pointer).and_then(Value::as_array);
    members.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_what_a_schema_takes() {
        for (schema, expected) in [
            (json!({"type": "integer"}), "number"),
            (json!({"type": ["string", "null"]}), "string | null"),
            (json!({"$ref": "#/$defs/Event"}), "Event"),
            (json!({"enum": ["a", 1]}), r#""a" | 1"#),
            (
                json!({"type": "array", "items": {"type": ["integer", "null"]}}),
                "(number | null)[]",
            ),
            (
                json!({"type": "object", "additionalProperties": {"type": "string"}}),
                "Record<string, string>",
            ),
            (
                json!({"type": "object", "additionalProperties": false}),
                "Record<string, never>",
            ),
            (json!(true), "unknown"),
            (
                json!({"type": "object", "required": ["a"], "properties": {"a": {"const": 1}, "x-b": {"type": "null", "description": "B. */"}}}),
                "{\n  a: 1;\n  /** B. * / */\n  \"x-b\"?: null;\n}",
            ),
            (
                json!({"properties": {"a": {"type": "null"}}, "oneOf": [{"const": 1}, {"const": 2}]}),
                "{\n  a?: null;\n} & (1 | 2)",
            ),
        ] {
            assert_eq!(words(&schema, ""), expected, "{schema}");
        }
    }

    #[test]
    fn every_type_that_is_used_is_declared() {
        let text = typescript();
        for (name, _) in fields(&schema(), "/$defs") {
            assert!(text.contains(&format!("\nexport type {name} = ")), "{name}");
        }
        for method in crate::methods::METHODS {
            assert!(text.contains(&format!("\n  \"{}\": {{ params: ", method.name)));
        }
    }
}
