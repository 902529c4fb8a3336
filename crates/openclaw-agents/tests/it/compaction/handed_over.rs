//! A view that is shortened while a program has a call to run.

use std::sync::Arc;

use openclaw_agents::compaction::CompactionRules;
use openclaw_agents::compaction::manual::Purpose;
use openclaw_agents::terms::{ClientResult, Words};
use openclaw_agents::{Attended, Reply as Told, Terms, Turn};
use openclaw_core::RunId;
use openclaw_core::access::{Admitted, Inbound, Sender};
use openclaw_providers::{ToolSpec, Unmetered};
use openclaw_testkit::{FakeCall, Reply};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Stage;

impl Stage {
    async fn say_on(&self, text: &str, results: Vec<ClientResult>) -> Told {
        let sender = Sender::owner("test");
        let terms = Terms {
            tools: vec![ToolSpec {
                name: "get_weather".to_owned(),
                description: "Tells the weather.".to_owned(),
                parameters: json!({ "type": "object" }).into(),
            }],
            words: if results.is_empty() {
                Words::Own
            } else {
                Words::Results
            },
            results,
            ..Terms::default()
        };
        let turn = Turn {
            admitted: Admitted::local_owner(),
            agent: Arc::clone(&self.agent),
            session: self.session.clone(),
            inbound: Inbound {
                channel: sender.channel.clone(),
                peer: sender.peer.clone(),
                message_id: None,
                text: text.to_owned(),
                attachments: Vec::new(),
            },
            sender,
            attended: Attended::Yes,
            queue: None,
        };
        let told = self.engine.submit_on(turn, Some(Arc::new(terms)));
        told.await.unwrap()
    }
}

#[tokio::test]
async fn a_call_that_is_open_while_the_view_is_shortened_gets_its_result() {
    for (keep_recent, keep_turns) in [(300, 1), (1, 1), (1, 0)] {
        let rules = CompactionRules {
            keep_recent,
            keep_turns,
            ..CompactionRules::default()
        };
        let stage = Stage::with(60_000, Some(60_000), rules);
        for n in 1..=10 {
            let text = format!("Message {n}: {}", "and so on ".repeat(20));
            stage.say(&text).await.unwrap();
        }
        let call = FakeCall::new("get_weather", &json!({ "city": "Kiel ".repeat(100) }));
        stage.provider.reply(Reply::tool_calls([call]));
        let asked = stage.say_on("weather?", Vec::new()).await;
        let call = asked.calls[0].id.clone();

        let (stop, run) = (CancellationToken::new(), RunId::generate());
        let desk = stage.desk();
        let done = desk.compact(Purpose::Compact, &run, &Unmetered, &stop);
        assert!(done.await.unwrap().is_some(), "{keep_recent} {keep_turns}");

        let output = "rain".to_owned();
        let results = vec![ClientResult { call, output }];
        stage.say_on("Tool: rain", results).await;
        let seen = stage.provider.last_request();
        // It is seen as a result where its call is, and else as what was said.
        let as_result = seen.results().iter().any(|result| result.content == "rain");
        let as_words = seen.last_user_text().ends_with("Tool: rain");
        assert!(as_result != as_words, "{seen:#?}");
        stage.say("Go on.").await.unwrap();
        stage.provider.assert_clean();
    }
}

#[tokio::test]
async fn a_call_and_its_result_leave_the_view_together() {
    let rules = CompactionRules {
        keep_recent: 300,
        keep_turns: 1,
        ..CompactionRules::default()
    };
    let stage = Stage::with(60_000, Some(60_000), rules);
    for n in 1..=6 {
        let call = FakeCall::new("get_weather", &json!({ "city": format!("City {n}") }));
        stage.provider.reply(Reply::tool_calls([call]));
        let asked = stage.say_on("weather?", Vec::new()).await;
        let call = asked.calls[0].id.clone();
        let output = format!("rain {n}: {}", "drop ".repeat(60));
        let results = vec![ClientResult { call, output }];
        stage.say_on(&format!("Tool: rain {n}"), results).await;
    }
    let (stop, run) = (CancellationToken::new(), RunId::generate());
    let desk = stage.desk();
    let done = desk.compact(Purpose::Compact, &run, &Unmetered, &stop);
    assert!(done.await.unwrap().is_some());
    stage.say("Go on.").await.unwrap();
    let seen = stage.provider.last_request();
    assert_eq!(seen.calls().len(), seen.results().len());
    assert!(seen.results().len() < 6, "{seen:#?}");
    stage.provider.assert_clean();
}
