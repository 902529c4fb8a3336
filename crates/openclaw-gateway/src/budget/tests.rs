//! Caps over a real log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use openclaw_agents::{Attended, Meters as _, Whose};
use openclaw_config::{BudgetSettings, Cap};
use openclaw_core::events::{
    CallOutcome, CallPayload, Change, NewEvent, Payload, Raise, SessionEventKind, Spent,
};
use openclaw_core::{Clock, Cost, EventStore, Price, ProviderId, SessionKey, Usage};
use openclaw_ipc::methods::CapName;
use openclaw_providers::{Capped, Meter, Planned, Reservation, Unreserved};
use tempfile::TempDir;

use super::{Budget, Rules};

const DOLLAR: u64 = 1_000_000_000;

/// A dollar for a thousand tokens.
const PRICE: Price = Price {
    input: 1000.0,
    output: 1000.0,
    cache_read: 1000.0,
    cache_write: 1000.0,
    tiers: Vec::new(),
};

const fn usd(dollars: u64) -> Cap {
    Cap {
        usd: Some(Cost::from_nanos(dollars * DOLLAR)),
        tokens: None,
    }
}

struct Place {
    _dir: TempDir,
    clock: Clock,
    store: EventStore,
    budget: Budget,
}

async fn place(settings: BudgetSettings) -> Place {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed("2026-11-23T10:00:00Z".parse().unwrap());
    let path = dir.path().join("events.sqlite");
    let store = EventStore::open_with_clock(&path, clock.clone()).unwrap();
    let started = SessionEventKind::SessionStarted {
        channel: "cli".into(),
        peer_id: "local".into(),
    };
    store
        .append(&session(), vec![started.into()])
        .await
        .unwrap();
    let rules = Rules::new(settings, Some("Europe/Berlin"));
    let budget = Budget::new(store.clone(), clock.clone(), rules);
    Place {
        _dir: dir,
        clock,
        store,
        budget,
    }
}

fn session() -> SessionKey {
    SessionKey::parse("agent:main:main").unwrap()
}

fn whose(run: &str, attended: Attended) -> Whose {
    Whose {
        agent: "main".into(),
        session: session(),
        run: run.into(),
        channel: "cli".into(),
        attended,
    }
}

impl Place {
    fn meter(&self, run: &str) -> Arc<dyn Meter> {
        self.budget.of_run(whose(run, Attended::Yes))
    }

    /// Records that a run made a call that took so many thousand tokens.
    async fn record(&self, run: &str, thousands: u64) {
        let change = Change::UsageCost { usd: 0.0 };
        let call = CallPayload {
            provider: "fake".into(),
            model: "m".into(),
            credential: None,
            outcome: CallOutcome::Ok,
            usage: output(thousands),
            cost: Some(PRICE.of(&output(thousands))),
            latency_ms: 1,
            first_token_ms: None,
            skipped: 0,
        };
        let payload = Payload {
            calls: vec![call],
            ..Payload::default()
        };
        let event: NewEvent = change.to_event().unwrap();
        let event = event.in_run(&run.into(), None).with_payload(payload);
        self.store.append(&session(), vec![event]).await.unwrap();
    }
}

fn output(thousands: u64) -> Usage {
    Usage {
        output: thousands * 1000,
        ..Usage::default()
    }
}

async fn ask(
    meter: &Arc<dyn Meter>,
    price: Option<&Price>,
    thousands: u64,
) -> Result<Box<dyn Reservation>, Capped> {
    let provider = ProviderId::from("fake");
    let planned = Planned {
        provider: &provider,
        model: "m",
        price,
        input_tokens: 0,
        output_tokens: thousands * 1000,
    };
    meter.reserve(planned).await.map_err(|why| match why {
        Unreserved::Capped(capped) => capped,
        Unreserved::Uncounted(err) => panic!("{err}"),
    })
}

fn settle(reservation: Box<dyn Reservation>, thousands: u64) {
    let usage = output(thousands);
    reservation.settle(&usage, Some(PRICE.of(&usage)));
}

#[tokio::test]
async fn sixteen_turns_side_by_side_spend_what_the_day_allows_and_no_more() {
    let place = place(BudgetSettings {
        day: Some(usd(20)),
        ..BudgetSettings::default()
    })
    .await;
    let most = AtomicU64::new(0);
    let turns = (0..16).map(|n| {
        let (place, most) = (&place, &most);
        async move {
            let run = format!("run-{n}");
            let meter = place.meter(&run);
            // Each may take eight dollars, and takes two.
            let Ok(reservation) = ask(&meter, Some(&PRICE), 8).await else {
                return false;
            };
            tokio::task::yield_now().await;
            most.fetch_add(2, Ordering::Relaxed);
            settle(reservation, 2);
            place.record(&run, 2).await;
            true
        }
    });
    let answered = join_all(turns).await;
    let answered = answered.into_iter().filter(|answered| *answered).count();
    assert_eq!((answered, most.into_inner()), (10, 20));
}

