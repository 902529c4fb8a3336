//! What the shape says without a config at hand: which paths there are, and all of it in writing.

use serde_json::{Map, Value, json};

use super::part::{DATA, Part, PartId, Schema, Type};
use super::say;
use crate::problem::{KeyPath, Problem};

/// The members of a part that hold the number of another one.
const SINGLES: &[&str] = &[
    "additionalProperties",
    "propertyNames",
    "items",
    "not",
    "if",
    "then",
];
/// The members of a part that hold numbers of others.
const LISTS: &[&str] = &["anyOf", "oneOf", "allOf"];

/// Tells whether a config may have something at a path of keys and indexes.
pub fn knows(path: &[String]) -> bool {
    Schema::load().is_ok_and(|schema| !at(schema, path).is_empty())
}

/// Returns the known path that is most like one that is not known.
pub fn nearest(path: &[String]) -> Option<Vec<String>> {
    let schema = Schema::load().ok()?;
    let known = (0..=path.len())
        .take_while(|n| path.get(..*n).is_some_and(knows))
        .last()?;
    let (parent, rest) = path.split_at_checked(known)?;
    let found = at(schema, parent);
    let parts = found.iter().flat_map(|id| alternatives(schema, *id));
    let near = say::nearest(rest.first()?, parts.flat_map(Part::members))?;
    let nearest = parent.iter().chain([&near]).chain(rest.get(1..)?);
    let nearest: Vec<String> = nearest.cloned().collect();
    Some(if knows(&nearest) {
        nearest
    } else {
        parent.iter().cloned().chain([near]).collect()
    })
}

/// Returns the path of the unknown member that a problem of an object is about.
///
/// OpenClaw names the object as the place of a problem, and the member in the message.
pub fn unknown_member(config: &Value, problem: &Problem) -> Option<KeyPath> {
    let segments = problem.path.segments();
    let object = segments.iter().try_fold(config, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        value => value.get(key),
    })?;
    let mut keys = object.as_object()?.keys();
    let named = |key: &&String| {
        problem
            .message
            .contains(&Value::from(key.as_str()).to_string())
    };
    let key = keys.find(|key| {
        let path: Vec<String> = segments.iter().chain([*key]).cloned().collect();
        named(key) && !knows(&path)
    })?;
    Some(problem.path.key(key))
}

/// Tells whether what stands at a path is always a list; `None` where it may be either or is
/// unknown.
pub fn prefers_array(path: &[String]) -> Option<bool> {
    let schema = Schema::load().ok()?;
    let found = at(schema, path);
    let all = || found.iter().flat_map(|id| alternatives(schema, *id));
    match (all().any(is_array), all().any(is_object)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

/// Returns the whole shape as a JSON Schema (2020-12).
///
/// # Errors
/// Fails only when the embedded data is damaged.
pub fn document() -> Result<Value, serde_json::Error> {
    let data: Value = serde_json::from_str(DATA)?;
    let none = Vec::new();
    let list = |key: &str| {
        data.get(key)
            .and_then(Value::as_array)
            .unwrap_or(&none)
            .clone()
    };
    let patterns = list("patterns");
    let parts: Vec<Value> = list("parts")
        .iter()
        .map(|part| written(part, &patterns))
        .collect();
    let root = data
        .get("root")
        .and_then(Value::as_u64)
        .and_then(|id| usize::try_from(id).ok());
    let mut document = root
        .and_then(|id| parts.get(id))
        .cloned()
        .unwrap_or_default();
    if let Some(members) = document.as_object_mut() {
        let definitions = parts.into_iter().enumerate();
        let definitions: Map<String, Value> = definitions
            .map(|(id, part)| (id.to_string(), part))
            .collect();
        members.insert(
            "$schema".to_owned(),
            "https://json-schema.org/draft/2020-12/schema".into(),
        );
        members.insert("title".to_owned(), "openclaw.json".into());
        members.insert("$defs".to_owned(), definitions.into());
    }
    Ok(document)
}

/// Returns a part as JSON Schema writes it: with references for numbers.
fn written(part: &Value, patterns: &[Value]) -> Value {
    let mut written = Map::new();
    let mut all_of = Vec::new();
    for (key, value) in part.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("never", _) => return Value::Bool(false),
            ("properties", Value::Object(members)) => {
                let members = members
                    .iter()
                    .map(|(name, id)| (name.clone(), reference(id)));
                written.insert(key.clone(), Value::Object(members.collect()));
            }
            ("tuple", Value::Array(ids)) => {
                let ids = ids.iter().map(reference).collect();
                written.insert("prefixItems".to_owned(), ids);
            }
            ("allOf", Value::Array(ids)) => all_of.extend(ids.iter().map(reference)),
            (key, Value::Array(ids)) if LISTS.contains(&key) => {
                written.insert(key.to_owned(), ids.iter().map(reference).collect());
            }
            (key, id) if SINGLES.contains(&key) => {
                written.insert(key.to_owned(), reference(id));
            }
            ("pattern", number) => {
                let number = number
                    .as_u64()
                    .and_then(|number| usize::try_from(number).ok());
                let pattern = number.and_then(|number| patterns.get(number));
                if let Some(matches) = pattern.and_then(|pattern| pattern.get("matches")) {
                    written.insert("pattern".to_owned(), matches.clone());
                }
                let refuses = pattern.and_then(|pattern| pattern.get("refuses")?.as_array());
                all_of.extend(
                    refuses
                        .into_iter()
                        .flatten()
                        .map(|refused| json!({"not": {"pattern": refused}})),
                );
            }
            _ => {
                written.insert(key.clone(), value.clone());
            }
        }
    }
    if !all_of.is_empty() {
        written.insert("allOf".to_owned(), all_of.into());
    }
    Value::Object(written)
}

