//! `tools.exec`: whether commands run, and whether somebody is asked.

use openclaw_core::tool_rules::{AskWhen, CommandRule, Security};
use serde_json::Value;

use super::lists::Lookup;
use crate::problem::KeyPath;

const MODE: &str = "mode";
const SECURITY: &str = "security";
const ASK: &str = "ask";

/// Reads what goes for an agent: what it says itself on top of what goes for all.
pub(super) fn read(lookup: &Lookup<'_>, agent: Option<&str>) -> Option<CommandRule> {
    let own = agent.map(|id| vec!["agents", "entries", id, "tools", "exec"]);
    let places = [Some(vec!["tools", "exec"]), own];
    places.into_iter().flatten().fold(None, |base, keys| {
        let path: KeyPath = keys.iter().copied().collect();
        layered(lookup, &path, lookup.raw(&keys), base)
    })
}

fn layered(
    lookup: &Lookup<'_>,
    path: &KeyPath,
    exec: Option<&Value>,
    base: Option<CommandRule>,
) -> Option<CommandRule> {
    let text = |key: &str| exec.and_then(|exec| exec.get(key)?.as_str());
    if let Some((security, ask)) = text(MODE).and_then(mode) {
        let place = lookup.place(&path.key(MODE));
        return Some(CommandRule {
            place,
            security,
            ask,
        });
    }
    let (security, ask) = (
        text(SECURITY).and_then(security),
        text(ASK).and_then(ask_when),
    );
    let key = match (security, ask) {
        (None, None) => return base,
        (Some(_), _) => SECURITY,
        (None, Some(_)) => ASK,
    };
    let (before, asked) = base.map_or_else(Default::default, |base| (base.security, base.ask));
    Some(CommandRule {
        place: lookup.place(&path.key(key)),
        security: security.unwrap_or(before),
        ask: ask.unwrap_or(asked),
    })
}

fn mode(text: &str) -> Option<(Security, AskWhen)> {
    match text {
        "deny" => Some((Security::Deny, AskWhen::Off)),
        "allowlist" => Some((Security::Allowlist, AskWhen::Off)),
        // Where OpenClaw has a model look at a command first, a person is asked here.
        "ask" | "auto" => Some((Security::Allowlist, AskWhen::OnMiss)),
        "full" => Some((Security::Full, AskWhen::Off)),
        _ => None,
    }
}

fn security(text: &str) -> Option<Security> {
    match text {
        "deny" => Some(Security::Deny),
        "allowlist" => Some(Security::Allowlist),
        "full" => Some(Security::Full),
        _ => None,
    }
}

fn ask_when(text: &str) -> Option<AskWhen> {
    match text {
        "off" => Some(AskWhen::Off),
        "on-miss" => Some(AskWhen::OnMiss),
        "always" => Some(AskWhen::Always),
        _ => None,
    }
}
