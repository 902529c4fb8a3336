//! Compaction on somebody's order, and what is shown of it.

use openclaw_agents::AgentError;
use openclaw_agents::compaction::CompactionRules;
use openclaw_agents::compaction::manual::Purpose;
use openclaw_agents::context::PartKind;
use openclaw_core::RunId;
use openclaw_core::events::{CompactionTrigger, StoreError};
use openclaw_providers::Unmetered;
use tokio_util::sync::CancellationToken;

use super::Stage;

async fn with_turns(turns: u64) -> Stage {
    let rules = CompactionRules {
        keep_recent: 300,
        keep_turns: 1,
        ..CompactionRules::default()
    };
    let stage = Stage::with(60_000, Some(60_000), rules);
    for n in 1..=turns {
        let text = format!("Message {n}: {}", "and so on ".repeat(20));
        stage.say(&text).await.unwrap();
    }
    stage
}

#[tokio::test]
async fn a_preview_shows_what_would_leave_the_view_and_changes_nothing() {
    let stage = with_turns(10).await;
    let requests = stage.provider.requests().len();
    let desk = stage.desk();
    let outline = desk.outline().await.unwrap().unwrap();
    assert_eq!(stage.provider.requests().len(), requests);
    assert!(outline.leaving[0].text.starts_with("[person] Message 1:"));
    assert!(outline.tokens_after < outline.tokens_before);
    assert_eq!((outline.summary, outline.recorded), (None, None));

    let stop = CancellationToken::new();
    let run = RunId::generate();
    let told = desk
        .compact(Purpose::Preview, &run, &Unmetered, &stop)
        .await
        .unwrap()
        .unwrap();
    assert!(told.summary.unwrap().contains("summed up 1 times"));
    assert_eq!((told.calls.len(), told.recorded), (1, None));
    assert_eq!(told.first_kept, outline.first_kept);
    assert_eq!(stage.compactions().await, []);
    // What it took is on record all the same.
    let events = stage.events().await;
    assert_eq!(
        events.last().unwrap().payload.as_ref().unwrap().calls.len(),
        1
    );

    let before = stage.conversation();
    stage.say("Go on.").await.unwrap();
    assert!(stage.conversation().len() > before.len());
    stage.provider.assert_clean();
}

#[tokio::test]
async fn what_was_compacted_can_be_seen_and_undone() {
    let stage = with_turns(10).await;
    let desk = stage.desk();
    let whole = desk.account().await.unwrap();
    let stop = CancellationToken::new();
    let run = RunId::generate();
    let done = desk
        .compact(Purpose::Compact, &run, &Unmetered, &stop)
        .await
        .unwrap()
        .unwrap();
    let short = desk.account().await.unwrap();
    assert!(short.estimated() < whole.estimated());
    let summary = short
        .parts
        .iter()
        .find(|part| part.kind == PartKind::Summary);
    assert!(summary.is_some_and(|part| part.tokens > 0), "{short:?}");
    let [compaction] = short.compactions.as_slice() else {
        panic!("{short:?}")
    };
    assert_eq!(Some(compaction.seq), done.recorded);
    assert_eq!(compaction.how.trigger, Some(CompactionTrigger::Manual));
    assert_eq!(compaction.how.model.as_deref(), Some("openai/fake"));

    assert_eq!(desk.undo(Some(99_999)).await.unwrap(), [0_u64; 0]);
    assert_eq!(
        desk.undo(Some(compaction.seq)).await.unwrap(),
        [compaction.seq]
    );
    let restored = desk.account().await.unwrap();
    assert_eq!(restored.parts, whole.parts);
    assert!(restored.compactions[0].undone);
}

#[tokio::test]
async fn a_session_with_little_in_it_is_left_as_it_is() {
    let stage = with_turns(1).await;
    let desk = stage.desk();
    assert_eq!(desk.outline().await.unwrap(), None);
    let stop = CancellationToken::new();
    let run = RunId::generate();
    let made = desk
        .compact(Purpose::Compact, &run, &Unmetered, &stop)
        .await;
    assert_eq!(made.unwrap(), None);
}

#[tokio::test]
async fn a_session_with_a_run_under_way_is_busy() {
    let stage = with_turns(3).await;
    let _lease = stage.store.lease(&stage.session).await.unwrap();
    let stop = CancellationToken::new();
    let run = RunId::generate();
    let desk = stage.desk();
    for outcome in [
        desk.compact(Purpose::Compact, &run, &Unmetered, &stop)
            .await
            .map(drop),
        desk.undo(None).await.map(drop),
    ] {
        assert!(
            matches!(outcome, Err(AgentError::Store(StoreError::Leased(_)))),
            "{outcome:?}"
        );
    }
}
