//! `config set`, `unset` and `patch`, where they work.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use openclaw_testkit::TestHome;
use serde_json::{Value, json};

use super::{COMMENTED, SEED, beside, config, difference, fails, file, fine, home_with, ran, text};

#[tokio::test]
async fn a_change_is_one_line_of_a_commented_file() {
    for (args, expected) in [
        (
            &["set", "gateway.port", "19001"][..],
            &[
                "-    port: 18789, // the old one was taken",
                "+    port: 19001, // the old one was taken",
            ][..],
        ),
        (
            &["set", "agents.entries.reader.skills[0]", "find"],
            &[
                "-      reader: { skills: [ 'search', 'cite' ] },",
                "+      reader: { skills: [ 'find', 'cite' ] },",
            ],
        ),
        (
            &[
                "set",
                "models.providers[\"reading.room\"].models[1].name",
                "Huge",
            ],
            &[
                "-          { id: 'large', name: 'Large' }, // slow",
                "+          { id: 'large', name: 'Huge' }, // slow",
            ],
        ),
        (&["unset", "gateway.bind"], &["-    bind: \"loopback\","]),
        (
            &["unset", "agents.entries.reader.skills[0]"],
            &[
                "-      reader: { skills: [ 'search', 'cite' ] },",
                "+      reader: { skills: [ 'cite' ] },",
            ],
        ),
    ] {
        let home = home_with(COMMENTED);
        fine(&home, args).await;
        assert_eq!(difference(COMMENTED, &text(&home)), expected, "{args:?}");
        fine(&home, &["validate"]).await;
        let mode = fs::metadata(file(&home)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let backup = fs::read_to_string(home.state_dir().root().join("openclaw.json.bak"));
        assert_eq!(backup.unwrap(), COMMENTED);
    }
}

#[tokio::test]
async fn what_is_so_already_is_not_written() {
    let home = home_with(COMMENTED);
    for args in [
        &["set", "gateway.port", "18789"][..],
        &["set", "gateway.port", "18789.0"],
        &["set", "gateway.auth.token", "__OPENCLAW_REDACTED__"],
        &["set", "gateway", "{port: 18789}", "--merge"],
        &[
            "set",
            "agents.entries.reader",
            "{skills: ['search', 'cite']}",
        ],
    ] {
        let ran = ran(&home, args).await.assert_code(0);
        assert_eq!(
            (ran.stdout.as_str(), text(&home).as_str()),
            ("no change\n", COMMENTED),
            "{ran}"
        );
        assert_eq!(beside(&home), ["openclaw.json"]);
    }
}

#[tokio::test]
async fn what_was_shown_can_be_set_again() {
    let home = home_with(COMMENTED);
    let shown = ran(&home, &["get", "gateway.auth", "--json"])
        .await
        .assert_code(0);
    let args = ["set", "gateway.auth", shown.stdout.as_str()];
    let ran = ran(&home, &args).await.assert_code(0);
    assert_eq!(
        (ran.stdout.as_str(), text(&home).as_str()),
        ("no change\n", COMMENTED)
    );
}

/// Returns a value as the config has it now.
async fn value(home: &TestHome, path: &str) -> Value {
    ran(home, &["get", path, "--json"])
        .await
        .assert_code(0)
        .json()
}

#[tokio::test]
async fn values_are_json5_or_else_text() {
    let home = home_with(COMMENTED);
    for (typed, expected) in [
        ("[x]", json!("[x]")),
        ("\"quoted\"", json!("quoted")),
        ("it's {x}", json!("it's {x}")),
        ("// c", json!("// c")),
        ("  spaced ", json!("  spaced ")),
        ("", json!("")),
        ("'\u{e9}\\u0041'", json!("\u{e9}A")),
    ] {
        fine(&home, &["set", "messages.responsePrefix", typed]).await;
        assert_eq!(value(&home, "messages.responsePrefix").await, expected);
    }
    fine(&home, &["set", "gateway.port", "0x4A39"]).await;
    assert_eq!(value(&home, "gateway.port").await, json!(19001));
    fine(&home, &["set", "gateway.port", "19002", "--json"]).await;
    assert_eq!(value(&home, "gateway.port").await, json!(19002));
}

#[tokio::test]
async fn what_is_missing_on_the_way_is_made() {
    let home = home_with("{}");
    for (path, typed, shown, expected) in [
        (
            "channels.telegram.groups[\"-100\"].requireMention",
            "false",
            "channels.telegram.groups",
            json!({"-100": {"requireMention": false}}),
        ),
        (
            "agents.entries.main.skills[0]",
            "a",
            "agents.entries.main.skills",
            json!(["a"]),
        ),
        (
            "agents.entries.main.skills.1",
            "b",
            "agents.entries.main.skills",
            json!(["a", "b"]),
        ),
        (
            "agents.entries.main.tools.allow.0",
            "c",
            "agents.entries.main.tools.allow",
            json!(["c"]),
        ),
        (
            "channels.telegram.groups[\"7\"].requireMention",
            "true",
            "channels.telegram.groups[\"7\"]",
            json!({"requireMention": true}),
        ),
    ] {
        fine(&home, &["set", path, typed]).await;
        assert_eq!(value(&home, shown).await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_missing_file_is_made_by_the_first_setting() {
    let home = TestHome::new();
    fine(&home, &["set", "gateway.port", "19001"]).await;
    assert_eq!(value(&home, "gateway.port").await, json!(19001));
    let mode = fs::metadata(file(&home)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let home = TestHome::new();
    fails(&home, &["unset", "gateway.port"]).await;
    assert!(!file(&home).exists());
    fails(&home, &["validate"]).await;
}

#[tokio::test]
async fn objects_are_merged_and_lists_of_models_by_id() {
    let home = home_with(COMMENTED);
    let models = "models.providers[\"reading.room\"].models";
    let entries = "[{id: 'large', name: 'Vast'}, {id: 'tiny', name: 'Tiny'}]";
    fine(&home, &["set", models, entries, "--merge"]).await;
    let expected = [
        "-          { id: 'large', name: 'Large' }, // slow",
        "+          { id: 'large', name: 'Vast' }, // slow",
    ];
    let found = difference(COMMENTED, &text(&home));
    assert_eq!(found[..2], expected);

    fine(&home, &["set", "agents.entries", "{other: {}}", "--merge"]).await;
    let ids: Vec<String> = value(&home, "agents.entries")
        .await
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(ids, ["main", "reader", "other"]);
    fine(
        &home,
        &["set", models, "[{id: 'large', name: 'Large'}]", "--replace"],
    )
    .await;
}

#[tokio::test]
async fn a_reference_to_a_secret_is_built_from_flags() {
    let home = home_with(COMMENTED);
    let reference = [
        "--ref-source",
        "env",
        "--ref-provider",
        "default",
        "--ref-id",
        "ROOM_TOKEN",
    ];
    let args = [&["set", "gateway.auth.token"], &reference[..]].concat();
    fine(&home, &args).await;
    let (old, new) = ("'the-canary-token'", "ROOM_TOKEN");
    assert!(!text(&home).contains(old) && text(&home).contains(new));
    let provider = [
        "set",
        "secrets.providers.vault",
        "--provider-source",
        "file",
        "--provider-path",
        "/etc/x.json",
        "--provider-mode",
        "json",
    ];
    fine(&home, &provider).await;
    let written: Value = ran(&home, &["validate", "--json"])
        .await
        .assert_code(0)
        .json();
    assert_eq!(written["valid"], true);
    assert!(text(&home).contains("/etc/x.json"));
}

#[tokio::test]
async fn credentials_that_the_mode_does_not_use_are_removed() {
    let home = home_with(COMMENTED);
    let ran = ran(&home, &["set", "gateway.auth.mode", "password"])
        .await
        .assert_code(0);
    assert!(ran.stdout.contains("removed gateway.auth.token"), "{ran}");
    assert!(!text(&home).contains("the-canary-token"));
}

#[tokio::test]
async fn many_updates_are_made_together() {
    let home = home_with(COMMENTED);
    let batch = "[{path: 'gateway.port', value: 19005}, {path: 'logging.level', value: 'debug'}]";
    let ran = ran(&home, &["set", "--batch-json", batch, "--json"])
        .await
        .assert_code(0);
    let data = &ran.json()["data"];
    assert_eq!(
        (&data["operations"], &data["changed"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(data["paths"], json!(["gateway.port", "logging.level"]));
    assert_eq!(value(&home, "logging").await, json!({"level": "debug"}));
}

#[tokio::test]
async fn a_patch_merges_replaces_and_removes() {
    let home = home_with(COMMENTED);
    let patch = "{gateway: {port: 19007, bind: null}, agents: {entries: {reader: {skills: ['x']}}}, logging: {level: 'debug'}}";
    let ran = config(&home, &["patch", "--stdin"])
        .stdin(patch)
        .run()
        .await
        .assert_code(0);
    assert!(ran.stdout.starts_with("updated"), "{ran}");
    assert_eq!(value(&home, "gateway.port").await, json!(19007));
    assert_eq!(
        value(&home, "agents.entries.reader.skills").await,
        json!(["x"])
    );
    fails(&home, &["get", "gateway.bind"]).await;
    assert!(text(&home).contains("// Looks things up."));

    let before = text(&home);
    for patch in [
        "[]",
        "{}",
        "{",
        "{gateway: {port: 'x'}}",
        "{constructor: 1}",
        "{gateway: {port: NaN}}",
    ] {
        drop(
            config(&home, &["patch", "--stdin"])
                .stdin(patch)
                .run()
                .await
                .assert_code(1),
        );
        assert_eq!(text(&home), before);
    }
    fs::write(
        home.path().join("p.json5"),
        "{gateway: {auth: {mode: 'none'}}}",
    )
    .unwrap();
    let args = [
        "patch",
        "--file",
        "p.json5",
        "--replace-path",
        "gateway.auth",
    ];
    drop(config(&home, &args).run().await.assert_code(0));
    assert_eq!(value(&home, "gateway.auth").await, json!({"mode": "none"}));
}

#[tokio::test]
async fn the_seeds_own_forms_can_be_edited() {
    let home = home_with(SEED);
    fine(&home, &["validate"]).await;
    fine(&home, &["set", "gateway.port", "19001"]).await;
    let token = value(&home, "channels.telegram.bot_token").await;
    assert_eq!(token, "__OPENCLAW_REDACTED__");
    fine(
        &home,
        &["set", "channels.telegram.allowlist[0].value", "'987654321'"],
    )
    .await;
    assert!(text(&home).contains("987654321") && text(&home).contains("// who answers"));
}

#[tokio::test]
async fn an_agent_is_changed_in_whichever_way_the_agents_are_listed() {
    let list =
        "{ agents: { list: [ { id: 'main', default: true }, { id: 'work', skills: ['a'] } ] } }";
    for path in ["agents.entries.work.skills", "agents.list[1].skills"] {
        let home = home_with(list);
        fine(&home, &["set", path, "[\"b\"]"]).await;
        assert_eq!(
            text(&home).replace("\"b\"", "'b'"),
            list.replace("'a'", "'b'")
        );
    }
    let home = home_with(COMMENTED);
    fine(&home, &["set", "agents.list[1].skills[0]", "find"]).await;
    assert_eq!(difference(COMMENTED, &text(&home)).len(), 2);
}

#[tokio::test]
async fn a_setting_of_an_included_file_is_changed_there() {
    let home = home_with(
        "{ messages: { responsePrefix: 'm' }, gateway: { $include: './gateway.json5' } }",
    );
    let included = home.state_dir().root().join("gateway.json5");
    fs::write(&included, "{ port: 18000 /* here */ }\n").unwrap();
    let before = text(&home);
    fine(&home, &["set", "gateway.port", "19001"]).await;
    let written = || fs::read_to_string(&included).unwrap();
    assert_eq!(written(), "{ port: 19001 /* here */ }\n");
    assert_eq!(text(&home), before);
    fails(&home, &["set", "gateway.port", "x"]).await;
    assert_eq!(written(), "{ port: 19001 /* here */ }\n");
}
