//! Media: which models look at pictures and listen to recordings.

use serde_json::{Value, json};

use super::log::{Log, at, below};
use super::tree::{Record, array_at, fill, made, prune, record_at_mut, take, take_record, text_at};
use crate::problem::KeyPath;

const CAPABILITIES: [&str; 3] = ["image", "audio", "video"];
const MEDIA: [&str; 2] = ["tools", "media"];

/// The program that wrote recordings down is a model like the others.
pub(super) fn transcription(root: &mut Record, log: &mut Log) {
    let audio = record_at_mut(root, &["audio"]);
    let Some(old) = audio.and_then(|audio| take(audio, "transcription")) else {
        return;
    };
    prune(root, "audio");
    let from = at(&["audio", "transcription"]);
    let to = below(&at(&MEDIA), &["models"]);
    let Some(model) = program(&old) else {
        log.removed(&from, "it named no command that could be run");
        return;
    };
    let media = made(root, &MEDIA);
    let listens = |models: Option<&Vec<Value>>| {
        let mut models = models.into_iter().flatten().filter_map(Value::as_object);
        models.any(|model| match array_at(model, &["capabilities"]) {
            Some(capabilities) => capabilities.contains(&Value::from("audio")),
            None => true,
        })
    };
    if listens(array_at(media, &["audio", "models"])) || listens(array_at(media, &["models"])) {
        log.superseded(&from, &to);
        return;
    }
    let command = text_at(&model, &["command"]).unwrap_or_default();
    let preferred = Value::from(format!("cli:{command}"));
    let audio = made(media, &["audio"]);
    audio.insert("enabled".to_owned(), Value::Bool(true));
    audio.insert("preferredModel".to_owned(), preferred);
    match media.get_mut("models") {
        Some(Value::Array(models)) => models.push(Value::Object(model)),
        _ => {
            media.insert("models".to_owned(), json!([model]));
        }
    }
    log.moved(&from, &to);
}

/// Reads the command that wrote recordings down.
fn program(value: &Value) -> Option<Record> {
    let old = value.as_object()?;
    let command = array_at(old, &["command"])?;
    let command: Option<Vec<&str>> = command.iter().map(Value::as_str).collect();
    let command = command?;
    let (program, arguments) = command.split_first()?;
    let program = program.trim();
    if !is_safe_program(program) {
        return None;
    }
    let mut model = Record::new();
    model.insert("command".to_owned(), Value::from(program));
    model.insert("type".to_owned(), Value::from("cli"));
    if !arguments.is_empty() {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| argument.replace("{input}", "{{AttachmentPath}}"))
            .collect();
        model.insert("args".to_owned(), Value::from(arguments));
    }
    if let Some(seconds) = old.get("timeoutSeconds").filter(|value| value.is_number()) {
        model.insert("timeoutSeconds".to_owned(), seconds.clone());
    }
    model.insert("capabilities".to_owned(), json!(["audio"]));
    Some(model)
}

/// Tells whether a program's name can hold nothing that a shell would act on.
fn is_safe_program(name: &str) -> bool {
    const ACTED_ON: &str = ";&|`$<>\r\n\"'\0";
    if name.is_empty() || name.contains(|c| ACTED_ON.contains(c)) {
        return false;
    }
    let mut start = name.chars();
    let drive = start.next().is_some_and(|c| c.is_ascii_alphabetic())
        && start.next() == Some(':')
        && start.next().is_some_and(|c| c == '/' || c == '\\');
    let is_path = name.starts_with(['.', '~']) || name.contains(['/', '\\']) || drive;
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    is_path || (!name.starts_with('-') && name.chars().all(is_bare))
}

/// Deepgram's settings are options of a provider like the others'.
pub(super) fn deepgram(root: &mut Record, log: &mut Log) {
    let Some(media) = record_at_mut(root, &MEDIA) else {
        return;
    };
    let path = at(&MEDIA);
    deepgram_models(media, &path, log);
    for capability in CAPABILITIES {
        if let Some(own) = record_at_mut(media, &[capability]) {
            let path = path.key(capability);
            deepgram_options(own, &path, log);
            deepgram_models(own, &path, log);
        }
    }
}

fn deepgram_models(owner: &mut Record, path: &KeyPath, log: &mut Log) {
    let models = owner.get_mut("models").and_then(Value::as_array_mut);
    for (index, model) in models.into_iter().flatten().enumerate() {
        if let Some(model) = model.as_object_mut() {
            deepgram_options(model, &path.key("models").index(index), log);
        }
    }
}

fn deepgram_options(owner: &mut Record, path: &KeyPath, log: &mut Log) {
    const NAMES: [(&str, &str); 3] = [
        ("detectLanguage", "detect_language"),
        ("punctuate", "punctuate"),
        ("smartFormat", "smart_format"),
    ];
    let Some(old) = take_record(owner, "deepgram") else {
        return;
    };
    let options = NAMES.into_iter().filter_map(|(name, new)| {
        let value = old.get(name).filter(|value| value.is_boolean())?;
        Some((new.to_owned(), value.clone()))
    });
    let place = ["providerOptions", "deepgram"];
    fill(made(owner, &place), options.collect());
    log.moved(&path.key("deepgram"), &below(path, &place));
}

/// One list holds all models, and each says what it can do.
pub(super) fn one_list(root: &mut Record, log: &mut Log) {
    let Some(media) = record_at_mut(root, &MEDIA) else {
        return;
    };
    let path = at(&MEDIA);
    let to = path.key("models");
    let mut models: Vec<Value> = Vec::new();
    for capability in CAPABILITIES {
        let Some(own) = record_at_mut(media, &[capability]) else {
            continue;
        };
        if let Some(old) = take(own, "models") {
            models.extend(with_capability(&old, capability));
            let from = path.key(capability).key("models");
            log.turned(&from, &to, "each with what it can do");
        }
        prune(media, capability);
    }
    let shared = array_at(media, &["models"]).into_iter().flatten();
    models.extend(shared.cloned());
    if !models.is_empty() {
        media.insert("models".to_owned(), Value::from(models));
    }
}

/// Returns the models of one capability, each once, which can do only that.
fn with_capability(models: &Value, capability: &str) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for model in models.as_array().into_iter().flatten() {
        // What is no model becomes one that says nothing, and is a problem of its own.
        let mut model = model.as_object().cloned().unwrap_or_default();
        let can = array_at(&model, &["capabilities"]);
        if can.is_some_and(|can| !can.contains(&Value::from(capability))) {
            continue;
        }
        model.insert("capabilities".to_owned(), json!([capability]));
        let model = Value::Object(model);
        if !kept.contains(&model) {
            kept.push(model);
        }
    }
    kept
}
