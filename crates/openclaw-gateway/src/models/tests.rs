//! From a config to what an agent can ask.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use openclaw_core::env::Env;
use openclaw_core::state_dir::Overrides;
use openclaw_core::{Kind, Price, Usage};
use openclaw_providers::{KeyStyle, ListedModel};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

/// A home with a config, our own settings, and variables.
struct Place {
    folder: TempDir,
    env: Env,
}

impl Place {
    fn new(config: &Value, own: &Value, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, value: &Value| {
            fs::write(folder.path().join(name), value.to_string()).unwrap();
        };
        write("openclaw.json", config);
        write("openclaw-rs.json5", own);
        let home = ("HOME", folder.path().to_str().unwrap());
        let env: Env = [home]
            .into_iter()
            .chain(variables.iter().copied())
            .collect();
        Self { folder, env }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn home(&self) -> Home {
        let overrides = Overrides {
            state_dir: Some(self.path().to_owned()),
            profile: None,
        };
        Home::open(self.env.clone(), &overrides).unwrap()
    }
}

fn agent(home: &Home) -> &AgentSettings {
    home.config.default_agent().unwrap()
}

fn health() -> Arc<Health> {
    Arc::new(Health::new(Clock::system()))
}

fn names(home: &Home, provider: &str) -> Vec<String> {
    let found = Models::of(home).credentials(&agent(home).id, &provider.into());
    let told = |found: Found| match found.key {
        Ok(_) => found.name,
        Err(err) => format!("{}: {err}", found.name),
    };
    found.into_iter().map(told).collect()
}

#[test]
fn every_key_of_a_provider_is_found_once_and_in_order() {
    let config = json!({ "models": { "providers": { "openai": { "baseUrl": "https://api.openai.com/v1/", "apiKey": "sk-config", "models": [] } } } });
    let own = json!({ "providers": { "openai": { "credentials": [
        "sk-own", "sk-config", { "source": "env", "provider": "default", "id": "MISSING" },
    ] } } });
    let variables = [("OPENAI_API_KEY", "sk-environment")];
    let place = Place::new(&config, &own, &variables);
    let sign_ins = place.path().join("agents/main/agent");
    fs::create_dir_all(&sign_ins).unwrap();
    let profile = |key: &str| json!({ "type": "api_key", "provider": "openai", "key": key });
    let store = json!({ "version": 1, "profiles": {
        "openai:work": profile("sk-work"), "openai:default": profile("sk-default"),
    } });
    fs::write(sign_ins.join("auth-profiles.json"), store.to_string()).unwrap();
    assert_eq!(
        names(&place.home(), "openai"),
        [
            "openai:default",
            "openai:work",
            "models.providers.openai.apiKey",
            "providers.openai.credentials.0",
            "MISSING: `providers.openai.credentials.2`: the environment variable `MISSING` is not set",
            "OPENAI_API_KEY",
        ]
    );
}

#[test]
fn a_key_of_the_environment_is_not_the_second_one_for_somebody_elses_server() {
    let variables = [("OPENAI_API_KEY", "sk-environment")];
    let mut config = json!({ "models": { "providers": { "openai": { "baseUrl": "https://proxy.example/v1", "apiKey": "sk-proxy", "models": [] } } } });
    let with_key = Place::new(&config, &json!({}), &variables);
    assert_eq!(
        names(&with_key.home(), "openai"),
        ["models.providers.openai.apiKey"]
    );
    let settings = config["models"]["providers"]["openai"].as_object_mut();
    settings.unwrap().remove("apiKey");
    let without = Place::new(&config, &json!({}), &variables);
    assert_eq!(names(&without.home(), "openai"), ["OPENAI_API_KEY"]);
}

#[test]
fn azures_key_is_found_for_any_name_of_its_api() {
    let variables = [("AZURE_OPENAI_API_KEY", "sk-azure")];
    let config = json!({ "models": { "providers": { "work": { "baseUrl": "https://ours.openai.azure.com", "api": "azure-openai-responses", "models": [] } } } });
    let place = Place::new(&config, &json!({}), &variables);
    assert_eq!(names(&place.home(), "work"), ["AZURE_OPENAI_API_KEY"]);
}

#[test]
fn a_provider_with_a_way_of_its_own_to_show_keys_is_shown_no_others() {
    let config = json!({ "models": { "providers": { "mine": {
        "baseUrl": "https://mine.example", "apiKey": "sk-config", "models": [],
        "request": { "auth": { "mode": "header", "headerName": "x-key", "prefix": "Key ", "value": "of-the-header" } },
    } } } });
    let own = json!({ "providers": { "mine": { "credentials": ["second"] } } });
    let place = Place::new(&config, &own, &[]);
    let home = place.home();
    let found = Models::of(&home).credentials(&agent(&home).id, &"mine".into());
    let style = KeyStyle::Header {
        name: "x-key".to_owned(),
        prefix: "Key ".to_owned(),
    };
    assert!(found.iter().all(|found| found.style == style));
    assert_eq!(
        names(&home, "mine"),
        [
            "models.providers.mine.request.auth.value",
            "providers.mine.credentials.0"
        ]
    );
}

#[test]
fn a_key_that_cannot_be_read_stops_neither_the_others_nor_the_fallbacks() {
    let config = json!({
        "agents": { "defaults": { "model": { "primary": "mine/a", "fallbacks": ["lost/b", "nobody/c", "mine/d"] } } },
        "models": { "providers": {
            "mine": { "baseUrl": "https://mine.example", "apiKey": "${NOT_SET}", "models": [] },
            "lost": { "baseUrl": "https://lost.example", "apiKey": "${NOT_SET}", "models": [] },
        } },
    });
    let own = json!({ "providers": { "mine": { "credentials": ["second"], "timeouts": { "stall": 7 }, "rest": 3 } } });
    let place = Place::new(&config, &own, &[]);
    let home = place.home();
    let routed = Models::of(&home).route(agent(&home), &health());
    let route = routed.route.unwrap();
    let asked: Vec<(String, String)> = route
        .candidates()
        .iter()
        .map(|candidate| {
            (
                candidate.model.to_string(),
                candidate.credentials[0].name.clone(),
            )
        })
        .collect();
    let second = "providers.mine.credentials.0".to_owned();
    assert_eq!(
        asked,
        [
            ("mine/a".to_owned(), second.clone()),
            ("mine/d".to_owned(), second)
        ]
    );
    let first = &route.candidates()[0];
    assert_eq!(first.stall.unwrap().as_secs(), 7);
    assert_eq!(first.rest.unwrap().as_secs(), 3);
    let unusable: Vec<(String, Kind)> = routed
        .unusable
        .iter()
        .map(|unusable| (unusable.model.to_string(), unusable.error.kind()))
        .collect();
    assert_eq!(
        unusable,
        [
            ("lost/b".to_owned(), Kind::Config),
            ("nobody/c".to_owned(), Kind::Config)
        ]
    );
    assert_eq!(routed.read.len(), 2, "{:?}", routed.read);
}

#[test]
fn a_model_is_asked_as_the_config_says_and_thinks_only_if_it_can() {
    let config = json!({
        "agents": { "defaults": {
            "model": { "primary": "mine/thinker", "fallbacks": ["mine/plain"] },
            "thinkingDefault": "high",
            "models": { "mine/thinker": { "params": { "temperature": 0.5, "maxTokens": 9, "cacheRetention": "long" } } },
        } },
        "models": { "providers": { "mine": { "baseUrl": "https://mine.example", "maxTokens": 77, "models": [
            { "id": "thinker", "name": "T", "reasoning": true }, { "id": "plain", "name": "P" },
        ] } } },
    });
    let place = Place::new(&config, &json!({}), &[]);
    let home = place.home();
    let route = Models::of(&home).route(agent(&home), &health()).route;
    let defaults: Vec<Defaults> = route
        .unwrap()
        .candidates()
        .iter()
        .map(|candidate| candidate.defaults)
        .collect();
    assert_eq!(
        defaults,
        [
            Defaults {
                max_tokens: Some(9),
                effort: Some(Effort::High),
                temperature: Some(0.5),
                cache: CacheRetention::Long,
            },
            Defaults {
                max_tokens: Some(77),
                ..Defaults::default()
            },
        ]
    );
}

#[test]
fn a_config_knows_better_than_a_provider_and_that_better_than_the_catalogue() {
    let config = json!({ "models": { "providers": { "openai": { "models": [
        { "id": "gpt-5.5", "name": "Mine", "contextTokens": 1000, "cost": { "input": 1 }, "compat": { "supportsTools": false } },
    ] } } } });
    let place = Place::new(&config, &json!({}), &[]);
    let home = place.home();
    let said = ListedModel {
        id: "gpt-5.5".to_owned(),
        context_window: Some(2000),
        max_tokens: Some(300),
        ..ListedModel::default()
    };
    home.state.create().unwrap();
    let mut listing = Listing::default();
    assert_eq!(listing.take("openai", Timestamp::UNIX_EPOCH, vec![said]), 0);
    listing.write(&home.state).unwrap();
    let info = Models::of(&home).info(&"openai/gpt-5.5".parse().unwrap());
    let price = Price {
        input: 1.0,
        output: 30.0,
        cache_read: 0.5,
        cache_write: 5.0,
        tiers: Vec::new(),
    };
    assert_eq!(
        (
            info.name.as_deref(),
            info.context_window,
            info.max_tokens,
            info.tools,
            info.price,
            info.reasoning
        ),
        (
            Some("Mine"),
            Some(1000),
            Some(300),
            false,
            Some(price),
            true
        )
    );
}

#[test]
fn a_proxy_that_is_none_and_an_authority_that_is_none_are_told() {
    let with = |request: Value| {
        let config = json!({
            "agents": { "defaults": { "model": "mine/a" } },
            "models": { "providers": { "mine": { "baseUrl": "https://mine.example", "request": request, "models": [] } } },
        });
        let place = Place::new(&config, &json!({}), &[]);
        let home = place.home();
        let routed = Models::of(&home).route(agent(&home), &health());
        routed.unusable.first().map(|unusable| {
            assert_eq!(unusable.error.kind(), Kind::Config);
            unusable.error.to_string()
        })
    };
    let told =
        with(json!({ "proxy": { "mode": "explicit-proxy", "url": "me:secret-of-mine@nowhere" } }));
    let told = told.unwrap();
    assert!(
        told.starts_with("`models.providers.mine.request.proxy.url`"),
        "{told}"
    );
    assert!(!told.contains("secret-of-mine"), "{told}");
    let way = json!({ "proxy": { "mode": "explicit-proxy", "url": "http://127.0.0.1:3128" }, "tls": { "ca": "/etc/ssl/mine.pem" } });
    assert_eq!(with(way), None);
}

#[test]
fn openai_at_somebody_elses_address_is_asked_by_the_api_that_most_servers_speak() {
    let asked = |settings: Value| {
        let config = json!({
            "agents": { "defaults": { "model": "openai/m" } },
            "models": { "providers": { "openai": settings } },
        });
        let place = Place::new(&config, &json!({}), &[("OPENAI_API_KEY", "sk")]);
        let home = place.home();
        let route = Models::of(&home).route(agent(&home), &health()).route;
        let provider = format!(
            "{:?}",
            route.unwrap().candidates()[0].credentials[0].provider
        );
        provider.split(' ').next().unwrap().to_owned()
    };
    let local = "http://127.0.0.1:8000/v1";
    for (settings, provider) in [
        (json!({ "models": [] }), "ResponsesProvider"),
        (
            json!({ "baseUrl": "https://api.openai.com/v1", "models": [] }),
            "ResponsesProvider",
        ),
        (json!({ "baseUrl": local, "models": [] }), "OpenAIProvider"),
        (
            json!({ "models": [{ "id": "m", "name": "M", "baseUrl": local }] }),
            "OpenAIProvider",
        ),
        (
            json!({ "baseUrl": local, "api": "openai-responses", "models": [] }),
            "ResponsesProvider",
        ),
    ] {
        assert_eq!(asked(settings.clone()), provider, "{settings}");
    }
}

#[test]
fn what_providers_said_is_kept_in_bounds() {
    let named = |id: String| ListedModel {
        id,
        ..ListedModel::default()
    };
    let mut models: Vec<ListedModel> = (0..6000).map(|n| named(format!("m{n}"))).collect();
    models.push(named("x".repeat(257)));
    models.push(named(String::new()));
    let mut listing = Listing::default();
    assert_eq!(listing.take("p", Timestamp::UNIX_EPOCH, models), 1002);
    assert_eq!(listing.of("p").unwrap().models.len(), listing::MOST_MODELS);
    assert!(listing.find("p", "m1").is_some());
    assert!(listing.find("p", "m6000").is_none());
}

#[test]
fn a_paid_name_on_this_machine_costs_what_it_costs_elsewhere() {
    let config = json!({ "models": { "providers": {
        "litellm": { "baseUrl": "http://127.0.0.1:4000/v1", "models": [
            { "id": "gpt-5.4-mini", "name": "Own", "cost": { "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0 } },
        ] },
        "elsewhere": { "baseUrl": "https://models.example/v1", "models": [] },
    } } });
    let place = Place::new(&config, &json!({}), &[]);
    let home = place.home();
    let models = Models::of(&home);
    let price = |model: &str| models.info(&model.parse().unwrap()).price;
    let paid = Catalogue::built_in()
        .about("anthropic", "claude-opus-5")
        .price;
    assert!(paid.as_ref().is_some_and(|price| *price != Price::FREE));
    assert_eq!(price("litellm/claude-opus-5"), paid);
    assert_eq!(price("litellm/anthropic/claude-opus-5"), paid);
    assert_eq!(price("litellm/qwen3:32b"), Some(Price::FREE));
    assert_eq!(price("litellm/gpt-5.4-mini"), Some(Price::FREE));
    assert_eq!(price("lmstudio/claude-opus-5"), Some(Price::FREE));
    assert_eq!(price("elsewhere/claude-opus-5"), None);
    // What a server on this machine can be shown, its model's name does not tell.
    assert!(!models.is_known(&"litellm/claude-opus-5".parse().unwrap()));
}

#[test]
fn half_a_price_on_this_machine_is_none() {
    let costs = [
        json!({ "input": 3 }),
        json!({ "output": 15 }),
        json!({ "cacheRead": 1 }),
        json!({ "input": -3, "output": 15 }),
    ];
    let listed = costs
        .iter()
        .enumerate()
        .map(|(n, cost)| json!({ "id": format!("half-{n}"), "name": "H", "cost": cost }));
    let others = [
        json!({ "id": "free", "name": "F", "cost": {} }),
        json!({ "id": "whole", "name": "W", "cost": { "input": 3, "output": 15 } }),
        json!({ "id": "claude-opus-5", "name": "O", "cost": { "input": 3 } }),
    ];
    let listed: Vec<Value> = listed.chain(others).collect();
    let local = json!({ "baseUrl": "http://127.0.0.1:4000/v1", "models": listed });
    let config = json!({ "models": { "providers": { "mine": local, "lmstudio": local } } });
    let place = Place::new(&config, &json!({}), &[]);
    let home = place.home();
    let models = Models::of(&home);
    for provider in ["mine", "lmstudio"] {
        let price = |model: &str| {
            models
                .info(&format!("{provider}/{model}").parse().unwrap())
                .price
        };
        for (n, cost) in costs.iter().enumerate() {
            assert_eq!(price(&format!("half-{n}")), None, "{provider}: {cost}");
        }
        assert_eq!(price("claude-opus-5"), None, "{provider}");
        assert_eq!(price("free"), Some(Price::FREE), "{provider}");
        assert_eq!(price("whole").unwrap().output.to_bits(), 15.0_f64.to_bits());
    }
}

#[test]
fn prices_of_large_prompts_go_with_the_prices_beside_them() {
    let tier = json!({ "range": [1000], "input": 7, "output": 8, "cacheRead": 1, "cacheWrite": 9 });
    let config = json!({ "models": { "providers": { "openai": { "models": [
        { "id": "gpt-5.5", "name": "A", "cost": { "input": 1 } },
        { "id": "gpt-5.4", "name": "B", "cost": { "tieredPricing": [tier] } },
        { "id": "gpt-6-sol", "name": "C", "cost": {} },
    ] } } } });
    let place = Place::new(&config, &json!({}), &[]);
    let home = place.home();
    let models = Models::of(&home);
    let dollars = |model: &str| {
        let price = models.info(&model.parse().unwrap()).price.unwrap();
        let usage = Usage {
            input: 1_000_000,
            ..Usage::default()
        };
        price.of(&usage).as_nanos() / 1_000_000_000
    };
    assert_eq!(dollars("openai/gpt-5.5"), 1);
    assert_eq!(dollars("openai/gpt-5.4"), 7);
    assert_eq!(dollars("openai/gpt-6-sol"), 4);
}
