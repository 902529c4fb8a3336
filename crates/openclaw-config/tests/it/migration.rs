//! Configs of earlier releases become what OpenClaw's own migration makes of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use openclaw_config::document::Document;
use openclaw_config::migration::{Home, Migrated, migrate_in};
use openclaw_config::rules::{self, Standing, Surroundings};
use openclaw_config::source;
use openclaw_core::env::Env;
use openclaw_testkit::shared;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// Where the migrations were recorded.
const RECORDED_STATE_DIR: &str = "/home/someone/st";

fn migrated(value: Value) -> Migrated {
    let home = Home {
        user: Path::new("/home/someone"),
        state_dir: Path::new(RECORDED_STATE_DIR),
    };
    migrate_in(value, home)
}

fn compat(folder: &str) -> Option<PathBuf> {
    let dir = shared::shared_dir().map(|dir| dir.join("compat").join(folder));
    let dir = dir.filter(|dir| dir.is_dir());
    if dir.is_none() {
        shared::skip_note("migration", "no recorded configs");
    }
    dir
}

fn manifest(dir: &Path) -> Vec<Value> {
    let text = fs::read(dir.join("MANIFEST.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&text).unwrap();
    manifest["configs"].as_array().unwrap().clone()
}

fn read(file: &Path) -> Value {
    Document::parse(&fs::read_to_string(file).unwrap())
        .unwrap()
        .value()
}

/// The recorded configs of both releases that can be read.
static RECORDED: LazyLock<Vec<(PathBuf, Value)>> = LazyLock::new(|| {
    let dirs = ["configs-2026.2", "configs-2026.9"];
    let mut all = Vec::new();
    for dir in dirs.into_iter().filter_map(compat) {
        for config in manifest(&dir) {
            let file = dir.join(config["file"].as_str().unwrap());
            let text = fs::read_to_string(&file).unwrap();
            if let Ok(document) = Document::parse(&text) {
                all.push((file, document.value()));
            }
        }
    }
    all
});

/// Returns a value with every number as JavaScript has it, because the order of keys and the way
/// a number is written do not count.
fn comparable(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.iter().map(comparable).collect(),
        Value::Object(record) => {
            let members = record.iter();
            Value::Object(
                members
                    .map(|(key, value)| (key.clone(), comparable(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

#[test]
fn a_recorded_config_becomes_what_openclaw_made_of_it() {
    let (Some(before), Some(after)) = (compat("configs-2026.2"), compat("configs-2026.2-migrated"))
    else {
        return;
    };
    let mut different = Vec::new();
    let (mut images, mut unchanged) = (0, 0);
    for config in manifest(&before) {
        let name = config["file"].as_str().unwrap();
        let value = read(&before.join(name));
        let found = migrated(value.clone());
        let image = after.join(name);
        let expected = if image.is_file() {
            images += 1;
            read(&image)
        } else {
            unchanged += 1;
            value
        };
        let was_migrated = config["migrated"].as_bool().unwrap();
        if comparable(&found.value) != comparable(&expected)
            || found.changes.is_empty() == was_migrated
        {
            different.push(name.to_owned());
        }
    }
    println!(
        "migrated as recorded: {} of {} ({images} with an after-image, {unchanged} left alone)",
        images + unchanged - different.len(),
        images + unchanged
    );
    assert_eq!(different, [""; 0]);
}

#[test]
fn a_migrated_config_is_as_valid_as_recorded() {
    let Some(dir) = compat("configs-2026.2") else {
        return;
    };
    let home = Surroundings::new("/home/someone", RECORDED_STATE_DIR);
    let home = home.looking_with(|_| Standing::Nothing);
    let mut different = Vec::new();
    let configs = manifest(&dir);
    for config in &configs {
        let name = config["file"].as_str().unwrap();
        let problems = match source::read(&dir.join(name), &Env::default()) {
            Ok(source) => rules::judge(&migrated(source.value).value, &home).problems,
            Err(problems) => problems,
        };
        if problems.is_empty() != config["validAfterMigration"].as_bool().unwrap() {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            different.push(format!("{name}: {problems:?}"));
        }
    }
    println!(
        "as valid after the migration as recorded: {} of {}",
        configs.len() - different.len(),
        configs.len()
    );
    assert_eq!(different, [""; 0]);
}

#[test]
fn a_second_migration_changes_nothing() {
    let mut different = Vec::new();
    for (file, value) in RECORDED.iter() {
        let once = migrated(value.clone());
        let twice = migrated(once.value.clone());
        if !twice.changes.is_empty() || twice.value != once.value {
            different.push(file.display().to_string());
        }
    }
    println!(
        "unchanged by a second migration: {} of {}",
        RECORDED.len() - different.len(),
        RECORDED.len()
    );
    assert_eq!(different, [""; 0]);
}

/// A value of a kind that a setting may not have.
fn odd() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1.5),
        json!(""),
        json!("text"),
        json!([]),
        json!(["a", null]),
        json!({}),
        json!({ "a": 1 }),
    ])
}

/// Returns the value at a random place below another one.
fn anywhere<'a>(value: &'a mut Value, steps: &[Index]) -> &'a mut Value {
    let Some((step, rest)) = steps.split_first() else {
        return value;
    };
    let size = match value {
        Value::Array(list) => list.len(),
        Value::Object(record) => record.len(),
        _ => 0,
    };
    if size == 0 {
        return value;
    }
    let index = step.index(size);
    match value {
        Value::Array(list) => anywhere(&mut list[index], rest),
        Value::Object(record) => anywhere(record.values_mut().nth(index).unwrap(), rest),
        other => other,
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Several recorded configs at once, with odd values in them.
    #[test]
    fn a_second_migration_changes_nothing_in_odd_configs_either(
        picks in prop::collection::vec(any::<Index>(), 1..4),
        odd in prop::collection::vec(
            (prop::collection::vec(any::<Index>(), 1..5), odd()),
            0..3,
        ),
    ) {
        if RECORDED.is_empty() {
            return Ok(());
        }
        let mut value = json!({});
        for pick in picks {
            merge(&mut value, pick.get(&RECORDED).1.clone());
        }
        for (steps, odd) in odd {
            *anywhere(&mut value, &steps) = odd;
        }
        let once = migrated(value.clone());
        if once.changes.is_empty() {
            prop_assert_eq!(&once.value, &value);
        }
        let twice = migrated(once.value.clone());
        prop_assert_eq!((twice.value, twice.changes), (once.value, Vec::new()));
    }
}
