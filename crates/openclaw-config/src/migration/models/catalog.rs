//! What a user wrote about a model, and the provider's own catalog knows.

use std::sync::LazyLock;

use serde_json::Value;
use url::Url;

use super::vllm::DIALECTS;
use crate::migration::log::{Log, at};
use crate::migration::mcp::whole_number;
use crate::migration::tree::{Record, folded, keys, prune, record_at_mut, take, text_at};
use crate::problem::KeyPath;

/// What the catalogs of OpenClaw 2026.9.6 say about the abilities of models.
///
/// Each provider has its routes, `[api, base URL]`, and its models: `[route, abilities]`.
static CATALOG: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("catalog.json")).unwrap_or_default());

/// A provider that has the models of another one on a route of its own.
const SECOND_ROUTE: (&str, &str, &str) =
    ("azure-openai-responses", "openai", "azure-openai-responses");

/// Abilities that nothing asks for any more.
const UNUSED: [&str; 2] = ["nativeWebSearchTool", "requiresMistralToolIds"];

type Model<'a> = (&'a str, &'a mut Record);

/// Goes through the models of every provider's list.
fn each_model(root: &mut Record, mut visit: impl FnMut((&str, &Record), Model<'_>, &KeyPath)) {
    let place = ["models", "providers"];
    let providers = record_at_mut(root, &place);
    for (id, provider) in providers.into_iter().flatten() {
        let Some(provider) = provider.as_object_mut() else {
            continue;
        };
        let mut route = Record::new();
        for key in ["api", "baseUrl"] {
            route.extend(
                provider
                    .get(key)
                    .map(|value| (key.to_owned(), value.clone())),
            );
        }
        let models = provider.get_mut("models").and_then(Value::as_array_mut);
        for (index, model) in models.into_iter().flatten().enumerate() {
            let Some(model) = model.as_object_mut() else {
                continue;
            };
            let name = text_at(model, &["id"]).unwrap_or_default().to_owned();
            let path = at(&place).key(id).key("models").index(index);
            visit((id, &route), (&name, model), &path);
        }
    }
}

/// Removes the abilities of models that their provider's catalog says, too.
pub(in crate::migration) fn abilities(root: &mut Record, log: &mut Log) {
    each_model(root, |(provider, route), (id, model), path| {
        let api = ["api", "baseUrl"].map(|key| {
            let own = model.get(key).filter(|own| !own.is_null());
            let text = own.or(route.get(key)).and_then(Value::as_str);
            text.map(str::to_owned).unwrap_or_default()
        });
        let Some(own) = record_at_mut(model, &["compat"]).filter(|_| !id.is_empty()) else {
            return;
        };
        let path = path.key("compat");
        let before = log.len();
        for key in UNUSED {
            if take(own, key).is_some() {
                log.removed(&path.key(key), "nothing asks for it any more");
            }
        }
        let [api, base_url] = api;
        let known = known(provider, id, (&api, &base_url)).unwrap_or_default();
        for key in keys(own) {
            if own.get(&key) == known.get(&key) {
                take(own, &key);
                log.removed(&path.key(&key), "the provider's catalog says the same");
            }
        }
        if log.len() > before {
            prune(model, "compat");
        }
    });
}

/// Returns what the catalog says about a model on a route; an empty part of the route fits any.
fn known(provider: &str, id: &str, (api, base_url): (&str, &str)) -> Option<Record> {
    let provider = folded(provider);
    let (second, owner, second_api) = SECOND_ROUTE;
    let owner = if provider == second { owner } else { &provider };
    let own = CATALOG.get(owner)?;
    let id = folded(id);
    let id = id.strip_prefix(&format!("{provider}/")).unwrap_or(&id);
    let model = own.get("models")?.get(id)?;
    let route = usize::try_from(model.get(0)?.as_u64()?).ok()?;
    let route = own.get("routes")?.get(route)?;
    let fits = |given: &str, known: &str| given.is_empty() || given == known;
    let known_api = match route.get(0)?.as_str()? {
        _ if provider == second => second_api,
        api => api,
    };
    let known_url = route.get(1)?.as_str()?;
    let fits = fits(&folded(api), known_api) && fits(&plain(base_url), &plain(known_url));
    model.get(1).filter(|_| fits)?.as_object().cloned()
}

/// Returns a base URL in its usual spelling, and without slashes at its end.
fn plain(text: &str) -> String {
    let text = text.trim();
    match Url::parse(text) {
        Ok(mut url) => {
            let path = url.path().trim_end_matches('/').to_owned();
            url.set_path(&path);
            url.into()
        }
        Err(_) => text.trim_end_matches('/').to_owned(),
    }
}

/// Removes ways to think that are not known.
pub(in crate::migration) fn dialects(root: &mut Record, log: &mut Log) {
    each_model(root, |_, (_, model), path| {
        let Some(compat) = record_at_mut(model, &["compat"]) else {
            return;
        };
        let dialect = text_at(compat, &["thinkingFormat"]);
        if dialect.is_some_and(|dialect| !DIALECTS.contains(&dialect)) {
            take(compat, "thinkingFormat");
            let path = path.key("compat").key("thinkingFormat");
            log.removed(&path, "it names no way to think that is known");
        }
    });
}

/// Sizes of context windows that a catalog once had wrong: provider, model, wrong and right.
const WINDOWS: [(&str, &str, f64, f64); 9] = [
    ("deepseek", "deepseek-v4-flash", 200_000.0, 1_000_000.0),
    ("xai", "grok-4.20-0309-reasoning", 2_000_000.0, 1_000_000.0),
    (
        "xai",
        "grok-4.20-0309-non-reasoning",
        2_000_000.0,
        1_000_000.0,
    ),
    (
        "xai",
        "grok-4.20-beta-latest-reasoning",
        2_000_000.0,
        1_000_000.0,
    ),
    (
        "xai",
        "grok-4.20-beta-latest-non-reasoning",
        2_000_000.0,
        1_000_000.0,
    ),
    (
        "xai",
        "grok-4.20-experimental-beta-0304-reasoning",
        2_000_000.0,
        1_000_000.0,
    ),
    (
        "xai",
        "grok-4.20-experimental-beta-0304-non-reasoning",
        2_000_000.0,
        1_000_000.0,
    ),
    ("xai", "grok-4.20-reasoning", 2_000_000.0, 1_000_000.0),
    ("xai", "grok-4.20-non-reasoning", 2_000_000.0, 1_000_000.0),
];

/// Corrects sizes that were copied from a catalog while it had them wrong.
pub(in crate::migration) fn windows(root: &mut Record, log: &mut Log) {
    each_model(root, |(provider, _), (id, model), path| {
        let provider = folded(provider);
        let id = folded(id);
        let id = id.strip_prefix(&format!("{provider}/")).unwrap_or(&id);
        let size = model.get("contextWindow").and_then(Value::as_f64);
        let known = WINDOWS.iter().find(|(owner, name, wrong, _)| {
            *owner == provider && *name == id && Some(*wrong) == size
        });
        if let Some(right) = known.and_then(|(.., right)| whole_number(*right)) {
            log.set(
                &path.key("contextWindow"),
                "to what the provider says; an earlier catalog had it wrong",
            );
            model.insert("contextWindow".to_owned(), right);
        }
    });
}
