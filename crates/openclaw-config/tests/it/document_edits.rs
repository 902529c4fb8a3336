//! Edits change what they must and leave every other byte alone.

use openclaw_config::KeyPath;
use openclaw_config::document::{Document, EditError};
use serde_json::{Value, json};

fn path(dotted: &str) -> KeyPath {
    dotted.split('.').filter(|key| !key.is_empty()).collect()
}

fn set(text: &str, at: &str, value: &Value) -> String {
    let mut document = Document::parse(text).unwrap();
    document.set(&path(at), value).unwrap();
    document.text().to_owned()
}

fn unset(text: &str, at: &str) -> String {
    let mut document = Document::parse(text).unwrap();
    assert!(document.unset(&path(at)));
    document.text().to_owned()
}

fn reshape(text: &str, value: &Value) -> String {
    let mut document = Document::parse(text).unwrap();
    document.reshape(value).unwrap();
    assert_eq!(document.value(), *value);
    document.text().to_owned()
}

const COMMENTED: &str = "\
// The gateway.
{
  // Where it listens.
  gateway: {
    port: 18789, // the usual one
    bind: 'loopback',
    /* not yet:
    tailscale: {}, */
  },

  agents: { defaults: { model: 'a/b' } }, // one agent
}
";

#[test]
fn setting_a_scalar_changes_its_line_only() {
    assert_eq!(
        set(COMMENTED, "gateway.port", &json!(19000)),
        COMMENTED.replace("18789", "19000")
    );
    assert_eq!(
        set(COMMENTED, "gateway.bind", &json!("it's")),
        COMMENTED.replace("'loopback'", "'it\\'s'")
    );
    assert_eq!(
        set(
            COMMENTED,
            "agents.defaults.model",
            &json!({"primary": "c/d"})
        ),
        COMMENTED.replace("'a/b'", "{ primary: 'c/d' }")
    );
    assert_eq!(set(COMMENTED, "gateway.port", &json!(18789)), COMMENTED);
}

#[test]
fn new_members_look_like_their_neighbours() {
    assert_eq!(
        set(COMMENTED, "gateway.auth", &json!({"mode": "token", "a-b": [1, "x"]})),
        COMMENTED.replace(
            "    bind: 'loopback',\n",
            "    bind: 'loopback',\n    auth: {\n      mode: 'token',\n      'a-b': [1, 'x'],\n    },\n"
        )
    );
    assert_eq!(
        set(COMMENTED, "agents.defaults.timeout", &json!(5)),
        COMMENTED.replace("model: 'a/b' }", "model: 'a/b', timeout: 5 }")
    );
    assert_eq!(
        set(COMMENTED, "x", &json!(null)),
        COMMENTED.replace("// one agent\n", "// one agent\n  x: null,\n")
    );
    assert_eq!(
        set("{\n\t\"a\": 1\n}\n", "b.c", &json!(["x", {}])),
        "{\n\t\"a\": 1,\n\t\"b\": {\n\t\t\"c\": [\n\t\t\t\"x\",\n\t\t\t{}\n\t\t]\n\t}\n}\n"
    );
    assert_eq!(
        set("{\r\n    \"a\":1 // x\r\n}", "b", &json!("y")),
        "{\r\n    \"a\":1, // x\r\n    \"b\":\"y\"\r\n}"
    );
    assert_eq!(set("{a:1}", "b", &json!(2)), "{a:1, b:2}");
    assert_eq!(
        set("{a:{b:1}}", "a.c", &json!({"d": 2})),
        "{a:{b:1, c:{d:2}}}"
    );
    assert_eq!(set("{ a: 1, }", "b", &json!(2)), "{ a: 1, b: 2, }");
    assert_eq!(
        set("{ a: 1 // x\n}", "b", &json!(2)),
        "{ a: 1, // x\n  b: 2\n}"
    );
    assert_eq!(set("{ 'a': 1 }", "b", &json!("c")), "{ 'a': 1, 'b': 'c' }");
}

#[test]
fn empty_containers_are_filled() {
    assert_eq!(set("{}", "a", &json!(1)), "{\n  \"a\": 1\n}");
    assert_eq!(set("{\n}\n", "a", &json!(1)), "{\n  \"a\": 1\n}\n");
    assert_eq!(
        set("{\n  a: {},\n}", "a.b.c", &json!(1)),
        "{\n  a: {\n    b: {\n      c: 1,\n    },\n  },\n}"
    );
    assert_eq!(set("{ a: {} }", "a.b", &json!(1)), "{ a: { b: 1 } }");
    assert_eq!(set("{a: []}", "a.0", &json!(1)), "{a: [1]}");
    assert_eq!(
        set("{\n  // Nothing here yet.\n}", "a", &json!(1)),
        "{\n  // Nothing here yet.\n  \"a\": 1\n}"
    );
    assert_eq!(
        set("{\n  a: { /* none */ },\n}", "a.b", &json!(1)),
        "{\n  a: { /* none */\n    b: 1,\n  },\n}"
    );
    assert_eq!(
        set("\u{feff}{}", "a", &json!(1)),
        "\u{feff}{\n  \"a\": 1\n}"
    );
}

