//! What is masked, and what is not.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use serde_json::json;

use super::finder::Finder;
use super::table::{CAPACITY, Table};
use super::*;
use crate::ApiKey;

const KEY: &str = "sk-ant-api03/Zm9v+YmFy==0123";
const ODD: &str = "päss\"wörd\\/ with & 100% 'quotes'";

fn finder(values: &[&str]) -> Finder {
    Finder::new(values.iter().copied())
}

#[test]
fn masks_every_form_of_a_value() {
    let finder = finder(&[KEY, ODD]);
    for secret in [KEY, ODD] {
        let json = json!(secret).to_string();
        let twice = json!(json).to_string();
        let in_url: String = url_forms(secret).join(" ");
        for text in [
            format!("the key {secret} is wrong"),
            format!("{{\"key\":{json}}}"),
            twice,
            in_url,
            format!("{secret:?}"),
        ] {
            let masked = finder.mask(&text);
            assert!(masked.contains(REDACTED), "{text}");
            assert!(!masked.contains(secret), "{masked}");
            assert!(finder.spans(&masked).is_empty(), "{masked}");
        }
    }
    assert_eq!(
        finder.mask(&format!("a{KEY}{KEY}b")),
        "a[REDACTED][REDACTED]b"
    );
    let python = r#"p\u00e4ss\"w\u00f6rd\\/ with & 100% 'quotes'"#;
    assert_eq!(finder.mask(python), REDACTED);
}

fn url_forms(secret: &str) -> Vec<String> {
    let escape = |plain: &str, upper: bool| -> String {
        let bytes = secret.bytes().map(|byte| {
            let c = char::from(byte);
            match (c.is_ascii_alphanumeric() || plain.contains(c), upper) {
                (true, _) => c.to_string(),
                (false, true) => format!("%{byte:02X}"),
                (false, false) => format!("%{byte:02x}"),
            }
        });
        bytes.collect()
    };
    vec![
        escape("-._~", true),
        escape("-._~", false),
        escape("-._~!*'()", true),
        escape("-._*", true).replace("%20", "+"),
    ]
}

#[test]
fn masks_base64_wherever_in_the_text_the_value_stands() {
    let secret = "sk-0123456789-abc";
    let finder = finder(&[secret]);
    for before in ["", "x", "xy", "xyz", "user:"] {
        for after in ["", "\n", "?!", "and more"] {
            let text = format!("{before}{secret}{after}");
            for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                let masked = finder.mask(&encoded);
                assert!(masked.contains(REDACTED), "{text}");
                // At each end at most a digit is left that belongs to a neighbour, too.
                let left = masked.len().saturating_sub(REDACTED.len());
                let own = STANDARD.encode(before).len() + STANDARD.encode(after).len() + 4;
                assert!(left <= own, "{encoded} became {masked}");
            }
        }
    }
}

#[test]
fn a_key_of_several_lines_is_known_by_each() {
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50\nDFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n";
    let finder = finder(&[pem]);
    assert_eq!(
        finder.mask("12: DFtMDoQikTmiCqirVv9mWG9qfSnF\n13: -----END PRIVATE KEY-----"),
        "12: [REDACTED]\n13: -----END PRIVATE KEY-----"
    );
    assert_eq!(finder.mask(pem), REDACTED);
}

#[test]
fn values_that_overlap_are_masked_as_one() {
    let finder = finder(&["abcdefgh", "efghijklmnop", "abcdefghij"]);
    assert_eq!(finder.mask("1 abcdefghijklmnop 2"), "1 [REDACTED] 2");
}

#[test]
fn short_values_are_left_alone() {
    let mut table = Table::new();
    table.learn(ApiKey::new("1234567".to_owned()).shared());
    assert_eq!(table.len(), 0);
    assert_eq!(finder(&["1234567"]).mask("1234567"), "1234567");
}

#[test]
fn a_full_table_loses_the_oldest_value_that_nobody_holds() {
    let mut table = Table::new();
    let held = ApiKey::new("in-use-by-somebody".to_owned());
    table.learn(held.shared());
    for n in 0..CAPACITY {
        table.learn(ApiKey::new(format!("short-lived-{n}")).shared());
    }
    assert_eq!(table.len(), CAPACITY);
    assert!(table.knows("in-use-by-somebody"));
    assert!(!table.knows("short-lived-0") && table.knows("short-lived-1"));
    // The same value again is no further one.
    table.learn(ApiKey::new("short-lived-1".to_owned()).shared());
    table.learn(ApiKey::new("short-lived-x".to_owned()).shared());
    assert!(table.knows("short-lived-1") && !table.knows("short-lived-2"));
}

