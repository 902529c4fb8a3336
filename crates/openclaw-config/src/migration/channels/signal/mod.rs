//! Signal: each account says how its messages are carried.
//!
//! The flat settings say so only where no endpoint has to be asked; where one has to, or where a
//! setting is broken, they are left for their owner.

mod ports;
mod transport;

use serde_json::{Value, json};

use super::aliases::{Aliases, Delivery, Inheritance};
use crate::migration::log::{Log, at};
use crate::migration::tree::{
    Record, canonical_id, folded, record_at, record_at_mut, take, trimmed,
};
use transport::{FIELDS, Flat, is_transport, of_flat};

const PLACE: [&str; 2] = ["channels", "signal"];

/// Brings the settings of Signal into the current form.
pub(super) fn all(root: &mut Record, log: &mut Log) {
    let aliases = Aliases {
        inheritance: Inheritance::Copied,
        ..Aliases::new("signal", Delivery::Only)
    };
    aliases.apply(root, log);
    let Some(channel) = record_at_mut(root, &PLACE) else {
        return;
    };
    if let Some(migrated) = Accounts::of(channel).and_then(|accounts| accounts.carried()) {
        *channel = migrated;
        let path = at(&PLACE);
        let text = format!("gave each account below `{path}` its own `transport`");
        log.push(&path, Some(&path), text);
    }
}

/// The channel itself, which comes first and may be an account, and its accounts.
struct Accounts<'a> {
    channel: &'a Record,
    entries: Vec<&'a Record>,
    ids: Vec<&'a str>,
}

impl<'a> Accounts<'a> {
    /// Takes the accounts of a channel that has flat settings.
    fn of(channel: &'a Record) -> Option<Self> {
        let accounts = record_at(channel, &["accounts"]).into_iter().flatten();
        let known = accounts.filter_map(|(id, entry)| Some((id.as_str(), entry.as_object()?)));
        let (ids, others): (Vec<_>, Vec<_>) = known.unzip();
        let entries: Vec<&Record> = [channel].into_iter().chain(others).collect();
        let is_flat = |entry: &&Record| FIELDS.iter().any(|key| entry.contains_key(*key));
        let is_old = channel.contains_key("apiMode") || entries.iter().any(is_flat);
        is_old.then_some(Self {
            channel,
            entries,
            ids,
        })
    }

    /// Returns the place of the account that is named as the default one.
    fn default_index(&self) -> Option<usize> {
        let exact = self.ids.iter().position(|id| *id == "default");
        let found = exact.or_else(|| self.ids.iter().position(|id| folded(id) == "default"));
        found.map(|found| found + 1)
    }

    fn own(&self, index: usize) -> Option<&Value> {
        self.entries
            .get(index)?
            .get("transport")
            .filter(|own| is_transport(own))
    }

    fn is_flat(&self, index: usize) -> bool {
        let entry = self.entries.get(index);
        entry.is_some_and(|entry| FIELDS.iter().any(|key| entry.contains_key(*key)))
    }

    /// Tells whether the channel itself is an account.
    fn root_is_account(&self) -> bool {
        let named = trimmed(self.channel, "account").is_some();
        self.entries.len() == 1 || named || self.own(0).is_some()
    }

    /// Tells whether an entry carries messages, or only has settings for others.
    fn carries(&self, index: usize) -> bool {
        let default = self.default_index();
        let is_replaced = |default: usize| self.own(default).is_some() || self.is_flat(default);
        let is_dropped = if index == 0 {
            !self.root_is_account() || default.is_some_and(is_replaced)
        } else {
            Some(index) == default && self.own(0).is_some()
        };
        let flat = self
            .entries
            .get(index)
            .map(|entry| Flat::new(entry, self.channel));
        !is_dropped && (self.own(index).is_some() || flat.is_some_and(|flat| flat.is_set_up()))
    }

    /// Returns the channel with a transport for every account; nothing where one is not clear.
    fn carried(&self) -> Option<Record> {
        let sockets = self
            .entries
            .iter()
            .filter_map(|entry| record_at(entry, &["transport"]));
        let mut sockets = sockets.filter(|transport| transport.contains_key("socketPath"));
        let is_broken = |transport: &Record| {
            transport.get("kind") != Some(&json!("managed-native"))
                || !is_transport(&Value::Object(transport.clone()))
        };
        if sockets.any(is_broken) {
            return None;
        }
        let mut transports: Vec<Option<Value>> = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let transport = if !self.carries(index) {
                None
            } else if let Some(own) = self.own(index) {
                Some(own.clone())
            } else {
                Some(of_flat(&Flat::new(entry, self.channel))?)
            };
            transports.push(transport);
        }
        if transports.iter().flatten().any(transport::has_bad_port) {
            return None;
        }
        let transports = ports::given(self, transports)?;
        let migrated = self.written(&transports);
        (!lacks_account(&migrated)).then_some(migrated)
    }

    /// Writes the transports; the one of the default account stands in the channel itself.
    fn written(&self, transports: &[Option<Value>]) -> Record {
        let mut channel = self.channel.clone();
        let default = self.default_index();
        let of = |index: usize| transports.get(index).cloned().flatten();
        let mut of_root = self.root_is_account().then(|| of(0)).flatten();
        if let Some(default) = default {
            of_root = self.own(0).cloned().or_else(|| of(default));
        }
        clear(&mut channel, of_root);
        take(&mut channel, "apiMode");
        for (index, id) in self.ids.iter().enumerate() {
            let index = index + 1;
            if let Some(entry) = record_at_mut(&mut channel, &["accounts", id]) {
                clear(entry, of(index).filter(|_| Some(index) != default));
            }
        }
        channel
    }
}

/// Replaces an entry's flat settings by its transport.
fn clear(entry: &mut Record, transport: Option<Value>) {
    for key in FIELDS {
        take(entry, key);
    }
    match transport {
        Some(transport) => {
            entry.insert("transport".to_owned(), transport);
        }
        None => {
            take(entry, "transport");
        }
    }
}

/// Tells whether a container carries messages of an account without a number.
fn lacks_account(channel: &Record) -> bool {
    let is_on = |entry: &Record| entry.get("enabled") != Some(&Value::Bool(false));
    let number = |entry: &Record| match entry.get("account") {
        Some(_) => trimmed(entry, "account").is_some(),
        None => trimmed(channel, "account").is_some(),
    };
    let is_container = |entry: &Record| {
        let transport = entry.get("transport").filter(|own| is_transport(own));
        transport.and_then(|own| own.get("kind")) == Some(&json!("container"))
    };
    let has_root = channel.get("transport").is_some_and(is_transport);
    let accounts: Vec<(&String, &Record)> = record_at(channel, &["accounts"])
        .into_iter()
        .flatten()
        .filter_map(|(id, entry)| Some((id, entry.as_object()?)))
        .collect();
    if !is_on(channel) {
        return false;
    }
    let default = accounts.iter().find(|(id, _)| folded(id) == "default");
    let default = default.map_or(channel, |(_, entry)| *entry);
    if is_container(channel) && is_on(default) && !number(default) {
        return true;
    }
    accounts.iter().any(|(id, entry)| {
        let is_default = !id.trim().is_empty() && canonical_id(id).as_deref() == Some("default");
        is_on(entry) && !(is_default && has_root) && is_container(entry) && !number(entry)
    })
}
