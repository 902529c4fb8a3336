//! The part of JSON Schema that Gemini reads.

use serde_json::{Map, Value, json};

/// The keywords that the API reads; others are refused or not looked at, so they are left out.
///
/// After `responseJsonSchema` in <https://ai.google.dev/api/generate-content#generationconfig>,
/// which `FunctionDeclaration.parametersJsonSchema` shares.
const KEYWORDS: &[&str] = &[
    "$anchor",
    "$defs",
    "$id",
    "$ref",
    "additionalProperties",
    "anyOf",
    "description",
    "enum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "oneOf",
    "prefixItems",
    "properties",
    "propertyOrdering",
    "required",
    "title",
    "type",
];

/// Returns the schema without what Gemini does not read.
///
/// `definitions`, the older name of `$defs`, is renamed, and `const` becomes an `enum` of one. The
/// tool itself is still held against the whole schema when it is called.
pub(super) fn cleaned(schema: &Value) -> Value {
    let Value::Object(keywords) = schema else {
        return schema.clone();
    };
    let cleaned = keywords
        .iter()
        .filter_map(|(keyword, value)| keep(keyword, value));
    Value::Object(cleaned.collect())
}

fn keep(keyword: &str, value: &Value) -> Option<(String, Value)> {
    let (keyword, value) = match keyword {
        "definitions" | "$defs" => ("$defs", each(value)),
        "properties" => (keyword, each(value)),
        "const" => ("enum", json!([value])),
        "$ref" => (keyword, reference(value)),
        "items" | "additionalProperties" => (keyword, cleaned(value)),
        "anyOf" | "oneOf" | "prefixItems" => (keyword, all(value)),
        _ if KEYWORDS.contains(&keyword) => (keyword, value.clone()),
        _ => return None,
    };
    Some((keyword.to_owned(), value))
}

/// The keys are names of the tool's author here, not keywords.
fn each(schemas: &Value) -> Value {
    let named = schemas.as_object().into_iter().flatten();
    let cleaned = named.map(|(name, schema)| (name.clone(), cleaned(schema)));
    Value::Object(cleaned.collect::<Map<_, _>>())
}

fn all(schemas: &Value) -> Value {
    let listed = schemas.as_array().into_iter().flatten();
    Value::Array(listed.map(cleaned).collect())
}

fn reference(to: &Value) -> Value {
    to.as_str().map_or(Value::Null, |to| {
        to.replacen("#/definitions/", "#/$defs/", 1).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_that_gemini_does_not_read_are_left_out_at_every_depth() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "pattern": {"type": "string", "pattern": "^a", "minLength": 1, "default": "a"},
                "mode": {"const": "fast"},
                "many": {"type": "array", "items": {"type": "integer", "exclusiveMinimum": 0}, "uniqueItems": true},
                "either": {"anyOf": [{"type": "null"}, {"$ref": "#/definitions/place"}]},
            },
            "patternProperties": {"^x-": {"type": "string"}},
            "additionalProperties": false,
            "required": ["mode"],
            "definitions": {"place": {"type": "string", "examples": ["here"], "enum": ["here", "there"]}},
        });
        assert_eq!(
            cleaned(&schema),
            json!({
                "type": "object",
                "properties": {
                    "pattern": {"type": "string"},
                    "mode": {"enum": ["fast"]},
                    "many": {"type": "array", "items": {"type": "integer"}},
                    "either": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/place"}]},
                },
                "additionalProperties": false,
                "required": ["mode"],
                "$defs": {"place": {"type": "string", "enum": ["here", "there"]}},
            })
        );
    }

    #[test]
    fn a_schema_that_is_only_true_or_false_stays() {
        assert_eq!(cleaned(&json!({"items": true})), json!({"items": true}));
    }
}
