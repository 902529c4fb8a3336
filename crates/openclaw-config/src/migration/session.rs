//! Sessions: how long they and what is left of them are kept.

use serde_json::Value;

use super::log::{Log, at};
use super::scope::Scope;
use super::table::{Move, Retired};
use super::tree::{Record, made, record_at, record_at_mut, take};

/// What sessions have under another name.
pub(super) const MOVED: &[Move] = &[
    Move {
        scope: Scope::Root,
        from: &["session", "maintenance", "pruneDays"],
        to: &["session", "maintenance", "pruneAfter"],
    },
    Move {
        scope: Scope::Root,
        from: &["session", "resetByType", "dm"],
        to: &["session", "resetByType", "direct"],
    },
];

/// What sessions no longer have.
pub(super) const RETIRED: &[Retired] = &[
    Retired::at(
        Scope::Root,
        &["session", "maintenance", "rotateBytes"],
        "there is no file to rotate",
    ),
    Retired::at(
        Scope::Root,
        &["session", "parentForkMaxTokens"],
        "the size of a fork is found by itself",
    ),
];

/// A retention of no time at all would delete everything at once, so that the default applies.
pub(super) fn retention(root: &mut Record, log: &mut Log) {
    let Some(maintenance) = record_at_mut(root, &["session", "maintenance"]) else {
        return;
    };
    for key in ["resetArchiveRetention", "pruneAfter"] {
        if maintenance.get(key).is_some_and(is_no_time) {
            take(maintenance, key);
            let path = at(&["session", "maintenance", key]);
            log.removed(&path, "no time at all; the default applies");
        }
    }
}

/// Tells whether a value is a duration of less than half a millisecond; a bare number is in days.
fn is_no_time(value: &Value) -> bool {
    const MS_PER_DAY: f64 = 86_400_000.0;
    let text = match value {
        Value::String(text) => text.trim().to_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => return false,
    };
    if let Some(days) = decimal(&text) {
        return (days * MS_PER_DAY).round() <= 0.0;
    }
    let mut rest = text.as_str();
    let mut total = 0.0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let Some((number, unit)) = number.and_then(|end| rest.split_at_checked(end)) else {
            return false;
        };
        let Some((unit, ms)) = UNITS.into_iter().find(|(name, _)| unit.starts_with(name)) else {
            return false;
        };
        let Some(count) = decimal(number) else {
            return false;
        };
        total += count * ms;
        rest = rest.get(number.len() + unit.len()..).unwrap_or_default();
    }
    !text.is_empty() && f64::round(total) <= 0.0
}

/// Units of time in milliseconds; `ms` stands before `m`, because it begins with it.
const UNITS: [(&str, f64); 5] = [
    ("ms", 1.0),
    ("s", 1000.0),
    ("m", 60_000.0),
    ("h", 3_600_000.0),
    ("d", 86_400_000.0),
];

/// Reads digits with at most one point between them.
fn decimal(text: &str) -> Option<f64> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_decimal = match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    };
    is_decimal.then(|| text.parse().ok()).flatten()
}

/// When an idle session starts anew is part of how sessions start anew.
pub(super) fn idle_minutes(root: &mut Record, log: &mut Log) {
    let Some(session) = record_at_mut(root, &["session"]) else {
        return;
    };
    let Some(minutes) = take(session, "idleMinutes") else {
        return;
    };
    let from = at(&["session", "idleMinutes"]);
    let to = at(&["session", "reset", "idleMinutes"]);
    let reset = record_at(session, &["reset"]);
    if reset.is_some_and(|reset| reset.contains_key("idleMinutes")) {
        log.superseded(&from, &to);
        return;
    }
    let is_new = reset.is_none();
    let reset = made(session, &["reset"]);
    if is_new {
        reset.insert("mode".to_owned(), Value::from("idle"));
    }
    reset.insert("idleMinutes".to_owned(), minutes);
    log.moved(&from, &to);
}
