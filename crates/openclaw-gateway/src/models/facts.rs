//! What is known about a model, from the one who knows least to the one who knows best: the
//! catalogue, the provider, the config.

use std::net::IpAddr;

use hyper::Uri;
use openclaw_config::ModelSettings;
use openclaw_core::ModelRef;
use openclaw_providers::{Catalogue, Modality, ModelInfo};

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

/// Tells whether a server is a program on this machine, which nobody is paid for unless the config
/// says what it costs.
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
        tools: tools
            .and_then(serde_json::Value::as_bool)
            .unwrap_or(about.tools),
        reasoning: settings.reasoning.unwrap_or(about.reasoning),
        price: settings.price.or(about.price),
    }
}
