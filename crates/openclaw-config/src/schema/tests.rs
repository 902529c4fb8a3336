//! What is said of configs that are not of the right shape.

use serde_json::{Value, json};

use super::part::Schema;
use super::*;

/// Each problem as one line: path, message, suggestion.
fn lines(config: &Value) -> Vec<String> {
    validate(config).iter().map(ToString::to_string).collect()
}

#[test]
fn the_embedded_schema_is_whole() {
    assert!(Schema::load().unwrap().is_whole());
    assert!(known_keys(&[]).contains(&"gateway"));
    assert!(known_keys(&["gateway"]).contains(&"port"));
}

#[test]
fn an_unknown_key_is_reported_at_its_object_with_the_nearest_known_one() {
    assert_eq!(
        lines(&json!({"gateway": {"prot": 1}})),
        ["gateway: Unrecognized key: \"prot\"; did you mean `port`?"]
    );
    assert_eq!(
        lines(&json!({"auth": {"role": 1, "scopes": 2}})),
        ["auth: Unrecognized keys: \"role\", \"scopes\""]
    );
    assert_eq!(
        lines(&json!({"channels": {"telegram": {"allowlist": []}}})),
        [
            "channels.telegram: invalid config: must not have additional properties: \
             \"allowlist\"; did you mean `allowFrom`?"
        ]
    );
}

#[test]
fn a_value_of_another_kind_is_named_by_both_kinds() {
    assert_eq!(
        lines(&json!({"gateway": {"port": "1", "auth": []}})),
        [
            "gateway.port: Invalid input: expected number, received string",
            "gateway.auth: Invalid input: expected object, received array"
        ]
    );
    assert_eq!(
        lines(&json!({"gateway": {"port": 1.5}})),
        ["gateway.port: Invalid input: expected int, received number"]
    );
    assert_eq!(lines(&json!({"gateway": {"port": 8080.0}})), [""; 0]);
}

#[test]
fn a_choice_lists_what_is_allowed() {
    let problems = validate(&json!({"gateway": {"bind": "everywhere"}}));
    assert_eq!(
        problems.first().unwrap().message,
        "Invalid input: found \"everywhere\" \
         (allowed: \"auto\", \"lan\", \"loopback\", \"custom\", \"tailnet\")"
    );
    assert_eq!(
        problems.first().unwrap().allowed,
        ["auto", "lan", "loopback", "custom", "tailnet"]
    );
}

#[test]
fn no_message_holds_what_may_be_a_secret() {
    let secret = "sk-do-not-print";
    let configs = [
        json!({"gateway": {"auth": {"mode": secret, "token": 5, "password": [secret]}}}),
        json!({"models": {"providers": {"openai": {"apiKey": {"source": secret}}}}}),
        json!({"channels": {"telegram": {"botToken": {"id": secret}}}}),
        json!({"hooks": {"token": [secret]}}),
        json!({"env": {"vars": {"API_KEY": [secret]}}}),
    ];
    for config in configs {
        let lines = lines(&config);
        assert!(!lines.is_empty());
        assert!(!lines.join("\n").contains(secret), "{lines:?}");
    }
}

#[test]
fn a_union_is_described_by_the_branch_that_fits_best() {
    let key = |key: Value| json!({"models": {"providers": {"openai": {"apiKey": key}}}});
    let path = "models.providers.openai.apiKey";
    assert_eq!(
        lines(&key(
            json!({"source": "env", "provider": "default", "id": "lower case"})
        )),
        [format!(
            "{path}.id: Invalid input: is not of the form that is asked for"
        )]
    );
    assert_eq!(
        lines(&key(json!({"source": "env", "provider": "default"}))),
        [format!(
            "{path}: Invalid input: id: expected string, received undefined"
        )]
    );
    assert_eq!(
        lines(&key(json!(5))),
        [format!(
            "{path}: Invalid input: expected string, received number"
        )]
    );
}

#[test]
fn a_union_of_words_lists_them_all() {
    let bindings = json!([{"type": "bogus", "agentId": "main", "match": {"channel": "x"}}]);
    assert_eq!(
        lines(&json!({"bindings": bindings})),
        ["bindings.0: Invalid input (allowed: \"route\", \"acp\")"]
    );
}

#[test]
fn channels_and_plugins_of_others_may_say_anything() {
    let config = json!({
        "channels": {"my-channel": {"x": 1}},
        "plugins": {"entries": {"my-plugin": {"config": {"x": 1}}}},
    });
    assert_eq!(lines(&config), [""; 0]);
}
