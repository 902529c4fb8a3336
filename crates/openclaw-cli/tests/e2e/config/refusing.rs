//! `config set`, `unset` and `patch`, where they change nothing.

use std::fs;

use serde_json::json;

use super::{COMMENTED, FEBRUARY, beside, config, fails, file, fine, home_with, ran, text};

#[tokio::test]
async fn a_bad_value_changes_nothing() {
    let home = home_with(COMMENTED);
    for args in [
        &["set", "gateway.port", "notanumber"][..],
        &["set", "gateway.port", "notanumber", "--strict-json"],
        &["set", "gateway.port", "Infinity"],
        &["set", "gateway.port", "{a: 1}"],
        &["set", "gateway.port.x", "1"],
        &["set", "gateway.bind", "moon"],
        &["set", "gateway", "5"],
        &["set", "no.such", "1"],
        &["set", "messages.responsePrefix", "null"],
        &["set", "agents.entries.reader.skills[9]", "nine"],
        &["set", "agents.entries.reader.skills.x", "nine"],
        &["set", "agents.entries", "{main: {}}"],
        &["set", "models.providers", "{}"],
        &[
            "set",
            "models.providers[\"reading.room\"].models",
            "[{id: 'z', name: 'z'}]",
        ],
        &["set", "gateway.port", "5", "--merge"],
        &["set", "agents.defaults.model.primary", "nowhere/model"],
        &["set", "meta.lastTouchedVersion", "1"],
        &["set", "plugins.installs.x", "1"],
        &["set", "gateway.port"],
        &["set"],
        &["set", "gateway.port", "1", "--merge", "--replace"],
        &["set", "gateway.port", "1", "--allow-exec"],
        &["set", "gateway.port", "19001", "--expect-current-json", "1"],
        &["set", "gateway.port", "19001", "--expect-current-absent"],
        &["set", "gateway.auth.token", "--ref-source", "env"],
        &[
            "set",
            "gateway.auth.token",
            "--ref-source",
            "env",
            "--ref-provider",
            "default",
            "--ref-id",
            "lower",
        ],
        &["set", "secrets.providers.v", "--provider-source", "file"],
        &["set", "gateway.port", "--provider-source", "env"],
        &["set", "--batch-json", "[]"],
        &[
            "set",
            "--batch-json",
            "[{path: 'gateway.port', value: 1}, {path: 'gateway.bind', value: 'moon'}]",
        ],
        &["set", "--batch-file", "/nonexistent"],
        &["set", "messages.responsePrefix", "__OPENCLAW_REDACTED__"],
        &["unset", "no.such.path"],
        &["unset", "agents.defaults.maxConcurrent"],
        &["unset", "models.providers[\"reading.room\"].baseUrl"],
        &["patch"],
        &["patch", "--file", "/nonexistent"],
        &["patch", "--file", "/tmp"],
    ] {
        let ran = ran(&home, args).await.assert_code(1);
        assert!(ran.stderr.starts_with("error: "), "{ran}");
        assert_eq!(
            (text(&home).as_str(), beside(&home).as_slice()),
            (COMMENTED, &["openclaw.json".to_owned()][..]),
            "{ran}"
        );
    }
}

#[tokio::test]
async fn what_would_be_wrong_is_told_with_its_place() {
    let home = home_with(COMMENTED);
    let ran = ran(&home, &["set", "gateway.bind", "moon", "--json"]).await;
    assert_eq!(ran.code, Some(1), "{ran}");
    let text = ran.stdout.clone();
    assert!(text.is_empty() || ran.json()["ok"] == false, "{ran}");

    let told = config(&home, &["set", "gateway.bind", "moon"])
        .run()
        .await
        .assert_code(1);
    let place = format!("{}:10:5: gateway.bind: ", file(&home).display());
    assert!(told.stderr.contains(&place), "{told}");
    let told = config(&home, &["set", "gateway.bind", "\"moon\"", "--json"])
        .run()
        .await;
    let issue = told.assert_code(1).json()["issues"][0].clone();
    assert_eq!(
        (&issue["path"], &issue["line"]),
        (&json!("gateway.bind"), &json!(10))
    );
    let allowed = json!(["auto", "lan", "loopback", "custom", "tailnet"]);
    assert_eq!(issue["allowedValues"], allowed);
}

