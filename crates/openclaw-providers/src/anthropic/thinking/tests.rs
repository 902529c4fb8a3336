//! What each family of models is told.

use serde_json::{Value, json};

use super::*;

const EFFORTS: [Effort; 7] = [
    Effort::Off,
    Effort::Minimal,
    Effort::Low,
    Effort::Medium,
    Effort::High,
    Effort::XHigh,
    Effort::Max,
];

fn asked(model: &str, effort: Effort) -> Value {
    let manner = manner(
        model,
        Wanted {
            effort: Some(effort),
            ..Wanted::default()
        },
    );
    json!([manner.thinking, manner.output.map(|output| output.effort)])
}

#[test]
fn models_that_decide_themselves_are_told_how_hard_to_try() {
    let adaptive = |effort: &str| json!([{"type": "adaptive", "display": "summarized"}, effort]);
    let off = json!([{"type": "disabled"}, null]);
    for (model, expected) in [
        (
            "claude-opus-4-6",
            [
                off.clone(),
                adaptive("low"),
                adaptive("low"),
                adaptive("medium"),
                adaptive("high"),
                adaptive("high"),
                adaptive("max"),
            ],
        ),
        (
            "anthropic/claude-opus-4.8",
            [
                off.clone(),
                adaptive("low"),
                adaptive("low"),
                adaptive("medium"),
                adaptive("high"),
                adaptive("xhigh"),
                adaptive("max"),
            ],
        ),
        (
            "us.anthropic.claude-sonnet-5-20260901-v1:0",
            [
                off,
                adaptive("low"),
                adaptive("low"),
                adaptive("medium"),
                adaptive("high"),
                adaptive("xhigh"),
                adaptive("max"),
            ],
        ),
        (
            "claude-fable-5-1",
            [
                adaptive("low"),
                adaptive("low"),
                adaptive("low"),
                adaptive("medium"),
                adaptive("high"),
                adaptive("xhigh"),
                adaptive("max"),
            ],
        ),
        (
            "claude-mythos-preview",
            [
                adaptive("low"),
                adaptive("low"),
                adaptive("low"),
                adaptive("medium"),
                adaptive("high"),
                adaptive("high"),
                adaptive("high"),
            ],
        ),
    ] {
        assert_eq!(
            EFFORTS.map(|effort| asked(model, effort)),
            expected,
            "{model}"
        );
    }
}

#[test]
fn older_models_get_a_budget_that_leaves_room_for_the_answer() {
    for (model, effort, max_tokens, expected) in [
        (
            "claude-sonnet-4-5",
            Effort::High,
            None,
            (24_576, Some(16_384)),
        ),
        ("claude-opus-4-1", Effort::Max, None, (32_000, Some(30_976))),
        (
            "claude-sonnet-4",
            Effort::Medium,
            Some(4096),
            (4096, Some(3072)),
        ),
        (
            "claude-3-7-sonnet-latest",
            Effort::Minimal,
            Some(1500),
            (1500, None),
        ),
        ("MiniMax-M3", Effort::Low, None, (10_240, Some(2048))),
        ("claude-3-5-haiku", Effort::High, None, (8192, None)),
    ] {
        let wanted = Wanted {
            effort: Some(effort),
            max_tokens,
            ..Wanted::default()
        };
        let manner = manner(model, wanted);
        let budget = match manner.thinking {
            Some(Thinking::Enabled { budget_tokens }) => Some(budget_tokens),
            _ => None,
        };
        assert_eq!((manner.max_tokens, budget), expected, "{model}");
    }
}

#[test]
fn no_budget_is_set_where_the_model_waits_for_calls_without_thoughts() {
    let wanted = Wanted {
        effort: Some(Effort::High),
        history: History::Thoughtless,
        ..Wanted::default()
    };
    assert_eq!(manner("claude-sonnet-4-5", wanted).thinking, None);
    assert!(manner("claude-opus-4-6", wanted).thinking.is_some());
}

#[test]
fn the_temperature_is_left_out_where_it_is_refused() {
    let heat = |model, effort| {
        let wanted = Wanted {
            effort,
            temperature: Some(1.5),
            ..Wanted::default()
        };
        manner(model, wanted).temperature
    };
    assert_eq!(heat("claude-opus-4-6", None), Some(1.0));
    assert_eq!(heat("claude-opus-4-6", Some(Effort::Off)), Some(1.0));
    assert_eq!(heat("claude-opus-4-6", Some(Effort::Low)), None);
    assert_eq!(heat("claude-haiku-4-5", Some(Effort::Low)), None);
    assert_eq!(heat("claude-opus-4-7", None), None);
    assert_eq!(heat("local-model", None), Some(1.0));
}
