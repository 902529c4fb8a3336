//! What becomes of single settings, of the seed's forms, and of the text of a file.

use std::path::Path;

use openclaw_config::KeyPath;
use openclaw_config::document::Document;
use openclaw_config::migration::{Home, Migrated, migrate, migrate_in, seed_forms};
use serde_json::{Value, json};

fn texts(migrated: &Migrated) -> Vec<&str> {
    let changes = migrated.changes.iter();
    changes.map(|change| change.text.as_str()).collect()
}

#[test]
fn a_config_in_the_current_form_is_left_alone() {
    let config = json!({
        "agents": { "entries": { "main": { "model": "anthropic/claude-opus-5" } } },
        "gateway": { "bind": "loopback" },
        "channels": { "telegram": { "botToken": "1:a", "dmPolicy": "pairing" } },
    });
    assert_eq!(
        migrate(config.clone()),
        Migrated {
            value: config,
            own: Value::Null,
            changes: Vec::new()
        }
    );
}

#[test]
fn what_is_no_object_is_left_alone() {
    for config in [json!(null), json!([1]), json!("text")] {
        assert_eq!(migrate(config.clone()).value, config);
    }
}

#[test]
fn a_change_says_where_a_setting_was_and_where_it_is() {
    let migrated = migrate(json!({ "messages": { "messagePrefix": "[bot]" } }));
    let [change] = migrated.changes.as_slice() else {
        panic!("one change: {:?}", migrated.changes);
    };
    let path = |keys: &[&str]| keys.iter().copied().collect::<KeyPath>();
    assert_eq!(change.from, path(&["messages", "messagePrefix"]));
    let to = path(&["channels", "whatsapp", "responsePrefix"]);
    assert_eq!(change.to, Some(to));
    assert_eq!(
        change.text,
        "moved `messages.messagePrefix` to `channels.whatsapp.responsePrefix`"
    );
}

#[test]
fn no_change_tells_a_secret() {
    let secret = "sk-do-not-tell";
    let migrated = migrate(json!({
        "env": { "OPENAI_API_KEY": secret },
        "tools": { "web": {
            "search": { "apiKey": secret, "perplexity": { "apiKey": secret } },
            "x_search": { "apiKey": secret },
        } },
        "talk": { "apiKey": secret, "voiceId": "v" },
        "models": { "providers": { "openai-codex": { "apiKey": secret, "models": [] } } },
        "mcp": { "servers": { "s": { "client_key": secret, "disabled": true } } },
        "channels": {
            "telegram": { "bot_token": secret },
            "googlechat": { "serviceAccountRef": secret },
            "qqbot": { "clientSecretFile": secret },
        },
    }));
    assert!(migrated.changes.len() > 8, "{:?}", texts(&migrated));
    let told = texts(&migrated)
        .into_iter()
        .find(|text| text.contains(secret));
    assert_eq!(told, None);
}

#[test]
fn the_first_agent_of_a_list_keeps_its_workspace() {
    let list = json!({ "agents": { "list": [{ "id": "home" }, { "id": "Work A" }] } });
    let home = Home {
        user: Path::new("/home/u"),
        state_dir: Path::new("/srv/state"),
    };
    let expected = json!({ "agents": {
        "entries": { "home": { "workspace": "/srv/state/workspace" }, "work-a": {} },
        "ownership": "explicit",
    } });
    assert_eq!(migrate_in(list, home).value, expected);
}

#[test]
fn the_first_agent_of_a_list_keeps_telegram() {
    let list = json!({
        "agents": { "list": [{ "id": "home" }, { "id": "work" }] },
        "channels": { "telegram": { "accounts": { "a": {}, "b": {} } } },
        "bindings": [{ "agentId": "work", "match": { "channel": "telegram", "accountId": "b" } }],
    });
    let expected = json!([
        { "agentId": "work", "match": { "channel": "telegram", "accountId": "b" } },
        { "agentId": "home", "match": { "channel": "telegram", "accountId": "a" } },
    ]);
    assert_eq!(migrate(list).value["bindings"], expected);
}

#[test]
fn the_agent_main_may_serve_telegram_without_being_listed() {
    let bindings = json!([{ "agentId": "Main", "match": { "channel": "telegram" } }]);
    let list = json!({
        "agents": { "list": [{ "id": "home" }] },
        "channels": { "telegram": { "botToken": "1:a" } },
        "bindings": bindings,
    });
    assert_eq!(migrate(list).value["bindings"], bindings);
}

