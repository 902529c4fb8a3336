//! Sums and reservations over a real log.

mod fates;
mod orders;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::clock::Clock;
use crate::events::{
    AuditEntry, CallOutcome, CallPayload, Change, EventStore, NewEvent, Payload, RawJson,
    SessionEventKind, StepPayload,
};
use crate::ids::RunId;
use crate::session_key::SessionKey;
use crate::usage::{Attended, Cost, Price, Usage, UsageSum};

const DOLLAR: u64 = 1_000_000_000;

/// A dollar for each token, in and out.
const A_DOLLAR_A_TOKEN: Price = Price {
    input: 1e6,
    output: 1e6,
    cache_read: 1e6,
    cache_write: 1e6,
    tiers: Vec::new(),
};

struct Log {
    dir: TempDir,
    clock: Clock,
    store: EventStore,
}

impl Log {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::fixed("2026-11-23T10:00:00Z".parse().unwrap());
        let store = open(dir.path(), &clock);
        let log = Self { dir, clock, store };
        log.begin("agent:main:main").await;
        log
    }

    async fn begin(&self, session: &str) {
        let started = SessionEventKind::SessionStarted {
            channel: "cli".into(),
            peer_id: "local".into(),
        };
        self.store
            .append(&key(session), vec![started.into()])
            .await
            .unwrap();
    }

    async fn record(&self, session: &str, run: &str, calls: Vec<CallPayload>) {
        let answer = NewEvent::from(SessionEventKind::AgentResponse {
            content: "yes".into(),
            model: "m".into(),
            tokens: 1,
        });
        let event = answer.in_run(&run.into(), None).with_payload(Payload {
            calls,
            ..Payload::default()
        });
        self.store.append(&key(session), vec![event]).await.unwrap();
    }

    async fn by_model(&self) -> BTreeMap<String, UsageSum> {
        self.store
            .usage(UsageQuery::default(), |cell| {
                format!("{}/{}", cell.provider, cell.model)
            })
            .await
            .unwrap()
    }

    async fn total(&self) -> UsageSum {
        let sums = self.store.usage(UsageQuery::default(), |_| String::new());
        sums.await.unwrap().remove("").unwrap_or_default()
    }

    fn day() -> Limit {
        let midnight: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        Limit {
            cap: "day",
            subject: String::new(),
            period: midnight,
            scope: Scope::AllSince(midnight),
            usd: Some(Cost::from_nanos(10 * DOLLAR)),
            tokens: None,
        }
    }
}

fn open(dir: &Path, clock: &Clock) -> EventStore {
    EventStore::open_with_clock(&dir.join("events.sqlite"), clock.clone()).unwrap()
}

fn key(text: &str) -> SessionKey {
    SessionKey::parse(text).unwrap()
}

fn call(tokens: u64, cost: Option<u64>) -> CallPayload {
    CallPayload {
        provider: "fake".into(),
        model: "m".into(),
        credential: None,
        outcome: CallOutcome::Ok,
        usage: Usage {
            output: tokens,
            ..Usage::default()
        },
        cost: cost.map(|dollars| Cost::from_nanos(dollars * DOLLAR)),
        latency_ms: 100,
        first_token_ms: Some(10),
        skipped: 0,
    }
}

fn failed(tokens: u64) -> CallPayload {
    CallPayload {
        outcome: CallOutcome::Failed {
            kind: crate::kind::Kind::Unavailable,
            message: "overloaded".into(),
        },
        ..call(tokens, Some(tokens))
    }
}

fn spender(run: &str) -> Spender {
    Spender {
        agent: "main".into(),
        session: key("agent:main:main"),
        run: run.into(),
        channel: "cli".into(),
        attended: Attended::Yes,
    }
}

/// A call that costs a dollar to ask, and up to so many to be answered.
fn planned(least: u64, most: u64) -> Call {
    Call {
        provider: "fake".into(),
        model: "m".into(),
        price: Some(A_DOLLAR_A_TOKEN),
        input: 1,
        least_output: least,
        most_output: most,
    }
}

async fn granted(store: &EventStore, run: &str, call: &Call, limit: &Limit) -> Reservation {
    match store
        .reserve(&spender(run), call, std::slice::from_ref(limit))
        .await
    {
        Ok(Verdict::Granted(reservation)) => reservation,
        other => panic!("{other:?}"),
    }
}

async fn refused(store: &EventStore, run: &str, call: &Call, limit: &Limit) -> Shortage {
    match store
        .reserve(&spender(run), call, std::slice::from_ref(limit))
        .await
    {
        Ok(Verdict::Short(shortage)) => shortage,
        other => panic!("{other:?}"),
    }
}

async fn standing(store: &EventStore, limit: &Limit) -> Standing {
    store.standings(vec![limit.clone()]).await.unwrap()[0]
}

const fn dollars(n: u64) -> Spent {
    Spent {
        cost: Cost::from_nanos(n * DOLLAR),
        tokens: n,
    }
}

