//! Agents: what they run on, what they say, and where they run it.

use serde_json::Value;

use super::log::{Log, at, below};
use super::models::refs::{owned_by, split};
use super::scope::Scope;
use super::table::{Merge, Retired, Which};
use super::tree::{
    Record, fill, folded, made, record_at, record_at_mut, take, take_record, text_at,
};
use crate::problem::KeyPath;

const OWN_PROMPT: &str = "the system prompt is made by OpenClaw";
const NO_REWRITE: &str = "a silent reply is not rewritten any more";
const NOT_IN_DIRECT: &str = "a direct chat never has silent replies";
const MODEL_ONLY: &str = "an agent's `model` only chooses models";

/// What agents no longer have.
pub(super) const RETIRED: &[Retired] = &[
    Retired::at(
        Scope::Root,
        &["agents", "defaults", "silentReply", "direct"],
        NOT_IN_DIRECT,
    ),
    Retired::at(
        Scope::Root,
        &["agents", "defaults", "silentReplyRewrite"],
        NO_REWRITE,
    ),
    Retired::at(
        Scope::Root,
        &["surfaces", "*", "silentReply", "direct"],
        NOT_IN_DIRECT,
    ),
    Retired::at(
        Scope::Root,
        &["surfaces", "*", "silentReplyRewrite"],
        NO_REWRITE,
    ),
    Retired::at(
        Scope::AgentsAndDefaults,
        &["systemPromptOverride"],
        OWN_PROMPT,
    ),
    Retired::at(
        Scope::Root,
        &["agents", "defaults", "llm"],
        "how long a model may take is `models.providers.<id>.timeoutSeconds`",
    )
    .only(Which::Records),
    Retired::at(
        Scope::AgentsAndDefaults,
        &["model", "timeoutMs"],
        MODEL_ONLY,
    ),
    Retired::at(
        Scope::AgentsAndDefaults,
        &["subagents", "model", "timeoutMs"],
        MODEL_ONLY,
    ),
];

/// What agents have under another name.
pub(super) const MERGED: &[Merge] = &[Merge {
    scope: Scope::AgentsAndDefaults,
    from: &["embeddedPi"],
    to: &["embeddedAgent"],
}];

/// What goes after everything else about agents.
pub(super) const RETIRED_BACKENDS: &[Retired] = &[Retired::at(
    Scope::Root,
    &["agents", "defaults", "cliBackends"],
    "plugins bring the command-line backends",
)];

/// A direct chat is called `direct` in bindings, and was called `dm`.
pub(super) fn direct_peers(root: &mut Record, log: &mut Log) {
    let bindings = root.get_mut("bindings").and_then(Value::as_array_mut);
    for (index, binding) in bindings.into_iter().flatten().enumerate() {
        let peer = binding
            .as_object_mut()
            .and_then(|binding| record_at_mut(binding, &["match", "peer"]));
        if let Some(peer) = peer.filter(|peer| text_at(peer, &["kind"]) == Some("dm")) {
            peer.insert("kind".to_owned(), Value::from("direct"));
            let path = at(&["bindings"]).index(index);
            log.renamed(&below(&path, &["match", "peer", "kind"]), "dm", "direct");
        }
    }
}

/// What an agent runs on is said per provider or model now.
pub(super) fn runtimes(root: &mut Record, log: &mut Log) {
    const WHY: &str = "what an agent runs on is said per provider or model";
    Scope::AgentsAndDefaults.visit(root, &mut |agent, path| {
        if take_record(agent, "embeddedHarness").is_some() {
            log.removed(&path.key("embeddedHarness"), WHY);
        }
        if let Some(runtime) = take_record(agent, "agentRuntime") {
            keep_runtime(agent, path, &runtime, log);
            log.removed(&path.key("agentRuntime"), WHY);
        }
    });
}

/// The runtimes that are programs with a provider of their own.
const PROGRAMS: [(&str, &str); 2] = [("claude-cli", "anthropic"), ("google-gemini-cli", "google")];

/// Lets the models that an agent has chosen keep the program that they ran in.
fn keep_runtime(agent: &mut Record, path: &KeyPath, runtime: &Record, log: &mut Log) {
    let id = text_at(runtime, &["id"]).map(folded).unwrap_or_default();
    let Some((program, provider)) = PROGRAMS.into_iter().find(|(name, _)| *name == id) else {
        return;
    };
    let chosen: Vec<String> = selected(agent.get("model"))
        .into_iter()
        .filter(|model| owned_by(model, provider))
        .map(|model| model.trim().to_owned())
        .collect();
    for model in chosen {
        let current = record_at(agent, &["models", &model, "agentRuntime"]);
        let current = current
            .and_then(|runtime| text_at(runtime, &["id"]))
            .map(folded)
            .unwrap_or_default();
        if current.is_empty() || current == "auto" {
            made(agent, &["models", &model, "agentRuntime"])
                .insert("id".to_owned(), Value::from(program));
            let to = below(path, &["models", &model, "agentRuntime", "id"]);
            log.moved(&below(path, &["agentRuntime", "id"]), &to);
        }
    }
}

