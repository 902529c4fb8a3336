//! JSON5 texts become the values that npm's `json5` makes of them, or the same errors.

use openclaw_config::KeyPath;
use openclaw_config::document::{Document, MAX_DEPTH, NonFinite};
use serde_json::json;

use crate::document_fuzz::rounded;
use crate::document_probes::PROBES;

fn path(dotted: &str) -> KeyPath {
    dotted.split('.').filter(|key| !key.is_empty()).collect()
}

/// npm counts the character that it stumbled over as read, so that a line end is column 0 of the
/// next line there, and it counts UTF-16 units and byte order marks as columns.
fn comparable(error: &str) -> (&str, Option<&str>) {
    let (message, place) = error.rsplit_once(" at ").unwrap();
    (message, Some(place).filter(|place| !place.ends_with(":0")))
}

#[test]
fn reads_every_probe_as_npm_does() {
    let mut wrong = Vec::new();
    for (text, expected) in PROBES {
        let got = Document::parse(text).map(|document| document.value());
        let same = match (&got, expected) {
            (Ok(value), Ok(json)) => {
                rounded(serde_json::from_str(json).unwrap()) == rounded(value.clone())
            }
            (Err(err), Err(theirs)) => {
                let err = err.to_string();
                let (message, place) = comparable(theirs);
                let ours = comparable(&err);
                ours.0 == message && (place.is_none() || !text.is_ascii() || ours.1 == place)
            }
            _ => false,
        };
        if !same {
            wrong.push(format!("{text:?}: {got:?}, npm: {expected:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn errors_count_characters_and_lines_from_one() {
    let place = |text: &str| {
        let err = Document::parse(text).unwrap_err();
        (err.line, err.column)
    };
    assert_eq!(place(""), (1, 1));
    assert_eq!(place("{\n"), (2, 1));
    assert_eq!(place("\u{feff}}"), (1, 1));
    assert_eq!(place("{\n  '\u{1f600}é': ]\n}"), (2, 9));
    assert_eq!(place("{\r\n a: 1,\r\n b c\r\n}"), (3, 4));
    assert_eq!(place("'a\nb'"), (1, 3));
    assert_eq!(
        Document::parse("{\n").unwrap_err().to_string(),
        "JSON5: invalid end of input at 2:1"
    );
}

#[test]
fn says_where_keys_and_elements_stand() {
    let text = "\u{feff}{ a: 1,\n  'é': [1, 22,\n   {b: 'x'}], a: 2 }";
    let document = Document::parse(text).unwrap();
    let places = ["", "a", "é", "é.1", "é.2", "é.2.b", "é.3", "x", "a.b"];
    assert_eq!(
        places.map(|at| document.place(&path(at))),
        [
            Some((1, 1)),
            Some((3, 15)),
            Some((2, 3)),
            Some((2, 12)),
            Some((3, 4)),
            Some((3, 5)),
            None,
            None,
            None
        ]
    );
}

#[test]
fn numbers_that_json_lacks_are_null_and_listed() {
    let document =
        Document::parse("{a: Infinity, b: [1, -Infinity, 1e999], a: 1, c: {d: NaN}}").unwrap();
    assert_eq!(
        document.value(),
        json!({"a": 1, "b": [1, null, null], "c": {"d": null}})
    );
    let found: Vec<_> = document
        .non_finite()
        .into_iter()
        .map(|NonFinite { path, number }| (path.to_string(), number.to_string()))
        .collect();
    let expected = [("b.1", "-inf"), ("b.2", "inf"), ("c.d", "NaN")];
    assert_eq!(
        found,
        expected.map(|(path, number)| (path.to_owned(), number.to_owned()))
    );
}

#[test]
fn deep_nesting_is_read_up_to_the_bound() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", "{a:".repeat(depth), "}".repeat(depth));
    assert!(Document::parse(&nested(MAX_DEPTH)).is_ok());
    assert!(Document::parse(&objects(400)).is_ok());
    let err = Document::parse(&nested(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(
        (err.message, err.line, err.column),
        (
            format!("more than {MAX_DEPTH} levels of nesting"),
            1,
            MAX_DEPTH + 1
        )
    );
    assert!(Document::parse(&"[".repeat(5_000_000)).is_err());
    assert!(Document::parse(&"{a:[".repeat(1_000_000)).is_err());
}
