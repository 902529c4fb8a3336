//! Answers that are not whole, and models that are none: what is told of them.

use std::fs;

use openclaw_testkit::{FakeProvider, Reply, Stop, TestHome, WireFormat};
use serde_json::json;

use super::openclaw;

#[tokio::test]
async fn an_answer_that_is_not_whole_says_so_and_what_to_do() {
    let cases = [
        (Stop::EndTurn, None, None),
        (Stop::MaxTokens, None, Some("raise `maxTokens`")),
        (Stop::Refusal, None, Some("put the message differently")),
        (
            Stop::Other("odd_word"),
            Some("odd_word"),
            Some("`odd_word`"),
        ),
        (
            Stop::Other("pause_turn"),
            Some("pause_turn"),
            Some("ask it to go on"),
        ),
    ];
    for wire in [WireFormat::Anthropic, WireFormat::OpenAi] {
        let (home, provider) = (TestHome::new(), FakeProvider::start());
        home.use_provider(&provider, wire);
        for (stop, detail, told) in cases {
            for _ in 0..2 {
                provider.reply(Reply::text("so far").stop(stop));
            }
            let ran = openclaw(&home, &["agent", "--message", "hi"]).run().await;
            let ran = ran.assert_code(0);
            assert_eq!(ran.stdout, "so far\n", "{ran}");
            match told {
                None => assert_eq!(ran.stderr, "", "{ran}"),
                Some(told) => {
                    assert_eq!(ran.stderr.lines().count(), 1, "{ran}");
                    assert!(ran.stderr.contains("the answer "), "{ran}");
                    assert!(ran.stderr.contains(told), "{ran}");
                }
            }
            let ran = openclaw(&home, &["agent", "--message", "hi", "--json"]);
            let ran = ran.run().await.assert_code(0);
            let meta = &ran.json()["result"]["meta"];
            assert_eq!(meta.get("stopDetail"), detail.map(|it| json!(it)).as_ref());
        }
    }
}

#[tokio::test]
async fn an_answer_with_a_known_secret_in_it_is_shown_once_and_masked() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.expect_key("sk-canary-0123456789");
    home.use_provider(&provider, WireFormat::Anthropic);
    provider.reply(Reply::text("it is sk-canary-0123456789, yes"));
    let ran = openclaw(&home, &["agent", "--message", "hi"]).run().await;
    let ran = ran.assert_code(0);
    assert_eq!(ran.stdout, "it is [REDACTED], yes\n", "{ran}");
    assert_eq!(ran.stderr, "", "{ran}");
}

#[tokio::test]
async fn a_name_that_means_no_model_is_named_where_somebody_looks() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.otherwise(|_| Reply::text("hello"));
    home.use_provider(&provider, WireFormat::OpenAi);
    let file = home.state_dir().config_file().to_owned();
    let mut config: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let model = config["agents"]["defaults"]["model"].clone();
    let primary = model.get("primary").cloned().unwrap_or(model);
    config["agents"]["defaults"]["model"] =
        json!({ "primary": primary, "fallbacks": ["nothing", "oups"] });
    fs::write(&file, config.to_string()).unwrap();

    let status = openclaw(&home, &["models", "status", "--check"])
        .run()
        .await;
    let status = status.assert_code(1);
    let json = openclaw(&home, &["models", "status", "--json"]).run().await;
    let json = json.assert_code(0).json();
    let asked = openclaw(&home, &["agent", "--message", "hi"]);
    let asked = asked.run().await.assert_code(0);
    for (at, name) in ["nothing", "oups"].into_iter().enumerate() {
        let problem = format!("`{name}` is no model");
        assert!(status.stderr.contains(&problem), "{status}");
        assert_eq!(json["auth"]["modelRouteIssues"][at]["model"], name);
        assert_eq!(asked.stderr.matches(&problem).count(), 1, "{asked}");
    }

    config["agents"]["defaults"]["model"] = json!({ "primary": "nothing" });
    fs::write(&file, config.to_string()).unwrap();
    let asked = openclaw(&home, &["agent", "--message", "hi"]).run().await;
    assert_eq!(asked.code, Some(78), "{asked}");
    for told in [
        "names a model that is none: `nothing`",
        "openclaw models list",
    ] {
        assert!(asked.stderr.contains(told), "{asked}");
    }
}

#[tokio::test]
async fn a_recording_is_an_agent_s_model_and_stands_in_for_one() {
    let home = TestHome::new();
    let set = openclaw(&home, &["models", "set", "replay/c.jsonl"]);
    drop(set.run().await.assert_code(0));
    let add = openclaw(&home, &["models", "fallbacks", "add", "replay/d.jsonl"]);
    drop(add.run().await.assert_code(0));
    let asked = openclaw(&home, &["agent", "--message", "hi"]).run().await;
    assert!(asked.stderr.contains("there is no such file"), "{asked}");
}
