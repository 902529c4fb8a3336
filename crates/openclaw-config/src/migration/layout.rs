//! Names and places that were settled with 2026.9.

use serde_json::{Value, json};

use super::log::{Log, at, below};
use super::scope::Scope;
use super::table::{Merge, Move, apply_merges, apply_moves};
use super::tree::{
    Record, made, prune, record_at, record_at_mut, take, take_record, text_at, texts, unique,
};

const MOVED: &[Move] = &[
    Move {
        scope: Scope::Root,
        from: &["agents", "defaults", "pdfMaxBytesMb"],
        to: &["agents", "defaults", "pdfMaxMb"],
    },
    Move {
        scope: Scope::Root,
        from: &["agents", "defaults", "imageGenerationModel"],
        to: &["agents", "defaults", "mediaModels", "image"],
    },
    Move {
        scope: Scope::Root,
        from: &["agents", "defaults", "videoGenerationModel"],
        to: &["agents", "defaults", "mediaModels", "video"],
    },
    Move {
        scope: Scope::Root,
        from: &["agents", "defaults", "musicGenerationModel"],
        to: &["agents", "defaults", "mediaModels", "music"],
    },
    Move {
        scope: Scope::AgentsAndDefaults,
        from: &["tools", "exec", "timeoutSec"],
        to: &["tools", "exec", "timeoutSeconds"],
    },
    Move {
        scope: Scope::AgentsAndDefaults,
        from: &["sandbox", "browser", "enableNoVnc"],
        to: &["sandbox", "browser", "noVncEnabled"],
    },
    Move {
        scope: Scope::Root,
        from: &["tools", "exec", "timeoutSec"],
        to: &["tools", "exec", "timeoutSeconds"],
    },
    Move {
        scope: Scope::Root,
        from: &["gateway", "nodes", "allowCommands"],
        to: &["gateway", "nodes", "commands", "allow"],
    },
    Move {
        scope: Scope::Root,
        from: &["gateway", "nodes", "denyCommands"],
        to: &["gateway", "nodes", "commands", "deny"],
    },
    Move {
        scope: Scope::Channel("slack"),
        from: &["identity"],
        to: &["postAs"],
    },
];

const MERGED: &[Merge] = &[
    Merge {
        scope: Scope::Root,
        from: &["media"],
        to: &["attachments"],
    },
    Merge {
        scope: Scope::Root,
        from: &["audit"],
        to: &["logging", "audit"],
    },
];

/// Brings names and places into the settled form.
pub(super) fn all(root: &mut Record, log: &mut Log) {
    apply_moves(MOVED, root, log);
    apply_merges(MERGED, root, log);
    variables(root, log);
    allowed_hosts(root, log);
    node_skills(root, log);
}

/// Variables stand below `env.vars`.
fn variables(root: &mut Record, log: &mut Log) {
    const NO_VARIABLES: [&str; 2] = ["vars", "shellEnv"];
    let Some(env) = record_at_mut(root, &["env"]) else {
        return;
    };
    let is_variable = |key: &str, value: &Value| value.is_string() && !NO_VARIABLES.contains(&key);
    if !env.iter().any(|(key, value)| is_variable(key, value)) {
        return;
    }
    let old = std::mem::take(env).into_iter();
    let (moved, kept): (Vec<_>, Vec<_>) = old.partition(|(key, value)| is_variable(key, value));
    env.extend(kept);
    let variables = made(env, &["vars"]);
    for (name, value) in moved {
        let (from, to) = (at(&["env", &name]), at(&["env", "vars", &name]));
        if variables.contains_key(&name) {
            log.superseded(&from, &to);
        } else {
            variables.insert(name, value);
            log.moved(&from, &to);
        }
    }
}

/// One list says which hosts the browser may open.
fn allowed_hosts(root: &mut Record, log: &mut Log) {
    let Some(policy) = record_at_mut(root, &["browser", "ssrfPolicy"]) else {
        return;
    };
    let Some(old) = texts(policy.get("hostnameAllowlist")) else {
        return;
    };
    take(policy, "hostnameAllowlist");
    let hosts = texts(policy.get("allowedHostnames")).unwrap_or_default();
    let hosts = unique(hosts.into_iter().chain(old));
    policy.insert("allowedHostnames".to_owned(), Value::from(hosts));
    let path = at(&["browser", "ssrfPolicy"]);
    let (from, to) = (path.key("hostnameAllowlist"), path.key("allowedHostnames"));
    log.merged(&from, &to);
}

