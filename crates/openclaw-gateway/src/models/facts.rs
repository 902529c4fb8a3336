//! What is known about a model, from the one who knows least to the one who knows best: the
//! catalogue, the provider, the config.

use std::net::IpAddr;
use std::num::FpCategory;

use hyper::Uri;
use openclaw_config::ModelSettings;
use openclaw_core::{ModelRef, Price};
use openclaw_providers::{Catalogue, Modality, ModelInfo};
use serde_json::{Map, Value};

use super::listing::Listing;

/// Returns what is known about a model.
pub(super) fn about(
    model: &ModelRef,
    listing: &Listing,
    settings: Option<&ModelSettings>,
) -> ModelInfo {
    let (provider, id) = (model.provider.as_str(), model.model.as_str());
    let mut about = Catalogue::built_in().about(provider, id);
    if let Some(listed) = listing.find(provider, id) {
        about = about.refined(listed);
    }
    match settings {
        Some(settings) => configured(about, settings),
        None => about,
    }
}

/// Returns what a model on this machine's own server costs: nothing, unless somebody is paid for a
/// model of that name, to whom the server may lead.
pub(super) fn on_this_machine(model: &ModelRef) -> Price {
    let dearest = Catalogue::built_in().dearest(&model.model);
    dearest.cloned().unwrap_or(Price::FREE)
}

/// Tells whether a server is a program on this machine.
pub(super) fn is_on_this_machine(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else {
        return false;
    };
    let host = url.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

fn configured(about: ModelInfo, settings: &ModelSettings) -> ModelInfo {
    let modality = |name: &String| match name.as_str() {
        "text" => Some(Modality::Text),
        "image" => Some(Modality::Image),
        "audio" => Some(Modality::Audio),
        "video" => Some(Modality::Video),
        _ => None,
    };
    let input = settings.input.as_ref().map(|input| {
        let mut input: Vec<Modality> = input.iter().filter_map(modality).collect();
        // OpenClaw has no word for documents; a config that lists the others does not deny them.
        if about.input.contains(&Modality::Document) && input.contains(&Modality::Image) {
            input.push(Modality::Document);
        }
        input
    });
    let tools = settings.compat.get("supportsTools");
    ModelInfo {
        id: about.id,
        name: settings.name.clone().or(about.name),
        context_window: settings.context_window.or(about.context_window),
        max_tokens: settings.max_tokens.or(about.max_tokens),
        input: input.unwrap_or(about.input),
        tools: tools.and_then(Value::as_bool).unwrap_or(about.tools),
        reasoning: settings.reasoning.unwrap_or(about.reasoning),
        price: priced(about.price, &settings.cost),
    }
}

/// Tells whether a config says something of what a model costs, be it enough for a price or not.
pub(super) fn says_a_price(settings: Option<&ModelSettings>) -> bool {
    settings.is_some_and(|settings| !settings.cost.is_empty())
}

/// What a config leaves out stays as it is, but for prices of large prompts: they go with the others.
///
/// Where nothing is known beside it, a config has to tell what both the prompt and the answer cost:
/// half a price is none. Cached tokens that it says nothing of cost what others do. That a model is
/// free is nothing to complete half a price with, either, and what costs less than nothing costs
/// nobody knows what.
fn priced(known: Option<Price>, cost: &Map<String, Value>) -> Option<Price> {
    if cost.is_empty() {
        return known;
    }
    let is_zero = |value: &Value| {
        let number = value.as_f64();
        number.is_some_and(|number| number.classify() == FpCategory::Zero)
    };
    let stays_free = cost.values().all(is_zero);
    let known = known.filter(|known| stays_free || *known != Price::FREE);
    let mut cost = cost.clone();
    if known.is_none() {
        let (input, _output) = (cost.get("input")?.clone(), cost.get("output")?);
        for cached in ["cacheRead", "cacheWrite"] {
            cost.entry(cached).or_insert_with(|| input.clone());
        }
    }
    let flat = Price {
        tiers: Vec::new(),
        ..known.unwrap_or_default()
    };
    let mut all = serde_json::to_value(flat).ok()?;
    all.as_object_mut()?.extend(cost);
    if all.as_object()?.values().any(is_negative) {
        return None;
    }
    serde_json::from_value(all).ok()
}

/// Tells whether there is a number below zero in a value.
fn is_negative(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| number < 0.0),
        Value::Array(list) => list.iter().any(is_negative),
        Value::Object(members) => members.values().any(is_negative),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn half_a_price_is_none_and_cached_tokens_cost_what_others_do() {
        let of = |known, cost: Value| priced(known, cost.as_object().unwrap());
        for half in [json!({}), json!({"input": 3.0}), json!({"output": 15.0})] {
            assert_eq!(of(None, half.clone()), None, "{half}");
        }
        for half in [
            json!({"input": 3.0}),
            json!({"output": 15.0}),
            json!({"cacheRead": 1.0}),
            json!({"input": 0.0, "cacheWrite": 1.0}),
        ] {
            assert_eq!(of(Some(Price::FREE), half.clone()), None, "{half}");
        }
        let zeros = json!({"cacheRead": 0, "input": 0.0});
        assert_eq!(of(Some(Price::FREE), zeros), Some(Price::FREE));
        let whole = json!({"input": 3.0, "output": 15.0});
        let price = Price {
            input: 3.0,
            output: 15.0,
            cache_read: 3.0,
            cache_write: 3.0,
            ..Price::FREE
        };
        assert_eq!(of(None, whole), Some(price.clone()));
        let dearer = Price {
            output: 20.0,
            ..price.clone()
        };
        assert_eq!(of(Some(price), json!({"output": 20.0})), Some(dearer));
    }

    #[test]
    fn what_costs_less_than_nothing_has_no_price() {
        let tier =
            json!({"range": [1000], "input": 7, "output": -8, "cacheRead": 1, "cacheWrite": 9});
        for cost in [
            json!({"input": -3.0, "output": 15.0}),
            json!({"input": 3.0, "output": 15.0, "cacheRead": -1}),
            json!({"input": 3.0, "output": 15.0, "tieredPricing": [tier]}),
        ] {
            for known in [None, Some(Price::FREE)] {
                assert_eq!(priced(known, cost.as_object().unwrap()), None, "{cost}");
            }
        }
    }
}
