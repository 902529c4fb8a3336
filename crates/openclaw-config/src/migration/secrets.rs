//! Hosts that secrets may be sent to.

use std::net::IpAddr;

use serde_json::Value;

use super::log::{Log, at};
use super::tree::{Record, record_at_mut, take};

/// Removes what is no host from the lists of hosts.
pub(super) fn egress_hosts(root: &mut Record, log: &mut Log) {
    let place = ["secrets", "egressProxy"];
    let Some(proxy) = record_at_mut(root, &place) else {
        return;
    };
    for key in ["bypassHosts", "allowedHosts"] {
        let Some(hosts) = proxy.get_mut(key).and_then(Value::as_array_mut) else {
            continue;
        };
        let before = hosts.len();
        hosts.retain(|host| host.as_str().is_some_and(is_host));
        let removed = before - hosts.len();
        if removed == 0 {
            continue;
        }
        if hosts.is_empty() {
            take(proxy, key);
        }
        let path = at(&place).key(key);
        let text = format!("removed {removed} of the entries of `{path}`, which were no hosts");
        log.push(&path, Some(&path), text);
    }
}

/// Tells whether a text is one exact host: a name or an address, without a scheme, path or port.
fn is_host(text: &str) -> bool {
    const LONGEST: usize = 253;
    const LONGEST_LABEL: usize = 63;
    let host = text.trim().to_lowercase();
    let host = host.trim_end_matches('.');
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host = bare.unwrap_or(host);
    if host.parse::<IpAddr>().is_ok() {
        return true;
    }
    let is_label = |label: &str| {
        let fits = !label.is_empty() && label.len() <= LONGEST_LABEL;
        // A letter beyond ASCII is written in Punycode on the wire, and is as good as one of ours.
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c.is_alphanumeric();
        fits && !label.starts_with('-') && !label.ends_with('-') && label.chars().all(letters)
    };
    !host.is_empty() && host.len() <= LONGEST && host.split('.').all(is_label)
}
