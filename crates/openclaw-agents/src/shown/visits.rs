//! How many addresses a run may pick among those that strangers showed it.
//!
//! A page can list an address for every letter, and have the model spell out what it knows by the
//! order in which it visits them. So only a few visits go unasked: each tells at most which one of
//! the shown addresses it was.

use std::collections::{HashMap, HashSet};

use openclaw_core::{CallId, SessionEvent, SessionEventKind};
use serde_json::Value;

use super::{Shown, plain, shown};
use crate::taint::host;
use crate::tools::KEPT;

/// How many addresses that only strangers showed a run visits unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Visits {
    /// Of one host.
    pub(crate) per_host: usize,
    /// Of all hosts together.
    pub(crate) in_all: usize,
}

impl Default for Visits {
    fn default() -> Self {
        Self {
            per_host: 4,
            in_all: 12,
        }
    }
}

/// Whether a call may go where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Visit {
    /// It tells nobody anything, or little enough.
    Unasked,
    /// The model made an address up.
    MadeUp,
    /// The model has picked among shown addresses often enough; why, as a sentence.
    Picked(String),
}

/// A call that goes somewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visitor<'a> {
    /// Its event.
    pub(crate) call: u64,
    /// The message that its run answers.
    pub(crate) since: u64,
    /// Where it goes.
    pub(crate) addresses: &'a [String],
}

impl Visits {
    /// Tells whether a call may go to its addresses unasked; `went` says where a call goes to.
    ///
    /// Every request counts that a server may have got, also one of an address that was read
    /// before. What was kept from then costs nothing, so the next part of a page goes unasked.
    pub(crate) fn admit(
        self,
        events: &[SessionEvent],
        visitor: Visitor<'_>,
        went: impl Fn(&str, &Value) -> Vec<String>,
    ) -> Visit {
        let mut picked = Vec::new();
        for address in visitor.addresses {
            match shown(events, address, &went) {
                Shown::Nowhere => return Visit::MadeUp,
                Shown::ByOthers => picked.push(plain(address)),
                Shown::ByPrincipal => {}
            }
        }
        if picked.is_empty() {
            return Visit::Unasked;
        }
        let before = events.partition_point(|event| event.seq < visitor.call);
        let before = events.get(..before).unwrap_or_default();
        let begin = before.partition_point(|event| event.seq < visitor.since);
        let read = read(before.get(begin..).unwrap_or_default(), &went);
        let (again, picked): (Vec<&str>, Vec<&str>) =
            picked.iter().partition(|address| read.contains(**address));
        self.judge((&picked, &again), &self.earlier(before, begin, &went))
    }

    /// Judges new addresses, and some that were read before and are probably still known.
    fn judge(self, (picked, again): (&[&str], &[&str]), earlier: &[String]) -> Visit {
        if earlier.len().saturating_add(picked.len()) > self.in_all {
            return Visit::Picked(format!(
                "of addresses that only untrusted content showed, {} were visited since your last \
                 message; which ones are picked can tell what the model knows",
                self.in_all
            ));
        }
        for address in picked.iter().chain(again) {
            let host = host(address).unwrap_or_default();
            let of_host = earlier
                .iter()
                .map(String::as_str)
                .chain(picked.iter().copied())
                .filter(|other| super::visits::host(other).unwrap_or_default() == host);
            if of_host.count() > self.per_host {
                return Visit::Picked(format!(
                    "{} addresses of {host} that only untrusted content showed were visited since \
                     your last message; which ones are picked can tell what the model knows",
                    self.per_host
                ));
            }
        }
        Visit::Unasked
    }

    /// Returns the addresses that calls have gone to because strangers showed them, once for each
    /// time that a server may have been asked.
    fn earlier(
        self,
        events: &[SessionEvent],
        begin: usize,
        went: impl Fn(&str, &Value) -> Vec<String>,
    ) -> Vec<String> {
        let mut visited = Vec::new();
        for (at, event) in events.iter().enumerate().skip(begin) {
            let SessionEventKind::ToolCalled { tool, params } = &event.kind else {
                continue;
            };
            let goes = went(tool, params);
            if event.step.is_none() || goes.is_empty() {
                continue;
            }
            if is_kept(events.get(at..).unwrap_or_default(), event) {
                continue;
            }
            let before = events.get(..at).unwrap_or_default();
            for address in goes.iter().map(|address| plain(address)) {
                if shown(before, address, &went) == Shown::ByOthers {
                    visited.push(address.to_owned());
                }
            }
            // More of them change nothing.
            if visited.len() > self.in_all {
                break;
            }
        }
        visited
    }
}

/// Tells whether what a call returned was kept from an earlier one, so that no server was asked.
fn is_kept(since: &[SessionEvent], call: &SessionEvent) -> bool {
    let mut results = since.iter().filter_map(|event| match &event.kind {
        SessionEventKind::ToolResult { result, .. } if event.call_id == call.call_id => {
            Some(result)
        }
        _ => None,
    });
    results.next().and_then(|result| result.get(KEPT)) == Some(&Value::Bool(true))
}

/// Returns the addresses that were visited and answered.
fn read(events: &[SessionEvent], went: impl Fn(&str, &Value) -> Vec<String>) -> HashSet<String> {
    let mut under_way: HashMap<&CallId, Vec<String>> = HashMap::new();
    let mut read = HashSet::new();
    for event in events {
        let Some(call) = &event.call_id else { continue };
        match &event.kind {
            SessionEventKind::ToolCalled { tool, params } => {
                under_way.insert(call, went(tool, params));
            }
            SessionEventKind::ToolResult { success: true, .. } => {
                let goes = under_way.remove(call).unwrap_or_default();
                read.extend(goes.iter().map(|address| plain(address).to_owned()));
            }
            _ => {}
        }
    }
    read
}
