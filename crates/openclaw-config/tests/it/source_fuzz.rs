//! Include graphs that nobody would write, read and edited.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use openclaw_config::KeyPath;
use openclaw_config::edit::ConfigFile;
use openclaw_config::source;
use openclaw_core::env::Env;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::document_fuzz::{expected, key, value};
use openclaw_testkit::fuzz;

const NAMES: [&str; 5] = [
    "openclaw.json",
    "a.json5",
    "b.json5",
    "sub/c.json5",
    "gone.json5",
];
const CONFIG: &str = NAMES[0];

type Files = BTreeMap<&'static str, Value>;

/// What `$include` names, mostly a file that there is.
fn directive() -> impl Strategy<Value = Value> {
    let name = proptest::sample::select(vec![
        "./a.json5",
        "b.json5",
        "sub/c.json5",
        "../a.json5",
        "../b.json5",
        "gone.json5",
        "sub",
        "",
    ]);
    let name = name.prop_map(Value::from);
    prop_oneof![
        6 => name.clone(),
        3 => proptest::collection::vec(name, 0..3).prop_map(Value::from),
        1 => value(),
    ]
}

/// A value with includes in it.
fn including() -> impl Strategy<Value = Value> {
    value().prop_recursive(3, 12, 3, |inner| {
        let member = (key(), inner.clone());
        let members = proptest::collection::vec(member, 0..3);
        prop_oneof![
            proptest::collection::vec(inner, 0..3).prop_map(Value::from),
            (proptest::option::weighted(0.6, directive()), members).prop_map(
                |(directive, members)| {
                    let mut object: Map<String, Value> = members.into_iter().collect();
                    if let Some(directive) = directive {
                        object.insert("$include".to_owned(), directive);
                    }
                    Value::Object(object)
                }
            ),
        ]
    })
}

fn graph() -> impl Strategy<Value = Files> {
    proptest::collection::vec(including(), 4)
        .prop_map(|values| NAMES.into_iter().zip(values).collect())
}

/// What the files say together, by the plainest means.
fn merged(files: &Files, value: &Value, chain: &[&'static str]) -> Option<Value> {
    match value {
        Value::Array(elements) => {
            let elements = elements.iter().map(|value| merged(files, value, chain));
            elements.collect::<Option<Vec<_>>>().map(Value::from)
        }
        Value::Object(members) => {
            let own = members.iter().filter(|(key, _)| *key != "$include");
            let own = own
                .map(|(key, value)| Some((key.clone(), merged(files, value, chain)?)))
                .collect::<Option<Map<_, _>>>()?;
            let Some(directive) = members.get("$include") else {
                return Some(Value::Object(own));
            };
            let included = match directive {
                Value::String(name) => load(files, name, chain)?,
                Value::Array(names) => names.iter().try_fold(json!({}), |all, name| {
                    Some(over(all, load(files, name.as_str()?, chain)?))
                })?,
                _ => return None,
            };
            match (own.is_empty(), included.is_object()) {
                (true, _) => Some(included),
                (false, true) => Some(over(included, Value::Object(own))),
                (false, false) => None,
            }
        }
        other => Some(other.clone()),
    }
}

fn load(files: &Files, name: &str, chain: &[&'static str]) -> Option<Value> {
    let folder = Path::new(chain.last()?).parent()?;
    let mut path = Vec::new();
    for part in folder.join(name).components() {
        match part.as_os_str().to_str()? {
            ".." => {
                path.pop()?;
            }
            "." => {}
            part => path.push(part.to_owned()),
        }
    }
    let path = path.join("/");
    let (name, value) = files.iter().find(|(name, _)| **name == path)?;
    if chain.contains(name) || chain.len() > 10 {
        return None;
    }
    merged(files, value, &[chain, &[*name]].concat())
}

fn over(base: Value, over_it: Value) -> Value {
    match (base, over_it) {
        (Value::Array(mut a), Value::Array(b)) => {
            a.extend(b);
            Value::Array(a)
        }
        (Value::Object(mut a), Value::Object(b)) => {
            for (key, value) in b {
                let value = match a.get(&key) {
                    Some(base) => over(base.clone(), value),
                    None => value,
                };
                a.insert(key, value);
            }
            Value::Object(a)
        }
        (_, over_it) => over_it,
    }
}

fn write(dir: &Path, files: &Files) {
    fs::create_dir(dir.join("sub")).unwrap();
    for (name, value) in files {
        fs::write(dir.join(name), value.to_string()).unwrap();
    }
}

fn texts(dir: &Path, files: &Files) -> Vec<String> {
    let read = |name: &&str| fs::read_to_string(dir.join(name)).unwrap();
    files.keys().map(read).collect()
}

#[test]
fn any_graph_of_files_reads_as_the_plain_rules_say() {
    fuzz("include graphs", &graph(), |files| {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &files);
        let expected = merged(&files, &files[CONFIG], &[CONFIG]);
        let source = source::read(&dir.path().join(CONFIG), &Env::default());
        match (source, expected) {
            (Ok(source), Some(value)) => {
                prop_assert_eq!(source.written(), &value);
                prop_assert!(source.place(&KeyPath::root()).is_some());
            }
            (Err(problems), None) => prop_assert!(!problems.is_empty()),
            (source, value) => {
                prop_assert!(false, "{:?} {:?}", source.map(|source| source.value), value);
            }
        }
        Ok(())
    });
}

#[test]
fn an_edit_of_any_graph_comes_to_what_was_asked_or_to_nothing() {
    let path = proptest::collection::vec(key(), 1..3);
    fuzz(
        "edited include graphs",
        &(graph(), path, value()),
        |(files, path, new)| {
            let dir = tempfile::tempdir().unwrap();
            write(dir.path(), &files);
            let before = texts(dir.path(), &files);
            let config = ConfigFile::new(dir.path().join(CONFIG), Env::default());
            let at: KeyPath = path.iter().collect();
            let edited = config.edit(|draft| draft.set(&at, &new), |_| Ok(()));
            if edited.is_err() {
                prop_assert_eq!(texts(dir.path(), &files), before);
                return Ok(());
            }
            let mut value = merged(&files, &files[CONFIG], &[CONFIG]).unwrap();
            expected(&mut value, &path, new);
            let source = source::read(config.path(), &Env::default()).unwrap();
            prop_assert_eq!(source.written(), &value);
            Ok(())
        },
    );
}
