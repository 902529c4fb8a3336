//! Plugins that come with OpenClaw: each brings its own settings into the current form.

mod llm_task;
mod ollama;
mod xai;

use serde_json::Value;

use super::log::{Log, at};
use super::scope::Scope;
use super::table::{Move, Retired, apply_moves, apply_retired};
use super::tree::{
    Record, fill, is_blocked, keys, made, record_at, record_at_mut, take, take_record, trimmed,
};

const RETIRED: &[Retired] = &[Retired::at(
    Scope::Root,
    &["plugins", "entries", "active-memory", "config", "qmd"],
    "the QMD engine is gone",
)];

const MOVED: &[Move] = &[Move {
    scope: Scope::Root,
    from: &[
        "plugins",
        "entries",
        "memory-wiki",
        "config",
        "bridge",
        "readMemoryCore",
    ],
    to: &[
        "plugins",
        "entries",
        "memory-wiki",
        "config",
        "bridge",
        "readMemoryArtifacts",
    ],
}];

/// Brings the settings of these plugins into the current form.
pub(super) fn all(root: &mut Record, log: &mut Log) {
    apply_retired(RETIRED, root, log);
    canvas(root, log);
    talk(root, log);
    llm_task::choices(root, log);
    apply_moves(MOVED, root, log);
    ollama::all(root, log);
    xai::all(root, log);
}

/// The canvas serves no folder of its own; all that is left is whether it is on.
fn canvas(root: &mut Record, log: &mut Log) {
    const RETIRED: [&str; 3] = ["root", "port", "liveReload"];
    let place = ["plugins", "entries", "canvas", "config"];
    let own = record_at(root, &place)
        .and_then(|config| record_at(config, &["host"]))
        .cloned();
    let old = take_record(root, "canvasHost");
    let folder = own.as_ref().and_then(|own| own.get("root"));
    let folder = folder.or_else(|| old.as_ref()?.get("root"));
    // A folder whose name a variable fills in may hold documents that are still to be moved.
    let kept = folder.filter(|folder| folder.as_str().is_some_and(|text| text.contains("${")));
    let has_retired = own.as_ref().is_some_and(|own| {
        RETIRED
            .iter()
            .any(|key| own.contains_key(*key) && !(*key == "root" && kept.is_some()))
    });
    if old.is_none() && !has_retired {
        return;
    }
    let switch = |host: &Record| host.get("enabled").filter(|on| on.is_boolean()).cloned();
    let enabled = own
        .as_ref()
        .and_then(switch)
        .or_else(|| old.as_ref().and_then(switch));
    let mut host = Record::new();
    host.extend(enabled.map(|enabled| ("enabled".to_owned(), enabled)));
    host.extend(kept.map(|folder| ("root".to_owned(), folder.clone())));
    if own.is_some() || !host.is_empty() {
        let config = made(root, &place);
        if host.is_empty() {
            take(config, "host");
        } else {
            config.insert("host".to_owned(), Value::Object(host));
        }
    }
    let path = at(&place).key("host");
    if old.is_some() {
        log.turned(
            &at(&["canvasHost"]),
            &path,
            "as far as it said whether it is on",
        );
    }
    for key in own
        .iter()
        .flat_map(|own| RETIRED.iter().filter(|key| own.contains_key(**key)))
    {
        log.removed(&path.key(key), "the canvas serves no folder of its own");
    }
}

/// What was said about `ElevenLabs` in `talk` itself is said about a provider.
fn talk(root: &mut Record, log: &mut Log) {
    const OLD: [&str; 5] = [
        "voiceId",
        "voiceAliases",
        "modelId",
        "outputFormat",
        "apiKey",
    ];
    let Some(talk) = record_at_mut(root, &["talk"]) else {
        return;
    };
    if !OLD.iter().any(|key| talk.contains_key(*key)) {
        return;
    }
    let named = trimmed(talk, "provider").map(str::to_owned);
    let known = record_at(talk, &["providers"])
        .map(keys)
        .unwrap_or_default();
    let mut known = known.into_iter().filter(|id| !is_blocked(id));
    let provider = match (named, known.next(), known.next()) {
        (Some(named), ..) => named,
        (None, None, _) => "elevenlabs".to_owned(),
        (None, Some(only), None) => only,
        // Which of several was meant is for their owner to say.
        (None, Some(_), Some(_)) => return,
    };
    if is_blocked(&provider) {
        return;
    }
    let to = at(&["talk", "providers", &provider]);
    let mut own = Record::new();
    for key in OLD {
        if let Some(value) = take(talk, key) {
            own.insert(key.to_owned(), value);
            log.moved(&at(&["talk", key]), &to.key(key));
        }
    }
    fill(made(talk, &["providers", &provider]), own);
}
