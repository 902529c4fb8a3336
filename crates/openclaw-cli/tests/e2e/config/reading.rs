//! `config get`, `file` and `schema`.

use openclaw_testkit::TestHome;
use serde_json::{Value, json};

use super::{COMMENTED, FEBRUARY, config, home_with, paths, ran};

const HIDDEN: &str = "__OPENCLAW_REDACTED__";

#[tokio::test]
async fn a_value_is_shown_as_it_is_and_an_object_as_json() {
    let home = home_with(COMMENTED);
    for (path, shown) in [
        ("gateway.port", "18789\n"),
        ("gateway.bind", "loopback\n"),
        (" gateway . port ", "18789\n"),
        ("agents.entries.reader.skills[1]", "cite\n"),
        ("agents.entries.reader.skills.1", "cite\n"),
        ("models.providers[\"reading.room\"].models[0].id", "small\n"),
        (
            "models.providers['reading.room'].api",
            "openai-completions\n",
        ),
        (
            r"models.providers.reading\.room.api",
            "openai-completions\n",
        ),
        ("env.vars.CITY", "Oslo\n"),
        ("agents.defaults.maxConcurrent", "8\n"),
        ("gateway.reload", "{\n  \"mode\": \"hybrid\"\n}\n"),
    ] {
        let ran = ran(&home, &["get", path]).await.assert_code(0);
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.as_str()),
            (shown, ""),
            "{path}"
        );
    }
    let ran = ran(&home, &["get", "gateway.bind", "--json"])
        .await
        .assert_code(0);
    assert_eq!(ran.json(), json!("loopback"));
}

#[tokio::test]
async fn no_secret_is_shown() {
    let home = home_with(COMMENTED);
    for path in [
        "gateway.auth.token",
        "env.vars.OPENAI_API_KEY",
        "models.providers[\"reading.room\"].baseUrl",
        "models.providers[\"reading.room\"].apiKey.id",
        "models.providers[\"reading.room\"].headers.X-Room",
    ] {
        let ran = ran(&home, &["get", path]).await.assert_code(0);
        assert_eq!(ran.stdout, format!("{HIDDEN}\n"), "{path}");
    }
    for area in ["gateway", "env", "models", "agents", "messages"] {
        let ran = ran(&home, &["get", area, "--json"]).await.assert_code(0);
        assert!(ran.json().is_object());
    }
    let reference = ran(
        &home,
        &["get", "models.providers[\"reading.room\"].apiKey", "--json"],
    )
    .await;
    let expected = json!({"source": "env", "provider": "default", "id": HIDDEN});
    assert_eq!(reference.json(), expected);
}

#[tokio::test]
async fn a_path_that_is_not_there_ends_with_1_and_a_reason() {
    let home = home_with(COMMENTED);
    for (path, reason, hint) in [
        (
            "gateway.auth.password",
            "`gateway.auth.password` is not set",
            "config set",
        ),
        (
            "gateway.prot",
            "the config has no `gateway.prot`",
            "did you mean `gateway.port`?",
        ),
        ("zzzz.x", "the config has no `zzzz.x`", "config schema"),
        (
            "agents.entries.reader.skills[7]",
            "is not set",
            "'agents.entries.reader.skills[7]'",
        ),
        ("gateway.port.x", "the config has no", ""),
        ("gateway..port", "is no path", ""),
        ("a[", "a `]` is missing", ""),
        ("", "the path is empty", ""),
        ("__proto__.x", "cannot be a key", ""),
    ] {
        let told = ran(&home, &["get", path]).await.assert_code(1);
        assert_eq!(told.stdout, "", "{told}");
        assert!(
            told.stderr.contains(reason) && told.stderr.contains(hint),
            "{told}"
        );

        let ran = ran(&home, &["get", path, "--json"]).await.assert_code(1);
        let document = ran.json();
        assert_eq!(ran.stderr, "", "{ran}");
        assert_eq!(
            (&document["ok"], &document["error"]["type"]),
            (&json!(false), &json!("cli_error")),
        );
        assert!(
            document["error"]["message"]
                .as_str()
                .unwrap()
                .contains(reason)
        );
    }
}

