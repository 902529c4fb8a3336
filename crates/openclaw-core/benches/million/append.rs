//! One writer that appends one event after the other, to an empty log and to the large one.

use std::time::{Duration, Instant};

use openclaw_core::EventStore;
use openclaw_core::events::NewEvent;

use crate::stores::SESSIONS;
use crate::workload::{OPENING, TURN, Workload, session};

/// How often the two logs take turns.
const ROUNDS: u64 = 500;
/// How many events a log gets in each round; few, so that a slow moment hits both.
const APPENDS: u64 = 10;
/// How many sessions the empty log has; they begin before anything is measured.
const SESSIONS_OF_EMPTY: u64 = 50;

/// How long appends took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latencies {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Appends the same events to both logs in turn, and returns how long it took in the empty one and
/// in the large one.
pub(crate) async fn in_turn(empty: &EventStore, large: &EventStore) -> (Latencies, Latencies) {
    let mut workload = Workload::new(1);
    for number in 0..SESSIONS_OF_EMPTY {
        let events = workload.events(number, 1, OPENING + TURN);
        empty.append(&session(number), events).await.unwrap();
    }
    let (mut in_empty, mut in_large) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let events: Vec<(u64, NewEvent)> = (0..APPENDS)
            .map(|number| {
                let seq = OPENING + 1 + number % TURN;
                (workload.below(SESSIONS), workload.event(number, seq))
            })
            .collect();
        for (number, event) in &events {
            in_empty.push(append(empty, number % SESSIONS_OF_EMPTY, event).await);
        }
        for (number, event) in &events {
            in_large.push(append(large, *number, event).await);
        }
    }
    (latencies(in_empty), latencies(in_large))
}

async fn append(store: &EventStore, number: u64, event: &NewEvent) -> Duration {
    let (key, events) = (session(number), vec![event.clone()]);
    let began = Instant::now();
    store.append(&key, events).await.unwrap();
    began.elapsed()
}

fn latencies(mut times: Vec<Duration>) -> Latencies {
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100];
    Latencies {
        p50: at(50),
        p99: at(99),
    }
}
