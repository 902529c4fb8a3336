//! What is wrong with a `sandbox`, each thing by its place.

use std::net::IpAddr;
use std::path::{Component, Path};

use serde_json::{Map, Value};

use super::{
    AGENTS, ALLOW, ALLOW_DEGRADED, Confinement, DENY, EGRESS, ENV, LEVEL, LIMITS, NETWORK, PRIVATE,
    PROTECT, SandboxNetwork, TOOLCHAINS, level, network,
};
use crate::problem::{KeyPath, Problem};
use crate::settings::own_providers::unknown;
use crate::settings::reader::whole_number;

const LEVELS: [&str; 3] = ["strict", "relaxed", "none"];
const NETWORKS: [&str; 3] = ["none", "proxy", "host"];

/// What may be set for all agents.
const KEYS: [&str; 9] = [
    LEVEL,
    ALLOW_DEGRADED,
    NETWORK,
    EGRESS,
    TOOLCHAINS,
    ENV,
    PROTECT,
    LIMITS,
    AGENTS,
];

/// What may be set for one agent: a machine has the guards that it has, whoever asks.
const AGENT_KEYS: [&str; 7] = [LEVEL, NETWORK, EGRESS, TOOLCHAINS, ENV, PROTECT, LIMITS];

/// What may be limited, and from what to what.
const BOUNDS: [(&str, u64, u64); 7] = [
    ("wallSeconds", 1, 1800),
    ("cpuSeconds", 1, 86_400),
    ("memoryMb", 16, 1_048_576),
    ("processes", 1, 1_000_000),
    ("fileSizeMb", 1, 1_048_576),
    ("openFiles", 16, 1_048_576),
    ("outputKb", 1, 1024),
];

/// Returns everything that is wrong with a `sandbox` at this place.
pub(in crate::settings) fn problems(path: &KeyPath, section: &Value) -> Vec<Problem> {
    let Some(members) = section.as_object() else {
        return vec![no_object(path)];
    };
    let mut problems = layer(path, members, &KEYS);
    let agents = members.get(AGENTS);
    if let Some(agents) = agents {
        let at = path.key(AGENTS);
        match agents.as_object() {
            Some(agents) => problems.extend(agents.iter().flat_map(|(id, agent)| {
                let at = at.key(id);
                match agent.as_object() {
                    Some(members) => layer(&at, members, &AGENT_KEYS),
                    None => vec![no_object(&at)],
                }
            })),
            None => problems.push(no_object(&at)),
        }
    }
    problems.extend(out_of_reach(path, section));
    problems
}

fn layer(path: &KeyPath, members: &Map<String, Value>, allowed: &[&str]) -> Vec<Problem> {
    let judge = |(key, value): (&String, &Value)| {
        let at = path.key(key);
        match key.as_str() {
            key if !allowed.contains(&key) => vec![unknown(at, key, allowed)],
            LEVEL => one_of(at, level(value).as_ref(), &LEVELS),
            NETWORK => one_of(at, network(value).as_ref(), &NETWORKS),
            ALLOW_DEGRADED if !value.is_boolean() => {
                vec![Problem::new(at, "expected true or false")]
            }
            EGRESS => egress(&at, value),
            TOOLCHAINS => texts(&at, value, |text| {
                (!is_folder(text))
                    .then_some("expected an absolute path, or one that begins with `~/`")
            }),
            PROTECT => texts(&at, value, |text| {
                (!is_inner(text)).then_some(
                    "expected a path within the workspace, such as `.ci` or `deploy/keys`",
                )
            }),
            ENV => variables(&at, value),
            LIMITS => limits(&at, value),
            _ => Vec::new(),
        }
    };
    members.iter().flat_map(judge).collect()
}

/// A network that no agent can use would be taken for one that it has.
fn out_of_reach(path: &KeyPath, section: &Value) -> Vec<Problem> {
    let shared = section.get(LEVEL).and_then(level).unwrap_or_default();
    let agents = section.get(AGENTS).and_then(Value::as_object);
    let agents = || agents.into_iter().flatten();
    let level_of = |agent: &Value| agent.get(LEVEL).and_then(level).unwrap_or(shared);
    let asks = |layer: &Value| {
        let network = layer.get(NETWORK).and_then(network);
        network.is_some_and(|network| network != SandboxNetwork::None)
    };
    let problem = |at: KeyPath| {
        let message = "a network needs the level \"relaxed\": at \"strict\" there is none";
        Problem::new(at.key(NETWORK), message)
    };
    let strict = |level| level == Confinement::Strict;
    let mut problems = Vec::new();
    if asks(section) && strict(shared) && agents().all(|(_, agent)| strict(level_of(agent))) {
        problems.push(problem(path.clone()));
    }
    let at = path.key(AGENTS);
    problems.extend(
        agents()
            .filter(|(_, agent)| asks(agent) && strict(level_of(agent)))
            .map(|(id, _)| problem(at.key(id))),
    );
    problems
}

fn no_object(path: &KeyPath) -> Problem {
    Problem::new(path.clone(), "expected an object")
}

