//! Speech: where it is set, and what its voices are called.

use serde_json::Value;

use super::log::{Log, at, below};
use super::scope::{Scope, each_channel};
use super::tree::{
    Record, fill, folded, is_blocked, made, record_at, record_at_mut, take, take_record,
};
use crate::problem::KeyPath;

/// Providers whose settings stood in the speech settings themselves.
pub(super) const PROVIDERS: [&str; 4] = ["openai", "elevenlabs", "microsoft", "edge"];

/// Speech is no part of messages any more.
pub(super) fn top_level(root: &mut Record, log: &mut Log) {
    let from = at(&["messages", "tts"]);
    let Some(messages) = record_at_mut(root, &["messages"]) else {
        return;
    };
    let Some(old) = take(messages, "tts") else {
        return;
    };
    let Value::Object(mut old) = old else {
        log.removed(&from, "it had no form that could be understood");
        return;
    };
    if let Some(realtime) = take_record(&mut old, "realtime") {
        realtime_voice(root, realtime, log);
    }
    let stood = record_at(root, &["tts"]).is_some();
    fill(made(root, &["tts"]), old);
    if stood {
        log.merged(&from, &at(&["tts"]));
    } else {
        log.moved(&from, &at(&["tts"]));
    }
}

fn realtime_voice(root: &mut Record, mut realtime: Record, log: &mut Log) {
    let from = at(&["messages", "tts", "realtime"]);
    let to = at(&["talk", "realtime", "speakerVoice"]);
    let named = ["speakerVoice", "voice"].into_iter();
    let mut named = named.filter_map(|key| take(&mut realtime, key).filter(|v| !v.is_null()));
    let voice = named.next();
    let talk = record_at(root, &["talk", "realtime"]);
    let is_set = talk.is_some_and(|talk| talk.contains_key("speakerVoice"));
    match voice {
        None => log.removed(&from, "it named no voice"),
        Some(_) if is_set => log.superseded(&from, &to),
        Some(voice) => {
            made(root, &["talk", "realtime"]).insert("speakerVoice".to_owned(), voice);
            log.moved(&from, &to);
        }
    }
}

/// Each provider's settings stand below `providers`, and Edge's are Microsoft's.
pub(super) fn providers(root: &mut Record, log: &mut Log) {
    if let Some(tts) = record_at_mut(root, &["tts"]) {
        provider_groups(tts, &at(&["tts"]), log);
    }
    let place = ["plugins", "entries", "voice-call", "config", "tts"];
    if let Some(tts) = record_at_mut(root, &place) {
        provider_groups(tts, &at(&place), log);
    }
}

fn provider_groups(tts: &mut Record, path: &KeyPath, log: &mut Log) {
    let provider = tts.get("provider").and_then(Value::as_str).map(folded);
    if provider.as_deref() == Some("edge") {
        tts.insert("provider".to_owned(), Value::from("microsoft"));
        log.renamed(&path.key("provider"), "edge", "microsoft");
    }
    let edge = ["edge"];
    let others = PROVIDERS.into_iter().filter(|id| *id != "edge");
    group_providers(tts, path, others, log);
    let providers = record_at_mut(tts, &["providers"]);
    if let Some(own) = providers.and_then(|providers| take_record(providers, "edge")) {
        let from = below(path, &["providers", "edge"]);
        into_provider(tts, path, ("microsoft", &from, own), log);
    }
    group_providers(tts, path, edge, log);
}

/// Moves what stood in the speech settings themselves below `providers`.
pub(super) fn group_providers(
    tts: &mut Record,
    path: &KeyPath,
    providers: impl IntoIterator<Item = &'static str>,
    log: &mut Log,
) {
    for key in providers {
        if let Some(own) = take_record(tts, key) {
            let provider = if key == "edge" { "microsoft" } else { key };
            into_provider(tts, path, (provider, &path.key(key), own), log);
        }
    }
}

