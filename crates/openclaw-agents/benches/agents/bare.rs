//! The least that a turn can be: its events, appended one batch after the other.

use futures_util::future::join_all;
use openclaw_core::EventStore;
use openclaw_core::events::{NewEvent, SessionEvent};

use crate::IN_ONE_SESSION;
use crate::stage::{Stage, key};

/// Appends the events of a turn to another session, each after the one before is on disk.
pub(crate) async fn append(store: &EventStore, name: &str, events: Vec<SessionEvent>) {
    let session = key(name);
    let lease = store.lease(&session).await.unwrap();
    let last = events.len().saturating_sub(1);
    for (index, event) in events.into_iter().enumerate() {
        let event = again(event);
        if index == last {
            lease.append_last(vec![event]).await.unwrap();
        } else {
            lease.append(vec![event]).await.unwrap();
        }
    }
}

/// Appends the same turn over and over, in so many sessions at once.
pub(crate) async fn side_by_side(stage: &Stage, sessions: usize, turns: usize) {
    stage.open("sample").await;
    stage.turn("sample").await;
    let events = stage.recorded("sample").await;
    let one = |session: usize| {
        let events = &events;
        async move {
            for turn in 0..turns {
                let name = format!("b{session}-{}", turn / IN_ONE_SESSION);
                if turn % IN_ONE_SESSION == 0 {
                    stage.open(&name).await;
                }
                append(&stage.store, &name, events.clone()).await;
            }
        }
    };
    join_all((0..sessions).map(one)).await;
}

fn again(event: SessionEvent) -> NewEvent {
    NewEvent {
        cause: None,
        run_id: event.run_id,
        step: event.step,
        call_id: event.call_id,
        kind: event.kind,
        payload: event.payload,
        raw: None,
    }
}
