//! A listener that falls behind is told, and gets every fact all the same.

use openclaw_core::events::NewEvent;
use openclaw_core::{EventStore, SessionEventKind, SessionKey};
use openclaw_gateway::GatewayBuilder;
use openclaw_gateway::agents::ToolRegistry;
use openclaw_ipc::Notification;

#[tokio::test]
async fn a_slow_listener_is_told_that_it_lags_and_misses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
    let gateway = GatewayBuilder::new()
        .with_event_store(store.clone())
        .with_tool_registry(ToolRegistry::standard())
        .build();
    let mut live = gateway.live();
    let session = SessionKey::parse("agent:main:main").unwrap();
    let mut facts: Vec<NewEvent> = vec![
        SessionEventKind::SessionStarted {
            channel: "c".into(),
            peer_id: "p".into(),
        }
        .into(),
    ];
    facts.extend((2..=3000).map(|n| {
        SessionEventKind::StateChanged {
            key: "n".into(),
            value: n.into(),
        }
        .into()
    }));
    store.append(&session, facts).await.unwrap();
    let Notification::StreamLagged(lagged) = live.next().await.unwrap() else {
        panic!("not told");
    };
    assert_eq!((lagged.dropped, lagged.behind), (0, 3000));
    for seq in 1..=3000 {
        let Notification::SessionEvent(fact) = live.next().await.unwrap() else {
            panic!("told twice");
        };
        assert_eq!(fact.event.seq, seq);
    }
}