fn into_provider(
    tts: &mut Record,
    path: &KeyPath,
    (provider, from, own): (&str, &KeyPath, Record),
    log: &mut Log,
) {
    fill(made(tts, &["providers", provider]), own);
    log.moved(from, &below(path, &["providers", provider]));
}

/// Voices have the same names with every provider.
pub(super) fn voices(root: &mut Record, log: &mut Log) {
    visit(root, &mut |tts, path| {
        speaker(tts, path, log);
        if let Some(personas) = record_at_mut(tts, &["personas"]) {
            for (id, persona) in personas {
                if let Some(persona) = persona.as_object_mut().filter(|_| !is_blocked(id)) {
                    speaker(persona, &below(path, &["personas", id]), log);
                }
            }
        }
    });
}

fn speaker(owner: &mut Record, path: &KeyPath, log: &mut Log) {
    if let Some(providers) = record_at_mut(owner, &["providers"]) {
        for (id, provider) in providers {
            if let Some(provider) = provider.as_object_mut().filter(|_| !is_blocked(id)) {
                voice_names(provider, &below(path, &["providers", id]), log);
            }
        }
    }
    for id in PROVIDERS {
        if let Some(provider) = record_at_mut(owner, &[id]) {
            voice_names(provider, &path.key(id), log);
        }
    }
}

fn voice_names(provider: &mut Record, path: &KeyPath, log: &mut Log) {
    const NAMES: [(&str, &str); 3] = [
        ("voice", "speakerVoice"),
        ("voiceName", "speakerVoice"),
        ("voiceId", "speakerVoiceId"),
    ];
    for (old, new) in NAMES {
        super::table::move_value(provider, path, (&[old], &[new]), log);
    }
}

/// Whether speech is on says in words when it speaks.
pub(super) fn auto(root: &mut Record, log: &mut Log) {
    visit(root, &mut |tts, path| {
        let Some(on) = tts.get("enabled").and_then(Value::as_bool) else {
            return;
        };
        take(tts, "enabled");
        let (from, to) = (path.key("enabled"), path.key("auto"));
        if super::tree::trimmed(tts, "auto").is_some() {
            log.superseded(&from, &to);
        } else {
            let auto = if on { "always" } else { "off" };
            tts.insert("auto".to_owned(), Value::from(auto));
            log.turned(&from, &to, "in words");
        }
    });
}

/// Goes through everything that sets speech.
fn visit(root: &mut Record, visit: &mut dyn FnMut(&mut Record, &KeyPath)) {
    if let Some(tts) = record_at_mut(root, &["tts"]) {
        visit(tts, &at(&["tts"]));
    }
    Scope::Agents.visit(root, &mut |agent, path| {
        if let Some(tts) = record_at_mut(agent, &["tts"]) {
            visit(tts, &path.key("tts"));
        }
    });
    each_channel(root, |id, channel| {
        if is_blocked(id) {
            return;
        }
        in_channel(channel, id, &at(&["channels", id]), visit);
        let accounts = record_at_mut(channel, &["accounts"]);
        for (account, value) in accounts.into_iter().flatten() {
            if let Some(record) = value.as_object_mut().filter(|_| !is_blocked(account)) {
                let path = at(&["channels", id, "accounts", account]);
                in_channel(record, id, &path, visit);
            }
        }
    });
    let place = ["plugins", "entries", "voice-call", "config", "tts"];
    if let Some(tts) = record_at_mut(root, &place) {
        visit(tts, &at(&place));
    }
}

fn in_channel(
    record: &mut Record,
    id: &str,
    path: &KeyPath,
    visit: &mut dyn FnMut(&mut Record, &KeyPath),
) {
    // Discord speaks in voice channels only.
    let speaks_itself = folded(id) != "discord";
    if let Some(tts) = record_at_mut(record, &["tts"]).filter(|_| speaks_itself) {
        visit(tts, &path.key("tts"));
    }
    if let Some(tts) = record_at_mut(record, &["voice", "tts"]) {
        visit(tts, &below(path, &["voice", "tts"]));
    }
}
