//! How answers are streamed and who may write: settings that stood flat in a channel.
//!
//! What a channel set flat, its accounts inherited one by one. Where they stand in one object, an
//! account's object takes the place of the channel's, so that what was inherited is copied.

use serde_json::Value;

use super::inherited;
use crate::migration::log::{Log, at, below};
use crate::migration::tree::{
    Record, folded, keys, made, prune, record_at, record_at_mut, take, text_at, value_at,
};
use crate::problem::KeyPath;

/// Which of the flat settings a channel had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Only those of delivery: they alone make a channel one of the old form.
    Only,
    /// Those of the mode, too.
    AndModes,
    /// Those of the mode, and the size of a preview's pieces.
    AndPreviews,
}

/// What an account takes from its channel when it has settings of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inheritance {
    /// Each setting by itself, as before.
    BySetting,
    /// Nothing any more, so that what it took is copied.
    Copied,
    /// What the default account has, and else the channel.
    FromDefaultAccount,
}

/// The flat settings of one channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aliases {
    pub(super) id: &'static str,
    pub(super) delivery: Delivery,
    /// Whether who may write stood in `dm`.
    pub(super) dm: bool,
    pub(super) inheritance: Inheritance,
    /// Finds the mode that the flat settings meant.
    pub(super) mode: fn(&Record) -> &'static str,
    /// Finds whether answers are streamed by the channel itself; `None` where no channel can.
    pub(super) native: fn(&Record) -> Option<bool>,
}

impl Aliases {
    /// The settings of a channel whose answers are streamed in parts by default.
    pub(super) fn new(id: &'static str, delivery: Delivery) -> Self {
        Self {
            id,
            delivery,
            dm: false,
            inheritance: Inheritance::BySetting,
            mode: partial_mode,
            native: |_| None,
        }
    }

    /// Brings the settings of the channel and its accounts into the nested form.
    pub(super) fn apply(&self, root: &mut Record, log: &mut Log) {
        let path = at(&["channels", self.id]);
        let Some(channel) = record_at_mut(root, &["channels", self.id]) else {
            return;
        };
        if self.delivery == Delivery::Only && !self.is_old(channel) {
            return;
        }
        let before = channel.clone();
        if self.dm {
            direct(channel, &path, log);
        }
        self.nest(channel, &path, log);
        let whole = channel.clone();
        let accounts = record_at(channel, &["accounts"])
            .map(keys)
            .unwrap_or_default();
        for account in accounts {
            let path = path.key("accounts").key(&account);
            let Some(entry) = record_at_mut(channel, &["accounts", &account]) else {
                continue;
            };
            if self.dm {
                direct(entry, &path, log);
            }
            let own_before = entry.get("streaming").cloned();
            let changed = self.nest(entry, &path, log);
            if self.inheritance == Inheritance::Copied {
                let created = changed && own_before.is_none();
                let flat = inherited::flat(&before, self.delivery);
                let copied = if created {
                    inherited::into_created(entry, (&before, &flat, &whole))
                } else {
                    own_before.is_some() && inherited::into_standing(entry, &flat)
                };
                if copied {
                    log.set(
                        &path.key("streaming"),
                        "to what was inherited from the channel",
                    );
                }
            }
        }
        if self.inheritance == Inheritance::FromDefaultAccount && *channel != before {
            inherited::from_default_account(channel, (&before, &path), log);
        }
    }

    /// Tells whether a channel or one of its accounts has the old form.
    fn is_old(&self, channel: &Record) -> bool {
        const FLAT: [&str; 3] = ["chunkMode", "blockStreaming", "blockStreamingCoalesce"];
        let in_dm = |entry: &Record| {
            let dm = record_at(entry, &["dm"]);
            self.dm
                && dm.is_some_and(|dm| dm.contains_key("policy") || dm.contains_key("allowFrom"))
        };
        let is_old =
            |entry: &Record| FLAT.iter().any(|key| entry.contains_key(*key)) || in_dm(entry);
        let accounts = record_at(channel, &["accounts"]).into_iter().flatten();
        let mut accounts = accounts.filter_map(|(_, account)| account.as_object());
        is_old(channel) || accounts.any(is_old)
    }

