//! A JSON schema whose equal parts are one part.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::SchemaError;
use super::pattern;

/// What says nothing about whether a value is allowed.
const SAYS_NOTHING: [&str; 6] = [
    "$schema",
    "$defs",
    "default",
    "description",
    "title",
    "additionalItems",
];

/// What holds a number or a list of plain values and is kept as it is.
const PLAIN: [&str; 14] = [
    "const",
    "enum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "required",
    "type",
    "uniqueItems",
];

/// The forms of a secret's id, by the source of the secret.
const SECRET_IDS: [(&str, &str); 2] = [("file", "secretInFile"), ("exec", "secretOfProgram")];

/// Writes a schema as one line per different part; later parts name earlier ones by number.
pub(super) fn compact(schema: &Value) -> Result<String, SchemaError> {
    let mut parts = Parts::default();
    if let Some(definitions) = schema.get("$defs").and_then(Value::as_object) {
        parts.define(definitions)?;
    }
    let root = parts.part(schema, "")?;
    let mut text = format!("{{\"root\":{root},\n\"patterns\":");
    lines(&mut text, &parts.patterns.in_order());
    text.push_str(",\n\"parts\":");
    lines(&mut text, &parts.nodes.in_order());
    text.push_str("}\n");
    Ok(text)
}

fn lines(text: &mut String, values: &[String]) {
    text.push_str("[\n");
    text.push_str(&values.join(",\n"));
    text.push(']');
}

/// Texts that are numbered as they come, equal ones once.
#[derive(Default)]
struct Numbered(BTreeMap<String, usize>);

impl Numbered {
    fn number(&mut self, text: String) -> usize {
        let next = self.0.len();
        *self.0.entry(text).or_insert(next)
    }

    fn in_order(&self) -> Vec<String> {
        let mut texts: Vec<_> = self.0.iter().collect();
        texts.sort_by_key(|(_, number)| **number);
        texts.into_iter().map(|(text, _)| text.clone()).collect()
    }
}

#[derive(Default)]
struct Parts {
    nodes: Numbered,
    patterns: Numbered,
    definitions: BTreeMap<String, usize>,
}

impl Parts {
    /// Numbers the definitions, those first that others refer to.
    fn define(&mut self, definitions: &Map<String, Value>) -> Result<(), SchemaError> {
        let mut open: Vec<_> = definitions.iter().collect();
        while !open.is_empty() {
            let mut later = Vec::new();
            let before = open.len();
            let mut failed = None;
            for (name, schema) in open {
                match self.part(schema, name) {
                    Ok(number) => {
                        self.definitions.insert(format!("#/$defs/{name}"), number);
                    }
                    Err(err) => {
                        failed = Some(err);
                        later.push((name, schema));
                    }
                }
            }
            // A round that defined nothing: they refer to each other, or hold what is unknown.
            if let Some(err) = failed.filter(|_| later.len() == before) {
                return Err(err);
            }
            open = later;
        }
        Ok(())
    }

    fn part(&mut self, schema: &Value, at: &str) -> Result<usize, SchemaError> {
        let unknown = |keyword: &str| SchemaError::Keyword {
            keyword: keyword.to_owned(),
            at: at.to_owned(),
        };
        let Some(schema) = schema.as_object() else {
            return match schema {
                Value::Bool(true) => Ok(self.nodes.number("{}".to_owned())),
                Value::Bool(false) => Ok(self.nodes.number(json!({"never": true}).to_string())),
                other => Err(unknown(&other.to_string())),
            };
        };
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let defined = self.definitions.get(reference);
            return defined.copied().ok_or_else(|| unknown(reference));
        }
        let mut part = BTreeMap::new();
        for (keyword, value) in schema {
            let said = match keyword.as_str() {
                keyword if SAYS_NOTHING.contains(&keyword) => None,
                keyword if PLAIN.contains(&keyword) => Some(value.clone()),
                // The other formats are notes: the tool checks none of them.
                "format" => (value == "uri").then(|| value.clone()),
                "pattern" => Some(self.pattern(value, at)?),
                "properties" => Some(self.members(value, at)?),
                "anyOf" | "oneOf" | "allOf" => Some(self.list(value, at)?),
                "items" if value.is_array() => {
                    part.insert("tuple", self.list(value, at)?);
                    None
                }
                "additionalProperties" | "items" | "not" | "if" | "then" => {
                    Some(json!(self.part(value, &format!("{at}.*"))?))
                }
                // Every name is a string.
                "propertyNames" if *value == json!({"type": "string"}) => None,
                "propertyNames" => Some(json!(self.part(value, &format!("{at}.*"))?)),
                _ => return Err(unknown(keyword)),
            };
            if let Some(said) = said {
                part.insert(keyword, said);
            }
        }
        Ok(self.nodes.number(json!(part).to_string()))
    }

    fn pattern(&mut self, value: &Value, at: &str) -> Result<Value, SchemaError> {
        let translated = pattern::translate(value.as_str().unwrap_or_default(), at)?;
        let text = if translated.refuses.is_empty() {
            json!({"matches": translated.matches})
        } else {
            json!({"matches": translated.matches, "refuses": translated.refuses})
        };
        let text = text.to_string();
        Ok(json!(self.patterns.number(text)))
    }

    fn members(&mut self, value: &Value, at: &str) -> Result<Value, SchemaError> {
        let mut members = BTreeMap::new();
        let source = value.pointer("/source/const").and_then(Value::as_str);
        let form = SECRET_IDS.iter().find(|(of, _)| Some(*of) == source);
        for (name, schema) in value.as_object().into_iter().flatten() {
            let part = match form {
                // The tool checks the ids of these by code, which its printed schema cannot show.
                Some((_, form)) if name == "id" => {
                    let id = json!({"type": "string", "format": form});
                    self.nodes.number(id.to_string())
                }
                _ => self.part(schema, &format!("{at}.{name}"))?,
            };
            members.insert(name.clone(), part);
        }
        Ok(json!(members))
    }

    fn list(&mut self, value: &Value, at: &str) -> Result<Value, SchemaError> {
        let mut list = Vec::new();
        for schema in value.as_array().into_iter().flatten() {
            list.push(self.part(schema, at)?);
        }
        Ok(json!(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_parts_are_written_once_and_in_the_same_order_every_time() {
        let schema = json!({
            "$defs": {"outer": {"$ref": "#/$defs/text"}, "text": {"type": "string"}},
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "b": {"type": "string", "title": "B"},
                "a": {"$ref": "#/$defs/outer"},
                "c": {"pattern": "^x$", "type": "string"},
            },
        });
        let expected = concat!(
            "{\"root\":3,\n\"patterns\":[\n{\"matches\":\"^x$\"}],\n\"parts\":[\n",
            "{\"type\":\"string\"},\n{\"never\":true},\n",
            "{\"pattern\":0,\"type\":\"string\"},\n",
            "{\"additionalProperties\":1,\"properties\":{\"a\":0,\"b\":0,\"c\":2},\"type\":\"object\"}]}\n",
        );
        let text = compact(&schema).unwrap();
        assert_eq!(text, expected);
        assert_eq!(compact(&schema).unwrap(), text);
    }

    #[test]
    fn a_keyword_without_a_check_stops_the_generation() {
        let err = compact(&json!({"properties": {"a": {"multipleOf": 2}}})).unwrap_err();
        assert_eq!(
            err.to_string(),
            "no check for `multipleOf` at `.a` in the recorded schema"
        );
        let circle = json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}});
        assert!(compact(&circle).is_err());
    }
}
