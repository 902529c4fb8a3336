//! What is set aside for calls, and what they are settled with.

use openclaw_core::{Cost, Price};

use super::*;
use crate::catalogue::ModelInfo;
use crate::meter::{Capped, Meter, Planned, Reservation, Unreserved};
use crate::request::{Message, UserBlock};

/// Writes down what is set aside and settled, and lets so many calls pass.
#[derive(Clone, Debug)]
struct Ledger {
    lines: Arc<Mutex<Vec<String>>>,
    calls: usize,
}

impl Ledger {
    fn new(calls: usize) -> Self {
        Self {
            lines: Arc::default(),
            calls,
        }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().clone()
    }
}

#[async_trait]
impl Meter for Ledger {
    async fn reserve(&self, planned: Planned<'_>) -> Result<Box<dyn Reservation>, Unreserved> {
        let mut lines = self.lines.lock();
        let reserved = lines.iter().filter(|line| line.starts_with("plan")).count();
        if reserved >= self.calls {
            return Err(Capped {
                cap: "day",
                message: "that was enough".to_owned(),
                hint: "raise `budget.day`".to_owned(),
            }
            .into());
        }
        lines.push(format!("plan {}", planned.output_tokens));
        Ok(Box::new(Note {
            lines: Arc::clone(&self.lines),
            settled: false,
        }))
    }
}

#[derive(Debug)]
struct Note {
    lines: Arc<Mutex<Vec<String>>>,
    settled: bool,
}

impl Reservation for Note {
    fn settle(mut self: Box<Self>, usage: &Usage, cost: Option<Cost>) {
        self.settled = true;
        let cost = cost.map_or(0, Cost::as_nanos);
        let line = format!("took {} + {}, {cost} nanos", usage.input, usage.output);
        self.lines.lock().push(line);
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if !self.settled {
            self.lines.lock().push("back".to_owned());
        }
    }
}

fn priced(act: impl IntoIterator<Item = Act>) -> (Route, Arc<Actor>) {
    let actor = Actor::new("p", act);
    let mut only = candidate(&actor);
    only.info = Some(ModelInfo {
        max_tokens: Some(500),
        price: Some(Price {
            input: 1.0,
            output: 10.0,
            ..Price::FREE
        }),
        ..ModelInfo::unknown("m")
    });
    (Stage::new().of(vec![only]), actor)
}

async fn spend(route: &Route, ledger: &Ledger) -> Vec<CallPayload> {
    let request = Request {
        messages: vec![Message::User(vec![UserBlock::Text("x".repeat(300))])],
        ..Request::default()
    };
    let stop = CancellationToken::new();
    match route.ask(&request, ledger, &stop).await {
        Ok(mut answer) => {
            while answer.next().await.is_some() {}
            answer.finish().1
        }
        Err(Refused { calls, .. }) => calls,
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_is_set_aside_and_settled_by_what_the_provider_told() {
    let (route, _) = priced([Act::Refuse(529, None), Act::Say("yes")]);
    let ledger = Ledger::new(9);
    let calls = spend(&route, &ledger).await;
    assert_eq!(
        ledger.lines(),
        ["plan 500", "back", "plan 500", "took 10 + 2, 30000 nanos"]
    );
    let costs: Vec<_> = calls.iter().map(|call| call.cost).collect();
    assert_eq!(
        costs,
        [Some(Cost::from_nanos(0)), Some(Cost::from_nanos(30_000))]
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_does_not_tell_is_estimated_once_something_came() {
    // 300 letters and an envelope are 108 tokens at most, 60 letters 20.
    let text = said(&"y".repeat(60));
    for (act, line) in [
        (
            Act::Send(vec![started(), text.clone(), ended()]),
            "took 108 + 20, 308000 nanos",
        ),
        (
            Act::Break(vec![started(), text.clone()], Reason::Server),
            "took 108 + 20, 308000 nanos",
        ),
        (
            Act::Break(vec![used(40, 1), text.clone()], Reason::Server),
            "took 40 + 20, 240000 nanos",
        ),
        (
            Act::Send(vec![used(40, 25), text.clone(), ended()]),
            "took 40 + 25, 290000 nanos",
        ),
        (
            Act::Send(vec![used(0, 25), text.clone(), ended()]),
            "took 108 + 25, 358000 nanos",
        ),
        (
            Act::Send(vec![used(40, 1), text.clone(), ended()]),
            "took 40 + 20, 240000 nanos",
        ),
    ] {
        let (route, _) = priced([act]);
        let ledger = Ledger::new(9);
        let calls = spend(&route, &ledger).await;
        assert_eq!(ledger.lines(), ["plan 500", line]);
        assert_eq!(calls.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_attempt_had_taken_before_its_first_token_is_settled_too() {
    let (route, _) = priced([
        Act::Break(vec![used(40, 0)], Reason::Server),
        Act::Say("yes"),
    ]);
    let ledger = Ledger::new(9);
    spend(&route, &ledger).await;
    assert_eq!(
        ledger.lines(),
        [
            "plan 500",
            "took 40 + 0, 40000 nanos",
            "plan 500",
            "took 10 + 2, 30000 nanos"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_got_through_and_brought_no_word_took_its_request() {
    let (route, _) = priced([Act::Send(vec![started()]), Act::Say("yes")]);
    let ledger = Ledger::new(9);
    spend(&route, &ledger).await;
    assert_eq!(
        ledger.lines(),
        [
            "plan 500",
            "took 108 + 0, 108000 nanos",
            "plan 500",
            "took 10 + 2, 30000 nanos"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_dropped_is_settled() {
    let (route, _) = priced([Act::Say("yes")]);
    let ledger = Ledger::new(9);
    let stop = CancellationToken::new();
    let answer = route.ask(&Request::default(), &ledger, &stop).await;
    drop(answer.unwrap());
    assert_eq!(ledger.lines(), ["plan 500", "took 0 + 1, 10000 nanos"]);
}

#[tokio::test(start_paused = true)]
async fn a_cap_ends_everything_and_asks_nobody() {
    let (route, actor) = priced([Act::Say("yes")]);
    let stop = CancellationToken::new();
    let refused = route
        .ask(&Request::default(), &Ledger::new(0), &stop)
        .await
        .unwrap_err();
    assert_eq!(refused.error.to_string(), "that was enough");
    assert_eq!(refused.error.kind(), openclaw_core::Kind::Limited);
    assert_eq!((refused.calls.len(), actor.asked()), (0, 0));
}
