//! Which addresses somebody else than the model came up with.
//!
//! To ask for an address is to tell its server every letter of it. Letters that somebody else wrote
//! tell nobody anything, so an address may be visited unasked if it was shown: if it stands as a
//! whole in what a person said or in what was found. What the model wrote itself does not become
//! somebody else's by being repeated to it. Which of the shown addresses is visited, and in which
//! order, is the model's choice and does tell something; `visits` keeps that small.

mod visits;

use std::collections::HashSet;

use openclaw_core::provenance::Source;
use openclaw_core::{SessionEvent, SessionEventKind};
use serde_json::Value;

use crate::tools::model_text;

pub(crate) use visits::{Visit, Visitor, Visits};

/// What may stand around an address within a sentence, and ends it at the latest there.
const ENDS: &str = ".,;:!?";

/// Who wrote a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    /// The principal.
    Principal,
    /// Somebody else, who may only repeat what the model wrote.
    Other,
    /// The model, wherever it comes up again.
    Model,
}

/// Who showed an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Nobody but the model itself.
    Nowhere,
    /// Somebody whom the principal does not answer for.
    ByOthers,
    /// The principal, in a message or in a file of theirs.
    ByPrincipal,
}

/// Tells who showed an address: whether it stands as a whole in what somebody said or in what was
/// found, before the model itself wrote it into a call; `went` says where a call goes to.
///
/// What the principal says counts at any time. An address that was visited before may be visited
/// again, since its server knows it already.
pub(crate) fn shown(
    events: &[SessionEvent],
    address: &str,
    went: impl Fn(&str, &Value) -> Vec<String>,
) -> Shown {
    let address = plain(address);
    if address.is_empty() {
        return Shown::Nowhere;
    }
    let mut shown = Shown::Nowhere;
    let (mut own, mut visiting) = (false, HashSet::new());
    for event in events {
        match &event.kind {
            SessionEventKind::MessageReceived { content, .. } => match said_by(event) {
                Writer::Principal if stands_in(content, address) => return Shown::ByPrincipal,
                Writer::Other if !own && stands_in(content, address) => shown = Shown::ByOthers,
                Writer::Principal | Writer::Other | Writer::Model => {}
            },
            // What a client has called by itself was not written by the model.
            SessionEventKind::ToolCalled { tool, params } if event.step.is_some() => {
                let goes = went(tool, params);
                let goes_there = goes.iter().any(|to| plain(to) == address);
                own |= goes_there || mentions(params, &bare(address), &goes);
                if goes_there {
                    visiting.insert(&event.call_id);
                } else {
                    visiting.remove(&event.call_id);
                }
            }
            SessionEventKind::ToolResult {
                result,
                success: true,
                tool,
            } => {
                if visiting.remove(&event.call_id) {
                    shown = Shown::ByOthers;
                }
                let by = if own {
                    Shown::Nowhere
                } else {
                    found_by(event, tool)
                };
                if by != Shown::Nowhere && stands_in(&model_text(result), address) {
                    if by == Shown::ByPrincipal {
                        return by;
                    }
                    shown = by;
                }
            }
            _ => {}
        }
    }
    shown
}

/// Returns an address as its server gets it.
fn plain(address: &str) -> &str {
    without_fragment(address.trim())
}

fn said_by(event: &SessionEvent) -> Writer {
    let marks = event.payload.iter().flat_map(|payload| &payload.marks);
    let mut writer = Writer::Principal;
    for mark in marks {
        match mark.source {
            Source::Principal => {}
            Source::Person { .. } | Source::Webhook { .. } | Source::File { .. } => {
                writer = Writer::Other;
            }
            // It comes from another session, where a model wrote it.
            _ => return Writer::Model,
        }
    }
    writer
}

/// Tells whose words a result is, if it is not an echo of the model's.
fn found_by(event: &SessionEvent, tool: &str) -> Shown {
    let marks = event.payload.as_ref().map(|payload| &payload.marks);
    let Some(marks) = marks.filter(|marks| !marks.is_empty()) else {
        return Shown::Nowhere;
    };
    let mut by = Shown::ByPrincipal;
    for mark in marks {
        match mark.source {
            Source::Web { .. }
            | Source::Webhook { .. }
            | Source::File { .. }
            | Source::Person { .. } => by = Shown::ByOthers,
            // As nothing untrusted was in view when it was written, it is the principal's.
            Source::Workspace if matches!(tool, "read" | "read_file") => {}
            Source::Workspace
            | Source::Principal
            | Source::Written { .. }
            | Source::Command
            | Source::Session { .. }
            | Source::Skill { .. }
            | Source::Tool { .. } => return Shown::Nowhere,
        }
    }
    by
}

/// Tells whether an address stands in a text as a whole, and not as a part of a longer one.
fn stands_in(text: &str, address: &str) -> bool {
    text.match_indices(address).any(|(start, found)| {
        let before = text.get(..start).and_then(|before| before.chars().last());
        let after = text.get(start.saturating_add(found.len())..);
        !before.is_some_and(belongs) && ends(after.unwrap_or_default())
    })
}

/// Tells whether an address ends before this text.
fn ends(after: &str) -> bool {
    let closed = after.trim_start_matches(|c| ENDS.contains(c));
    let next = closed.chars().next();
    // What stands behind a `#` is not sent to anybody.
    after.starts_with('#') || !next.is_some_and(belongs)
}

/// Tells whether a character may be a part of an address.
fn belongs(c: char) -> bool {
    c.is_alphanumeric() || "-._~:/?#@!$&+;=%".contains(c)
}

pub(crate) fn without_fragment(address: &str) -> &str {
    address.split('#').next().unwrap_or_default()
}

/// Tells whether a model wrote an address into the arguments of a call, in whatever form.
///
/// Where the call itself goes to is left out: a link that leads from a page to the folder that the
/// page lies in is a part of the page's address, and yet the page's own.
fn mentions(params: &Value, bare_address: &str, goes: &[String]) -> bool {
    match params {
        Value::String(text) => !goes.contains(text) && bare(text).contains(bare_address),
        Value::Array(items) => items.iter().any(|item| mentions(item, bare_address, goes)),
        Value::Object(members) => members.iter().any(|(name, value)| {
            bare(name).contains(bare_address) || mentions(value, bare_address, goes)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns the letters and digits of an address without its scheme, which are left of it however
/// it is written.
fn bare(text: &str) -> String {
    let text = text.replace("https://", "").replace("http://", "");
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests;