#[test]
fn plugins_that_are_not_there_keep_channels_as_they_are() {
    let home = Home {
        user: Path::new("/home/u"),
        state_dir: Path::new("/home/u/.openclaw"),
    };
    let config = json!({
        "plugins": { "load": { "paths": ["/nowhere/at/all"] } },
        "channels": { "slack": { "channels": { "C": { "allow": true } } } },
    });
    assert_eq!(migrate_in(config.clone(), home).value, config);
}

mod seed {
    use super::*;

    fn telegram(channel: &Value) -> Migrated {
        seed_forms(json!({ "channels": { "telegram": channel } }))
    }

    #[test]
    fn the_seeds_own_example_becomes_openclaws_form() {
        let migrated = telegram(&json!({
            "enabled": true,
            "bot_token": "{{ ANTHROPIC_TELEGRAM_TOKEN }}",
            "allowlist": [
                { "kind": "PeerId", "value": "123456789" },
                { "kind": "GroupId", "value": "-1001234567890" },
            ],
            "routing": [
                { "priority": 100, "match": { "kind": "Keyword", "value": "/code" }, "target": "code-agent" },
                { "priority": 0, "match": { "kind": "Always" }, "target": "default" },
            ],
        }));
        let expected = json!({ "channels": { "telegram": {
            "enabled": true,
            "botToken": "{{ ANTHROPIC_TELEGRAM_TOKEN }}",
            "dmPolicy": "allowlist",
            "groupPolicy": "allowlist",
            "allowFrom": ["123456789"],
            "groups": { "-1001234567890": { "groupPolicy": "open", "requireMention": false } },
        } } });
        assert_eq!(migrated.value, expected);
        let own = json!({ "channels": { "telegram": { "routes": [
            { "priority": 100, "match": { "kind": "Keyword", "value": "/code" }, "target": "code-agent" },
        ] } } });
        assert_eq!(migrated.own, own);
    }

    #[test]
    fn nobody_may_write_where_no_list_is() {
        let migrated = telegram(&json!({ "bot_token": "{{ T }}" }));
        let expected = json!({
            "botToken": "{{ T }}",
            "dmPolicy": "disabled",
            "groupPolicy": "disabled",
        });
        assert_eq!(migrated.value["channels"]["telegram"], expected);
    }

    #[test]
    fn a_wildcard_lets_everybody_write() {
        let migrated = telegram(&json!({ "allowlist": [{ "kind": "Wildcard" }] }));
        let expected = json!({
            "dmPolicy": "open",
            "groupPolicy": "open",
            "allowFrom": ["*"],
            "groups": { "*": { "groupPolicy": "open", "requireMention": false } },
        });
        assert_eq!(migrated.value["channels"]["telegram"], expected);
    }

    #[test]
    fn prefixes_of_ids_are_this_programs_own() {
        let migrated = telegram(&json!({
            "allowlist": [{ "kind": "PeerIdPrefix", "value": 12 }, { "kind": "PeerId", "value": 5 }],
        }));
        let expected = json!({
            "dmPolicy": "allowlist",
            "groupPolicy": "allowlist",
            "allowFrom": ["5"],
        });
        assert_eq!(migrated.value["channels"]["telegram"], expected);
        let own = json!({ "channels": { "telegram": {
            "allow": [{ "kind": "PeerIdPrefix", "value": "12" }],
        } } });
        assert_eq!(migrated.own, own);
    }

    #[test]
    fn rules_about_peers_are_bindings_in_the_order_of_their_priority() {
        let migrated = seed_forms(json!({
            "agents": { "entries": { "main": {}, "default": {} } },
            "bindings": [{ "agentId": "main", "match": { "channel": "slack" } }],
            "channels": { "telegram": { "routing": [
                { "priority": 0, "match": { "kind": "Always" }, "target": "default" },
                { "priority": 5, "match": { "kind": "PeerId", "value": "7" }, "target": "main" },
                { "priority": 9, "match": { "kind": "PeerId", "value": "-8" }, "target": "main" },
            ] } },
        }));
        let expected = json!([
            { "agentId": "main", "match": { "channel": "slack" } },
            { "agentId": "main", "match": { "channel": "telegram", "peer": { "kind": "group", "id": "-8" } } },
            { "agentId": "main", "match": { "channel": "telegram", "peer": { "kind": "direct", "id": "7" } } },
            { "agentId": "default", "match": { "channel": "telegram", "accountId": "*" } },
        ]);
        assert_eq!(migrated.value["bindings"], expected);
        assert_eq!(migrated.own, Value::Null);
    }