#[tokio::test]
async fn every_call_is_in_the_sums_failed_and_unpriced_ones_too() {
    let log = Log::new().await;
    log.record(
        "agent:main:main",
        "r1",
        vec![failed(1), call(2, Some(2)), call(4, None)],
    )
    .await;
    log.record("agent:main:main", "r2", vec![call(8, Some(8))])
        .await;
    let total = log.total().await;
    assert_eq!((total.calls, total.failed, total.unpriced), (4, 1, 1));
    assert_eq!(total.usage.output, 15);
    assert_eq!(total.cost, Cost::from_nanos(11 * DOLLAR));
    assert_eq!(total.first_token.percentile(95), Some(10));
}

#[tokio::test]
async fn a_deleted_session_has_spent_what_it_spent() {
    let log = Log::new().await;
    log.record("agent:main:main", "r", vec![call(3, Some(3))])
        .await;
    let before = log.total().await;
    let session = key("agent:main:main");
    log.store
        .delete(&session, None, "done", None)
        .await
        .unwrap();
    assert_eq!(log.total().await, before);
    assert_eq!(standing(&log.store, &Log::day()).await.spent, dollars(3));
}

#[tokio::test]
async fn a_branch_does_not_spend_again_what_it_shares() {
    let log = Log::new().await;
    log.record("agent:main:main", "r", vec![call(3, Some(3))])
        .await;
    let branch = key("agent:main:explicit:b");
    log.store
        .fork(&key("agent:main:main"), 2, &branch)
        .await
        .unwrap();
    assert_eq!(log.total().await.calls, 1);
}

#[tokio::test]
async fn steps_of_earlier_versions_count_and_openclaws_with_their_cost() {
    let log = Log::new().await;
    let step = |model: &str| {
        NewEvent::from(SessionEventKind::MessageSent {
            content: "hi".into(),
            message_id: "1".into(),
        })
        .with_payload(Payload {
            step: Some(StepPayload {
                provider: "fake".into(),
                model: model.into(),
                stop: "endturn".into(),
                usage: Usage {
                    input: 5,
                    ..Usage::default()
                },
                blocks: vec![],
            }),
            ..Payload::default()
        })
    };
    let session = key("agent:main:main");
    log.store
        .append(&session, vec![step("ours")])
        .await
        .unwrap();
    let mut theirs = step("theirs");
    let raw = r#"{"type":"message","message":{"usage":{"cost":{"total":0.25}}}}"#;
    theirs.raw = Some(RawJson::new(raw.into()).unwrap());
    let past: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
    log.store
        .take_in(&session, 2, vec![(past, theirs)])
        .await
        .unwrap();
    let sums = log.by_model().await;
    assert_eq!(
        (sums["fake/ours"].calls, sums["fake/ours"].unpriced),
        (1, 1)
    );
    assert_eq!(
        (
            sums["fake/theirs"].cost.as_nanos(),
            sums["fake/theirs"].unpriced
        ),
        (DOLLAR / 4, 0)
    );
    // It was not spent here, so it counts against no cap.
    let spent = standing(&log.store, &Log::day()).await.spent;
    assert_eq!(spent.cost, Cost::default());
}

#[tokio::test]
async fn sums_are_narrowed_by_time_agent_and_session() {
    let log = Log::new().await;
    log.begin("agent:code:main").await;
    log.record("agent:main:main", "a", vec![call(1, Some(1))])
        .await;
    let tomorrow: Timestamp = "2026-11-24T00:00:00Z".parse().unwrap();
    log.clock.set(tomorrow);
    log.record("agent:code:main", "b", vec![call(2, Some(2))])
        .await;
    let tokens = async |query| {
        let sums = log.store.usage(query, |_| String::new()).await.unwrap();
        sums.get("").map(|sum| sum.usage.output)
    };
    let all = UsageQuery::default();
    assert_eq!(tokens(all.clone()).await, Some(3));
    let since = Some(tomorrow);
    assert_eq!(
        tokens(UsageQuery {
            since,
            ..all.clone()
        })
        .await,
        Some(2)
    );
    let until = since;
    assert_eq!(
        tokens(UsageQuery {
            until,
            ..all.clone()
        })
        .await,
        Some(1)
    );
    let agent = Some("code".into());
    assert_eq!(
        tokens(UsageQuery {
            agent,
            ..all.clone()
        })
        .await,
        Some(2)
    );
    let session = Some(key("agent:main:main"));
    assert_eq!(tokens(UsageQuery { session, ..all }).await, Some(1));
}

#[tokio::test]
async fn a_call_may_write_what_is_left_but_no_less_than_it_needs() {
    let log = Log::new().await;
    let first = granted(&log.store, "a", &planned(1, 5), &Log::day()).await;
    assert_eq!((first.output(), first.most()), (5, dollars(6)));
    let second = granted(&log.store, "b", &planned(1, 5), &Log::day()).await;
    assert_eq!((second.output(), second.most()), (3, dollars(4)));
    let short = refused(&log.store, "c", &planned(1, 5), &Log::day()).await;
    assert_eq!(
        (short.passing, short.standing.reserved),
        (true, dollars(10))
    );
    drop(second);
    let third = granted(&log.store, "c", &planned(3, 5), &Log::day()).await;
    assert_eq!(third.output(), 3);
    drop(third);
    assert!(
        refused(&log.store, "c", &planned(4, 5), &Log::day())
            .await
            .passing
    );
    drop(first);
    assert!(
        !refused(&log.store, "c", &planned(10, 20), &Log::day())
            .await
            .passing
    );
}

