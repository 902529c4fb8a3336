//! What is known about models.

use openclaw_core::{Price, Usage};

use super::*;
use crate::registry::WELL_KNOWN;

#[test]
fn the_figures_can_be_read_and_are_plausible() {
    let catalogue: Catalogue = serde_json::from_str(BUILT_IN).unwrap();
    assert_eq!(catalogue.as_of().len(), "2026-11-23".len());
    let mut count = 0;
    for provider in catalogue.providers() {
        let mut seen = Vec::new();
        for model in catalogue.of(provider) {
            let name = format!("{provider}/{}", model.id);
            let price = model.price.as_ref().unwrap();
            assert!(price.input > 0.0 && price.input <= price.output, "{name}");
            assert!(price.cache_read <= price.input, "{name}");
            assert!(price.cache_write >= price.input, "{name}");
            for pair in price.tiers.windows(2) {
                assert_eq!(pair[0].range[1..], pair[1].range, "{name}");
                assert!(pair[0].input < pair[1].input, "{name}");
                assert!(pair[0].output < pair[1].output, "{name}");
                assert!(pair[0].cache_read < pair[1].cache_read, "{name}");
                assert!(pair[0].cache_write < pair[1].cache_write, "{name}");
                assert_eq!((pair[0].range[0], pair[0].input), (0.0, price.input));
            }
            assert!(
                (1_000..10_000_000).contains(&model.context_window.unwrap()),
                "{name}"
            );
            assert!(
                model
                    .max_tokens
                    .is_none_or(|most| u64::from(most) < model.context_window.unwrap()),
                "{name}"
            );
            assert!(model.input.contains(&Modality::Text), "{name}");
            assert!(!seen.contains(&&model.id), "{name} stands there twice");
            seen.push(&model.id);
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn a_model_is_found_by_its_name_with_or_without_its_day() {
    let catalogue = Catalogue::built_in();
    let id = |provider, model| catalogue.find(provider, model).map(|known| &*known.id);
    assert_eq!(id("anthropic", "claude-opus-5"), Some("claude-opus-5"));
    assert_eq!(
        id("anthropic", "claude-haiku-4-5-20251001"),
        Some("claude-haiku-4-5")
    );
    assert_eq!(id("openai", "gpt-5.5-2026-04-23"), Some("gpt-5.5"));
    assert_eq!(id("azure", "gpt-5.5"), Some("gpt-5.5"));
    assert_eq!(
        id("openrouter", "anthropic/claude-opus-4.6"),
        Some("claude-opus-4-6")
    );
    assert_eq!(id("openrouter", "nobody/claude-opus-4.6"), None);
    for nothing in ["", "-", "gpt", "gpt-5.5-", "2026-04-23", "-20251001"] {
        assert_eq!(id("openai", nothing), None, "{nothing}");
    }
}

#[test]
fn a_model_on_ones_own_machine_costs_nothing() {
    let catalogue = Catalogue::built_in();
    let about = catalogue.about("ollama", "my-own:7b");
    assert_eq!(
        about,
        ModelInfo {
            price: Some(Price::FREE),
            ..ModelInfo::unknown("my-own:7b")
        }
    );
    assert_eq!(catalogue.about("elsewhere", "my-own").price, None);
}

#[test]
fn the_model_to_begin_with_is_known_of_each_provider() {
    for known in WELL_KNOWN.iter().filter(|known| known.id != "azure") {
        let about = Catalogue::built_in().about(known.id, known.default_model);
        assert!(about.price.is_some(), "{}", known.id);
    }
}

#[test]
fn what_a_provider_says_counts_before_what_is_known() {
    let known = Catalogue::built_in().about("openai", "gpt-5.5");
    let listed = ListedModel {
        id: "gpt-5.5".to_owned(),
        context_window: Some(1000),
        max_tokens: Some(u64::MAX),
        tools: Some(false),
        ..ListedModel::default()
    };
    let expected = ModelInfo {
        context_window: Some(1000),
        max_tokens: Some(u32::MAX),
        tools: false,
        ..known.clone()
    };
    assert_eq!(known.refined(&listed), expected);
}

#[test]
fn a_large_prompt_costs_what_its_size_says() {
    let cost = |provider, model, input| {
        let price = Catalogue::built_in().about(provider, model).price.unwrap();
        let usage = Usage {
            input,
            ..Usage::default()
        };
        price.of(&usage).as_nanos()
    };
    assert_eq!(cost("google", "gemini-2.5-pro", 200_000), 200_000 * 1250);
    assert_eq!(cost("google", "gemini-2.5-pro", 200_001), 200_001 * 2500);
    assert_eq!(cost("azure", "gpt-5.5", 272_001), 272_001 * 10_000);
}

#[test]
fn a_name_costs_what_the_dearest_of_that_name_does() {
    let catalogue = Catalogue::built_in();
    let input = |model| catalogue.dearest(model).map(|price| price.input);
    assert_eq!(input("gpt-5.5"), Some(5.0));
    assert_eq!(input("openai/gpt-5.5-2026-04-23"), Some(5.0));
    assert_eq!(input("qwen3:32b"), None);
}