fn reference(id: &Value) -> Value {
    json!({ "$ref": format!("#/$defs/{id}") })
}

/// Returns what is asked at a path, in every variant that leads there.
fn at(schema: &Schema, path: &[String]) -> Vec<PartId> {
    let mut parts = vec![schema.root()];
    for key in path {
        let mut next = Vec::new();
        for id in parts {
            let below = alternatives(schema, id);
            next.extend(below.filter_map(|part| step(schema, part, key)));
        }
        next.sort_unstable();
        next.dedup();
        parts = next;
    }
    parts
}

/// Returns a part with all the variants that it names.
fn alternatives(schema: &Schema, id: PartId) -> impl Iterator<Item = &Part> {
    let (mut open, mut seen) = (vec![id], Vec::new());
    while let Some(id) = open.pop() {
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        let part = schema.part(id);
        open.extend(part.any_of.iter().chain(&part.one_of).chain(&part.all_of));
    }
    seen.into_iter().map(|id| schema.part(id))
}

fn step(schema: &Schema, part: &Part, key: &str) -> Option<PartId> {
    if is_array(part) {
        let index: usize = key.parse().ok()?;
        return part.tuple.get(index).copied().or(part.items);
    }
    let other = part.additional_properties;
    part.member(key)
        .or(other.filter(|id| !schema.part(*id).never))
}

fn is_array(part: &Part) -> bool {
    part.types.named().contains(&Type::Array) || part.items.is_some() || !part.tuple.is_empty()
}

fn is_object(part: &Part) -> bool {
    part.types.named().contains(&Type::Object)
        || part.members().next().is_some()
        || !part.required.is_empty()
        || part.additional_properties.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('.')
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn paths_are_known_or_not() {
        for known in [
            "",
            "gateway.port",
            "agents.entries.work.skills.7",
            "models.providers.anything.models.0.id",
            "channels.telegram.groups.-100.requireMention",
        ] {
            assert!(knows(&path(known)), "{known}");
        }
        for unknown in [
            "no.such",
            "gateway.port.x",
            "gateway.prot",
            "0",
            "agents.entries.a.skills.x",
        ] {
            assert!(!knows(&path(unknown)), "{unknown}");
        }
    }

    #[test]
    fn the_nearest_path_is_one_that_is_known() {
        let near = |text: &str| nearest(&path(text)).map(|found| found.join("."));
        assert_eq!(near("gatway.port").as_deref(), Some("gateway.port"));
        assert_eq!(near("gateway.prot").as_deref(), Some("gateway.port"));
        assert_eq!(near("gatway.nothing").as_deref(), Some("gateway"));
        assert_eq!(near("zzzz"), None);
    }

    #[test]
    fn the_unknown_member_is_the_one_that_the_message_names() {
        let config = json!({"gateway": {"port": 1, "bnd": 2, "prot": 3}});
        let found = |message: &str| {
            let problem = Problem::new(KeyPath::root().key("gateway"), message);
            unknown_member(&config, &problem).map(|path| path.to_string())
        };
        let named = found("Unrecognized key: \"prot\"");
        assert_eq!(named.as_deref(), Some("gateway.prot"));
        assert_eq!(found("\"port\" needs \"token\""), None);
    }

    #[test]
    fn lists_are_told_from_objects() {
        assert_eq!(prefers_array(&path("agents.entries.a.skills")), Some(true));
        assert_eq!(
            prefers_array(&path("channels.telegram.groups")),
            Some(false)
        );
        assert_eq!(prefers_array(&path("gateway.port")), None);
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        fn check(value: &Value, document: &Value) {
            match value {
                Value::Object(members) => {
                    if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                        assert!(
                            document.pointer(target.trim_start_matches('#')).is_some(),
                            "{target}"
                        );
                    }
                    members.values().for_each(|value| check(value, document));
                }
                Value::Array(items) => items.iter().for_each(|value| check(value, document)),
                _ => {}
            }
        }
        let document = document().unwrap();
        assert_eq!(document["type"], "object");
        assert!(document["properties"]["gateway"]["$ref"].is_string());
        check(&document, &document);
    }
}
