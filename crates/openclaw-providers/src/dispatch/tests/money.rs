//! What is set aside for calls, and what they are settled with.

use openclaw_core::{Cost, Price};

use super::*;
use crate::catalogue::ModelInfo;
use crate::meter::{Capped, Meter, Planned, Reservation, Unreserved};
use crate::provider::Modality;
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

/// A short answer with a count that may be right.
fn answered() -> Act {
    Act::Send(vec![started(), said("yes"), used(40, 2), ended()])
}

fn priced(act: impl IntoIterator<Item = Act>) -> (Route, Arc<Actor>) {
    let actor = Actor::new("p", act);
    let mut only = candidate(&actor);
    only.info = Some(ModelInfo {
        input: vec![Modality::Text, Modality::Image, Modality::Document],
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
    send(vec![UserBlock::Text("x".repeat(300))], route, ledger).await
}

async fn send(blocks: Vec<UserBlock>, route: &Route, ledger: &Ledger) -> Vec<CallPayload> {
    let request = Request {
        messages: vec![Message::User(blocks)],
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
    let (route, _) = priced([Act::Refuse(529, None), answered()]);
    let ledger = Ledger::new(9);
    let calls = spend(&route, &ledger).await;
    assert_eq!(
        ledger.lines(),
        ["plan 500", "back", "plan 500", "took 40 + 2, 60000 nanos"]
    );
    let costs: Vec<_> = calls.iter().map(|call| call.cost).collect();
    assert_eq!(
        costs,
        [Some(Cost::from_nanos(0)), Some(Cost::from_nanos(60_000))]
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
    let (route, _) = priced([Act::Break(vec![used(40, 0)], Reason::Server), answered()]);
    let ledger = Ledger::new(9);
    spend(&route, &ledger).await;
    assert_eq!(
        ledger.lines(),
        [
            "plan 500",
            "took 40 + 0, 40000 nanos",
            "plan 500",
            "took 40 + 2, 60000 nanos"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_got_through_and_brought_no_word_took_its_request() {
    let (route, _) = priced([Act::Send(vec![started()]), answered()]);
    let ledger = Ledger::new(9);
    spend(&route, &ledger).await;
    assert_eq!(
        ledger.lines(),
        [
            "plan 500",
            "took 108 + 0, 108000 nanos",
            "plan 500",
            "took 40 + 2, 60000 nanos"
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

/// Returns the usage that a call is settled with that sends this and gets these events.
async fn settled(blocks: Vec<UserBlock>, events: Vec<StreamEvent>) -> Usage {
    let (route, _) = priced([Act::Send(events)]);
    let calls = send(blocks, &route, &Ledger::new(9)).await;
    calls.last().unwrap().usage
}

#[tokio::test(start_paused = true)]
async fn a_prompt_is_what_is_told_of_it_unless_that_is_less_than_a_quarter_of_its_text() {
    let text = || UserBlock::Text("x".repeat(99_000));
    let picture = UserBlock::Image {
        mime: "image/png".to_owned(),
        base64: "A".repeat(2_000_000),
    };
    let document = UserBlock::Document {
        mime: "application/pdf".to_owned(),
        name: "a.pdf".to_owned(),
        base64: "A".repeat(2_000_000),
    };
    let plain = UserBlock::Document {
        mime: "text/plain".to_owned(),
        name: "a.txt".to_owned(),
        base64: "A".repeat(2_000_000),
    };
    let words = || UserBlock::Text("What is this?".to_owned());
    for (blocks, told, input) in [
        (vec![text()], (1, 0, 0), 33_008),
        (vec![text()], (8_249, 0, 0), 33_008),
        (vec![text()], (8_250, 0, 0), 8_250),
        (vec![text()], (1, 20_000, 9_000), 1),
        (vec![text()], (1, 2, 3), 33_003),
        (vec![words(), picture.clone()], (60, 0, 0), 60),
        (vec![words(), picture], (0, 0, 0), 5_013),
        (vec![words(), document], (1_500, 0, 0), 1_500),
        (vec![words(), plain], (1_500, 0, 0), 500_013),
    ] {
        let (input_told, cache_read, cache_write) = told;
        let usage = StreamEvent::Usage(Usage {
            input: input_told,
            output: 2,
            cache_read,
            cache_write,
            ..Usage::default()
        });
        let usage = settled(blocks, vec![started(), said("yes"), usage, ended()]).await;
        assert_eq!(
            (usage.input, usage.cache_read, usage.cache_write),
            (input, cache_read, cache_write),
            "{told:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_what_is_told_of_it_unless_that_is_less_than_a_quarter_of_what_came() {
    // As the newest tokenizer of OpenAI counts it, by OpenAI's own account.
    let tamil = "வணக்கம், என் பெயர் ஜிபிடி-4o. நான் ஒரு புதிய வகை மொழி மாடல். உங்களை சந்தித்ததில் மகிழ்ச்சி!";
    let english = "The quick brown fox jumps over the lazy dog.";
    let letters = |text: &str| text.split("").map(said).collect::<Vec<_>>();
    for (pieces, told, output) in [
        (vec![said(&"y".repeat(60_000))], 1, 20_000),
        (vec![said(&"y".repeat(60_000))], 4_999, 20_000),
        (vec![said(&"y".repeat(60_000))], 5_000, 5_000),
        (vec![said(tamil)], 35, 35),
        (letters(tamil), 35, 35),
        (letters(english), 10, 10),
    ] {
        let events = [vec![started()], pieces, vec![used(40, told), ended()]].concat();
        let usage = settled(Vec::new(), events).await;
        assert_eq!(usage.output, output, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_thought_in_secret_or_could_not_be_read_counts_where_nothing_better_is_told() {
    let sealed = "A".repeat(8_000);
    let signature = || StreamEvent::ThinkingSignature(sealed.clone());
    let redacted = || StreamEvent::RedactedThinking(sealed.clone());
    let thought = |letters| StreamEvent::Thinking("y".repeat(letters));
    let yes = || said("yes");
    for (pieces, output) in [
        (vec![signature(), yes()], 2_001),
        (vec![redacted(), yes()], 2_001),
        (vec![StreamEvent::Unread(20_000), yes()], 6_668),
        // What was shown of the thoughts is among those that are sealed, or the other way round.
        (vec![thought(300), signature(), yes()], 2_001),
        (vec![thought(9_000), signature(), yes()], 3_001),
        (vec![signature(), thought(300), yes(), signature()], 4_001),
    ] {
        let cut = [vec![started(), used(40, 1)], pieces.clone()].concat();
        let untold = [vec![started()], pieces.clone(), vec![ended()]].concat();
        let half = [vec![started()], pieces, vec![used(40, 9), ended()]].concat();
        for events in [cut, untold, half] {
            assert_eq!(settled(Vec::new(), events).await.output, output);
        }
    }
}
