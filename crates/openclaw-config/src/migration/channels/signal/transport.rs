//! How the messages of one account are carried, and what its flat settings said about that.

use serde_json::{Value, json};

use crate::migration::address::Address;
use crate::migration::tree::{Record, folded, text_at};

/// The flat settings.
pub(super) const FIELDS: [&str; 9] = [
    "configPath",
    "httpUrl",
    "httpHost",
    "httpPort",
    "cliPath",
    "autoStart",
    "startupTimeoutMs",
    "receiveMode",
    "ignoreStories",
];

/// Where Signal's own daemon listens.
pub(super) const HOST: &str = "127.0.0.1";
/// The port of Signal's own daemon.
pub(super) const PORT: u16 = 8080;

/// The flat settings of an account, with what it takes from its channel.
#[derive(Clone, Copy)]
pub(super) struct Flat<'a> {
    entry: &'a Record,
    channel: &'a Record,
}

impl<'a> Flat<'a> {
    pub(super) const fn new(entry: &'a Record, channel: &'a Record) -> Self {
        Self { entry, channel }
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.entry.get(key).or_else(|| self.channel.get(key))
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        let text = self.get(key)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    }

    fn starts_itself(&self) -> bool {
        let said = self.get("autoStart").and_then(Value::as_bool);
        said.unwrap_or(self.text("httpUrl").is_none())
    }

    /// Tells whether anything was set up with these settings.
    pub(super) fn is_set_up(&self) -> bool {
        let named = ["account", "configPath", "httpUrl", "httpHost", "cliPath"];
        named.into_iter().any(|key| self.text(key).is_some())
            || self.get("httpPort").is_some_and(Value::is_number)
            || self.get("autoStart").is_some_and(Value::is_boolean)
    }

    /// Returns the endpoint; nothing where the settings name none that there can be.
    fn endpoint(&self) -> Option<Address> {
        if let Some(url) = self.text("httpUrl") {
            return Address::parse(url);
        }
        let port = match self.get("httpPort") {
            None => PORT,
            Some(port) => valid_port(port)?,
        };
        Address::of(self.text("httpHost").unwrap_or(HOST), port)
    }
}

fn valid_port(value: &Value) -> Option<u16> {
    u16::try_from(value.as_u64()?).ok().filter(|port| *port > 0)
}

/// Tells whether a value is a transport.
pub(super) fn is_transport(value: &Value) -> bool {
    let Some(own) = value.as_object() else {
        return false;
    };
    let url = own.get("url");
    let is_url = |url: &Value| {
        url.as_str()
            .is_some_and(|url| Address::parse(url).is_some())
    };
    match text_at(own, &["kind"]) {
        Some("managed-native") => {
            let port = own.get("httpPort");
            is_socket(own)
                && port.is_none_or(|port| valid_port(port).is_some())
                && url.is_none_or(is_url)
        }
        Some("external-native" | "container") => url.is_some_and(is_url),
        _ => false,
    }
}

/// Tells whether a socket, where there is one, can be used as it is set up.
fn is_socket(own: &Record) -> bool {
    const LONGEST: usize = 103;
    let Some(socket) = own.get("socketPath") else {
        return true;
    };
    let Some(path) = socket.as_str() else {
        return false;
    };
    let is_plain = path
        .split('/')
        .skip(1)
        .all(|piece| !["", ".", ".."].contains(&piece));
    let is_path = path.len() > 1 && path.starts_with('/') && is_plain && !path.contains('\0');
    let others = ["url", "httpHost", "httpPort"];
    is_path
        && path.len() <= LONGEST
        && !others.iter().any(|key| own.contains_key(*key))
        && text_at(own, &["receiveMode"]) != Some("on-start")
}

/// Tells whether a transport's port is none.
pub(super) fn has_bad_port(transport: &Value) -> bool {
    let is_managed = transport.get("kind") == Some(&json!("managed-native"));
    let port = transport.get("httpPort");
    is_managed && port.is_some_and(|port| valid_port(port).is_none())
}

/// Makes a transport of flat settings; nothing where an endpoint has to be asked, or is none.
pub(super) fn of_flat(flat: &Flat<'_>) -> Option<Value> {
    let endpoint = flat.endpoint()?;
    let mode = flat.channel.get("apiMode");
    let external = || Some(json!({ "kind": "external-native", "url": endpoint.to_string() }));
    match mode.map(Value::as_str) {
        Some(Some("container")) => {
            Some(json!({ "kind": "container", "url": endpoint.to_string() }))
        }
        Some(Some("native")) if !flat.starts_itself() => external(),
        Some(Some("native")) => Some(managed(flat)),
        None | Some(Some("auto")) if flat.text("httpUrl").is_some() || !flat.starts_itself() => {
            None
        }
        _ if flat.get("autoStart") == Some(&Value::Bool(false)) => external(),
        _ => Some(managed(flat)),
    }
}

fn managed(flat: &Flat<'_>) -> Value {
    let mut own = Record::new();
    own.insert("kind".to_owned(), Value::from("managed-native"));
    let mut keep = |key: &str, value: Option<Value>| {
        own.extend(value.map(|value| (key.to_owned(), value)));
    };
    let text = |key: &str| flat.text(key).map(Value::from);
    let number = |key: &str| flat.get(key).filter(|value| value.is_number()).cloned();
    let receives = flat.get("receiveMode").and_then(Value::as_str);
    let receives = receives.filter(|mode| ["on-start", "manual"].contains(mode));
    keep("configPath", text("configPath"));
    keep("cliPath", text("cliPath"));
    keep("url", connection(flat));
    keep("httpHost", text("httpHost"));
    keep("httpPort", number("httpPort"));
    keep("startupTimeoutMs", number("startupTimeoutMs"));
    keep("receiveMode", receives.map(Value::from));
    keep(
        "ignoreStories",
        flat.get("ignoreStories")
            .filter(|value| value.is_boolean())
            .cloned(),
    );
    Value::Object(own)
}

/// Returns the address to connect to, where it is not the one that is listened at.
fn connection(flat: &Flat<'_>) -> Option<Value> {
    let address = Address::parse(flat.text("httpUrl")?)?;
    let host = flat.text("httpHost").unwrap_or(HOST);
    let host = folded(host.trim_start_matches('[').trim_end_matches(']'));
    let port = flat.get("httpPort").and_then(Value::as_u64);
    let port = port.unwrap_or(u64::from(PORT));
    let is_listened_at =
        !address.is_secure() && address.host() == host && u64::from(address.port()) == port;
    (!is_listened_at).then(|| Value::from(address.to_string()))
}