#[tokio::test]
async fn what_was_settled_counts_until_it_is_recorded_and_not_twice() {
    let log = Log::new().await;
    let reservation = granted(&log.store, "r", &planned(1, 8), &Log::day()).await;
    let took = call(2, Some(2));
    reservation.settle(&took.usage, took.cost);
    let probe = granted(&log.store, "other", &planned(1, 1), &Log::day()).await;
    let at = standing(&log.store, &Log::day()).await;
    assert_eq!((at.spent, at.reserved), (dollars(0), dollars(4)));
    drop(probe);
    log.record("agent:main:main", "r", vec![took]).await;
    let at = standing(&log.store, &Log::day()).await;
    assert_eq!((at.spent, at.reserved), (dollars(2), dollars(0)));
}

#[tokio::test]
async fn two_processes_do_not_spend_the_same_money() {
    let log = Log::new().await;
    let other = open(log.dir.path(), &log.clock);
    let ours = granted(&log.store, "a", &planned(1, 5), &Log::day()).await;
    let theirs = granted(&other, "b", &planned(1, 5), &Log::day()).await;
    assert_eq!((ours.output(), theirs.output()), (5, 3));
    assert!(
        refused(&log.store, "c", &planned(1, 1), &Log::day())
            .await
            .passing
    );
}

#[tokio::test]
async fn the_calls_of_a_process_that_died_count_with_the_most_they_may_have_taken() {
    let log = Log::new().await;
    let dead = open(log.dir.path(), &log.clock);
    let open_call = granted(&dead, "open", &planned(1, 2), &Log::day()).await;
    let ended = granted(&dead, "ended", &planned(1, 4), &Log::day()).await;
    let took = call(1, Some(1));
    ended.settle(&took.usage, took.cost);
    // The settlement is taken in with the next thing that is asked of the writer.
    let anything = AuditEntry::LoginOffered { by: "x".into() };
    dead.audit(anything).await.unwrap();
    let owner: String = rusqlite::Connection::open(log.store.path())
        .and_then(|connection| {
            connection.query_row("SELECT owner FROM reservations LIMIT 1", [], |row| {
                row.get(0)
            })
        })
        .unwrap();
    std::fs::remove_file(log.dir.path().join(format!("owners/{owner}.lock"))).unwrap();

    let total = log.total().await;
    assert_eq!((total.calls, total.failed), (2, 2));
    assert_eq!(total.cost, Cost::from_nanos(4 * DOLLAR));
    let at = standing(&log.store, &Log::day()).await;
    assert_eq!((at.spent, at.reserved), (dollars(4), dollars(0)));
    let events = log.store.read(&key("agent:main:main"), 2..=9).await;
    let lost: Vec<_> = events.unwrap().iter().filter_map(Change::of).collect();
    let change = |run: &str| Change::CallsLost {
        run_id: RunId::from(run),
        calls: 1,
    };
    assert_eq!(lost, [change("ended"), change("open")]);
    drop(open_call);
}

#[tokio::test]
async fn a_raise_goes_for_its_period_and_is_on_record() {
    let log = Log::new().await;
    let raise = |usd| Raise {
        cap: "day".into(),
        subject: String::new(),
        period: Log::day().period,
        usd,
        tokens: None,
        by: "owner".into(),
    };
    let twenty = Some(Cost::from_nanos(20 * DOLLAR));
    log.store.raise(raise(twenty)).await.unwrap();
    let again = open(log.dir.path(), &log.clock);
    let at = standing(&again, &Log::day()).await;
    assert_eq!((at.usd, at.tokens, at.raised), (twenty, None, true));
    let mut tomorrow = Log::day();
    tomorrow.period += SignedDuration::from_hours(24);
    assert_eq!(standing(&again, &tomorrow).await.usd, tomorrow.usd);
    let audit = log.store.read(&SessionKey::audit(), 1..=9).await.unwrap();
    assert_eq!(
        audit.iter().filter_map(AuditEntry::of).collect::<Vec<_>>(),
        [AuditEntry::CapRaised {
            cap: "day".into(),
            subject: None,
            since: Log::day().period,
            usd: Some(20.0),
            tokens: None,
            by: "owner".into(),
        }]
    );
}

#[tokio::test]
async fn tokens_are_capped_where_nobody_knows_the_price() {
    let log = Log::new().await;
    let limit = Limit {
        usd: None,
        tokens: Some(4),
        ..Log::day()
    };
    let unpriced = Call {
        price: None,
        ..planned(1, 9)
    };
    assert_eq!(
        granted(&log.store, "a", &unpriced, &limit).await.output(),
        3
    );
}
