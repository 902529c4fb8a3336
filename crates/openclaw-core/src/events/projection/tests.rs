//! The algebra of projections: any order, any split, any repetition.

use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use super::*;
use crate::events::{EventHash, NewEvent, Payload, StepPayload};
use crate::session_key::SessionKey;

fn event(seq: u64, new: NewEvent) -> SessionEvent {
    SessionEvent {
        session: SessionKey::parse("agent:main:main").unwrap(),
        seq,
        position: seq,
        time: jiff::Timestamp::UNIX_EPOCH,
        cause: new.cause,
        run_id: new.run_id,
        step: new.step,
        call_id: new.call_id,
        kind: new.kind,
        payload: new.payload,
        raw: new.raw,
        hash: EventHash::START,
    }
}

fn step(usage: Usage) -> Payload {
    Payload {
        step: Some(StepPayload {
            provider: "p".into(),
            model: "m".into(),
            stop: "end".into(),
            usage,
            blocks: vec![],
        }),
        ..Payload::default()
    }
}

fn facts() -> impl Strategy<Value = NewEvent> {
    let usage =
        (any::<u64>(), any::<u32>(), any::<u32>()).prop_map(|(input, output, cached)| Usage {
            input,
            output: output.into(),
            cache_read: cached.into(),
            ..Usage::default()
        });
    let call = || "[ab]";
    prop_oneof![
        "[a-z]{0,8}".prop_map(|content| SessionEventKind::MessageReceived {
            content,
            attachments: vec![],
        }
        .into()),
        ("[a-z]{0,8}", any::<u64>(), usage).prop_map(|(content, tokens, usage)| {
            let model = "m".into();
            NewEvent::from(SessionEventKind::AgentResponse {
                content,
                model,
                tokens,
            })
            .with_payload(step(usage))
        }),
        ("[xy]", call()).prop_map(|(tool, call)| {
            let params = Value::Null;
            NewEvent::from(SessionEventKind::ToolCalled { tool, params }).about_call(&call.into())
        }),
        call().prop_map(|call| {
            let (tool, result) = ("x".into(), Value::Null);
            NewEvent::from(SessionEventKind::ToolResult {
                tool,
                result,
                success: true,
            })
            .about_call(&call.into())
        }),
        ("[kl]", any::<i32>()).prop_map(|(key, value)| {
            let value = value.into();
            SessionEventKind::StateChanged { key, value }.into()
        }),
        (0.0..10.0).prop_map(|usd| Change::UsageCost { usd }.to_event().unwrap()),
    ]
}

fn history() -> impl Strategy<Value = Vec<SessionEvent>> {
    prop::collection::vec(facts(), 0..40).prop_map(|facts| {
        (1..)
            .zip(facts)
            .map(|(seq, fact)| event(seq, fact))
            .collect()
    })
}

fn merged(a: &SessionProjection, b: &SessionProjection) -> SessionProjection {
    let mut merged = a.clone();
    merged.merge(b);
    merged
}

/// A history and three parts of it, which may overlap and leave something out.
fn parts() -> impl Strategy<Value = (Vec<SessionEvent>, [Vec<SessionEvent>; 3])> {
    history().prop_flat_map(|events| {
        let part = || subsequence(events.clone(), 0..=events.len());
        let parts = [part(), part(), part()];
        (Just(events.clone()), parts)
    })
}

proptest! {
    #[test]
    fn the_order_and_the_number_of_times_do_not_matter(
        (events, mixed) in history().prop_flat_map(|events| {
            let twice = [events.clone(), events.clone()].concat();
            (Just(events), Just(twice).prop_shuffle())
        })
    ) {
        prop_assert_eq!(SessionProjection::project(&mixed), SessionProjection::project(&events));
    }

    #[test]
    fn the_fold_of_all_is_the_fold_of_a_beginning_and_then_the_rest(
        events in history(), at in any::<Index>()
    ) {
        let (beginning, rest) = events.split_at(at.index(events.len() + 1));
        let mut projection = SessionProjection::project(beginning);
        for event in rest {
            projection.apply(event);
        }
        prop_assert_eq!(projection, SessionProjection::project(&events));
    }

    #[test]
    fn merging_is_commutative_associative_and_idempotent((_, parts) in parts()) {
        let [a, b, c] = parts.map(|part| SessionProjection::project(&part));
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(merged(&a, &a), a);
    }

    #[test]
    fn merging_is_the_fold_of_what_either_has_seen((events, [a, b, _]) in parts()) {
        let seen = events.iter().filter(|event| a.contains(event) || b.contains(event));
        let merged = merged(&SessionProjection::project(&a), &SessionProjection::project(&b));
        prop_assert_eq!(merged, SessionProjection::project(seen));
    }

    #[test]
    fn the_stored_form_comes_back_as_it_was(events in history()) {
        let projection = SessionProjection::project(&events);
        let stored = serde_json::to_string(&projection).unwrap();
        prop_assert_eq!(serde_json::from_str::<SessionProjection>(&stored).unwrap(), projection);
    }
}

#[test]
fn usage_and_cost_are_summed() {
    let usage = |input, output| Usage {
        input,
        output,
        cache_read: 1,
        ..Usage::default()
    };
    let answer = |usage| {
        let (content, model) = (String::new(), "m".into());
        NewEvent::from(SessionEventKind::AgentResponse {
            content,
            model,
            tokens: 7,
        })
        .with_payload(step(usage))
    };
    let cost = |usd| Change::UsageCost { usd }.to_event().unwrap();
    let facts = [
        answer(usage(1, 2)),
        cost(0.5),
        answer(usage(3, 4)),
        cost(0.25),
    ];
    let events: Vec<_> = (1..)
        .zip(facts)
        .map(|(seq, fact)| event(seq, fact))
        .collect();
    let projection = SessionProjection::project(&events);
    assert_eq!(
        (projection.get("usage.total"), projection.get("cost.total")),
        (
            Some(json!({
                "inputTokens": 4, "outputTokens": 6, "cacheReadTokens": 2, "cacheWriteTokens": 0,
            })),
            Some(json!(0.75))
        )
    );
}

#[test]
fn a_tool_is_active_again_when_its_call_id_is_used_again() {
    let called = || {
        let (tool, params) = ("exec".into(), Value::Null);
        NewEvent::from(SessionEventKind::ToolCalled { tool, params }).about_call(&"call_0".into())
    };
    let (tool, result) = ("exec".into(), Value::Null);
    let answered = NewEvent::from(SessionEventKind::ToolResult {
        tool,
        result,
        success: true,
    })
    .about_call(&"call_0".into());
    let mut projection = SessionProjection::project(&[event(1, called()), event(2, answered)]);
    assert_eq!(projection.get("tools.active"), Some(json!([])));
    projection.apply(&event(3, called()));
    assert_eq!(projection.get("tools.active"), Some(json!(["exec"])));
}

#[test]
fn a_stored_form_of_another_version_is_not_read() {
    let mut stored = serde_json::to_value(SessionProjection::default()).unwrap();
    stored["format"] = json!(FORMAT + 1);
    assert!(serde_json::from_value::<SessionProjection>(stored).is_err());
}
