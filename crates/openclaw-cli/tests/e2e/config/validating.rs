//! `config validate`.

use std::fs;

use openclaw_testkit::TestHome;
use serde_json::json;

use super::{COMMENTED, FEBRUARY, SEED, config, fails, file, fine, home_with, paths, ran};
use crate::OPENCLAW;

#[tokio::test]
async fn a_valid_config_has_the_recorded_shape() {
    let home = home_with(COMMENTED);
    let ran = ran(&home, &["validate", "--json"]).await.assert_code(0);
    let document = ran.json();
    assert_eq!(
        (&document["valid"], &document["path"], &document["warnings"]),
        (&json!(true), &json!(file(&home)), &json!([])),
        "{ran}"
    );
    assert!(paths(&document, "notFollowed").contains(&"messages.responsePrefix".to_owned()));
}

#[tokio::test]
async fn a_difference_of_a_model_that_has_no_effect_is_named() {
    let home = home_with(
        r#"{ models: { providers: { mine: { baseUrl: "https://mine.example", models: [
            { id: "a", name: "A", compat: { supportsTools: true } },
            { id: "b", name: "B", compat: { toolSchemaProfile: "gemini", supportsStore: false } },
        ] } } } }"#,
    );
    let named = "models.providers.mine.models.1.compat.toolSchemaProfile";
    let told = ran(&home, &["validate", "--json"]).await.assert_code(0);
    assert_eq!(paths(&told.json(), "notFollowed"), [named]);
    let told = home.command(OPENCLAW).args(["doctor"]).run().await;
    assert!(told.stdout.contains(named), "{told}");
}

#[tokio::test]
async fn warnings_leave_a_config_valid() {
    let home = home_with("{ messages: { responsePrefix: '${NOT_SET_AT_ALL}' } }");
    let told = ran(&home, &["validate", "--json"]).await.assert_code(0);
    assert_eq!(paths(&told.json(), "warnings"), ["messages.responsePrefix"]);
    let told = ran(&home, &["validate"]).await.assert_code(0);
    assert!(
        told.stdout.contains("warning") && told.stdout.contains("NOT_SET_AT_ALL"),
        "{told}"
    );
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_with_line_and_column() {
    let wrong = "{\n  gateway: {\n    port: 'x',\n    bnd: 'lan',\n  },\n  agnts: {},\n}\n";
    let home = home_with(wrong);
    let told = ran(&home, &["validate"]).await.assert_code(1);
    for (place, line, mark) in [
        (":3:5: gateway.port: ", "        port: 'x',", "        ^"),
        (":4:5: gateway: ", "        bnd: 'lan',", "        ^"),
        (":6:3: ", "      agnts: {},", "      ^"),
    ] {
        let place = format!("{}{place}", file(&home).display());
        assert!(told.stderr.contains(&place), "{place}: {told}");
        assert!(told.stderr.contains(&format!("{line}\n{mark}\n")), "{told}");
    }
    let document = ran(&home, &["validate", "--json"])
        .await
        .assert_code(1)
        .json();
    assert_eq!(
        (
            &document["ok"],
            &document["valid"],
            &document["path"],
            &document["error"]["type"]
        ),
        (
            &json!(false),
            &json!(false),
            &json!(file(&home)),
            &json!("cli_error")
        )
    );
    assert_eq!(
        paths(&document, "issues"),
        ["gateway.port", "gateway", "<root>"]
    );
    let issue = &document["issues"][1];
    assert_eq!(issue["nearest"], "bind", "{issue:#}");
}

#[tokio::test]
async fn no_excerpt_shows_a_secret() {
    let home = home_with("{ gateway: { auth: { mode: 'moon', token: 'the-canary' } } }");
    let told = ran(&home, &["validate"]).await.assert_code(1);
    assert!(told.stderr.contains("gateway.auth.mode"), "{told}");
    for args in [
        &["get", "gateway"][..],
        &["set", "gateway.port", "1"],
        &["validate", "--json"],
    ] {
        fails(&home, args).await;
    }
}

#[tokio::test]
async fn another_file_can_be_named() {
    let home = home_with("{");
    fs::write(home.path().join("good.json5"), COMMENTED).unwrap();
    fails(&home, &["validate"]).await;
    let told = ran(&home, &["validate", "good.json5", "--json"])
        .await
        .assert_code(0);
    let path = home.path().join("good.json5");
    assert_eq!(told.json()["path"], json!(path));
    fine(&home, &["validate", "--profile", "alt", "good.json5"]).await;
    let told = ran(&home, &["validate", "missing.json5", "--json"])
        .await
        .assert_code(1);
    assert_eq!(told.json()["valid"], false);
}

#[tokio::test]
async fn a_missing_config_is_told() {
    let home = TestHome::new();
    let told = config(&home, &["validate", "--json"])
        .run()
        .await
        .assert_code(1);
    let document = told.json();
    assert_eq!(
        (&document["ok"], &document["valid"], &document["path"]),
        (&json!(false), &json!(false), &json!(file(&home)))
    );
    let told = config(&home, &["validate"]).run().await.assert_code(1);
    assert!(told.stderr.contains("onboard"), "{told}");
}

#[tokio::test]
async fn a_config_from_february_is_refused_with_the_way_out() {
    let home = home_with(FEBRUARY);
    let told = ran(&home, &["validate"]).await.assert_code(1);
    assert!(
        told.stderr.contains("openclaw doctor --fix")
            && told.stderr.contains("the gateway understands it"),
        "{told}"
    );
    let document = ran(&home, &["validate", "--json"])
        .await
        .assert_code(1)
        .json();
    assert!(
        document["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("doctor --fix")
    );
}

#[tokio::test]
async fn the_forms_of_the_seed_document_are_accepted() {
    let home = home_with(SEED);
    fine(&home, &["validate"]).await;
}

#[tokio::test]
async fn this_programs_own_file_is_checked_too() {
    let home = home_with(COMMENTED);
    let own = home.state_dir().root().join("openclaw-rs.json5");
    fs::write(&own, "{ sandbox: { level: 'tight' } }").unwrap();
    let told = ran(&home, &["validate", "--json"]).await.assert_code(1);
    let document = told.json();
    assert_eq!(paths(&document, "issues"), ["sandbox.level"]);
    assert_eq!(document["issues"][0]["file"], json!(own));
}
