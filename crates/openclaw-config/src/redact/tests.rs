//! What is hidden, and what is not.

use serde_json::json;

use super::*;

#[test]
fn secrets_are_found_by_their_names() {
    let config = json!({
        "gateway": {"port": 1, "auth": {"mode": "token", "token": "t", "password": "p"}},
        "env": {"vars": {"OPENAI_API_KEY": "k", "AWS_ACCESS_KEY": "k", "FOO": "bar"}},
        "models": {"providers": {"a": {
            "apiKey": {"source": "env", "provider": "default", "id": "A_KEY"},
            "headers": {"Authorization": "Bearer 1"},
            "models": [{"id": "m", "maxTokens": 5, "contextTokens": "5"}],
        }}},
        "secrets": {"providers": {"vault": {"source": "file", "path": "/x"}}},
        "channels": {"telegram": {"botToken": "1:a", "accounts": {"b": {"botToken": "2:b"}}}},
        "mcp": {"servers": {"s": {"env": {"PLAIN": "x"}, "command": "c"}}},
    });
    let expected = json!({
        "gateway": {"port": 1, "auth": {"mode": "token", "token": REDACTED, "password": REDACTED}},
        "env": {"vars": {"OPENAI_API_KEY": REDACTED, "AWS_ACCESS_KEY": REDACTED, "FOO": "bar"}},
        "models": {"providers": {"a": {
            "apiKey": {"source": "env", "provider": "default", "id": REDACTED},
            "headers": {"Authorization": REDACTED},
            "models": [{"id": "m", "maxTokens": 5, "contextTokens": "5"}],
        }}},
        "secrets": {"providers": {"vault": {"source": REDACTED, "path": REDACTED}}},
        "channels": {"telegram": {"botToken": REDACTED, "accounts": {"b": {"botToken": REDACTED}}}},
        "mcp": {"servers": {"s": {"env": {"PLAIN": REDACTED}, "command": "c"}}},
    });
    assert_eq!(redact(&config), expected);
}

#[test]
fn a_variable_that_is_not_filled_in_and_a_blank_text_are_no_secrets() {
    let config = json!({"gateway": {"auth": {"token": "${TOKEN}", "password": " "}}});
    assert_eq!(redact(&config), config);
    let mixed = json!({"gateway": {"auth": {"token": "${A}${B}"}}});
    assert_eq!(redact(&mixed)["gateway"]["auth"]["token"], REDACTED);
}

#[test]
fn a_key_file_of_a_service_is_left_out_as_a_whole() {
    let config = json!({"channels": {"googlechat": {"serviceAccount": {"private_key_id": "x", "type": "y"}}}});
    let shown = redact(&config);
    assert_eq!(shown["channels"]["googlechat"]["serviceAccount"], REDACTED);
}

#[test]
fn urls_are_left_out_when_they_carry_a_credential() {
    let shown = |url: &str| {
        let config = json!({"models": {"providers": {"a": {"baseUrl": url}}}});
        redact(&config)["models"]["providers"]["a"]["baseUrl"] != REDACTED
    };
    for url in [
        "https://x.example/v1",
        "https://x.example/v1?model=a&tokens=5",
        "http://127.0.0.1:11434",
        "https://x.example/100%",
        "not a url",
    ] {
        assert!(shown(url), "{url}");
    }
    for url in [
        "https://u:p@x.example/v1",
        "https://u@x.example/v1",
        "https://x.example/v1?api_key=z",
        "https://x.example/v1?X-Api-Key=z",
        "https://x.example/#access_token=z",
        "https://x.example/v1?next=https%3A%2F%2Fu%3Ap%40y.example",
        "https://x.example/v1?next=%253Ftoken%253Dz",
        "https://api.telegram.org/bot1234567:AAAAAAAAAAAAAAAAAAAAAAAAAAAA/getMe",
        "//u:p@x.example",
    ] {
        assert!(!shown(url), "{url}");
    }
}

#[test]
fn a_password_in_any_url_is_left_out() {
    let config = json!({"logging": {"sinks": ["tcp://u:p@x.example", "tcp://u@x.example"]}, "x": "ftp://a:b@c"});
    let expected = json!({"logging": {"sinks": [REDACTED, "tcp://u@x.example"]}, "x": REDACTED});
    assert_eq!(redact(&config), expected);
}

#[test]
fn what_was_left_out_can_be_put_back() {
    let config = json!({
        "gateway": {"port": 1, "auth": {"token": "t"}},
        "models": {"providers": {"a": {"apiKey": {"source": "env", "provider": "default", "id": "K"}}}},
    });
    let mut shown = redact(&config);
    restore(&mut shown, &KeyPath::root(), &config).unwrap();
    assert_eq!(shown, config);
    let token = KeyPath::from_iter(["gateway", "auth", "token"]);
    let mut value = json!(REDACTED);
    restore(&mut value, &token, &config).unwrap();
    assert_eq!(value, "t");
}

#[test]
fn nothing_is_put_where_no_secret_was() {
    let config = json!({"gateway": {"bind": "lan"}});
    for path in [["gateway", "bind"], ["gateway", "customBindHost"]] {
        let path = KeyPath::from_iter(path);
        assert_eq!(restore(&mut json!(REDACTED), &path, &config), Err(path));
    }
}

#[test]
fn a_line_with_a_secret_is_told_from_one_without() {
    for line in [
        "auth: { mode: 1, token: 'x' }",
        "'apiKey': 5,",
        "baseUrl: 'https://u:p@x',",
        "OPENAI_KEY: x",
    ] {
        assert!(may_hold_secret(line), "{line}");
    }
    for line in [
        "  gateway: { port: ] }",
        "maxTokens: 'x',",
        "baseUrl: 'https://x.example/v1',",
        "",
    ] {
        assert!(!may_hold_secret(line), "{line}");
    }
}
