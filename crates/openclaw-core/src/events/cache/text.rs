//! What there is to search in an event.
//!
//! An event's data is JSON; it is read as it lies in the log, and only the texts that a person
//! would look for are taken out of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::query::SearchKind;

/// The most bytes of an event's text that can be found.
const LIMIT: usize = 64 * 1024;

/// Returns what there is to search in an event with this data.
///
/// Strings come without their JSON escapes, and strings and numbers inside a tool's arguments or
/// result one after the other. Control characters become spaces, as a terminal may be told with
/// them what a reader does not see.
pub(super) fn text_of(kind: SearchKind, data: &str) -> String {
    let mut text = Text::default();
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
        text_of(SearchKind::ToolResult, &data.to_string())
    }

    #[test]
    fn a_message_is_found_as_it_was_written() {
        let data = r#"{"content":"say \"hi\"\n\ud83e\udd80","attachments":[{"data":"aGk="}]}"#;
        assert_eq!(
            text_of(SearchKind::MessageReceived, data),
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
            text_of(SearchKind::ToolResult, "{\"result\":[\"a\",\"b"),
            "a"
        );
        assert_eq!(text_of(SearchKind::ToolResult, "nothing"), "");
        assert_eq!(text_of(SearchKind::ToolResult, "[]"), "");
    }

    proptest! {
        #[test]
        fn any_data_give_some_text(data in "\\PC{0,200}", json in "[\\[\\]{}\":,a\\\\0-9u]{0,60}") {
            for data in [data, json] {
                prop_assert!(text_of(SearchKind::ToolCalled, &data).len() <= LIMIT);
            }
        }
    }
}