    /// Brings one object's flat settings below `streaming`; tells whether there were any.
    fn nest(&self, entry: &mut Record, path: &KeyPath, log: &mut Log) -> bool {
        let previews = self.delivery == Delivery::AndPreviews;
        let scalar = entry.get("streaming").cloned();
        let scalar = scalar.filter(|own| own.is_boolean() || own.is_string());
        let has_mode = scalar.is_some() || entry.contains_key("streamMode");
        let flat = [
            ("chunkMode", &["chunkMode"][..]),
            ("blockStreaming", &["block", "enabled"]),
            ("draftChunk", &["preview", "chunk"]),
            ("blockStreamingCoalesce", &["block", "coalesce"]),
        ];
        let flat = flat
            .into_iter()
            .filter(|(key, _)| previews || *key != "draftChunk");
        let flat: Vec<_> = flat.filter(|(key, _)| entry.contains_key(*key)).collect();
        let mode = (self.mode)(entry);
        let native = (self.native)(entry);
        let has_native = native.is_some() && entry.contains_key("nativeStreaming");
        if !has_mode && flat.is_empty() && !has_native {
            return false;
        }
        let before = log.len();
        let to = path.key("streaming");
        let stream_mode = take(entry, "streamMode");
        if has_mode && value_at(entry, &["streaming", "mode"]).is_none() {
            made(entry, &["streaming"]).insert("mode".to_owned(), Value::from(mode));
            let from = match stream_mode {
                Some(_) => path.key("streamMode"),
                None => to.clone(),
            };
            log.turned(&from, &to.key("mode"), "in words");
        } else if stream_mode.is_some() {
            log.superseded(&path.key("streamMode"), &to.key("mode"));
        }
        for (key, place) in flat {
            let Some(value) = take(entry, key) else {
                continue;
            };
            let (from, to) = (path.key(key), below(&to, place));
            let streaming = made(entry, &["streaming"]);
            if value_at(streaming, place).is_some() {
                log.superseded(&from, &to);
            } else if let Some((last, parents)) = place.split_last() {
                made(streaming, parents).insert((*last).to_owned(), value);
                log.moved(&from, &to);
            }
        }
        nest_native(entry, (path, native), scalar.as_ref(), log);
        log.len() > before
    }
}

/// Whether answers are streamed by the channel itself stood flat, or was meant by the one switch.
fn nest_native(
    entry: &mut Record,
    (path, native): (&KeyPath, Option<bool>),
    scalar: Option<&Value>,
    log: &mut Log,
) {
    let Some(native) = native else {
        return;
    };
    let to = below(path, &["streaming", "nativeTransport"]);
    let is_set = value_at(entry, &["streaming", "nativeTransport"]).is_some();
    let flat = take(entry, "nativeStreaming").is_some();
    let from = path.key(if flat { "nativeStreaming" } else { "streaming" });
    if flat && is_set {
        log.superseded(&from, &to);
    } else if flat || (!is_set && scalar.is_some_and(Value::is_boolean)) {
        made(entry, &["streaming"]).insert("nativeTransport".to_owned(), Value::Bool(native));
        log.turned(&from, &to, "as it was");
    }
}

/// Reads a mode that every channel knows.
pub(super) fn known_mode(value: Option<&Value>) -> Option<&'static str> {
    let text = folded(value?.as_str()?);
    let known = ["off", "partial", "block", "progress"];
    known.into_iter().find(|mode| *mode == text)
}

/// The mode that the flat settings meant, and `default` where they said nothing.
fn mode_or(entry: &Record, default: &'static str) -> &'static str {
    let streaming = entry.get("streaming");
    let nested = streaming.and_then(|streaming| streaming.get("mode"));
    let nested = nested.filter(|mode| !mode.is_null()).or(streaming);
    match known_mode(nested).or_else(|| known_mode(entry.get("streamMode"))) {
        Some(mode) => mode,
        None => match streaming {
            Some(Value::Bool(true)) => "partial",
            Some(Value::Bool(false)) => "off",
            _ => default,
        },
    }
}

fn partial_mode(entry: &Record) -> &'static str {
    mode_or(entry, "partial")
}

/// The mode of a channel whose answers are not streamed by default.
pub(super) fn off_mode(entry: &Record) -> &'static str {
    mode_or(entry, "off")
}

/// The mode of Matrix, which has a quiet one.
pub(super) fn matrix_mode(entry: &Record) -> &'static str {
    let streaming = entry.get("streaming");
    let mode = match streaming {
        Some(Value::Object(own)) => text_at(own, &["mode"]),
        other => other.and_then(Value::as_str),
    };
    let mode = mode.map(folded).unwrap_or_default();
    let known = ["partial", "quiet", "progress", "off"];
    let on = if streaming == Some(&Value::Bool(true)) {
        "partial"
    } else {
        "off"
    };
    known.into_iter().find(|known| *known == mode).unwrap_or(on)
}

/// Who may write to the bot stands in the channel itself.
fn direct(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    const OLD: [(&str, &str); 2] = [("policy", "dmPolicy"), ("allowFrom", "allowFrom")];
    let mut changed = false;
    for (old, new) in OLD {
        let Some(value) = value_at(entry, &["dm", old]).cloned() else {
            continue;
        };
        let standing = entry.get(new);
        let agrees = standing.is_none_or(|standing| match old {
            "policy" => *standing == value,
            _ => same_senders(standing, &value),
        });
        // Two that differ are left for the user to settle.
        if !agrees {
            continue;
        }
        let (from, to) = (below(path, &["dm", old]), path.key(new));
        if standing.is_some() {
            log.superseded(&from, &to);
        } else {
            entry.insert(new.to_owned(), value);
            log.moved(&from, &to);
        }
        if let Some(dm) = record_at_mut(entry, &["dm"]) {
            take(dm, old);
        }
        changed = true;
    }
    if changed {
        prune(entry, "dm");
    }
}

fn same_senders(left: &Value, right: &Value) -> bool {
    let listed = |value: &Value| -> Option<Vec<String>> {
        let list = value.as_array()?.iter().map(|entry| match entry {
            Value::String(text) => text.trim().to_owned(),
            other => other.to_string(),
        });
        Some(list.filter(|text| !text.is_empty()).collect())
    };
    listed(left).is_some_and(|left| Some(left) == listed(right))
}
