//! The list of a server's models, in the forms of the servers that tell more than names.

use openclaw_core::Price;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::site::Site;
use crate::error::ProviderError;
use crate::provider::{ListedModel, Modality};
use crate::wire::{self, Entries};

/// A list of models; Together leaves the envelope out.
#[derive(Deserialize)]
#[serde(untagged)]
enum List {
    Enveloped { data: Entries<Entry> },
    Bare(Entries<Entry>),
}

/// What a server tells about one model; it has to have a name.
#[derive(Deserialize)]
#[serde(try_from = "Map<String, Value>")]
struct Entry {
    id: String,
    told: Map<String, Value>,
}

impl TryFrom<Map<String, Value>> for Entry {
    type Error = &'static str;

    fn try_from(told: Map<String, Value>) -> Result<Self, Self::Error> {
        let id = told.get("id").and_then(Value::as_str);
        let id = id.ok_or("a model without a name")?.to_owned();
        Ok(Self { id, told })
    }
}

impl List {
    fn into_entries(self) -> Entries<Entry> {
        match self {
            Self::Enveloped { data } | Self::Bare(data) => data,
        }
    }
}

/// Where the context stands: `OpenRouter` and Together, vLLM, Groq, LM Studio, llama.cpp.
const CONTEXT: &[&str] = &[
    "/context_length",
    "/max_model_len",
    "/context_window",
    "/max_context_length",
    "/meta/n_ctx_train",
    "/limits/max_context_length",
];

const OUTPUT: &[&str] = &[
    "/top_provider/max_completion_tokens",
    "/max_completion_tokens",
    "/max_output_tokens",
];

const NAME: &[&str] = &["/name", "/display_name"];

/// What LM Studio says of who owns a model; it tells more at another place.
const LM_STUDIO: &str = "organization_owner";

/// Asks a server which models it has.
pub(super) async fn list(
    site: &Site,
    stop: &CancellationToken,
) -> Result<Vec<ListedModel>, ProviderError> {
    let entries = entries(site, &site.beside("models"), stop).await?;
    let is_lm_studio = entries
        .iter()
        .any(|entry| entry.told.get("owned_by").is_some_and(|by| by == LM_STUDIO));
    let url = site.beside("models");
    if is_lm_studio && let Some(root) = url.strip_suffix("/v1/models") {
        match self::entries(site, &format!("{root}/api/v0/models"), stop).await {
            Ok(told) => return Ok(told.iter().filter_map(read).collect()),
            Err(error) => tracing::debug!(%error, "LM Studio tells no more than names"),
        }
    }
    Ok(entries.iter().filter_map(read).collect())
}

async fn entries(
    site: &Site,
    url: &str,
    stop: &CancellationToken,
) -> Result<Vec<Entry>, ProviderError> {
    let party = site.party();
    let request = site.get(url).map_err(|error| party.http(error))?;
    let list: List = wire::get(&site.client, &party, request, stop).await?;
    Ok(list.into_entries().known(&party))
}

/// Reads one model; none if it answers nobody.
fn read(entry: &Entry) -> Option<ListedModel> {
    let Entry { id, told } = entry;
    let kind = told.get("type").and_then(Value::as_str);
    if matches!(
        kind,
        Some("embedding" | "embeddings" | "rerank" | "image" | "audio")
    ) {
        return None;
    }
    let entry = Value::Object(told.clone());
    let number = |places: &[&str]| {
        places
            .iter()
            .find_map(|place| entry.pointer(place)?.as_u64())
    };
    let parameters = entry.pointer("/supported_parameters");
    let takes = |name: &str| Some(parameters?.as_array()?.iter().any(|known| known == name));
    let capabilities = entry.pointer("/capabilities").and_then(Value::as_array);
    let tool_use = capabilities.map(|known| known.iter().any(|one| one == "tool_use"));
    let name = NAME.iter().find_map(|place| entry.pointer(place)?.as_str());
    Some(ListedModel {
        name: name.map(str::to_owned),
        context_window: number(CONTEXT),
        max_tokens: number(OUTPUT),
        input: modalities(&entry).or_else(|| by_kind(kind)),
        tools: takes("tools").or(tool_use),
        reasoning: takes("reasoning"),
        price: entry.pointer("/pricing").and_then(price),
        id: id.clone(),
    })
}

fn modalities(entry: &Value) -> Option<Vec<Modality>> {
    let known = entry
        .pointer("/architecture/input_modalities")?
        .as_array()?;
    let named = known.iter().filter_map(|name| {
        Some(match name.as_str()? {
            "text" => Modality::Text,
            "image" => Modality::Image,
            "file" => Modality::Document,
            "audio" => Modality::Audio,
            "video" => Modality::Video,
            _ => return None,
        })
    });
    Some(named.collect())
}

/// LM Studio tells pictures by the kind of a model.
fn by_kind(kind: Option<&str>) -> Option<Vec<Modality>> {
    match kind? {
        "vlm" => Some(vec![Modality::Text, Modality::Image]),
        "llm" => Some(vec![Modality::Text]),
        _ => None,
    }
}

