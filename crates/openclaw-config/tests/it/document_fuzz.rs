//! JSON5 texts and edits that nobody would think of.

use openclaw_config::KeyPath;
use openclaw_config::document::Document;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use openclaw_testkit::fuzz;

/// JavaScript prints the shortest text that is read as the same double.
pub(crate) fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(elements) => elements.into_iter().map(rounded).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, rounded(value)))
            .collect(),
        other => other,
    }
}

/// Pieces that JSON5 texts are made of, whole and broken.
fn soup() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "a",
        "'b'",
        "\"c\"",
        "1",
        "-",
        ".",
        "0x1F",
        "e5",
        "null",
        "true",
        "Infinity",
        "NaN",
        " ",
        "\n",
        "\r\n",
        "//",
        "/*",
        "*/",
        "\\",
        "\\u0061",
        "\\x41",
        "'",
        "\"",
        "\u{2028}",
        "\u{feff}",
        "é",
        "\u{1f600}",
        "$",
        "_",
        "+",
        "\\\n",
        "\0",
        "{a:1}",
        "[1,]",
        "{a:1,}",
    ];
    let piece = prop_oneof![
        8 => proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// A value that JavaScript can hold.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_map(|number| Document::parse(&format!("{number:e}"))
            .map_or(Value::Null, |document| document.value())),
        "[a-z'\"\\\\\n\u{2028}é$]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((key(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

pub(crate) fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-d]", "[0-3]", "[a-d -.é'\"]{0,3}"]
}

fn blank() -> impl Strategy<Value = &'static str> {
    let blanks = [
        "", "", "", " ", "\n", "\r\n  ", "/* c */", " // d\n", "\u{a0}", "/*\n*/",
    ];
    proptest::sample::select(blanks.to_vec())
}

/// A document with comments and blanks anywhere, and what it says.
fn written() -> impl Strategy<Value = (String, Value)> {
    let leaf = (value(), blank()).prop_map(|(value, after)| {
        let value = if value.is_object() || value.is_array() {
            json!(0)
        } else {
            value
        };
        (format!("{value}{after}"), value)
    });
    leaf.prop_recursive(4, 32, 5, |inner| {
        let entries = |inner| proptest::collection::vec(inner, 0..5);
        let member = (
            blank(),
            key(),
            blank(),
            blank(),
            inner.clone(),
            any::<bool>(),
        );
        prop_oneof![
            (blank(), entries((blank(), inner)), any::<bool>()).prop_map(
                |(open, elements, comma)| {
                    let texts: Vec<_> = elements
                        .iter()
                        .map(|(b, (t, _))| format!("{b}{t}"))
                        .collect();
                    let comma = if comma && !texts.is_empty() { "," } else { "" };
                    let values = elements.into_iter().map(|(_, (_, value))| value).collect();
                    (
                        format!("[{open}{}{comma}]", texts.join(",")),
                        Value::Array(values),
                    )
                }
            ),
            (
                blank(),
                proptest::collection::vec(member, 0..5),
                any::<bool>()
            )
                .prop_map(|(open, members, comma)| {
                    let mut map = Map::new();
                    let mut texts = Vec::new();
                    for (before, key, around, after, (text, value), quoted) in members {
                        let bare = key.chars().all(|next| next.is_ascii_lowercase());
                        let name = if bare && !key.is_empty() && !quoted {
                            key.clone()
                        } else {
                            json!(key).to_string()
                        };
                        texts.push(format!("{before}{name}{around}:{after}{text}"));
                        map.insert(key, value);
                    }
                    let comma = if comma && !texts.is_empty() { "," } else { "" };
                    (
                        format!("{{{open}{}{comma}}}", texts.join(",")),
                        Value::Object(map),
                    )
                }),
        ]
    })
}

/// The same path in a value that the document sets.
pub(crate) fn expected(value: &mut Value, path: &[String], new: Value) {
    let Some((segment, rest)) = path.split_first() else {
        *value = new;
        return;
    };
    if !value.is_object() && !value.is_array() {
        *value = if segment == "0" { json!([]) } else { json!({}) };
    }
    match value {
        Value::Object(map) => {
            let child = map.entry(segment.clone()).or_insert(Value::Null);
            expected(child, rest, new);
        }
        Value::Array(elements) => {
            let index: usize = segment.parse().unwrap();
            if index == elements.len() {
                elements.push(Value::Null);
            }
            expected(&mut elements[index], rest, new);
        }
        _ => {}
    }
}

fn comments(text: &str) -> usize {
    text.matches("/*").count() + text.matches("// d").count()
}

