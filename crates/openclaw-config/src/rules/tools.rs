//! What agents may do: tools, and the sandbox that they work in.

use serde_json::Value;

use super::facts::names;
use super::ids;
use super::roster::BLOCKED_KEYS;
use super::walk::{self, Problems};
use crate::problem::KeyPath;

/// Objects in which `allow` and `alsoAllow` exclude each other.
const POLICIES: [&str; 10] = [
    "tools",
    "tools.byProvider.*",
    "tools.toolsBySender.*",
    "tools.subagents.tools",
    "tools.sandbox.tools",
    "agents.entries.*.tools",
    "agents.entries.*.tools.byProvider.*",
    "agents.entries.*.tools.toolsBySender.*",
    "agents.entries.*.tools.sandbox.tools",
    "agents.entries.*.tools.subagents.tools",
];

/// The places that describe a sandbox.
const SANDBOXES: [&str; 2] = ["agents.defaults.sandbox", "agents.entries.*.sandbox"];

/// Judges tools and sandboxes.
pub(super) fn judge(config: &Value, problems: &mut Problems) {
    for (path, policy) in POLICIES.iter().flat_map(|path| walk::every(config, path)) {
        let both = ["allow", "alsoAllow"]
            .iter()
            .all(|key| !walk::elements(policy, &[key]).is_empty());
        if both {
            problems.add(path, "allow and alsoAllow exclude each other in one policy");
        }
    }
    for place in ["tools.exec", "agents.entries.*.tools.exec"] {
        for (path, exec) in walk::every(config, place) {
            let older = exec.get("security").is_some() || exec.get("ask").is_some();
            if older && exec.get("mode").is_some() {
                let message = "mode cannot be combined with security or ask";
                problems.add(path.key("mode"), message);
            }
        }
    }
    for (key, entry) in walk::members(config, &["tools", "web", "search"]) {
        let path = walk::path("tools.web.search").key(key);
        if BLOCKED_KEYS.contains(&key) {
            problems.add(path, "a search cannot have this key");
        } else if key == "apiKey"
            || (entry.is_object() && names::RETIRED_SEARCH_KEYS.contains(&key))
        {
            let message = "legacy web_search provider config must use \
                           plugins.entries.<plugin>.config.webSearch";
            problems.add(path, message);
        }
    }
    for place in SANDBOXES {
        for (path, sandbox) in walk::every(config, place) {
            judge_sandbox(&path, sandbox, problems);
        }
    }
}

fn judge_sandbox(path: &KeyPath, sandbox: &Value, problems: &mut Problems) {
    let joins = walk::is_true(
        sandbox,
        &["docker", "dangerouslyAllowContainerNamespaceJoin"],
    );
    for part in ["docker", "browser"] {
        let path = path.key(part);
        for (index, bind) in walk::elements(sandbox, &[part, "binds"]).iter().enumerate() {
            if bind.as_str().is_some_and(|bind| !binds_absolute(bind)) {
                let message = "a bind mount names an absolute path of this computer first";
                problems.add(path.key("binds").index(index), message);
            }
        }
        let network = ids::lower(walk::text(sandbox, &[part, "network"]).unwrap_or_default());
        if network == "host" {
            let message = "the network \"host\" would end the sandbox; use \"bridge\" or \"none\"";
            problems.add(path.key("network"), message);
        } else if network.starts_with("container:") && !joins {
            let message = "the network of another container is refused unless \
                           dangerouslyAllowContainerNamespaceJoin is true";
            problems.add(path.key("network"), message);
        }
        for profile in ["seccompProfile", "apparmorProfile"] {
            let name = walk::text(sandbox, &[part, profile]).unwrap_or_default();
            if part == "docker" && ids::lower(name) == "unconfined" {
                problems.add(path.key(profile), "\"unconfined\" would end the sandbox");
            }
        }
    }
}

/// Tells whether a bind mount takes an absolute path, of this system or of Windows.
fn binds_absolute(bind: &str) -> bool {
    let source = if starts_with_drive(bind) {
        bind
    } else {
        bind.split(':').next().unwrap_or(bind)
    };
    !bind.trim().is_empty() && (source.starts_with('/') || starts_with_drive(source))
}

/// Tells whether a path begins with a drive of Windows.
pub(super) fn starts_with_drive(path: &str) -> bool {
    let mut characters = path.chars();
    characters
        .next()
        .is_some_and(|drive| drive.is_ascii_alphabetic())
        && characters.next() == Some(':')
        && matches!(characters.next(), Some('/' | '\\'))
}