/// Whether nodes may bring skills is one switch.
fn node_skills(root: &mut Record, log: &mut Log) {
    let Some(nodes) = record_at_mut(root, &["gateway", "nodes"]) else {
        return;
    };
    let skills = record_at(nodes, &["skills"]);
    let Some(enabled) = skills.and_then(|skills| skills.get("enabled")).cloned() else {
        return;
    };
    take(nodes, "skills");
    nodes.entry("allowSkills").or_insert(enabled);
    let path = at(&["gateway", "nodes"]);
    let from = below(&path, &["skills", "enabled"]);
    log.moved(&from, &path.key("allowSkills"));
}

/// Gives settings of the GPT-5 overlay to OpenAI's plugin.
pub(super) fn overlays(root: &mut Record, log: &mut Log) {
    let path = at(&["agents", "defaults", "promptOverlays"]);
    let defaults = record_at_mut(root, &["agents", "defaults"]);
    let Some(overlays) = defaults.and_then(|defaults| take(defaults, "promptOverlays")) else {
        return;
    };
    let personality = overlays.as_object();
    let personality = personality
        .and_then(|overlays| record_at(overlays, &["gpt5"]))
        .and_then(|overlay| overlay.get("personality"));
    let Some(personality) = personality else {
        log.removed(&path, "the built-in value applies");
        return;
    };
    let from = below(&path, &["gpt5", "personality"]);
    let place = ["plugins", "entries", "openai", "config"];
    let to = at(&place).key("personality");
    let config = made(root, &place);
    if config.contains_key("personality") {
        log.superseded(&from, &to);
    } else {
        config.insert("personality".to_owned(), personality.clone());
        log.moved(&from, &to);
    }
}

/// What was said in detail is on or off.
pub(super) fn switches(root: &mut Record, log: &mut Log) {
    let on = Some(&Value::Bool(true));
    let Some(diagnostics) = record_at_mut(root, &["diagnostics"]) else {
        return;
    };
    let path = at(&["diagnostics"]);
    if let Some(otel) = record_at_mut(diagnostics, &["otel"])
        && let Some(content) = take_record(otel, "captureContent")
    {
        let captures = match content.get("enabled") {
            Some(Value::Bool(enabled)) => *enabled,
            _ => content
                .iter()
                .any(|(key, value)| key != "enabled" && Some(value) == on),
        };
        otel.insert("captureContent".to_owned(), Value::Bool(captures));
        let path = below(&path, &["otel", "captureContent"]);
        log.set(&path, "to on or off, without details");
    }
    if let Some(trace) = record_at(diagnostics, &["cacheTrace"]) {
        let enabled = trace.get("enabled");
        let is_plain = enabled.is_none_or(Value::is_boolean);
        if !is_plain || trace.keys().any(|key| key != "enabled") {
            let plain = json!({ "enabled": enabled == on });
            diagnostics.insert("cacheTrace".to_owned(), plain);
            log.set(&path.key("cacheTrace"), "to on or off, without details");
        }
    }
}

/// Values that became another one.
pub(super) fn values(root: &mut Record, log: &mut Log) {
    const VALUES: [(&[&str], &str, &str); 3] = [
        (&["gateway", "reload", "mode"], "restart", "hybrid"),
        (&["gateway", "reload", "mode"], "hot", "hybrid"),
        (&["logging", "consoleStyle"], "compact", "pretty"),
    ];
    for (path, old, new) in VALUES {
        let Some((last, parents)) = path.split_last() else {
            continue;
        };
        if let Some(owner) = record_at_mut(root, parents)
            && text_at(owner, &[last]) == Some(old)
        {
            owner.insert((*last).to_owned(), Value::from(new));
            log.renamed(&at(path), old, new);
        }
    }
}

/// Groups that say nothing go with the settings that were in them.
pub(super) fn empty_groups(root: &mut Record, _log: &mut Log) {
    Scope::Channel("slack").visit(root, &mut |entry, _| prune(entry, "socketMode"));
    if let Some(ui) = record_at_mut(root, &["ui"])
        && ui.get("prefs").is_some_and(Value::is_object)
    {
        prune(ui, "prefs");
        prune(root, "ui");
    }
}
