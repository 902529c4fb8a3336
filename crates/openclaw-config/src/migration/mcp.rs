//! MCP servers: spellings of other programs, in which their users write them.

use serde_json::Value;

use super::log::{Log, at};
use super::tree::{Record, folded, record_at_mut, take};
use crate::problem::KeyPath;

/// Brings every MCP server into OpenClaw's own spelling.
pub(super) fn servers(root: &mut Record, log: &mut Log) {
    for place in [&["mcp", "servers"][..], &["nodeHost", "mcp", "servers"]] {
        let is_own = place.len() == 2;
        let Some(servers) = record_at_mut(root, place) else {
            continue;
        };
        for (name, server) in servers {
            if let Some(server) = server.as_object_mut() {
                let path = at(place).key(name);
                disabled(server, &path, log);
                timeouts(server, &path, log);
                let had_aliases = aliases(server, &path, log);
                if is_own || had_aliases {
                    kind(server, &path, log);
                }
            }
        }
    }
}

fn disabled(server: &mut Record, path: &KeyPath, log: &mut Log) {
    let Some(disabled) = server.get("disabled").and_then(Value::as_bool) else {
        return;
    };
    take(server, "disabled");
    let (from, to) = (path.key("disabled"), path.key("enabled"));
    if server.get("enabled").is_some_and(Value::is_boolean) {
        log.superseded(&from, &to);
    } else {
        server.insert("enabled".to_owned(), Value::Bool(!disabled));
        log.turned(&from, &to, "the other way round");
    }
}

fn timeouts(server: &mut Record, path: &KeyPath, log: &mut Log) {
    const SECONDS: [(&str, &str); 3] = [
        ("connectTimeout", "connectionTimeoutMs"),
        ("connect_timeout", "connectionTimeoutMs"),
        ("timeout", "requestTimeoutMs"),
    ];
    for (seconds, milliseconds) in SECONDS {
        let Some(value) = take(server, seconds) else {
            continue;
        };
        let (from, to) = (path.key(seconds), path.key(milliseconds));
        let in_ms = in_milliseconds(&value);
        if server.contains_key(milliseconds) {
            log.superseded(&from, &to);
        } else if let Some(in_ms) = in_ms {
            server.insert(milliseconds.to_owned(), in_ms);
            log.turned(&from, &to, "in milliseconds");
        } else {
            log.removed(&from, "it was no time in seconds");
        }
    }
}

/// Returns a positive number of seconds in milliseconds; a whole number stays one.
fn in_milliseconds(seconds: &Value) -> Option<Value> {
    const MS: u64 = 1000;
    if let Some(whole) = seconds.as_u64().filter(|seconds| *seconds > 0) {
        return whole.checked_mul(MS).map(Value::from);
    }
    let ms = seconds.as_f64().filter(|seconds| *seconds > 0.0)? * 1000.0;
    whole_number(ms)
}

/// Returns a number as JSON writes it: without a fraction when it has none.
pub(super) fn whole_number(number: f64) -> Option<Value> {
    let text = format!("{number:.0}");
    match text.parse::<i64>() {
        Ok(whole) if number.fract() == 0.0 => Some(Value::from(whole)),
        _ => serde_json::Number::from_f64(number).map(Value::Number),
    }
}

/// What kind of value an alias must have to be worth keeping.
type Fits = fn(&Value) -> bool;

const ALIASES: [(&str, &str, Fits); 5] = [
    ("workingDirectory", "cwd", Value::is_string),
    (
        "supports_parallel_tool_calls",
        "supportsParallelToolCalls",
        Value::is_boolean,
    ),
    ("ssl_verify", "sslVerify", Value::is_boolean),
    ("client_cert", "clientCert", Value::is_string),
    ("client_key", "clientKey", Value::is_string),
];

fn aliases(server: &mut Record, path: &KeyPath, log: &mut Log) -> bool {
    let before = log.len();
    for alias in ALIASES {
        rename(server, path, alias, log);
    }
    if let Some(codex) = record_at_mut(server, &["codex"]) {
        let alias: (_, _, Fits) = (
            "default_tools_approval_mode",
            "defaultToolsApprovalMode",
            Value::is_string,
        );
        rename(codex, &path.key("codex"), alias, log);
    }
    log.len() > before
}

fn rename(
    record: &mut Record,
    path: &KeyPath,
    (old, new, fits): (&str, &str, Fits),
    log: &mut Log,
) {
    let Some(value) = take(record, old) else {
        return;
    };
    let (from, to) = (path.key(old), path.key(new));
    if record.get(new).is_some_and(fits) {
        log.superseded(&from, &to);
    } else if fits(&value) {
        record.insert(new.to_owned(), value);
        log.moved(&from, &to);
    } else {
        log.removed(&from, "it had no value that could be used");
    }
}

/// Other programs say in `type` how a server is reached.
fn kind(server: &mut Record, path: &KeyPath, log: &mut Log) {
    const TRANSPORTS: [(&str, Option<&str>); 4] = [
        ("http", Some("streamable-http")),
        ("streamable-http", Some("streamable-http")),
        ("sse", Some("sse")),
        ("stdio", None),
    ];
    let kind = server.get("type").and_then(Value::as_str).map(folded);
    let known = TRANSPORTS
        .into_iter()
        .find(|(name, _)| Some(*name) == kind.as_deref());
    let Some((_, transport)) = known else {
        return;
    };
    take(server, "type");
    let (from, to) = (path.key("type"), path.key("transport"));
    if server.get("transport").is_some_and(Value::is_string) {
        log.superseded(&from, &to);
    } else if let Some(transport) = transport {
        server.insert("transport".to_owned(), Value::from(transport));
        log.moved(&from, &to);
    } else {
        log.removed(
            &from,
            "a server with a command is reached by its standard streams",
        );
    }
}
