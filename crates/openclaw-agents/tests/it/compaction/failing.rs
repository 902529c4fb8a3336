//! Summaries that cannot be had, and providers that refuse what seemed to fit.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use openclaw_agents::compaction::CompactionRules;
use openclaw_core::events::CompactionTrigger;
use openclaw_providers::{OpenAIProvider, Route};
use openclaw_testkit::{FakeProvider, Reply, Rule, WireFormat};

use super::Stage;

fn chatter(n: u64) -> String {
    format!("Message {n}: {}", "and so on ".repeat(30))
}

#[tokio::test]
async fn a_summary_that_fails_costs_no_turn() {
    let broken = FakeProvider::start();
    broken.otherwise(|_| Reply::status(401));
    broken.allow(Rule::Script);
    let api = OpenAIProvider::without_key(broken.base_url(WireFormat::OpenAi));
    let rules = CompactionRules {
        route: Some(Arc::new(Route::only(Arc::new(api), "scribe"))),
        ..CompactionRules::default()
    };
    let stage = Stage::with(4_096, Some(4_096), rules);
    for n in 1..=40 {
        stage.say(&chatter(n)).await.unwrap();
    }
    let compactions = stage.compactions().await;
    assert!(!compactions.is_empty());
    for (_, summary, how) in &compactions {
        assert!(how.failure.is_some() && how.model.is_none(), "{how:?}");
        assert!(summary.contains("are not shown"), "{summary}");
    }
    assert_eq!(stage.seen.unpinned.load(Ordering::Relaxed), 0);
    stage.provider.assert_clean();
}

#[tokio::test]
async fn a_request_that_is_refused_as_too_long_is_shortened_and_sent_again() {
    // The config says more than there is.
    let stage = Stage::with(4_096, Some(60_000), CompactionRules::default());
    for n in 1..=40 {
        stage.say(&chatter(n)).await.unwrap();
    }
    assert!(stage.seen.refused.load(Ordering::Relaxed) > 0);
    let compactions = stage.compactions().await;
    assert!(!compactions.is_empty());
    for (_, _, how) in &compactions {
        assert_eq!(how.trigger, Some(CompactionTrigger::Overflow), "{how:?}");
    }
    stage.provider.assert_clean();
}

#[tokio::test]
async fn without_compaction_ahead_only_what_is_refused_is_shortened() {
    let rules = CompactionRules {
        ahead: false,
        ..CompactionRules::default()
    };
    let stage = Stage::with(4_096, Some(4_096), rules);
    for n in 1..=40 {
        stage.say(&chatter(n)).await.unwrap();
    }
    let compactions = stage.compactions().await;
    assert!(
        compactions
            .iter()
            .all(|(_, _, how)| how.trigger == Some(CompactionTrigger::Overflow)),
        "{compactions:?}"
    );
    assert!(!compactions.is_empty());
}
