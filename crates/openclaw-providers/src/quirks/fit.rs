//! What is done to a request of any API before it is written.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Quirks, Switch};
use crate::request::{AssistantBlock, Message, Request, ToolSpec, UserBlock};

/// Members of a schema whose own members have names that are no keywords.
const NAMED_SCHEMAS: &[&str] = &[
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
    "dependentSchemas",
];

/// Members of a schema that hold data and no schemas.
const DATA: &[&str] = &["enum", "const", "default", "examples", "required"];

/// Takes out of a request what its model is said not to take: tools, a temperature, and keywords in
/// the schemas of tools.
pub(crate) fn fitted<'a>(request: &'a Request, quirks: Option<&Quirks>) -> Cow<'a, Request> {
    let Some(quirks) = quirks else {
        return Cow::Borrowed(request);
    };
    let mut request = Cow::Borrowed(request);
    if quirks.says(Switch::Tools) == Some(false) {
        without_tools(request.to_mut());
    }
    if quirks.says(Switch::Temperature) == Some(false) && request.temperature.is_some() {
        request.to_mut().temperature = None;
    }
    if !quirks.unsupported_keywords.is_empty() {
        for ToolSpec { parameters, .. } in &mut request.to_mut().tools {
            strip(Arc::make_mut(parameters), &quirks.unsupported_keywords);
        }
    }
    request
}

/// Calls in the history become words, since a request that offers no tools may not have any.
fn without_tools(request: &mut Request) {
    request.tools.clear();
    for message in &mut request.messages {
        match message {
            Message::User(_) => {}
            Message::Assistant(blocks) => blocks.iter_mut().for_each(to_words),
            Message::ToolResults(results) => {
                let words = results.iter().map(|result| {
                    let text = &result.content;
                    UserBlock::Text(format!("[the tool answered]\n{text}"))
                });
                *message = Message::User(words.collect());
            }
        }
    }
    join(&mut request.messages);
}

fn to_words(block: &mut AssistantBlock) {
    if let AssistantBlock::ToolCall(call) = block {
        let arguments = Value::Object(call.arguments.to_object());
        *block = AssistantBlock::Text(format!("[called the tool {} with {arguments}]", call.name));
    }
}

/// Speakers have to alternate.
fn join(messages: &mut Vec<Message>) {
    let mut joined: Vec<Message> = Vec::new();
    for message in messages.drain(..) {
        match (joined.last_mut(), message) {
            (Some(Message::User(before)), Message::User(blocks)) => before.extend(blocks),
            (_, message) => joined.push(message),
        }
    }
    *messages = joined;
}

fn strip(schema: &mut Value, keywords: &[String]) {
    match schema {
        Value::Object(members) => strip_members(members, keywords),
        Value::Array(schemas) => schemas
            .iter_mut()
            .for_each(|schema| strip(schema, keywords)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn strip_members(members: &mut Map<String, Value>, keywords: &[String]) {
    members.retain(|name, _| !keywords.contains(name));
    for (name, member) in members {
        let name = name.as_str();
        match member {
            Value::Object(schemas) if NAMED_SCHEMAS.contains(&name) => schemas
                .iter_mut()
                .for_each(|(_, schema)| strip(schema, keywords)),
            _ if DATA.contains(&name) => {}
            schema => strip(schema, keywords),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::samples;

    #[test]
    fn a_request_without_quirks_is_left_alone() {
        let request = samples::conversation();
        assert!(matches!(fitted(&request, None), Cow::Borrowed(_)));
        let none = Quirks::default();
        assert!(matches!(fitted(&request, Some(&none)), Cow::Borrowed(_)));
    }

    #[test]
    fn a_model_without_tools_is_told_of_calls_in_words() {
        let request = samples::conversation();
        let quirks = Quirks::default().without(Switch::Tools);
        let fitted = fitted(&request, Some(&quirks));
        assert_eq!(fitted.tools, []);
        assert_eq!(
            fitted.messages[1..3],
            [
                Message::Assistant(
                    [
                        vec![
                            request_block(&request, 0),
                            request_block(&request, 1),
                            request_block(&request, 2),
                            request_block(&request, 3),
                        ],
                        vec![
                            AssistantBlock::Text(
                                r#"[called the tool exec with {"command":"ls"}]"#.into()
                            ),
                            AssistantBlock::Text(
                                r#"[called the tool read with {"path":"a.txt"}]"#.into()
                            ),
                        ],
                    ]
                    .concat()
                ),
                Message::User(vec![
                    UserBlock::Text("[the tool answered]\na.txt".into()),
                    UserBlock::Text("[the tool answered]\nno file `a.txt`".into()),
                ]),
            ]
        );
    }

    fn request_block(request: &Request, at: usize) -> AssistantBlock {
        match &request.messages[1] {
            Message::Assistant(blocks) => blocks[at].clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keywords_are_taken_out_of_schemas_and_not_out_of_names() {
        let mut request = samples::conversation();
        request.tools.truncate(1);
        request.tools[0].parameters = json!({
            "type": "object",
            "pattern": "x",
            "properties": {
                "pattern": {"type": "string", "pattern": "^a", "default": {"pattern": 1}},
                "list": {"type": "array", "items": {"anyOf": [{"pattern": "b", "type": "string"}]}},
            },
        })
        .into();
        let quirks = Quirks {
            unsupported_keywords: vec!["pattern".into()],
            ..Quirks::default()
        };
        assert_eq!(
            *fitted(&request, Some(&quirks)).tools[0].parameters,
            json!({
                "type": "object",
                "properties": {
                    "pattern": {"type": "string", "default": {"pattern": 1}},
                    "list": {"type": "array", "items": {"anyOf": [{"type": "string"}]}},
                },
            })
        );
    }
}