/// Returns the models that a `model` setting names, in order.
pub(super) fn selected(model: Option<&Value>) -> Vec<&str> {
    let named: Vec<&Value> = match model {
        Some(one @ Value::String(_)) => vec![one],
        Some(Value::Object(choice)) => {
            let primary = choice.get("primary").into_iter();
            let fallbacks = choice.get("fallbacks").and_then(Value::as_array);
            primary.chain(fallbacks.into_iter().flatten()).collect()
        }
        _ => Vec::new(),
    };
    let named = named.into_iter().filter_map(Value::as_str);
    named.filter(|model| split(model).is_some()).collect()
}

/// Each agent's sandbox says whom it is shared with, in words.
pub(super) fn sandbox_scope(root: &mut Record, log: &mut Log) {
    Scope::AgentsAndDefaults.visit(root, &mut |agent, path| {
        let Some(sandbox) = record_at_mut(agent, &["sandbox"]) else {
            return;
        };
        let Some(per_session) = sandbox.get("perSession").and_then(Value::as_bool) else {
            return;
        };
        take(sandbox, "perSession");
        let from = below(path, &["sandbox", "perSession"]);
        let to = below(path, &["sandbox", "scope"]);
        if sandbox.contains_key("scope") {
            log.superseded(&from, &to);
        } else {
            let scope = if per_session { "session" } else { "shared" };
            sandbox.insert("scope".to_owned(), Value::from(scope));
            log.turned(&from, &to, "in words");
        }
    });
}

const BROWSER: [&str; 2] = ["sandbox", "browser"];
const BROWSER_NETWORK: &str = "openclaw-sandbox-browser";

/// A sandbox's browser without a network cannot be reached, so such a browser is turned off.
pub(super) fn sandbox_browser(root: &mut Record, log: &mut Log) {
    let defaults = record_at(root, &["agents", "defaults"]);
    let default = defaults.and_then(|defaults| record_at(defaults, &BROWSER));
    let default = default.filter(|browser| has_no_network(browser)).cloned();
    Scope::Agents.visit(root, &mut |agent, path| {
        if let Some(browser) = record_at_mut(agent, &BROWSER) {
            let path = below(path, &BROWSER);
            if has_no_network(browser) {
                turn_off(browser, &path, log);
            } else if let Some(default) = &default {
                settle_inherited(browser, &path, default, log);
            }
        }
    });
    let defaults = record_at_mut(root, &["agents", "defaults"]);
    let browser = defaults.and_then(|defaults| record_at_mut(defaults, &BROWSER));
    if let Some(browser) = browser.filter(|browser| has_no_network(browser)) {
        turn_off(browser, &below(&at(&["agents", "defaults"]), &BROWSER), log);
    }
}

fn has_no_network(browser: &Record) -> bool {
    text_at(browser, &["network"]).is_some_and(|network| folded(network) == "none")
}

fn turn_off(browser: &mut Record, path: &KeyPath, log: &mut Log) {
    browser.insert("enabled".to_owned(), Value::Bool(false));
    browser.insert("network".to_owned(), Value::from(BROWSER_NETWORK));
    log.set(
        path,
        "off and gave it its own network: without one it cannot be reached",
    );
}

/// Settles a browser whose default is about to be turned off.
fn settle_inherited(browser: &mut Record, path: &KeyPath, default: &Record, log: &mut Log) {
    let on = Some(&Value::Bool(true));
    let has_network = browser.get("network").is_some_and(Value::is_string);
    let enabled = browser.get("enabled");
    if !has_network && enabled == on {
        browser.insert("enabled".to_owned(), Value::Bool(false));
        log.set(path, "off: its inherited network cannot be used");
    } else if has_network && enabled.is_none() && default.get("enabled") == on {
        browser.insert("enabled".to_owned(), Value::Bool(true));
        log.set(path, "on, because only the default was turned off");
    }
}

/// How a session shows that it types is a default of agents now, and hid that default before.
pub(super) fn typing_mode(root: &mut Record, log: &mut Log) {
    let session = record_at_mut(root, &["session"]);
    let Some(mode) = session.and_then(|session| take(session, "typingMode")) else {
        return;
    };
    made(root, &["agents", "defaults"]).insert("typingMode".to_owned(), mode);
    let to = at(&["agents", "defaults", "typingMode"]);
    log.moved(&at(&["session", "typingMode"]), &to);
}

/// Splits the one heartbeat into when it beats and what of it is seen.
pub(super) fn heartbeat(root: &mut Record, log: &mut Log) {
    const SEEN: [&str; 3] = ["showOk", "showAlerts", "useIndicator"];
    let Some(heartbeat) = take_record(root, "heartbeat") else {
        return;
    };
    let from = at(&["heartbeat"]);
    let is_empty = heartbeat.is_empty();
    let (seen, beats): (Record, Record) = heartbeat
        .into_iter()
        .partition(|(key, _)| SEEN.contains(&key.as_str()));
    for (area, part) in [("agents", beats), ("channels", seen)] {
        if part.is_empty() {
            continue;
        }
        let place = [area, "defaults", "heartbeat"];
        let stood = record_at(root, &place).is_some();
        fill(made(root, &place), part);
        if stood {
            log.merged(&from, &at(&place));
        } else {
            log.moved(&from, &at(&place));
        }
    }
    if is_empty {
        log.removed(&from, "it was empty");
    }
}