    #[test]
    fn a_rule_before_one_about_words_stays_with_it() {
        let rules = json!([
            { "priority": 9, "match": { "kind": "PeerId", "value": "7" }, "target": "main" },
            { "priority": 5, "match": { "kind": "Regex", "value": "^/x" }, "target": "main" },
            { "priority": 1, "match": { "kind": "PeerId", "value": "8" }, "target": "main" },
        ]);
        let migrated = telegram(&json!({ "routing": rules }));
        let own = json!({ "channels": { "telegram": { "routes": [rules[0], rules[1]] } } });
        assert_eq!(migrated.own, own);
        assert_eq!(migrated.value["bindings"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn what_only_looks_like_the_seeds_form_stays_a_problem() {
        for channel in [
            json!({ "botToken": "1:a", "allowlist": [1] }),
            json!({ "botToken": "1:a", "allowlist": "x" }),
            json!({ "botToken": "1:a", "routing": [] }),
        ] {
            let migrated = telegram(&channel);
            assert_eq!(migrated.value["channels"]["telegram"], channel);
            assert_eq!(migrated.changes, []);
        }
    }

    #[test]
    fn rules_that_cannot_be_understood_stay_where_they_are() {
        let migrated = telegram(&json!({
            "bot_token": "1:a",
            "allowlist": [{ "kind": "PeerId", "value": "5" }, { "kind": "Nobody", "value": "6" }],
            "routing": [{ "match": { "kind": "Always" } }],
        }));
        let channel = &migrated.value["channels"]["telegram"];
        assert_eq!(channel["allowFrom"], json!(["5"]));
        assert_eq!(
            channel["allowlist"],
            json!([{ "kind": "Nobody", "value": "6" }])
        );
        assert_eq!(
            channel["routing"],
            json!([{ "match": { "kind": "Always" } }])
        );
    }

    #[test]
    fn earlier_forms_are_left_for_the_migration() {
        let config = json!({ "agents": { "list": [{ "id": "main" }] } });
        assert_eq!(seed_forms(config.clone()).value, config);
    }

    #[test]
    fn a_second_time_changes_nothing() {
        let once = telegram(&json!({
            "bot_token": "1:a",
            "allowlist": [{ "kind": "GroupId", "value": "-5" }],
            "routing": [{ "priority": 1, "match": { "kind": "Always" }, "target": "main" }],
        }));
        let twice = migrate(once.value.clone());
        assert_eq!(
            (twice.value, texts(&twice_changes(&once))),
            (once.value, vec![])
        );
    }

    fn twice_changes(once: &Migrated) -> Migrated {
        migrate(once.value.clone())
    }
}

#[test]
fn comments_and_order_survive_when_the_current_form_is_written() {
    let text = "{
  // My gateway.
  gateway: { bind: \"lan\", /* seeded */ controlUi: { allowedOrigins: [\"http://x\"] } },
  session: {
    idleMinutes: 60, // an hour
    dmScope: 'main',
  },
  agents: {
    // Everyone.
    list: [{ id: \"main\" }],
  },
}
";
    let mut document = Document::parse(text).unwrap();
    let after = migrate(document.value()).value;
    document.reshape(&after).unwrap();
    let written = Document::parse(document.text()).unwrap().value();
    assert_eq!(written, after);
    for kept in [
        "  // My gateway.\n  gateway: { bind: \"lan\", /* seeded */ controlUi:",
        "dmScope: 'main',",
        "// Everyone.",
    ] {
        assert!(document.text().contains(kept), "{}", document.text());
    }
}

#[test]
fn a_document_that_says_it_already_is_left_byte_for_byte() {
    let text = "{ /* a */ a: [1, 0x2, ], }";
    let mut document = Document::parse(text).unwrap();
    let value = document.value();
    document.reshape(&value).unwrap();
    assert_eq!(document.text(), text);
}

#[test]
fn nesting_that_is_too_deep_for_any_config_is_no_problem() {
    let deep = |inner: Value| (0..400).fold(inner, |inner, _| json!({ "tools": inner }));
    let config = json!({ "tools": deep(json!({ "allow": ["image"] })) });
    let expected = json!({ "tools": deep(json!({ "allow": ["view_image"] })) });
    assert_eq!(migrate(config).value, expected);
}
