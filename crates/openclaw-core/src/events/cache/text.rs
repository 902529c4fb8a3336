//! What there is to search in an event.
//!
//! An event's data and payload are JSON; they are read as they lie in the log, and only the texts
//! that a person would look for are taken out of them.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::query::SearchKind;

/// The most bytes of an event's text that can be found.
const LIMIT: usize = 64 * 1024;

/// Returns what there is to search in an event with this data and payload.
///
/// What a model says while it calls tools is in the payload of the first call; an answer is in
/// the data, so that its payload would only repeat it.
///
/// Strings come without their JSON escapes, and strings and numbers inside a tool's arguments or
/// result one after the other. Control characters become spaces, as a terminal may be told with
/// them what a reader does not see.
pub(super) fn text_of(kind: SearchKind, data: &str, payload: Option<&str>) -> String {
    let mut text = Text::default();
    if let (SearchKind::ToolCalled, Some(payload)) = (kind, payload) {
        let said = said(payload);
        // What there is no room for is left out, as below.
        if !said.is_empty() && text.push::<serde_json::Error>(&said).is_err() {
            return text.0;
        }
    }
    let field = Field {
        name: match kind {
            SearchKind::MessageReceived | SearchKind::AgentResponse | SearchKind::MessageSent => {
                "content"
            }
            SearchKind::ToolCalled => "params",
            SearchKind::ToolResult => "result",
        },
        text: &mut text,
    };
    // Reading stops with an error once the field has been read or enough has been found, and
    // damaged data give what they have: the index is no place to judge the log.
    drop(field.deserialize(&mut serde_json::Deserializer::from_str(data)));
    text.0
}

/// Returns the text that a model wrote in the step of a payload.
fn said(payload: &str) -> String {
    // A payload that cannot be read says nothing: the index is no place to judge the log.
    let Spoken { step } = serde_json::from_str(payload).unwrap_or_default();
    let blocks = step.unwrap_or_default().blocks;
    blocks.into_iter().filter_map(|block| block.text).collect()
}

/// The part of a payload that has what a model said; the rest, such as its reasoning, is not kept.
#[derive(Default, Deserialize)]
struct Spoken {
    #[serde(default)]
    step: Option<SpokenStep>,
}

#[derive(Default, Deserialize)]
struct SpokenStep {
    #[serde(default)]
    blocks: Vec<SpokenBlock>,
}

#[derive(Deserialize)]
struct SpokenBlock {
    #[serde(default)]
    text: Option<String>,
}

#[derive(Debug, Default)]
struct Text(String);

impl Text {
    /// Adds a piece; fails when there is no room for more.
    fn push<E: serde::de::Error>(&mut self, piece: &str) -> Result<(), E> {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        for c in piece.chars() {
            if self.0.len().saturating_add(c.len_utf8()) > LIMIT {
                return Err(E::custom("there is no room for more"));
            }
            self.0.push(match c {
                '\n' | '\t' => c,
                c if c.is_control() => ' ',
                c => c,
            });
        }
        Ok(())
    }
}

/// Reads one field of an object.
struct Field<'a> {
    name: &'static str,
    text: &'a mut Text,
}

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == self.name {
                // What comes after it, which may be long, is not read.
                return map.next_value_seed(Texts(self.text));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Collects the strings and numbers of any value.
struct Texts<'a>(&'a mut Text);

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.0.push(text)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.0.push(&number.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.0.push(&number.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        self.0.push(&number.to_string())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Texts(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while fields.next_key::<IgnoredAny>()?.is_some() {
            fields.next_value_seed(Texts(&mut *self.0))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn result(result: &Value) -> String {
        let data = json!({"tool": "exec", "result": result, "success": true});
        text_of(SearchKind::ToolResult, &data.to_string(), None)
    }

    #[test]
    fn a_message_is_found_as_it_was_written() {
        let data = r#"{"content":"say \"hi\"\n\ud83e\udd80","attachments":[{"data":"aGk="}]}"#;
        assert_eq!(
            text_of(SearchKind::MessageReceived, data, None),
            "say \"hi\"\n\u{1f980}"
        );
    }

    #[test]
    fn a_result_gives_its_strings_and_numbers() {
        let nested =
            json!({"stdout": "one\ttwo", "exitCode": 1, "ok": true, "list": ["three", null, 2.5]});
        assert_eq!(result(&nested), "one\ttwo\n1\nthree\n2.5");
        assert_eq!(result(&json!("plain")), "plain");
        assert_eq!(result(&Value::Null), "");
    }

    #[test]
    fn a_call_gives_what_was_said_with_it_before_its_arguments() {
        let data = json!({"tool": "exec", "params": {"command": "ls"}}).to_string();
        let call =
            |payload: &Value| text_of(SearchKind::ToolCalled, &data, Some(&payload.to_string()));
        let blocks = json!([
            {"thinking": {"text": "hm"}},
            {"text": "Let me "},
            {"text": "look.\u{1b}"},
            {"call": "call_1"},
        ]);
        let payload = json!({"step": {"provider": "p", "blocks": blocks}, "other": ["x"]});
        assert_eq!(call(&payload), "Let me look. \nls");
        for silent in [
            json!({}),
            json!({"step": null}),
            json!({"step": {"blocks": 7}}),
        ] {
            assert_eq!(call(&silent), "ls", "{silent}");
        }
        assert_eq!(text_of(SearchKind::ToolCalled, &data, None), "ls");
        // An answer has its text in its data.
        let answer = r#"{"content":"Let me look."}"#;
        assert_eq!(
            text_of(
                SearchKind::AgentResponse,
                answer,
                Some(&payload.to_string())
            ),
            "Let me look."
        );
    }

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(
            result(&json!("a\u{1b}[31mb\u{2}\u{0}c\r\n")),
            "a [31mb  c \n"
        );
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = result(&json!(["x", "\u{e9}".repeat(LIMIT)]));
        assert_eq!(text, format!("x\n{}", "\u{e9}".repeat(LIMIT / 2 - 1)));
    }

    #[test]
    fn damaged_data_give_what_they_have() {
        assert_eq!(
            text_of(SearchKind::ToolResult, "{\"result\":[\"a\",\"b", None),
            "a"
        );
        assert_eq!(text_of(SearchKind::ToolResult, "nothing", None), "");
        assert_eq!(text_of(SearchKind::ToolResult, "[]", None), "");
    }

    proptest! {
        #[test]
        fn any_data_give_some_text(data in "\\PC{0,200}", json in "[\\[\\]{}\":,a\\\\0-9u]{0,60}") {
            for data in [data, json] {
                prop_assert!(text_of(SearchKind::ToolCalled, &data, Some(&data)).len() <= LIMIT);
            }
        }
    }
}
