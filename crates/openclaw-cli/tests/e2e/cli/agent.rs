//! `openclaw agent`: one message, embedded or through the gateway.

use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};

use super::{openclaw, with_closed_stdout};
use crate::OPENCLAW;

const NOBODY: &str = "agent:main:web:direct:nobody";

fn parrot() -> FakeProvider {
    let provider = FakeProvider::start();
    provider.otherwise(|seen| Reply::text(format!("re: {}", seen.last_user_text())));
    provider
}

#[tokio::test]
async fn the_document_has_the_shape_of_openclaw() {
    let (home, provider) = (TestHome::new(), parrot());
    home.use_provider(&provider, WireFormat::OpenAi);
    let ran = openclaw(&home, &["agent", "--new", "--message", "hi", "--json"]);
    let ran = ran.run().await.assert_code(0);
    assert_eq!(ran.stderr, "");
    insta::assert_snapshot!(home.redact(&ran.stdout), @r#"
    {
      "runId": "[UUID]",
      "status": "ok",
      "summary": "completed",
      "result": {
        "payloads": [
          {
            "text": "re: hi",
            "mediaUrl": null
          }
        ],
        "meta": {
          "durationMs": "[DURATION]",
          "stopReason": "endturn",
          "steps": 1,
          "agentMeta": {
            "sessionKey": "agent:main:explicit:[UUID]",
            "provider": "fake",
            "model": "fake-model",
            "usage": {
              "input": 2500,
              "output": 15,
              "cacheRead": 0,
              "cacheWrite": 0,
              "total": 2515
            },
            "sessionId": "[UUID]",
            "costUsd": 0.0
          }
        }
      }
    }
    "#);

    // Through a gateway it is the same.
    let _gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let again = openclaw(&home, &["agent", "--new", "--message", "hi", "--json"]);
    let again = again.run().await.assert_code(0);
    assert_eq!(home.redact(&again.stdout), home.redact(&ran.stdout));
}

#[tokio::test]
async fn a_message_may_come_from_standard_input() {
    let (home, provider) = (TestHome::new(), parrot());
    provider.expect_key("sk-test");
    let from_stdin = |text: Vec<u8>| openclaw(&home, &["agent", "--message", "-"]).stdin(text);
    home.use_provider(&provider, WireFormat::Anthropic);
    let ran = from_stdin(b"first line\n-second\n".to_vec()).run().await;
    assert_eq!(ran.assert_code(0).stdout, "re: first line\n-second\n");
    // What looks like a flag is a message too.
    let ran = openclaw(&home, &["agent", "--message", "--json"])
        .run()
        .await;
    assert_eq!(ran.assert_code(0).stdout, "re: --json\n");

    for bad in [vec![], vec![b'x'; 100_001], b"a\x1bb".to_vec(), vec![0xff]] {
        let ran = from_stdin(bad).run().await.assert_code(2);
        assert_eq!(ran.stdout, "", "{ran}");
    }
    assert_eq!(provider.requests().len(), 2);
}

#[tokio::test]
async fn an_unknown_session_or_no_model_is_told_before_anything_happens() {
    let (home, provider) = (TestHome::new(), parrot());
    let ran = openclaw(&home, &["agent", "--message", "hi"]).run().await;
    let ran = ran.assert_code(78);
    assert!(
        ran.stderr.contains("no model") && ran.stderr.contains("onboard"),
        "{ran}"
    );

    home.use_provider(&provider, WireFormat::OpenAi);
    let ask = || openclaw(&home, &["agent", "--message", "hi", "--session", NOBODY]);
    let embedded = ask().run().await.assert_code(3);
    assert!(embedded.stderr.contains(NOBODY), "{embedded}");
    let _gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let remote = ask().run().await.assert_code(3);
    assert!(remote.stderr.contains(NOBODY), "{remote}");
    assert_eq!(provider.requests().len(), 0);
}

#[tokio::test]
async fn a_refused_key_is_explained_and_not_shown() {
    const KEY: &str = "sk-canary-5e0a7712";
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.expect_key(KEY);
    provider.otherwise(|_| Reply::status(401).saying(format!("bad key {KEY}")));
    home.use_provider(&provider, WireFormat::OpenAi);
    let ran = openclaw(&home, &["agent", "--message", "hi"]).run().await;
    let ran = ran.assert_code(69);
    assert!(
        ran.stderr.contains("401") && ran.stderr.contains("hint:"),
        "{ran}"
    );
    let ran_json = openclaw(&home, &["agent", "--message", "hi", "--json"]);
    let ran_json = ran_json.run().await.assert_code(69);
    assert!(ran_json.json()["error"]["hint"].is_string(), "{ran_json}");
    for ran in [ran, ran_json] {
        assert!(!format!("{ran}").contains("canary"), "{ran}");
    }
}

#[tokio::test]
async fn a_wrong_token_is_not_let_in() {
    let (home, provider) = (TestHome::new(), parrot());
    home.use_provider(&provider, WireFormat::OpenAi);
    let _gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let wrong = "0123456789abcdef".repeat(4);
    let ran = openclaw(&home, &["agent", "--message", "hi"]);
    let ran = ran.env("OPENCLAW_GATEWAY_TOKEN", &wrong).run().await;
    let ran = ran.assert_code(5);
    assert!(ran.stderr.contains("OPENCLAW_GATEWAY_TOKEN"), "{ran}");
    assert!(!ran.stderr.contains(&wrong), "{ran}");
    assert_eq!(provider.requests().len(), 0);
}

#[tokio::test]
async fn a_session_that_another_process_works_on_is_busy() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.reply(Reply::text("late").hold_after(0));
    home.use_provider(&provider, WireFormat::OpenAi);
    let first = openclaw(&home, &["agent", "--message", "one"]);
    let first = tokio::spawn(first.run());
    provider.wait_for_holds(1).await;

    let second = openclaw(&home, &["agent", "--message", "two", "--json"]);
    let second = second.run().await.assert_code(69);
    assert_eq!(second.json()["error"]["code"], "busy", "{second}");

    provider.release();
    assert_eq!(first.await.unwrap().assert_code(0).stdout, "late\n");
    // The session is free again.
    provider.reply(Reply::text("now"));
    let third = openclaw(&home, &["agent", "--message", "three"]);
    assert_eq!(third.run().await.assert_code(0).stdout, "now\n");
    // What was refused is not part of the conversation.
    assert_eq!(provider.last_request().user_texts(), ["one", "three"]);
}

#[tokio::test]
async fn a_reader_that_leaves_early_is_no_failure_of_the_answer() {
    let (home, provider) = (TestHome::new(), parrot());
    home.use_provider(&provider, WireFormat::OpenAi);
    let ran = with_closed_stdout(&home, &["agent", "--message", "hi"]);
    let ran = ran.run().await.assert_code(0);
    assert_eq!(ran.stderr, "");
}
