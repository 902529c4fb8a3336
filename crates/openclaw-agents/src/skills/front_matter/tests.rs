//! What the front matter of a skill is read as. The expectations were checked against OpenClaw
//! 2026.9.6.

use proptest::prelude::*;

use super::*;

fn fields(block: &str) -> Result<Vec<(String, String)>, (usize, usize)> {
    match FrontMatter::parse(&format!("---\n{block}\n---\nbody\n")) {
        Ok(front) => Ok(front.fields.into_iter().collect()),
        Err(err) => Err((err.line, err.column)),
    }
}

fn read(block: &str) -> Vec<(String, String)> {
    fields(block).unwrap()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    expected.iter().map(owned).collect()
}

#[test]
fn reads_scalars_as_text() {
    for (block, value) in [
        ("a: 007", "7"),
        ("a: 1.10", "1.1"),
        ("a: 0x1F", "31"),
        ("a: 0o17", "15"),
        ("a: 1e21", "1e+21"),
        ("a: 1e-7", "1e-7"),
        ("a: .inf", "Infinity"),
        ("a: -0", "0"),
        ("a: yes", "yes"),
        ("a: True", "true"),
        ("a: 2026-11-23", "2026-11-23"),
        ("a: 'it''s'", "it's"),
        ("a: \"\\u00e9 \"", "é"),
        ("a: |\n  x\n  y\n", "x\ny"),
        ("a: >-\n  x\n  y\n", "x y"),
        ("a: !!str 5", "5"),
        ("a: !own 5", "5"),
        ("a: # nothing\n  text", "text"),
        // YAML has nothing here, and the lines have this.
        ("a: ~", "~"),
        ("a: null", "null"),
    ] {
        assert_eq!(read(block), pairs(&[("a", value)]), "{block}");
    }
    assert_eq!(read("a:"), pairs(&[]));
}

#[test]
fn reads_metadata_in_every_form_in_use() {
    let json = r#"{"openclaw":{"os":["linux"]}}"#;
    for block in [
        "metadata:\n  {\n    \"openclaw\":\n      {\n        \"os\": [\"linux\",],\n      },\n  }",
        "metadata:\n  {\n    \"openclaw\": { \"os\": [\"linux\"] }\n}",
        "metadata:\n  openclaw:\n    os:\n    - linux",
        "metadata:\n  openclaw: &x\n    os: [linux]",
    ] {
        assert_eq!(read(block), pairs(&[("metadata", json)]), "{block}");
    }
    // On the line of its key it stays as it was written.
    assert_eq!(
        read("metadata: { openclaw: { os: ['linux'] } }"),
        pairs(&[("metadata", "{ openclaw: { os: ['linux'] } }")])
    );
}

#[test]
fn takes_a_description_that_is_no_yaml_as_it_is() {
    for text in [
        "Use when: the user asks",
        "\"foo\" bar",
        "@foo",
        "`x` y",
        "*foo bar",
        "[x] foo",
        "%foo",
        "a: b: c # d",
    ] {
        let block = format!("name: a\ndescription: {text}\nsummary: b: c");
        let expected = [("description", text), ("name", "a"), ("summary", "b: c")];
        assert_eq!(read(&block), pairs(&expected), "{text}");
    }
    assert_eq!(fields("name: a: b\ndescription: c"), Err((2, 8)));
}

#[test]
fn says_where_a_block_is_broken() {
    for (block, place) in [
        ("name: a\nname: b", (3, 1)),
        ("name: a\nx: [a, b", (3, 4)),
        ("name: a\nx: { y: 1, y: 2 }", (3, 12)),
        ("- a", (2, 1)),
        ("name: a\n...\nx: y", (4, 1)),
        ("x: *y\nname: a", (2, 4)),
    ] {
        assert_eq!(fields(block), Err(place), "{block}");
    }
    let unclosed = FrontMatter::parse("---\nname: a\n").unwrap_err();
    assert_eq!(unclosed.fault, Fault::Unclosed);
    assert_eq!(
        FrontMatter::parse("no front matter"),
        Ok(FrontMatter::default())
    );
    assert_eq!(FrontMatter::parse("---\n---\n"), Ok(FrontMatter::default()));
    let windows = FrontMatter::parse("\u{feff}---  \r\nname: a\r\n---").unwrap();
    assert_eq!(windows.get("name"), Some("a"));
}

#[test]
fn a_bomb_of_aliases_does_not_go_off() {
    let mut block = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..20 {
        let before = n - 1;
        let repeated = vec![format!("*a{before}"); 10].join(", ");
        block = format!("{block}a{n}: &a{n} [{repeated}]\n");
    }
    let err = FrontMatter::parse(&format!("---\n{block}---\n")).unwrap_err();
    assert_eq!(err.fault, Fault::TooLarge);
    for deep in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
    ] {
        assert!(fields(&format!("x:\n  {deep}")).is_err());
    }
    assert!(fields("x: &x [*x]").is_err());
    // Keys inside of keys: each level would quote the one inside once more.
    assert_eq!(read(&format!("{}a: b", "? ".repeat(50))), pairs(&[]));
    assert_eq!(
        read("x: { [a]: b, c: d }\n? [e]\n: f"),
        pairs(&[("x", "{ [a]: b, c: d }")])
    );
}

proptest! {
    #[test]
    fn never_fails_to_say_what_it_reads(text in "[ -~\n\t\u{e9}]{0,200}") {
        drop(FrontMatter::parse(&format!("---\n{text}\n---\n")));
    }
}
