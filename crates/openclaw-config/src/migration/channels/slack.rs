//! Slack.

use serde_json::Value;

use super::aliases::{Aliases, Delivery, known_mode};
use super::moves::{allow_to_enabled, remove};
use crate::migration::log::{Log, below};
use crate::migration::scope::Scope;
use crate::migration::table::move_value;
use crate::migration::tree::{
    Record, folded, made, prune, record_at, record_at_mut, take, value_at,
};
use crate::problem::KeyPath;

/// Brings the settings of Slack into the current form.
pub(super) fn all(root: &mut Record, log: &mut Log) {
    let retired = ("slack", &["enterpriseOrgInstall"][..]);
    remove(root, retired, "Slack says itself how it is installed", log);
    let aliases = Aliases {
        dm: true,
        mode,
        native: |entry| Some(native(entry)),
        ..Aliases::new("slack", Delivery::AndModes)
    };
    aliases.apply(root, log);
    Scope::Channel("slack").visit(root, &mut |entry, path| {
        interactive_replies(entry, path, log);
        let reply_mode = (
            &["dm", "replyToMode"][..],
            &["replyToModeByChatType", "direct"][..],
        );
        move_value(entry, path, reply_mode, log);
        explicit_mention(entry, path, log);
        allow_to_enabled(entry, &["channels", "*"], path, log);
    });
}

fn mode(entry: &Record) -> &'static str {
    let streaming = entry.get("streaming");
    let nested = streaming.and_then(|streaming| streaming.get("mode"));
    let nested = nested.filter(|mode| !mode.is_null()).or(streaming);
    let draft = entry.get("streamMode").and_then(Value::as_str).map(folded);
    match (known_mode(nested), draft.as_deref()) {
        (Some(mode), _) => mode,
        (None, Some("append")) => "block",
        (None, Some("status_final")) => "progress",
        (None, Some("replace")) => "partial",
        _ => match streaming {
            Some(Value::Bool(true)) => "partial",
            Some(Value::Bool(false)) => "off",
            _ => "progress",
        },
    }
}

fn native(entry: &Record) -> bool {
    let places: [&[&str]; 3] = [
        &["streaming", "nativeTransport"],
        &["nativeStreaming"],
        &["streaming"],
    ];
    let mut said = places
        .into_iter()
        .filter_map(|path| value_at(entry, path)?.as_bool());
    said.next().unwrap_or(true)
}

/// Buttons need no permission of their own.
fn interactive_replies(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    const OLD: &str = "interactiveReplies";
    let removed = match entry.get_mut("capabilities") {
        Some(Value::Array(list)) => {
            let before = list.len();
            list.retain(|own| own.as_str().is_none_or(|own| folded(own) != folded(OLD)));
            list.len() < before
        }
        Some(Value::Object(own)) => own.is_empty() || take(own, OLD).is_some(),
        _ => false,
    };
    if removed {
        if entry
            .get("capabilities")
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty)
        {
            take(entry, "capabilities");
        }
        prune(entry, "capabilities");
        let path = below(path, &["capabilities", OLD]);
        log.removed(&path, "buttons need no permission of their own");
    }
}

/// Whether an answer in a thread counts as a mention is said the other way round.
fn explicit_mention(entry: &mut Record, path: &KeyPath, log: &mut Log) {
    let from = ["thread", "requireExplicitMention"];
    let to = ["implicitMentions", "threadParticipation"];
    if !record_at(entry, &["thread"]).is_some_and(|thread| thread.contains_key(from[1])) {
        return;
    }
    let Some(old) = record_at_mut(entry, &["thread"]).and_then(|own| take(own, from[1])) else {
        return;
    };
    prune(entry, "thread");
    let (from, target) = (below(path, &from), below(path, &to));
    if value_at(entry, &to).is_some() {
        log.superseded(&from, &target);
    } else if let Some(required) = old.as_bool() {
        made(entry, &["implicitMentions"]).insert(to[1].to_owned(), Value::Bool(!required));
        log.turned(&from, &target, "the other way round");
    } else {
        log.removed(&from, "it was no switch");
    }
}
