//! Whoever wants to know of compactions.

use std::sync::Arc;

use openclaw_agents::compaction::CompactionRules;
use openclaw_agents::compaction::manual::Purpose;
use openclaw_core::RunId;
use openclaw_core::hooks::Hook;
use openclaw_providers::Unmetered;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Stage;
use crate::hooks;

/// Returns a stage, and what its handler for a hook hears.
fn heard(window: u64, hook: Hook) -> (Stage, hooks::Heard) {
    let (hooks, heard) = hooks::with(hook, |_event| Value::Null);
    let rules = CompactionRules {
        keep_recent: 300,
        keep_turns: 1,
        ..CompactionRules::default()
    };
    let stage = Stage::heard_by(window, Some(window), rules, Arc::new(hooks));
    (stage, heard)
}

fn count(event: &Value, name: &str) -> u64 {
    let count = event.pointer(&format!("/event/{name}"));
    count.and_then(Value::as_u64).unwrap()
}

async fn fill(stage: &Stage) {
    for n in 1..100 {
        let text = format!("Message {n}: {}", "and so on ".repeat(20));
        stage.say(&text).await.unwrap();
        if !stage.compactions().await.is_empty() {
            break;
        }
    }
}

#[tokio::test]
async fn handlers_are_told_before_and_after_a_compaction_in_a_turn() {
    let (stage, mut before) = heard(4_096, Hook::BeforeCompaction);
    fill(&stage).await;
    let told = before.recv().await.unwrap();
    let (all, leaving) = (
        count(&told, "messageCount"),
        count(&told, "compactingCount"),
    );
    assert!(all > leaving && leaving > 0, "{told}");
    assert!(told["context"]["runId"].is_string(), "{told}");

    let (stage, mut after) = heard(4_096, Hook::AfterCompaction);
    fill(&stage).await;
    let told = after.recv().await.unwrap();
    assert_eq!(count(&told, "compactedCount"), leaving);
    assert_eq!(count(&told, "messageCount"), all - leaving);
    let (_, _, how) = stage.compactions().await.remove(0);
    assert_eq!(Some(count(&told, "tokenCount")), how.tokens_after);
}

#[tokio::test]
async fn handlers_are_told_of_a_compaction_on_somebodys_order_and_not_of_a_preview() {
    for hook in [Hook::BeforeCompaction, Hook::AfterCompaction] {
        let (stage, mut heard) = heard(60_000, hook);
        for n in 0..4 {
            let text = format!("Message {n}: {}", "and so on ".repeat(40));
            stage.say(&text).await.unwrap();
        }
        for purpose in [Purpose::Preview, Purpose::Compact] {
            let (run, stop) = (RunId::generate(), CancellationToken::new());
            let made = stage.desk().compact(purpose, &run, &Unmetered, &stop).await;
            assert!(made.unwrap().is_some());
            assert_eq!(heard.try_recv().is_ok(), purpose == Purpose::Compact);
        }
        assert!(heard.try_recv().is_err());
    }
}
