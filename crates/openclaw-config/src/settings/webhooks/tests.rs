//! What a config says of webhooks, and what of it cannot hold.

use std::path::Path;
use std::time::Duration;

use openclaw_core::env::Env;
use serde_json::{Value, json};

use super::super::reader::Reader;
use super::{KeysBySender, MappedAction, WebhookKeys, WebhookSettings};

/// Reads the settings, and what is noted on the way.
fn read(hooks: &Value) -> (Option<WebhookSettings>, Vec<String>) {
    let config = json!({ "hooks": hooks });
    let env = Env::default();
    let mut reader = Reader::new(&config, &env, Path::new("/state"));
    let settings = reader.webhooks();
    let notes = reader.finish();
    (settings, notes.iter().map(ToString::to_string).collect())
}

/// Reads settings that hold, beside a token.
fn on(mut hooks: Value) -> (WebhookSettings, Vec<String>) {
    hooks["enabled"] = true.into();
    hooks["token"] = "of-the-webhooks-0123".into();
    let (settings, notes) = read(&hooks);
    (settings.unwrap(), notes)
}

/// Says why settings that cannot hold leave the webhooks off.
fn off(mut hooks: Value) -> String {
    hooks["enabled"] = true.into();
    let (settings, notes) = read(&hooks);
    assert!(settings.is_none(), "{hooks}");
    notes.join("; ")
}

#[test]
fn they_are_off_unless_they_are_asked_for() {
    for hooks in [
        json!({}),
        json!({ "token": "of-the-webhooks-0123" }),
        json!({ "enabled": false, "path": "/", "mappings": [{ "transform": { "module": "a.js" } }] }),
    ] {
        let (settings, notes) = read(&hooks);
        assert!(settings.is_none() && notes.is_empty(), "{notes:?}");
    }
}

#[test]
fn what_is_not_said_is_as_openclaw_has_it() {
    let (settings, notes) = on(json!({}));
    assert_eq!(notes, [""; 0]);
    assert_eq!(settings.path, "/hooks");
    assert_eq!(settings.keys, WebhookKeys::default());
    assert_eq!(settings.keys.named, KeysBySender::Refused);
    assert!(settings.agents.is_none() && settings.mappings.is_empty());
    assert_eq!(settings.max_body("agent"), 262_144);
    assert_eq!(settings.max_body("gmail"), 262_144);
}

#[test]
fn a_path_has_a_slash_before_it_and_none_behind() {
    for (said, path) in [
        ("in", "/in"),
        ("/in/", "/in"),
        (" /a/b// ", "/a/b"),
        ("", "/hooks"),
    ] {
        assert_eq!(on(json!({ "path": said })).0.path, path);
    }
}

#[test]
fn what_cannot_hold_leaves_them_off_and_is_named() {
    let token = "of-the-webhooks-0123";
    let key = json!([{ "match": { "path": "a" }, "sessionKey": "hook:{{id}}" }]);
    for (hooks, why) in [
        (
            json!({}),
            "hooks.token: the webhooks stay off: there is no token",
        ),
        (json!({ "token": " " }), "there is no token"),
        (json!({ "token": token, "path": "/" }), "cannot be `/`"),
        (
            json!({ "token": token, "allowedSessionKeyPrefixes": ["mail:"] }),
            "have to admit `hook:`",
        ),
        (
            json!({ "token": token, "defaultSessionKey": "x", "allowedSessionKeyPrefixes": ["hook:"] }),
            "begins with none",
        ),
        (
            json!({ "token": token, "mappings": key }),
            "a mapping fills in a session key",
        ),
        (
            json!({ "token": token, "presets": ["gmail"] }),
            "a mapping fills in",
        ),
    ] {
        let said = off(hooks);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_mapping_that_nothing_reaches_contradicts_nothing() {
    let (settings, notes) = on(json!({
        "presets": ["gmail", "unheard-of"],
        "mappings": [{ "match": { "path": "/gmail/" }, "sessionKey": "hook:mail" }],
    }));
    let ids: Vec<&str> = settings.mappings.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["mapping-1", "gmail"]);
    assert_eq!(settings.max_body("gmail"), 100 * (3 * 20_000 + 8192));
    assert_eq!(
        notes,
        ["hooks.presets: there is no preset `unheard-of`: it adds nothing"]
    );
}

#[test]
fn prefixes_and_agents_are_compared_without_regard_to_case() {
    let (settings, _) = on(json!({
        "allowedSessionKeyPrefixes": [" Hook: ", " "],
        "allowedAgentIds": ["Main"],
    }));
    assert!(settings.keys.admit("HOOK:x") && !settings.keys.admit("x"));
    assert_eq!(settings.agents, Some(vec!["main".to_owned()]));
    assert_eq!(on(json!({ "allowedAgentIds": ["a", "*"] })).0.agents, None);
    assert_eq!(on(json!({ "allowedAgentIds": [] })).0.agents, Some(vec![]));
}

#[test]
fn what_of_a_mapping_has_no_effect_is_named_at_its_place() {
    let (settings, notes) = on(json!({ "mappings": [
        { "match": { "path": "a" }, "transform": { "module": "a.js" } },
        { "match": { "path": "b" }, "messageTemplate": "{{x}}", "channel": "telegram", "to": "4711" },
        { "match": { "path": "c" }, "messageTemplate": "{{x}}", "channel": "telegram", "deliver": false },
        { "match": { "path": "d" }, "action": "wake", "textTemplate": "t", "wakeMode": "next-heartbeat" },
        { "match": { "path": "e" }, "agentId": "nobody", "allowUnsafeExternalContent": true },
        { "match": { "path": "f" }, "agentId": "main", "channel": "last", "timeoutSeconds": 30 },
    ] }));
    let places: Vec<&str> = notes
        .iter()
        .filter_map(|note| note.split(": ").next())
        .collect();
    let expected = [
        "hooks.mappings.0.transform",
        "hooks.mappings.1.to",
        "hooks.mappings.3.wakeMode",
        "hooks.mappings.4.allowUnsafeExternalContent",
        "hooks.mappings.4.agentId",
    ];
    assert_eq!(places, expected, "{notes:?}");
    let actions: Vec<MappedAction> = settings.mappings.iter().map(|it| it.action).collect();
    assert_eq!(actions[0], MappedAction::Transform);
    assert_eq!(actions[1], MappedAction::Agent);
    assert_eq!(actions[3], MappedAction::Wake);
    assert_eq!(settings.mappings[5].timeout, Some(Duration::from_secs(30)));
}