#[test]
fn parents_are_made_and_scalars_give_way() {
    assert_eq!(set("{ a: 1 }", "a.b", &json!(2)), "{ a: { b: 2 } }");
    assert_eq!(
        set("{ a: 1 }", "b.0.c", &json!(2)),
        "{ a: 1, b: [{ c: 2 }] }"
    );
    assert_eq!(set("1", "a", &json!(2)), "{\n  \"a\": 2\n}");
    assert_eq!(set("{ a: [1, 2] }", "a.2", &json!(3)), "{ a: [1, 2, 3] }");
    assert_eq!(set("{ a: [1, 2] }", "a.0", &json!(3)), "{ a: [3, 2] }");
    assert_eq!(
        set(
            "{ a: [\n  'x', // ex\n  'y' // why\n] }",
            "a.2",
            &json!("z")
        ),
        "{ a: [\n  'x', // ex\n  'y', // why\n  'z'\n] }"
    );
}

#[test]
fn what_has_no_place_is_refused_and_changes_nothing() {
    let mut document = Document::parse("{ a: [1] }").unwrap();
    assert_eq!(
        document.set(&path("a.x"), &json!(1)),
        Err(EditError::NotAnIndex {
            path: path("a"),
            segment: "x".to_owned()
        })
    );
    assert_eq!(
        document.set(&path("a.3"), &json!(1)),
        Err(EditError::BeyondEnd {
            path: path("a"),
            segment: "3".to_owned(),
            length: 1
        })
    );
    let deep: KeyPath = std::iter::repeat_n("k", 600).collect();
    assert_eq!(
        document.set(&deep, &json!(1)),
        Err(EditError::TooDeep { path: deep.clone() })
    );
    assert!(!document.unset(&path("b")) && !document.unset(&path("a.1")));
    assert!(!document.unset(&path("a.0.b")) && !document.unset(&KeyPath::root()));
    assert_eq!(document.text(), "{ a: [1] }");
}

#[test]
fn of_equal_keys_the_last_one_is_set_and_all_are_unset() {
    let text = "{\n  a: 1,\n  b: 2,\n  a: 3,\n}";
    assert_eq!(set(text, "a", &json!(4)), "{\n  a: 1,\n  b: 2,\n  a: 4,\n}");
    assert_eq!(unset(text, "a"), "{\n  b: 2,\n}");
}

#[test]
fn unsetting_takes_the_line_and_the_comma() {
    assert_eq!(
        unset(COMMENTED, "gateway.port"),
        COMMENTED.replace("    port: 18789, // the usual one\n", "")
    );
    assert_eq!(
        unset(COMMENTED, "gateway"),
        "// The gateway.\n{\n  // Where it listens.\n\n  agents: { defaults: { model: 'a/b' } }, // one agent\n}\n"
    );
    assert_eq!(
        unset(COMMENTED, "agents.defaults.model"),
        COMMENTED.replace("{ model: 'a/b' }", "{}")
    );
    let json = "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": 2\n  }\n}\n";
    assert_eq!(unset(json, "b"), "{\n  \"a\": 1\n}\n");
    assert_eq!(unset(json, "a"), "{\n  \"b\": {\n    \"c\": 2\n  }\n}\n");
    assert_eq!(unset(json, "b.c"), "{\n  \"a\": 1,\n  \"b\": {}\n}\n");
    assert_eq!(unset("{ a: 1, b: 2, c: 3 }", "a"), "{ b: 2, c: 3 }");
    assert_eq!(unset("{ a: 1, b: 2, c: 3 }", "b"), "{ a: 1, c: 3 }");
    assert_eq!(unset("{ a: 1, b: 2, c: 3 }", "c"), "{ a: 1, b: 2 }");
    assert_eq!(unset("[1,2,3]", "1"), "[1,3]");
    assert_eq!(
        unset("[\n  1, 2,\n  3, // three\n]", "0"),
        "[\n  2,\n  3, // three\n]"
    );
    assert_eq!(
        unset("{\n  // About a.\n  a: 1,\n  // About b.\n  b: 2\n}", "b"),
        "{\n  // About a.\n  a: 1\n  // About b.\n}"
    );
    assert_eq!(unset("{ /* all */ a: 1 }", "a"), "{ /* all */ }");
}

#[test]
fn reshaping_keeps_what_says_the_same() {
    let text = "{\n  // one\n  a: [\n    'x', // ex\n    'y', // why\n    'z', // zed\n  ],\n  b: { c: 1, /* d */ d: 2 },\n}\n";
    assert_eq!(
        reshape(
            text,
            &json!({"a": ["x", "z"], "b": {"c": 1, "d": 3}, "e": true})
        ),
        "{\n  // one\n  a: [\n    'x', // ex\n    'z', // zed\n  ],\n  b: { c: 1, /* d */ d: 3 },\n  e: true,\n}\n"
    );
    assert_eq!(
        reshape(
            text,
            &json!({"a": ["w", "x", "v", "y", "z"], "b": {"c": 1, "d": 2}})
        ),
        text.replace("    'x', // ex\n", "    'w',\n    'x', // ex\n    'v',\n")
    );
    assert_eq!(reshape(text, &json!({})), "{\n  // one\n}\n");
    assert_eq!(
        reshape("{ a: Infinity }", &json!({"a": null})),
        "{ a: null }"
    );
}