/// Reads `OpenRouter`'s prices, which are in US dollars for one token and written as text.
///
/// A negative price stands for one that is not known before the answer.
fn price(pricing: &Value) -> Option<Price> {
    let overrides = pricing.get("overrides").and_then(Value::as_array);
    let mut overrides: Vec<(u64, &Map<String, Value>)> = overrides
        .into_iter()
        .flatten()
        .filter_map(|other| {
            Some((
                other.get("min_prompt_tokens")?.as_u64()?,
                other.as_object()?,
            ))
        })
        .collect();
    overrides.sort_by_key(|(above, _)| *above);
    let mut all = pricing.as_object()?.clone();
    let mut price = rates(&all)?;
    for (above, changed) in overrides {
        // Each says only what it changes.
        all.extend(changed.clone());
        price = price.dearer_above(above, &rates(&all)?);
    }
    Some(price)
}

fn rates(pricing: &Map<String, Value>) -> Option<Price> {
    let dollars = |field: &str| -> Option<f64> {
        let price: f64 = pricing.get(field)?.as_str()?.parse().ok()?;
        (price >= 0.0 && price.is_finite()).then_some(per_million(price))
    };
    let input = dollars("prompt")?;
    Some(Price {
        input,
        output: dollars("completion")?,
        cache_read: dollars("input_cache_read").unwrap_or(input),
        cache_write: dollars("input_cache_write").unwrap_or(input),
        tiers: Vec::new(),
    })
}

/// What a millionth of a cent per million is no price any more.
fn per_million(price: f64) -> f64 {
    (price * 1e14).round() / 1e8
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::Party;

    fn read_all(list: Value) -> Vec<ListedModel> {
        let list: List = serde_json::from_value(list).unwrap();
        let party = Party { id: "p".into() };
        let known = list.into_entries().known(&party);
        known.iter().filter_map(read).collect()
    }

    fn model(id: &str) -> ListedModel {
        ListedModel {
            id: id.into(),
            ..ListedModel::default()
        }
    }

    #[test]
    fn openai_tells_names() {
        let list = json!({"object": "list", "data": [
            {"id": "gpt-5.2", "object": "model", "created": 1, "owned_by": "openai"},
            {"object": "model"}, {"id": 5}, null, "gpt",
        ]});
        assert_eq!(read_all(list), [model("gpt-5.2")]);
    }

    #[test]
    fn openrouter_tells_prices_and_abilities() {
        let list = json!({"data": [{
            "id": "anthropic/claude-opus-4.6",
            "name": "Anthropic: Claude Opus 4.6",
            "context_length": 1_000_000,
            "architecture": {"input_modalities": ["text", "image", "file", "smell"]},
            "pricing": {"prompt": "0.000005", "completion": "0.000025",
                "input_cache_read": "0.0000005", "input_cache_write": "0.00000625",
                "overrides": [{"min_prompt_tokens": 200_000, "prompt": "0.00001"}]},
            "top_provider": {"max_completion_tokens": 128_000},
            "supported_parameters": ["max_tokens", "reasoning", "tools"],
        }, {
            "id": "openrouter/auto",
            "pricing": {"prompt": "-1", "completion": "-1"},
            "supported_parameters": ["max_tokens"],
        }]});
        let flat = Price {
            input: 5.0,
            output: 25.0,
            cache_read: 0.5,
            cache_write: 6.25,
            tiers: Vec::new(),
        };
        assert_eq!(
            read_all(list),
            [
                ListedModel {
                    name: Some("Anthropic: Claude Opus 4.6".into()),
                    context_window: Some(1_000_000),
                    max_tokens: Some(128_000),
                    input: Some(vec![Modality::Text, Modality::Image, Modality::Document]),
                    tools: Some(true),
                    reasoning: Some(true),
                    price: Some(flat.clone().dearer_above(
                        200_000,
                        &Price {
                            input: 10.0,
                            ..flat
                        }
                    )),
                    ..model("anthropic/claude-opus-4.6")
                },
                ListedModel {
                    tools: Some(false),
                    reasoning: Some(false),
                    ..model("openrouter/auto")
                },
            ]
        );
    }

    #[test]
    fn local_servers_tell_the_context() {
        let vllm = json!({"data": [{"id": "qwen", "max_model_len": 40_960}]});
        let llama =
            json!({"models": [], "data": [{"id": "gpt-oss", "meta": {"n_ctx_train": 131_072}}]});
        let studio = json!({"data": [
            {"id": "m", "type": "vlm", "max_context_length": 4096, "capabilities": ["tool_use"]},
            {"id": "e", "type": "embeddings"},
        ]});
        let with = |id, context| ListedModel {
            context_window: Some(context),
            ..model(id)
        };
        assert_eq!(read_all(vllm), [with("qwen", 40_960)]);
        assert_eq!(read_all(llama), [with("gpt-oss", 131_072)]);
        assert_eq!(
            read_all(studio),
            [ListedModel {
                input: Some(vec![Modality::Text, Modality::Image]),
                tools: Some(true),
                ..with("m", 4096)
            }]
        );
    }

    #[test]
    fn a_list_without_its_envelope_is_one_too() {
        assert_eq!(read_all(json!([{"id": "m", "type": "chat"}])), [model("m")]);
    }
}