#[test]
fn no_text_makes_the_parser_panic_or_lose_a_byte() {
    fuzz("JSON5 texts", &soup(), |text| {
        if let Ok(document) = Document::parse(&text) {
            prop_assert_eq!(document.text(), text);
            document.value();
            document.non_finite();
        }
        Ok(())
    });
}

#[test]
fn agrees_with_the_json5_crate() {
    fuzz("JSON5 texts, compared", &soup(), |text| {
        // The crate reads no byte order mark, and takes numbers that are no JSON for null.
        prop_assume!(!text.contains('\u{feff}'));
        let theirs = json5::from_str::<Value>(&text);
        match (Document::parse(&text), theirs) {
            (Ok(ours), Ok(theirs)) if ours.non_finite().is_empty() => {
                prop_assert_eq!(rounded(ours.value()), rounded(theirs), "{:?}", text);
            }
            (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
            (ours, theirs) => prop_assert!(false, "{:?}: {:?} {:?}", text, ours, theirs),
        }
        Ok(())
    });
}

#[test]
fn what_was_set_is_what_it_says() {
    let path = proptest::collection::vec(key(), 0..4);
    let case = (written(), path, value());
    fuzz("edits", &case, |((text, mut before), path, new)| {
        let mut document = Document::parse(&text).unwrap();
        prop_assert_eq!(document.value(), before.clone(), "{}", text);
        let at: KeyPath = path.iter().collect();
        if document.set(&at, &new).is_err() {
            prop_assert_eq!(document.text(), text);
            return Ok(());
        }
        expected(&mut before, &path, new);
        prop_assert_eq!(document.value(), before, "{:?} {:?}", text, document.text());
        let again = Document::parse(document.text()).unwrap();
        prop_assert_eq!(again.value(), document.value());
        let count = |document: &Document| {
            let parents = path.split_last().map_or(&[][..], |(_, parents)| parents);
            let value = document.value();
            let parent = parents.iter().try_fold(&value, |value, key| match value {
                Value::Array(elements) => elements.get(key.parse::<usize>().ok()?),
                other => other.get(key),
            });
            parent.and_then(|parent| match parent {
                Value::Object(members) => Some(members.len()),
                Value::Array(elements) => Some(elements.len()),
                _ => None,
            })
        };
        let before = count(&document);
        if !path.is_empty() {
            prop_assert!(document.unset(&at));
            prop_assert_eq!(
                count(&document),
                before.map(|count| count - 1),
                "{:?}",
                again.text()
            );
        }
        Ok(())
    });
}

#[test]
fn a_document_takes_any_shape() {
    fuzz(
        "reshaped documents",
        &(written(), value()),
        |((text, _), new)| {
            let mut document = Document::parse(&text).unwrap();
            document.reshape(&new).unwrap();
            prop_assert_eq!(document.value(), new, "{:?} {:?}", text, document.text());
            Ok(())
        },
    );
}

#[test]
fn adding_a_member_keeps_every_comment() {
    fuzz(
        "members added",
        &(written(), value()),
        |((text, before), new)| {
            prop_assume!(before.is_object());
            let at: KeyPath = ["new"].into_iter().collect();
            let mut document = Document::parse(&text).unwrap();
            document.set(&at, &new).unwrap();
            prop_assert_eq!(comments(document.text()), comments(&text));
            document.unset(&at);
            prop_assert_eq!(document.value(), before);
            Ok(())
        },
    );
}

#[test]
fn json_stays_json() {
    let path = proptest::collection::vec(key(), 1..4);
    let case = (value(), path, value(), any::<bool>());
    fuzz("edits of JSON", &case, |(before, path, new, pretty)| {
        let text = if pretty {
            serde_json::to_string_pretty(&before).unwrap()
        } else {
            before.to_string()
        };
        let mut document = Document::parse(&text).unwrap();
        let at: KeyPath = path.iter().collect();
        if document.set(&at, &new).is_ok() {
            let read = serde_json::from_str::<Value>(document.text());
            prop_assert_eq!(
                read.ok().map(rounded),
                Some(rounded(document.value())),
                "{}",
                document.text()
            );
            let shown = before.as_object().is_some_and(|members| {
                let inner = members.values().filter_map(Value::as_object);
                inner.into_iter().any(|members| !members.is_empty())
            });
            // The one difference: what looks like a line end to JavaScript is escaped.
            if pretty && shown {
                let plain = document.text().replace("\\u2028", "\u{2028}");
                let printed = serde_json::to_string_pretty(&document.value()).unwrap();
                prop_assert_eq!(plain, printed);
            }
            document.unset(&at);
            let read = serde_json::from_str::<Value>(document.text());
            prop_assert!(read.is_ok(), "{}", document.text());
        }
        Ok(())
    });
}