#[tokio::test]
async fn a_refusal_names_the_cap_what_was_spent_and_what_to_do() {
    let place = place(BudgetSettings {
        day: Some(usd(3)),
        ..BudgetSettings::default()
    })
    .await;
    place.record("r", 2).await;
    let meter = place.meter("next");
    let held = ask(&meter, Some(&PRICE), 8).await;
    assert!(held.is_err());
    let capped = held.unwrap_err();
    assert_eq!(capped.cap, "day");
    assert_eq!(
        capped.message,
        "the cap `day` stops the turn: $2.00 of $3.00 spent for today, and the next call may take more than what is left"
    );
    assert!(
        capped.hint.contains("openclaw usage raise day --usd 6")
            && capped.hint.contains("budget.day in openclaw-rs.json5"),
        "{}",
        capped.hint
    );
    let raise = Raise {
        cap: "day".into(),
        subject: String::new(),
        period: place.budget.today().began,
        usd: Some(Cost::from_nanos(6 * DOLLAR)),
        tokens: None,
        by: "owner".into(),
    };
    place.store.raise(raise).await.unwrap();
    let held = ask(&meter, Some(&PRICE), 8).await.unwrap();
    // Four dollars are left, and the model is told to keep to them.
    assert_eq!(held.output_tokens(), Some(4000));
}

#[tokio::test]
async fn a_day_begins_at_midnight_where_the_people_are() {
    let place = place(BudgetSettings {
        day: Some(usd(2)),
        ..BudgetSettings::default()
    })
    .await;
    place.record("r", 2).await;
    let meter = place.meter("next");
    place.clock.set("2026-11-23T22:59:59Z".parse().unwrap());
    assert!(ask(&meter, Some(&PRICE), 2).await.is_err());
    place.clock.set("2026-11-23T23:00:00Z".parse().unwrap());
    assert!(ask(&meter, Some(&PRICE), 2).await.is_ok());
}

#[tokio::test]
async fn money_cannot_be_capped_where_nobody_knows_the_price() {
    let place = place(BudgetSettings {
        session: Some(usd(5)),
        ..BudgetSettings::default()
    })
    .await;
    let meter = place.meter("r");
    let capped = ask(&meter, None, 2).await.unwrap_err();
    assert!(capped.message.contains("fake/m"), "{}", capped.message);
    assert!(
        capped.hint.contains("models.providers.fake.models"),
        "{}",
        capped.hint
    );
    place.record("x", 5).await;
    assert!(ask(&meter, Some(&PRICE), 2).await.is_err());
    assert!(ask(&meter, Some(&Price::FREE), 2).await.is_ok());
}

#[tokio::test]
async fn whoever_waits_spends_without_bounds_unless_they_are_set_and_nobody_else_does() {
    let place = place(BudgetSettings::default()).await;
    let attended = place.meter("r");
    assert!(ask(&attended, Some(&PRICE), 900).await.is_ok());
    assert!(ask(&attended, None, 900).await.is_ok());
    // With a dollar to spend, a call that needs more than a thousand tokens is too much; the
    // least that one needs is 1024.
    let meter = place.budget.of_run(whose("alone", Attended::No));
    let capped = ask(&meter, Some(&PRICE), 900).await.unwrap_err();
    assert_eq!(capped.cap, "unattended");
    for n in 0..5 {
        let run = format!("run-{n}");
        let meter = place.budget.of_run(whose(&run, Attended::No));
        settle(ask(&meter, Some(&PRICE), 1).await.unwrap(), 1);
        assert_eq!(
            ask(&meter, Some(&PRICE), 1).await.unwrap_err().cap,
            "unattended"
        );
        place.record(&run, 1).await;
    }
    let last = place.budget.of_run(whose("last", Attended::No));
    assert_eq!(
        ask(&last, Some(&PRICE), 1).await.unwrap_err().cap,
        "unattended-day"
    );
}

#[tokio::test]
async fn a_turn_has_its_cap_to_itself() {
    let place = place(BudgetSettings {
        turn: Some(usd(4)),
        ..BudgetSettings::default()
    })
    .await;
    let (one, other) = (place.meter("one"), place.meter("other"));
    settle(ask(&one, Some(&PRICE), 3).await.unwrap(), 3);
    place.record("one", 3).await;
    assert_eq!(ask(&one, Some(&PRICE), 3).await.unwrap_err().cap, "turn");
    assert!(ask(&other, Some(&PRICE), 4).await.is_ok());
    // A run that goes on with another meter has spent what it spent.
    let again = place.meter("one");
    again.count(&output(3), Some(PRICE.of(&output(3))));
    assert_eq!(ask(&again, Some(&PRICE), 3).await.unwrap_err().cap, "turn");
}

#[test]
fn every_cap_has_the_name_that_it_is_raised_by() {
    let rules = Rules::new(
        BudgetSettings {
            turn: Some(usd(1)),
            session: Some(usd(1)),
            agent: Some(usd(1)),
            day: Some(usd(1)),
            unattended: Some(usd(2)),
        },
        None,
    );
    let day = rules.day_of("2026-11-23T10:00:00Z".parse().unwrap());
    let limits = rules.of_call(&whose("r", Attended::No), Spent::default(), &day);
    let caps: Vec<(&str, u64)> = limits
        .iter()
        .map(|(_, limit)| (limit.cap, limit.usd.unwrap().as_nanos() / DOLLAR))
        .collect();
    assert_eq!(
        caps,
        [
            (CapName::Unattended.as_str(), 2),
            ("unattended-day", 10),
            ("turn", 1),
            ("session", 1),
            ("agent", 1),
            ("day", 1)
        ]
    );
}
