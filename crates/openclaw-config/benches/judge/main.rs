//! What a verdict costs: reading the schema, holding the largest recorded config against it,
//! judging it with every rule.
//!
//! ```text
//! cargo bench -p openclaw-config --bench judge
//! ```
//!
//! Where the recorded configs are not there, one of our own stands for the largest.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark stops at the first surprise"
)]

use std::fs;
use std::path::Path;

use divan::{AllocProfiler, Bencher};
use openclaw_config::document::Document;
use openclaw_config::rules::{self, Standing, Surroundings};
use openclaw_config::schema;
use openclaw_testkit::shared;
use serde_json::{Value, json};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// Returns the largest recorded config, as text.
fn largest() -> String {
    let dir = shared::shared_dir().map(|dir| dir.join("compat/configs-2026.9"));
    let files = dir.into_iter().flat_map(|dir| fs::read_dir(dir).unwrap());
    let files = files.map(|file| file.unwrap().path());
    let configs = files.filter(|file| file.extension().is_some_and(|kind| kind == "json5"));
    let read = |file: &Path| fs::read_to_string(file).unwrap();
    let largest = configs.max_by_key(|file| fs::metadata(file).unwrap().len());
    largest.map_or_else(|| made(1).to_string(), |file| read(&file))
}

/// Makes a config with this many agents, models and channels' accounts.
fn made(count: usize) -> Value {
    let mut config = json!({
        "agents": {"ownership": "explicit", "entries": {}},
        "channels": {"telegram": {"accounts": {}}},
        "models": {"providers": {"mine": {"baseUrl": "https://models.example", "models": []}}},
    });
    for index in 0..count {
        let id = format!("agent{index}");
        let agent = json!({"model": "openai/gpt-5.4", "tools": {"deny": ["exec"]},
            "heartbeat": {"every": "30m", "target": "last"}});
        let account = json!({"dmPolicy": "allowlist", "allowFrom": ["1", "2"]});
        let model = json!({"id": id, "name": id, "contextWindow": 200_000});
        *at(&mut config, "/agents/entries", &id) = agent;
        *at(&mut config, "/channels/telegram/accounts", &id) = account;
        let models = config.pointer_mut("/models/providers/mine/models").unwrap();
        models.as_array_mut().unwrap().push(model);
    }
    config
}

fn at<'a>(config: &'a mut Value, pointer: &str, key: &str) -> &'a mut Value {
    let members = config
        .pointer_mut(pointer)
        .unwrap()
        .as_object_mut()
        .unwrap();
    members.entry(key).or_insert(Value::Null)
}

fn home() -> Surroundings {
    let home = Surroundings::new("/home/nobody", "/home/nobody/.openclaw");
    home.looking_with(|_| Standing::Nothing)
}

/// One run in a process of its own is what the command line costs: the schema is read in it.
#[divan::bench(sample_count = 1, sample_size = 1)]
fn a_the_first_verdict_of_a_process(bencher: Bencher<'_, '_>) {
    let (text, home) = (largest(), home());
    bencher.bench(|| {
        let value = Document::parse(&text).unwrap().value();
        rules::judge(&value, &home)
    });
}

#[divan::bench]
fn shape_of_the_largest_config(bencher: Bencher<'_, '_>) {
    let value = Document::parse(&largest()).unwrap().value();
    bencher.bench(|| schema::validate(&value));
}

#[divan::bench]
fn verdict_on_the_largest_config(bencher: Bencher<'_, '_>) {
    let value = Document::parse(&largest()).unwrap().value();
    let home = home();
    bencher.bench(|| rules::judge(&value, &home));
}

#[divan::bench(args = [100, 1000])]
fn verdict_on_a_config_with_many_agents(bencher: Bencher<'_, '_>, agents: usize) {
    let (value, home) = (made(agents), home());
    assert!(rules::judge(&value, &home).is_valid());
    bencher.bench(|| rules::judge(&value, &home));
}
