//! The gateway: where it listens, who may open its page, and what was retired around it.

use serde_json::Value;

use super::log::{Log, at};
use super::scope::Scope;
use super::table::Retired;
use super::tree::{Record, folded, made, prune, record_at_mut, take, text_at, value_at};

/// What the gateway no longer has.
pub(super) const RETIRED: &[Retired] = &[
    Retired::at(
        Scope::Root,
        &["gateway", "controlUi", "toolTitles"],
        "agents describe their tool calls themselves",
    ),
    Retired::at(
        Scope::Root,
        &["gateway", "tailscale", "resetOnExit"],
        "managed routes end with the gateway",
    ),
    Retired::at(
        Scope::Root,
        &["gateway", "controlUi", "dangerouslyDisableDeviceAuth"],
        "every browser is paired",
    ),
    Retired::pruned(
        Scope::Root,
        &["gateway", "webchat"],
        "the web chat needs no settings",
    ),
];

const DEFAULT_PORT: f64 = 18789.0;
const PORTS: std::ops::RangeInclusive<f64> = 1.0..=65535.0;

/// A named Tailscale service cannot follow the gateway's life, so that its route is turned off.
pub(super) fn tailscale_service(root: &mut Record, log: &mut Log) {
    let Some(tailscale) = record_at_mut(root, &["gateway", "tailscale"]) else {
        return;
    };
    if take(tailscale, "serviceName").is_none() {
        return;
    }
    let path = at(&["gateway", "tailscale"]);
    log.removed(
        &path.key("serviceName"),
        "a named service outlives the gateway",
    );
    if text_at(tailscale, &["mode"]) == Some("serve") {
        tailscale.insert("mode".to_owned(), Value::from("off"));
        let text = "to \"off\"; set it to \"serve\" to serve this device, and clear the old route";
        log.set(&path.key("mode"), text);
    }
}

/// A port that no network has is removed, so that the gateway can start.
pub(super) fn port(root: &mut Record, log: &mut Log) {
    let Some(gateway) = record_at_mut(root, &["gateway"]) else {
        return;
    };
    let port = gateway.get("port").and_then(Value::as_f64);
    if port.is_some_and(|port| !PORTS.contains(&port)) {
        take(gateway, "port");
        prune(root, "gateway");
        log.removed(&at(&["gateway", "port"]), "ports go from 1 to 65535");
    }
}

/// Addresses that stood for a way to listen.
const ADDRESSES: [(&str, &str); 8] = [
    ("0.0.0.0", "lan"),
    ("::", "lan"),
    ("[::]", "lan"),
    ("*", "lan"),
    ("127.0.0.1", "loopback"),
    ("localhost", "loopback"),
    ("::1", "loopback"),
    ("[::1]", "loopback"),
];

fn mode_of_address(bind: &str) -> Option<&'static str> {
    let bind = folded(bind);
    let known = ADDRESSES.iter().find(|(address, _)| *address == bind);
    known.map(|(_, mode)| *mode)
}

/// Where others can reach the gateway, its page must say from where it may be opened.
pub(super) fn allowed_origins(root: &mut Record, log: &mut Log) {
    let Some(gateway) = record_at_mut(root, &["gateway"]) else {
        return;
    };
    let Some(bind) = text_at(gateway, &["bind"]) else {
        return;
    };
    let mode = mode_of_address(bind).unwrap_or(bind);
    if !["lan", "tailnet", "custom", "auto"].contains(&mode) || has_origins(gateway) {
        return;
    }
    let port = match gateway.get("port") {
        Some(port) if port.as_f64().is_some_and(|port| port > 0.0) => port.to_string(),
        _ => DEFAULT_PORT.to_string(),
    };
    let custom = text_at(gateway, &["customBindHost"]).map(str::trim);
    let custom = custom.filter(|host| mode == "custom" && !host.is_empty());
    let hosts = ["localhost", "127.0.0.1"].into_iter().chain(custom);
    let origins = super::tree::unique(hosts.map(|host| format!("http://{host}:{port}")));
    made(gateway, &["controlUi"]).insert("allowedOrigins".to_owned(), Value::from(origins));
    log.set(
        &at(&["gateway", "controlUi", "allowedOrigins"]),
        "to this machine's own addresses; add those of others that open its page",
    );
}

fn has_origins(gateway: &Record) -> bool {
    let falls_back = value_at(
        gateway,
        &["controlUi", "dangerouslyAllowHostHeaderOriginFallback"],
    );
    let origins = value_at(gateway, &["controlUi", "allowedOrigins"]).and_then(Value::as_array);
    let mut origins = origins.into_iter().flatten().filter_map(Value::as_str);
    falls_back == Some(&Value::Bool(true)) || origins.any(|origin| !origin.trim().is_empty())
}

/// The gateway is told how to listen, not at which address.
pub(super) fn bind(root: &mut Record, log: &mut Log) {
    let Some(gateway) = record_at_mut(root, &["gateway"]) else {
        return;
    };
    let Some(bind) = text_at(gateway, &["bind"]).map(str::to_owned) else {
        return;
    };
    if let Some(mode) = mode_of_address(&bind) {
        gateway.insert("bind".to_owned(), Value::from(mode));
        log.renamed(&at(&["gateway", "bind"]), &bind, mode);
    }
}
