//! Texts in which parts of a request are filled in: `{{payload.items[0].name}}`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use axum::http::request::Parts;
use openclaw_core::Clock;
use openclaw_core::clock::rfc3339;
use serde_json::{Map, Value};

/// Headers that are nobody's to read but the door's.
const SECRET: [&str; 2] = ["x-openclaw-token", "x-api-key"];

/// A request as templates see it.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// What stands behind the path of the webhooks.
    pub(super) path: String,
    /// The body.
    pub(super) payload: Map<String, Value>,
    headers: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
}

impl Sent {
    /// Takes a request apart.
    pub(super) fn of(path: String, head: &Parts, payload: Map<String, Value>) -> Self {
        let kept = |name: &str| {
            ![AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE]
                .iter()
                .any(|secret| secret == name)
                && !SECRET.contains(&name)
        };
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in head.headers.iter().filter(|(name, _)| kept(name.as_str())) {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|before| {
                    before.push_str(", ");
                    before.push_str(&value);
                })
                .or_insert_with(|| value.into_owned());
        }
        let query = head.uri.query().unwrap_or_default();
        let query = url::form_urlencoded::parse(query.as_bytes());
        Self {
            path,
            payload,
            headers,
            query: query.into_owned().collect(),
        }
    }

    /// Returns the same request with another body.
    pub(super) fn with(&self, payload: Map<String, Value>) -> Self {
        Self {
            payload,
            ..self.clone()
        }
    }

    /// Fills a template in; what is not there leaves nothing.
    pub(super) fn fill(&self, template: &str) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once("{{") {
            filled.push_str(before);
            match behind.split_once('}') {
                Some((name, end)) if !name.is_empty() && end.starts_with('}') => {
                    filled.push_str(&self.value(name.trim()));
                    rest = end.strip_prefix('}').unwrap_or(end);
                }
                _ => {
                    filled.push_str("{{");
                    rest = behind;
                }
            }
        }
        filled.push_str(rest);
        filled
    }

    fn value(&self, name: &str) -> Cow<'_, str> {
        let text = |map: &'_ BTreeMap<String, String>, key: &str| {
            Cow::Owned(map.get(key).cloned().unwrap_or_default())
        };
        match name {
            "path" => return Cow::Borrowed(&self.path),
            "now" => return Cow::Owned(rfc3339(Clock::system().now())),
            _ => {}
        }
        if let Some(key) = name.strip_prefix("headers.") {
            return text(&self.headers, key);
        }
        if let Some(key) = name.strip_prefix("query.") {
            return text(&self.query, key);
        }
        let path = name.strip_prefix("payload.").unwrap_or(name);
        match part(&self.payload, path) {
            None | Some(Value::Null) => Cow::Borrowed(""),
            Some(Value::String(text)) => Cow::Borrowed(text),
            Some(other) => Cow::Owned(other.to_string()),
        }
    }
}

/// Returns the part of a payload that a path such as `items[0].name` leads to.
fn part<'a>(payload: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
    let first = payload.get(steps.next()?)?;
    steps.try_fold(first, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        Value::Object(members) => members.get(step),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use serde_json::json;

    use super::*;

    fn sent(payload: Value) -> Sent {
        let request = Request::post("/hooks/a?kind=x%20y&kind2=")
            .header("x-event-type", "push")
            .header("x-event-type", "again")
            .header("authorization", "Bearer of-the-webhooks")
            .header("x-openclaw-token", "of-the-webhooks")
            .body(())
            .unwrap();
        let Value::Object(payload) = payload else {
            panic!("a payload is an object");
        };
        Sent::of("a".to_owned(), &request.into_parts().0, payload)
    }

    #[test]
    fn parts_of_a_request_are_filled_in() {
        let sent = sent(json!({
            "name": "crab", "n": 5, "ok": true, "none": null,
            "items": [{ "subject": "one" }, { "subject": "two" }], "path": "of the payload",
        }));
        for (template, filled) in [
            ("{{name}}", "crab"),
            ("{{ payload.name }}!", "crab!"),
            ("{{n}} {{ok}} {{none}}.", "5 true ."),
            ("{{items[1].subject}}", "two"),
            ("{{items.0.subject}}", "one"),
            ("{{items[7].subject}}", ""),
            ("{{items[0]}}", r#"{"subject":"one"}"#),
            ("{{headers.x-event-type}}", "push, again"),
            ("{{query.kind}}|{{query.none}}", "x y|"),
            ("{{path}} {{payload.path}}", "a of the payload"),
            ("{{}} {{ {name} {{name", "{{}} {{ {name} {{name"),
            ("{{name}}}", "crab}"),
        ] {
            assert_eq!(sent.fill(template), filled, "{template}");
        }
        assert!(sent.fill("{{now}}").ends_with('Z'));
    }

    #[test]
    fn what_lets_in_is_not_filled_in() {
        let sent = sent(json!({}));
        let filled = sent.fill("{{headers.authorization}}{{headers.x-openclaw-token}}");
        assert_eq!(filled, "");
    }

    #[test]
    fn what_is_filled_in_is_no_template() {
        let sent = sent(json!({ "a": "{{b}}", "b": "secret" }));
        assert_eq!(sent.fill("{{a}}"), "{{b}}");
    }
}