fn one_of<T>(at: KeyPath, read: Option<&T>, allowed: &[&str]) -> Vec<Problem> {
    if read.is_some() {
        return Vec::new();
    }
    let quoted: Vec<String> = allowed.iter().map(|name| format!("\"{name}\"")).collect();
    let message = format!("Invalid input (allowed: {})", quoted.join(", "));
    let mut problem = Problem::new(at, message);
    problem.allowed = allowed.iter().map(|name| (*name).to_owned()).collect();
    vec![problem]
}

/// Judges a list of texts, of which each is wrong in the way that `wrong` says.
fn texts(
    path: &KeyPath,
    value: &Value,
    wrong: impl Fn(&str) -> Option<&'static str>,
) -> Vec<Problem> {
    let Some(items) = value.as_array() else {
        return vec![Problem::new(path.clone(), "expected a list of texts")];
    };
    let judge = |(index, item): (usize, &Value)| {
        let message = match item.as_str() {
            Some(text) => wrong(text.trim())?,
            None => "expected a text",
        };
        Some(Problem::new(path.index(index), message))
    };
    items.iter().enumerate().filter_map(judge).collect()
}

fn egress(path: &KeyPath, value: &Value) -> Vec<Problem> {
    const HOST: &str = "expected hosts such as `crates.io`, `*.crates.io`, `192.0.2.0/24` or `*`, \
                        and `:port` if only one is meant";
    const ADDRESS: &str = "expected a host or an address with its port, such as `127.0.0.1:8080`";
    let Some(members) = value.as_object() else {
        return vec![no_object(path)];
    };
    let judge = |(key, value): (&String, &Value)| {
        let at = path.key(key);
        match key.as_str() {
            ALLOW | DENY => texts(&at, value, |text| (!is_host_pattern(text)).then_some(HOST)),
            PRIVATE => texts(&at, value, |text| (!is_endpoint(text)).then_some(ADDRESS)),
            _ => vec![unknown(at, key, &[ALLOW, DENY, PRIVATE])],
        }
    };
    members.iter().flat_map(judge).collect()
}

fn variables(path: &KeyPath, value: &Value) -> Vec<Problem> {
    let Some(members) = value.as_object() else {
        return vec![no_object(path)];
    };
    let judge = |(name, value): (&String, &Value)| {
        let message = if !is_variable(name) {
            "expected the name of a variable: letters, digits and `_`, no digit first"
        } else if name.starts_with("LD_") {
            "this variable acts on the sandbox itself; set it in the command"
        } else if value.as_str().is_none_or(|text| text.contains('\0')) {
            "expected a text"
        } else {
            return None;
        };
        Some(Problem::new(path.key(name), message))
    };
    members.iter().filter_map(judge).collect()
}

fn limits(path: &KeyPath, value: &Value) -> Vec<Problem> {
    let Some(members) = value.as_object() else {
        return vec![no_object(path)];
    };
    let judge = |(key, value): (&String, &Value)| {
        let at = path.key(key);
        let Some((_, least, most)) = BOUNDS.iter().find(|(name, ..)| name == key) else {
            return Some(unknown(at, key, &BOUNDS.map(|(name, ..)| name)));
        };
        let fits = whole_number(value).is_some_and(|number| (*least..=*most).contains(&number));
        let message = || format!("expected a whole number from {least} to {most}");
        (!fits).then(|| Problem::new(at, message()))
    };
    members.iter().filter_map(judge).collect()
}

fn is_variable(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn is_folder(text: &str) -> bool {
    let path = Path::new(text.strip_prefix("~").unwrap_or(text));
    path.is_absolute() && !climbs(path) && path.parent().is_some()
}

fn is_inner(text: &str) -> bool {
    let path = Path::new(text);
    let named = path
        .components()
        .any(|part| matches!(part, Component::Normal(_)));
    named && !path.has_root() && !text.starts_with('~') && !climbs(path)
}

fn climbs(path: &Path) -> bool {
    let up = path.components().any(|part| part == Component::ParentDir);
    up || path.as_os_str().as_encoded_bytes().contains(&0)
}

/// What only a look at addresses tells is left to the proxy, which refuses what it cannot read.
fn is_host_pattern(text: &str) -> bool {
    let (host, port) = split_port(text);
    let block = host.split_once('/');
    let hosts = match block {
        Some((address, length)) => is_address(address) && length.parse::<u8>().is_ok(),
        None => host == "*" || is_host(host.strip_prefix("*.").unwrap_or(host)),
    };
    hosts && port.is_none_or(is_port)
}

fn is_endpoint(text: &str) -> bool {
    let (host, port) = split_port(text);
    port.is_some_and(is_port) && is_host(host)
}

fn is_address(text: &str) -> bool {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    bare.unwrap_or(text).parse::<IpAddr>().is_ok()
}

/// Takes the port off; an address of version 6 has brackets where it has a port.
fn split_port(text: &str) -> (&str, Option<&str>) {
    let address = text.split('/').next().unwrap_or_default();
    if address
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_ipv6())
    {
        return (text, None);
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    }
}

fn is_port(text: &str) -> bool {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits && text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_host(text: &str) -> bool {
    if is_address(text) {
        return true;
    }
    let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let label = |label: &str| !label.is_empty() && label.len() <= 63 && label.chars().all(plain);
    // What is all digits and dots and no address is one that only some resolvers understand.
    let name = text.chars().any(char::is_alphabetic);
    name && text.len() <= 253 && text.split('.').all(label)
}
