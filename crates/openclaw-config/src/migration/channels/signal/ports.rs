//! Each daemon that is started listens at a port of its own.

use serde_json::{Value, json};

use super::Accounts;
use super::transport::{HOST, PORT};
use crate::migration::address::Address;
use crate::migration::tree::folded;

/// Gives each daemon a port that no other account uses; nothing when none is left.
pub(super) fn given(
    accounts: &Accounts<'_>,
    mut transports: Vec<Option<Value>>,
) -> Option<Vec<Option<Value>>> {
    let default = if accounts.own(0).is_some() {
        Some(0)
    } else {
        let root = accounts.root_is_account().then_some(0);
        accounts.default_index().or(root)
    };
    let counts = |index: usize| index != 0 || default == Some(0);
    let keeps = |index: usize| {
        let own = accounts
            .entries
            .get(index)
            .and_then(|entry| entry.get("transport"));
        Some(index) == default || own.is_some_and(Value::is_object)
    };
    let mut taken: Vec<u16> = Vec::new();
    for (index, transport) in transports.iter().enumerate() {
        if let Some(transport) = transport.as_ref().filter(|_| counts(index)) {
            taken.extend(used_by(transport, keeps(index).then_some(())));
        }
    }
    for (index, transport) in transports.iter_mut().enumerate() {
        let Some(transport) = transport
            .as_mut()
            .filter(|_| counts(index) && !keeps(index))
        else {
            continue;
        };
        if !is_started(transport) {
            continue;
        }
        let own = accounts
            .entries
            .get(index)
            .and_then(|entry| entry.get("httpPort"));
        let own = own
            .filter(|own| own.is_number())
            .or(transport.get("httpPort"));
        let wanted = match own {
            Some(own) => Some(u16::try_from(own.as_u64()?).ok()?),
            None => None,
        };
        let free = wanted.filter(|port| !taken.contains(port));
        let free = free.or_else(|| (PORT..=u16::MAX).find(|port| !taken.contains(port)))?;
        taken.push(free);
        assign(transport, free);
    }
    Some(transports)
}

fn is_started(transport: &Value) -> bool {
    let is_managed = transport.get("kind") == Some(&json!("managed-native"));
    is_managed && transport.get("socketPath").is_none()
}

/// Returns the ports of this machine that a transport uses; `keeps` when it keeps its own.
fn used_by(transport: &Value, keeps: Option<()>) -> Vec<u16> {
    let address = transport
        .get("url")
        .and_then(Value::as_str)
        .and_then(Address::parse);
    let local = address.as_ref().filter(|address| is_local(address.host()));
    let local = local.map(Address::port);
    if transport.get("kind") != Some(&json!("managed-native")) {
        return local.into_iter().collect();
    }
    if transport.get("socketPath").is_some() {
        return Vec::new();
    }
    let connects = local.filter(|_| !connects_to_own(transport));
    let own = keeps.map(|()| listened_at(transport));
    connects.into_iter().chain(own).collect()
}

fn listened_at(transport: &Value) -> u16 {
    let port = transport.get("httpPort").and_then(Value::as_u64);
    port.and_then(|port| u16::try_from(port).ok())
        .unwrap_or(PORT)
}

fn is_local(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let mapped = host.strip_prefix("::ffff:").unwrap_or(host);
    let numbers = |host: &str| {
        host.starts_with("127.")
            && host.split('.').count() == 4
            && host
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    ["localhost", "::1", "::", "0.0.0.0"].contains(&host)
        || host.ends_with(".localhost")
        || numbers(mapped)
        || (mapped != host && mapped.starts_with("7f"))
}

/// Tells whether a daemon is connected to where it listens.
fn connects_to_own(transport: &Value) -> bool {
    const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
    let url = transport
        .get("url")
        .and_then(Value::as_str)
        .and_then(Address::parse);
    let Some(url) = url.filter(|url| !url.is_secure()) else {
        return false;
    };
    if url.port() != listened_at(transport) {
        return false;
    }
    let bind = transport
        .get("httpHost")
        .and_then(Value::as_str)
        .unwrap_or(HOST);
    let bind = folded(bind.trim_start_matches('[').trim_end_matches(']'));
    let bind = bind.strip_suffix('.').unwrap_or(&bind).to_owned();
    let host = url.host().strip_suffix('.').unwrap_or(url.host());
    let is_loopback = |host: &str| LOOPBACK.contains(&host);
    match bind.as_str() {
        _ if host == bind => true,
        "0.0.0.0" => host == "localhost" || host.starts_with("127."),
        "::" => host == "localhost" || host == "::1",
        "localhost" => is_loopback(host),
        bind => host == "localhost" && is_loopback(bind),
    }
}

/// Lets a daemon listen at a port, and its connection follow.
fn assign(transport: &mut Value, port: u16) {
    let follows = connects_to_own(transport);
    let Some(own) = transport.as_object_mut() else {
        return;
    };
    let url = own
        .get("url")
        .and_then(Value::as_str)
        .and_then(Address::parse);
    let url = url.filter(|_| follows).and_then(|url| url.at_port(port));
    if let Some(url) = url {
        own.insert("url".to_owned(), Value::from(url.to_string()));
    }
    own.insert("httpPort".to_owned(), Value::from(port));
}