#[tokio::test]
async fn nothing_is_shown_of_a_config_that_is_not_valid() {
    for (text, expected) in [
        ("{", vec!["<root>"]),
        ("", vec!["<root>"]),
        (
            "{ gateway: { port: 'x', bind: 'moon' } }",
            vec!["gateway.port", "gateway.bind"],
        ),
        (FEBRUARY, vec!["<root>"]),
    ] {
        let home = home_with(text);
        let ran = ran(&home, &["get", "gateway.port", "--json"])
            .await
            .assert_code(1);
        assert_eq!(paths(&ran.json(), "issues"), expected, "{ran}");
    }
}

#[tokio::test]
async fn without_a_file_there_are_the_defaults() {
    let home = TestHome::new();
    let ran = config(&home, &["get", "agents.entries", "--json"])
        .run()
        .await;
    assert_eq!(ran.assert_code(0).json(), json!({"main": {}}));
    let ran = config(&home, &["get", "gateway.port"])
        .run()
        .await
        .assert_code(1);
    assert!(ran.stderr.contains("is not set"), "{ran}");
}

#[tokio::test]
async fn a_listed_agent_is_shown_by_its_id() {
    let home = home_with(
        "{ agents: { list: [ { id: 'main', default: true }, { id: 'work', skills: ['a'] } ] } }",
    );
    let ran = ran(&home, &["get", "agents.entries", "--json"])
        .await
        .assert_code(0);
    assert_eq!(ran.json(), json!({"main": {}, "work": {"skills": ["a"]}}));
}

#[tokio::test]
async fn the_file_is_the_one_that_is_in_use() {
    let mut home = TestHome::new();
    let expected = home.state_dir().config_file().display().to_string();
    let shown = config(&home, &["file"]).run().await.assert_code(0).stdout;
    assert_eq!(shown, format!("{expected}\n"));
    let shown = config(&home, &["file", "--json"])
        .run()
        .await
        .assert_code(0)
        .json();
    assert_eq!(shown, json!({ "path": expected }));

    let profile = home.path().join(".openclaw-alt/openclaw.json");
    let shown = config(&home, &["file", "--profile", "alt"])
        .run()
        .await
        .stdout;
    assert_eq!(shown, format!("{}\n", profile.display()));

    let other = home.path().join("other.json5");
    home.set_env("OPENCLAW_CONFIG_PATH", &other);
    let shown = config(&home, &["file"]).run().await.stdout;
    assert_eq!(shown, format!("{}\n", other.display()));
}

#[tokio::test]
async fn a_profile_and_a_named_file_have_a_config_of_their_own() {
    let mut home = home_with("{ gateway: { port: 1001 } }");
    let args = ["set", "gateway.port", "1002", "--profile", "alt"];
    drop(config(&home, &args).run().await.assert_code(0));
    home.set_env("OPENCLAW_CONFIG_PATH", home.path().join("c.json5"));
    drop(
        config(&home, &["set", "gateway.port", "1003"])
            .run()
            .await
            .assert_code(0),
    );
    let get = ["get", "gateway.port"];
    assert_eq!(config(&home, &get).run().await.stdout, "1003\n");
    let alt = config(&home, &get).args(["--profile", "alt"]).run().await;
    assert_eq!(alt.stdout, "1002\n");
    home.remove_env("OPENCLAW_CONFIG_PATH");
    assert_eq!(config(&home, &get).run().await.stdout, "1001\n");
}

#[tokio::test]
async fn the_schema_is_one_document_that_knows_the_config() {
    let home = TestHome::new();
    for args in [&["schema"][..], &["schema", "--json"]] {
        let schema: Value = config(&home, args).run().await.assert_code(0).json();
        let of = |name: &str| {
            let id = schema["properties"][name]["$ref"]
                .as_str()
                .unwrap()
                .to_owned();
            schema
                .pointer(id.strip_prefix('#').unwrap())
                .unwrap()
                .clone()
        };
        assert_eq!(of("gateway")["type"], "object");
        assert!(of("channels")["properties"]["telegram"].is_object());
        assert!(schema["properties"]["$schema"].is_object());
    }
}
