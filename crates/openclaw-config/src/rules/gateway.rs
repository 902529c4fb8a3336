//! The gateway: where it is reached, and by whom.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;
use url::Url;

use super::ids;
use super::models::LOOPBACK_HOSTS;
use super::walk::{self, Problems};

/// The port unless another is configured.
const DEFAULT_PORT: u64 = 18789;
/// A domain for portals leaves room for the name of a portal.
const LONGEST_DOMAIN: usize = 220;
/// Headers that belong to the connection itself.
const TRANSPORT_HEADERS: [&str; 8] = [
    "host",
    "connection",
    "upgrade",
    "content-length",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
];

/// Judges what a shape cannot say about `gateway`.
pub(super) fn judge(config: &Value, problems: &mut Problems) {
    problems.demand(
        config,
        &["gateway.publicOrigin"],
        "must be an https origin, or http on this computer",
        |origin| {
            is_origin(origin)
                && Url::parse(origin).is_ok_and(|url| {
                    let host = url.host_str().unwrap_or_default();
                    url.scheme() == "https" || LOOPBACK_HOSTS.contains(&host)
                })
        },
    );
    judge_portals(config, problems);
    judge_roles(config, problems);
    judge_headers(config, problems);
}

/// Tells whether a text is scheme, host and port, and nothing else.
pub(crate) fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().unwrap_or_default().is_empty()
            && url.fragment().unwrap_or_default().is_empty()
            && url.username().is_empty()
            && url.password().unwrap_or_default().is_empty()
    })
}

fn judge_portals(config: &Value, problems: &mut Problems) {
    let Some(ingress) = walk::at(config, &["gateway", "portals", "ingress"]) else {
        return;
    };
    let path = walk::path("gateway.portals.ingress");
    let domain = walk::text(ingress, &["domain"]).unwrap_or_default();
    if !is_domain(domain) {
        problems.add(path.key("domain"), "must be a plain domain");
    }
    let suffix = domain.to_lowercase();
    let origins = ["gateway.publicOrigin", "gateway.controlUi.allowedOrigins.*"];
    let shared = origins
        .iter()
        .flat_map(|path| walk::every_text(config, path))
        .any(|(_, origin)| {
            Url::parse(origin).is_ok_and(|url| {
                let host = url.host_str().unwrap_or_default();
                host == suffix || host.ends_with(&format!(".{suffix}"))
            })
        });
    if shared {
        problems.add(
            path.key("domain"),
            "must be another domain than that of the gateway",
        );
    }
    let port = walk::at(config, &["gateway", "port"]).and_then(Value::as_u64);
    let ingress_port = ingress.get("port").and_then(Value::as_u64);
    if ingress_port == Some(port.unwrap_or(DEFAULT_PORT)) {
        problems.add(
            path.key("port"),
            "must be another port than that of the gateway",
        );
    }
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        let plain = |character: char| character.is_ascii_alphanumeric() || character == '-';
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.len() <= LONGEST_DOMAIN
        && domain.contains('.')
        && domain.parse::<IpAddr>().is_err()
        && domain.split('.').all(label)
}

fn judge_roles(config: &Value, problems: &mut Problems) {
    let Some(roles) = walk::at(config, &["gateway", "roles"]).filter(|roles| roles.is_object())
    else {
        return;
    };
    let path = walk::path("gateway.roles");
    let defined = roles.get("definitions").and_then(Value::as_object);
    if defined.is_some_and(serde_json::Map::is_empty) {
        problems.add(path.key("definitions"), "must define at least one role");
    }
    let default = walk::text(roles, &["default"]).map(str::trim);
    if let (Some(default), Some(defined)) = (default, defined)
        && !defined.contains_key(default)
    {
        problems.add(path.key("default"), "must be one of the defined roles");
    }
    for (path, agents) in walk::every(config, "gateway.roles.definitions.*.agents") {
        let mut agents = walk::elements(agents, &[]).iter().filter_map(Value::as_str);
        if agents.any(|agent| !ids::is_agent(agent)) {
            problems.add(path, "Invalid input: Invalid agent id");
        }
    }
}

fn judge_headers(config: &Value, problems: &mut Problems) {
    let Some(headers) = walk::at(config, &["gateway", "remote", "edgeAuth"]) else {
        return;
    };
    let path = walk::path("gateway.remote.edgeAuth");
    let mut seen = BTreeSet::new();
    let mut empty = headers.is_object();
    for (name, _) in walk::members(headers, &[]) {
        empty = false;
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let lower = name.to_ascii_lowercase();
        let fault = if name.is_empty() || !name.bytes().all(token) {
            "is no name of a header"
        } else if TRANSPORT_HEADERS.contains(&lower.as_str()) {
            "belongs to the connection"
        } else if seen.contains(&lower) {
            "is there twice, in different case"
        } else {
            seen.insert(lower);
            continue;
        };
        problems.add(path.key(name), format!("\"{name}\" {fault}"));
        return;
    }
    if empty {
        problems.add(path, "must have at least one header");
    }
}

/// Refuses to open to others what only this computer should reach.
pub(super) fn judge_tailscale(config: &Value, problems: &mut Problems) {
    let mode = walk::text(config, &["gateway", "tailscale", "mode"]).unwrap_or("off");
    if !matches!(mode, "serve" | "funnel") {
        return;
    }
    let host = walk::text(config, &["gateway", "customBindHost"]).unwrap_or_default();
    let loopback = match walk::text(config, &["gateway", "bind"]).unwrap_or("loopback") {
        "loopback" => true,
        "custom" => host
            .trim()
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|host| host.is_loopback()),
        _ => false,
    };
    if !loopback {
        let message = format!(
            "gateway.bind must be \"loopback\" (or \"custom\" with a loopback customBindHost) \
             when gateway.tailscale.mode={mode}"
        );
        problems.add(walk::path("gateway.bind"), message);
    } else if walk::text(config, &["gateway", "auth", "mode"]) == Some("none") {
        let message = format!(
            "gateway.auth.mode=none cannot be used with gateway.tailscale.mode={mode}; \
             set token, password or trusted-proxy"
        );
        problems.add(walk::path("gateway.auth.mode"), message);
    }
}
