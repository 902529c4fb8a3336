//! JSON Schema in the words of a reference page.

use serde_json::{Map, Value};

/// The types of the schema, by name.
#[derive(Clone, Copy)]
pub(super) struct Types<'a>(&'a Map<String, Value>);

/// A field of an object.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) type_: String,
    pub(super) required: bool,
    pub(super) doc: &'a str,
}

impl<'a> Types<'a> {
    pub(super) const fn new(definitions: &'a Map<String, Value>) -> Self {
        Self(definitions)
    }

    /// Returns the type that a schema refers to, or the schema itself when it refers to none.
    pub(super) fn resolve(self, schema: &'a Value) -> &'a Value {
        name_of(schema)
            .and_then(|name| self.0.get(name))
            .unwrap_or(schema)
    }

    /// Returns the types that the page describes in a section of their own, by name.
    pub(super) fn named(self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0
            .iter()
            .filter(|(name, schema)| has_section(name, schema))
            .map(|(name, schema)| (name.as_str(), schema))
    }

    /// Returns the fields of an object, in the order of its declaration.
    pub(super) fn fields(self, schema: &'a Value) -> Vec<Field<'a>> {
        let schema = self.resolve(schema);
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return Vec::new();
        };
        let required = schema.get("required").and_then(Value::as_array);
        properties
            .iter()
            .map(|(name, property)| {
                let required =
                    required.is_some_and(|names| names.iter().any(|other| other == name.as_str()));
                let type_ = self.words(property);
                // Where a field can be left out, null is not worth a word.
                let type_ = match type_.strip_suffix(" or null") {
                    Some(rest) if !required => rest.to_owned(),
                    Some(_) | None => type_,
                };
                Field {
                    name,
                    type_,
                    required,
                    doc: doc(property),
                }
            })
            .collect()
    }

    /// Says what a schema takes.
    fn words(self, schema: &Value) -> String {
        if let Some(name) = name_of(schema) {
            return match self.0.get(name) {
                Some(type_) if !has_section(name, type_) => self.words(type_),
                Some(_) | None => format!("[{name}](#{})", name.to_ascii_lowercase()),
            };
        }
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            return self.either(choices);
        }
        match schema.get("type") {
            Some(Value::Array(choices)) => {
                let choices: Vec<Value> = choices
                    .iter()
                    .map(|choice| serde_json::json!({ "type": choice }))
                    .collect();
                self.either(&choices)
            }
            Some(Value::String(name)) if name == "array" => {
                let items = schema.get("items").unwrap_or(&Value::Null);
                format!("array of {}", self.words(items))
            }
            Some(Value::String(name)) => name.clone(),
            _ => "any JSON".to_owned(),
        }
    }

    fn either(self, choices: &[Value]) -> String {
        let words: Vec<String> = choices.iter().map(|choice| self.words(choice)).collect();
        words.join(" or ")
    }
}

/// Returns a schema's description.
pub(super) fn doc(schema: &Value) -> &str {
    schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Returns the alternatives of a type that is one of several.
pub(super) fn alternatives(schema: &Value) -> &[Value] {
    schema
        .get("oneOf")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn name_of(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

/// Ids are plain texts to a reader, and params and outputs stand with their methods.
fn has_section(name: &str, schema: &Value) -> bool {
    let with_its_method = name.ends_with("Params") || name.ends_with("Output");
    let composed = schema.get("properties").is_some() || schema.get("oneOf").is_some();
    composed && !with_its_method
}
