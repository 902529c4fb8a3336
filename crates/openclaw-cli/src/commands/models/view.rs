//! What the subcommands have in common: the agent, the names of models, and the audit stream.

use openclaw_config::{AgentSettings, Config};
use openclaw_core::events::AuditEntry;
use openclaw_core::{AgentId, ModelRef, Price, ProviderId};
use openclaw_gateway::models::{Found, Models, known};
use openclaw_gateway::providers::Modality;
use openclaw_gateway::{GatewayError, Home};
use openclaw_ipc::methods::FailingModel;

use crate::commands::Cx;
use crate::commands::sessions::existing_log;
use crate::error::CliError;
use crate::text;

/// Returns the agent that was asked for, or the default one.
pub(super) fn agent<'a>(
    home: &'a Home,
    asked: Option<&str>,
) -> Result<&'a AgentSettings, CliError> {
    let id = asked.map_or_else(|| home.default_agent(), |id| AgentId::from(id.trim()));
    let agent = home.config.agent(&id);
    Ok(agent.ok_or(GatewayError::NoAgent(id))?)
}

/// Returns an agent's models with what each is to it: `default`, `fallback#1` and so on.
pub(super) fn chain(agent: &AgentSettings) -> Vec<(&ModelRef, String)> {
    let fallbacks = agent.fallbacks.iter().enumerate();
    let fallbacks =
        fallbacks.map(|(index, model)| (model, format!("fallback#{}", index.saturating_add(1))));
    let primary = agent
        .model
        .iter()
        .map(|model| (model, "default".to_owned()));
    primary.chain(fallbacks).collect()
}

/// Returns the providers that a config has to do with, each once: those that it configures, and
/// those of its agents' models.
pub(super) fn providers(config: &Config) -> Vec<ProviderId> {
    let models = config
        .agents
        .iter()
        .flat_map(|agent| agent.model.iter().chain(&agent.fallbacks));
    let used = models.map(|model| model.provider.clone());
    let mut all: Vec<ProviderId> = config.providers.keys().cloned().chain(used).collect();
    all.sort();
    all.dedup();
    all
}

/// Tells whether a provider can be asked: it has a key that can be read, or it asks for none.
pub(super) fn is_available(models: &Models<'_>, provider: &ProviderId, keys: &[Found]) -> bool {
    let asks_for_none = known(provider).is_some_and(|known| known.api_key_env.is_none())
        || (models.is_local(provider) && keys.is_empty());
    asks_for_none || keys.iter().any(|found| found.key.is_ok())
}

/// Reads the keys of a provider, and puts on record which were read.
pub(super) async fn keys(
    cx: Cx<'_>,
    home: &Home,
    models: &Models<'_>,
    agent: &AgentSettings,
    provider: &ProviderId,
) -> Vec<Found> {
    let found = models.credentials(&agent.id, provider);
    let read = found.iter().filter(|found| found.key.is_ok());
    let entries = read.map(|found| found.entry(provider)).collect();
    record(cx, home, entries).await;
    found
}

/// Puts on record which secrets were read, where there is an event log already.
pub(super) async fn record(cx: Cx<'_>, home: &Home, entries: Vec<AuditEntry>) {
    let write = async {
        if let Some(store) = existing_log(&home.state)? {
            for entry in entries {
                store.audit(entry).await?;
            }
        }
        Ok::<(), CliError>(())
    };
    if let Err(err) = write.await {
        cx.out.warning(format_args!(
            "the audit stream does not say that keys were read: {err}"
        ));
    }
}

/// Returns the kinds of content that a model can be shown, as OpenClaw prints them.
pub(super) fn input(input: &[Modality]) -> String {
    let names: Vec<&str> = input
        .iter()
        .map(|modality| match modality {
            Modality::Text => "text",
            Modality::Image => "image",
            Modality::Document => "document",
            Modality::Audio => "audio",
            Modality::Video => "video",
        })
        .collect();
    names.join("+")
}

/// Returns in a line what fails, and until when it is left alone.
pub(crate) fn failing(failing: &FailingModel) -> String {
    let FailingModel {
        provider,
        model,
        credential,
        why,
        failures: _,
        until,
    } = failing;
    let who = match (model, credential) {
        (Some(model), Some(key)) => format!("the key `{key}` for {provider}/{model}"),
        (Some(model), None) => format!("{provider}/{model}"),
        (None, Some(key)) => format!("the key `{key}` of {provider}"),
        (None, None) => provider.to_string(),
    };
    let then = until.as_ref().map_or_else(
        || "it is asked again the next time".to_owned(),
        |until| format!("it rests until {until}"),
    );
    text::one_line(&format!("{who}: {why}; {then}")).into_owned()
}

/// Returns a number of tokens in a few characters: `200k`, `1.05M`.
pub(super) fn tokens(tokens: Option<u64>) -> String {
    let Some(tokens) = tokens else {
        return "-".to_owned();
    };
    let in_units = |unit: u64| {
        let hundredths = tokens.saturating_mul(100) / unit;
        let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        text.to_owned()
    };
    match tokens {
        0..1000 => tokens.to_string(),
        1000..1_000_000 => format!("{}k", tokens / 1000),
        _ => format!("{}M", in_units(1_000_000)),
    }
}

/// Returns a price in a few characters: dollars per million tokens, in and out.
pub(super) fn price(price: Option<&Price>) -> String {
    match price {
        None => "-".to_owned(),
        Some(price) if *price == Price::FREE => "free".to_owned(),
        Some(price) => format!("${}/${}", price.input, price.output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_shown_in_a_few_characters() {
        for (n, text) in [
            (None, "-"),
            (Some(0), "0"),
            (Some(999), "999"),
            (Some(8192), "8k"),
            (Some(200_000), "200k"),
            (Some(1_000_000), "1M"),
            (Some(1_048_576), "1.04M"),
            (Some(2_500_000), "2.5M"),
        ] {
            assert_eq!(tokens(n), text);
        }
    }

    #[test]
    fn prices_are_shown_in_a_few_characters() {
        let some = |input, output| {
            price(Some(&Price {
                input,
                output,
                ..Price::FREE
            }))
        };
        assert_eq!(price(None), "-");
        assert_eq!(price(Some(&Price::FREE)), "free");
        assert_eq!(some(3.0, 15.0), "$3/$15");
        assert_eq!(some(0.25, 1.5), "$0.25/$1.5");
    }
}
