//! More messages than may wait.

use openclaw_agents::lanes::{Overflow, QueueMode, QueueRules};
use openclaw_agents::{AgentError, Limits, Rules};
use openclaw_core::events::Change;
use openclaw_testkit::Reply;

use super::{Arena, waiting};

fn arena(overflow: Overflow, turns: usize) -> Arena {
    let rules = Rules {
        queue: QueueRules {
            cap: 2,
            overflow,
            ..QueueRules::default()
        },
        ..Rules::default()
    };
    let replies = std::iter::once(waiting()).chain((0..=turns).map(|n| Reply::text(n.to_string())));
    Arena::with(replies, rules, Limits::default())
}

const FOLLOWUP: QueueMode = QueueMode::Followup;

#[tokio::test]
async fn the_new_message_is_refused_before_it_is_recorded() {
    let arena = arena(Overflow::New, 2);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let b = arena.queue(Arena::owner(), "b", FOLLOWUP).await;
    let c = arena.queue(Arena::owner(), "c", FOLLOWUP).await;
    let refused = arena
        .submit(arena.turn(Arena::owner(), "d", Some(FOLLOWUP)))
        .await
        .unwrap();
    assert!(
        matches!(refused, Err(AgentError::LaneFull { waiting: 2, .. })),
        "{refused:?}"
    );
    arena.let_tool_go();
    for answer in [first, b, c] {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(
        arena.provider.last_request().user_texts(),
        ["first", "b", "c"]
    );
    arena.assert_clean();
}

#[tokio::test]
async fn the_oldest_message_gives_way_and_is_not_seen() {
    let arena = arena(Overflow::Old, 2);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let b = arena.queue(Arena::owner(), "b", FOLLOWUP).await;
    let c = arena.queue(Arena::owner(), "c", FOLLOWUP).await;
    let d = arena.queue(Arena::owner(), "d", FOLLOWUP).await;
    let dropped = b.await.unwrap().unwrap_err();
    assert!(matches!(dropped, AgentError::Displaced), "{dropped}");
    arena.let_tool_go();
    for answer in [first, c, d] {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(
        arena.provider.last_request().user_texts(),
        ["first", "c", "d"]
    );
    arena.assert_clean();
}

#[tokio::test]
async fn the_next_turn_is_told_what_the_oldest_message_said() {
    let arena = arena(Overflow::Summarize, 3);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let b = arena.queue(Arena::owner(), "about\nbees", FOLLOWUP).await;
    let c = arena.queue(Arena::owner(), "c", FOLLOWUP).await;
    let d = arena.queue(Arena::owner(), "d", FOLLOWUP).await;
    assert!(b.await.unwrap().is_err());
    arena.let_tool_go();
    for answer in [first, c, d] {
        answer.await.unwrap().unwrap();
    }
    let texts: Vec<String> = arena
        .provider
        .last_request()
        .user_texts()
        .iter()
        .map(|text| (*text).to_owned())
        .collect();
    let [first, told, last] = &texts[..] else {
        panic!("{texts:?}");
    };
    assert!(
        told.starts_with("c\n") && told.contains("- about bees"),
        "{told}"
    );
    assert_eq!([first, last], ["first", "d"]);
    let told = |change: &Change| matches!(change, Change::ModelTold { .. });
    assert_eq!(
        arena
            .changes()
            .await
            .iter()
            .filter(|change| told(change))
            .count(),
        1
    );
    arena.assert_clean();
}

#[tokio::test]
async fn nobody_floods_others_out() {
    let arena = arena(Overflow::Old, 3);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let b = arena.queue(Arena::owner(), "b", FOLLOWUP).await;
    let c = arena.queue(Arena::owner(), "c", FOLLOWUP).await;
    let eve = arena.turn(Arena::guest("eve"), "e", Some(FOLLOWUP));
    let refused = arena.submit(eve).await.unwrap();
    assert!(
        matches!(refused, Err(AgentError::LaneFull { .. })),
        "{refused:?}"
    );
    arena.let_tool_go();
    for answer in [first, b, c] {
        answer.await.unwrap().unwrap();
    }
    arena.assert_clean();
}

#[tokio::test]
async fn a_guests_message_gives_way_to_the_owners() {
    let arena = arena(Overflow::Old, 3);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let eve = arena.queue(Arena::guest("eve"), "e", FOLLOWUP).await;
    let bob = arena.queue(Arena::guest("bob"), "o", FOLLOWUP).await;
    let owner = arena.queue(Arena::owner(), "b", FOLLOWUP).await;
    assert!(eve.await.unwrap().is_err());
    arena.let_tool_go();
    for answer in [first, bob, owner] {
        answer.await.unwrap().unwrap();
    }
    arena.assert_clean();
}

#[tokio::test]
async fn guests_who_fill_the_queue_do_not_push_out_what_the_owner_said() {
    let arena = arena(Overflow::Old, 3);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let b = arena.queue(Arena::owner(), "b", FOLLOWUP).await;
    let eve = arena.queue(Arena::guest("eve"), "e", FOLLOWUP).await;
    let c = arena.queue(Arena::owner(), "c", FOLLOWUP).await;
    assert!(eve.await.unwrap().is_err());
    arena.let_tool_go();
    for answer in [first, b, c] {
        answer.await.unwrap().unwrap();
    }
    arena.assert_clean();
}