#[test]
fn json_stays_json_whatever_the_secrets_are() {
    for secret in [
        "sessions",
        "12345678",
        "a\"b\\c\"d\\e",
        "value-of-\n-two-lines",
    ] {
        learn_text(secret);
    }
    let document = json!({
        "sessions": ["sessions", 12_345_678, 123_456_789, true],
        "a\"b\\c\"d\\e": {"nested": "{\"x\":\"a\\\"b\\\\c\\\"d\\\\e\"}"},
        "text": "value-of-\n-two-lines",
    });
    let masked = mask_json(document.to_string());
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&masked).unwrap(),
        json!({
            "sessions": [REDACTED, REDACTED, 123_456_789, true],
            "[REDACTED]": {"nested": "{\"x\":\"[REDACTED]\"}"},
            "text": REDACTED,
        })
    );
    assert_eq!(
        mask_json("no JSON: sessions".to_owned()),
        "no JSON: [REDACTED]"
    );
    let harmless = json!({"a": 1}).to_string();
    assert_eq!(mask_json(harmless.clone()), harmless);
}

#[test]
fn a_character_that_is_cut_in_two_is_put_together_again() {
    learn_text("schlüssel");
    let mut stream = StreamMask::new();
    let mut shown = String::new();
    for byte in "der schlüssel ist schl\u{fc}".bytes() {
        shown.push_str(&stream.push_bytes(&[byte]));
    }
    shown.push_str(&stream.push_bytes(&[0xC3]));
    shown.push_str(&stream.finish());
    assert_eq!(shown, "der [REDACTED] ist schlü\u{fffd}");
}

#[test]
fn a_value_is_found_whichever_of_its_characters_are_escaped() {
    let key = "sk/esc+APED/ghi=jkl&mno/pqr";
    learn_text(key);
    for written in [
        r"sk/esc\u002BAPED/ghi\u003Djkl\u0026mno/pqr",
        r"sk/esc\u002bAPED/ghi\u003djkl\u0026mno/pqr",
        r"sk/esc\\u002bAPED/ghi=jkl&mno/pqr",
        r"\u0073k/esc+APED/ghi=jkl&mno/pq\u0072",
        "sk/esc+APED/ghi=jkl&amp;mno/pqr",
        "sk/esc&#43;APED/ghi&#x3D;jkl&amp;mno/pqr",
    ] {
        assert_eq!(mask(&format!("a {written} b")), "a [REDACTED] b");
        let document = format!(r#"{{"error":"k {written}"}}"#);
        assert!(mask_json(document).contains("k [REDACTED]"), "{written}");
        let mut stream = StreamMask::new();
        let mut shown = String::new();
        for c in format!("a {written} b").chars() {
            shown.push_str(&stream.push(&c.to_string()));
        }
        shown.push_str(&stream.finish());
        assert_eq!(shown, "a [REDACTED] b");
    }
    learn_text("smile-\u{1f600}-smile");
    assert_eq!(mask(r"smile-\uD83D\ude00-smile"), "[REDACTED]");
    for innocent in [
        r"C:\users\u00",
        "a & b &amp; c",
        r"\u0041\ud83d",
        "&#x110000;",
    ] {
        assert_eq!(mask(innocent), innocent);
    }
}

proptest! {
    #[test]
    fn it_makes_no_difference_where_a_text_is_cut(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("abababab".to_owned()),
                Just("babababac".to_owned()),
                Just("aaaaaaaa".to_owned()),
                Just("grün-und-blau".to_owned()),
                Just("dGhlIGtleQ".to_owned()),
                Just("\\u0061bababab".to_owned()),
                Just("abab\\\\u0061bab".to_owned()),
                Just("gr\\u00FCn&#45;und-bl".to_owned()),
                Just("&am".to_owned()),
                "[abcgün-]{0,6}",
                "[\\\\u006b&;]{0,9}",
            ],
            0..8,
        ),
        cuts in proptest::collection::vec(0_usize..200, 0..12),
    ) {
        for secret in ["abababab", "babababac", "aaaaaaaa", "grün-und-blau", "the key is this"] {
            learn_text(secret);
        }
        let text = parts.concat();
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| text.is_char_boundary(*cut)).collect();
        cuts.push(text.len());
        cuts.sort_unstable();
        let mut stream = StreamMask::new();
        let (mut shown, mut from) = (String::new(), 0);
        for cut in cuts {
            shown.push_str(&stream.push(text.get(from..cut).unwrap()));
            from = cut;
        }
        shown.push_str(&stream.finish());
        prop_assert_eq!(shown, mask(&text));
    }

    #[test]
    fn nothing_else_is_changed(text in any::<String>()) {
        learn_text("not-in-a-random-text");
        prop_assert_eq!(mask(&text), text.as_str());
    }
}