#[tokio::test]
async fn a_change_is_made_only_where_it_is_expected() {
    let home = home_with(COMMENTED);
    let set = [
        "set",
        "gateway.port",
        "19001",
        "--expect-current-json",
        "18789",
    ];
    fine(&home, &set).await;
    let again = ran(&home, &set).await.assert_code(1);
    assert!(again.stderr.contains("is not what"), "{again}");
    let set = ["set", "logging.level", "debug", "--expect-current-absent"];
    fine(&home, &set).await;
    fails(&home, &set).await;
}

#[tokio::test]
async fn a_rehearsal_writes_nothing_and_says_what_would_be() {
    let home = home_with(COMMENTED);
    let path = file(&home).display().to_string();
    let checked = json!({"schema": true, "resolvability": true, "resolvabilityComplete": true});
    let ran = ran(
        &home,
        &["set", "gateway.port", "19001", "--dry-run", "--json"],
    )
    .await
    .assert_code(0);
    let expected = json!({
        "ok": true, "operations": 1, "configPath": path, "inputModes": ["json"],
        "checks": checked, "refsChecked": 0, "skippedExecRefs": 0,
    });
    assert_eq!(ran.json(), expected);

    for (args, kind) in [
        (&["set", "gateway.port", "\"x\""][..], "schema"),
        (&["unset", "no.such"], "missing-path"),
        (
            &["set", "agents.defaults.model.primary", "\"nowhere/x\""],
            "model",
        ),
        (
            &[
                "set",
                "gateway.auth.token",
                "--ref-source",
                "env",
                "--ref-provider",
                "default",
                "--ref-id",
                "NOT_SET_AT_ALL",
            ],
            "resolvability",
        ),
    ] {
        let ran = config(&home, args)
            .args(["--dry-run", "--json"])
            .run()
            .await
            .assert_code(1);
        let document = ran.json();
        assert_eq!(
            (&document["ok"], &document["errors"][0]["kind"]),
            (&json!(false), &json!(kind)),
            "{ran}"
        );
        drop(
            config(&home, args)
                .arg("--dry-run")
                .run()
                .await
                .assert_code(1),
        );
    }
    assert_eq!(
        (text(&home).as_str(), beside(&home).as_slice()),
        (COMMENTED, &["openclaw.json".to_owned()][..])
    );
}

#[tokio::test]
async fn a_config_that_is_wrong_already_is_not_touched() {
    for text_before in ["", "{", "[]", "{ gateway: { port: 'x' } }", FEBRUARY] {
        let home = home_with(text_before);
        for args in [
            &["set", "gateway.port", "19001"][..],
            &["unset", "gateway.port"],
        ] {
            let ran = ran(&home, args).await.assert_code(1);
            assert!(ran.stderr.contains("is invalid"), "{ran}");
            assert_eq!(text(&home), text_before);
        }
    }
}

#[tokio::test]
async fn a_setting_that_files_make_together_is_told_with_its_file() {
    let config = "{ $include: './inc.json5', messages: { responsePrefix: 'm' } }";
    let home = home_with(config);
    let included = home.state_dir().root().join("inc.json5");
    fs::write(&included, "{ gateway: { port: 18000 } }\n").unwrap();
    let ran = ran(&home, &["set", "gateway.port", "19001"])
        .await
        .assert_code(1);
    assert!(ran.stderr.contains("inc.json5"), "{ran}");
    let unchanged = fs::read_to_string(included).unwrap() == "{ gateway: { port: 18000 } }\n";
    assert!(unchanged && text(&home) == config);
}

#[tokio::test]
async fn a_config_that_is_managed_elsewhere_is_not_changed() {
    let mut home = home_with(COMMENTED);
    home.set_env("OPENCLAW_CONFIG_READONLY", "1");
    let ran = ran(&home, &["set", "gateway.port", "19001"])
        .await
        .assert_code(1);
    assert!(ran.stderr.contains("OPENCLAW_CONFIG_READONLY"), "{ran}");
    assert_eq!(text(&home), COMMENTED);
    fine(&home, &["get", "gateway.port"]).await;
}
