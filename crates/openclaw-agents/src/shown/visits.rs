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
    /// An address that was read in the same run costs nothing more; one that failed does, as the
    /// server is asked again.
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
        picked.retain(|address| !read.contains(*address));
        if picked.is_empty() {
            return Visit::Unasked;
        }
        self.judge(&picked, &self.earlier(before, begin, &went))
    }

    fn judge(self, picked: &[&str], earlier: &[String]) -> Visit {
        if earlier.len().saturating_add(picked.len()) > self.in_all {
            return Visit::Picked(format!(
                "of addresses that only untrusted content showed, {} were visited since your last \
                 message; which ones are picked can tell what the model knows",
                self.in_all
            ));
        }
        for address in picked {
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
    /// time that a server was asked.
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
            let before = events.get(..at).unwrap_or_default();
            let read = read(before.get(begin..).unwrap_or_default(), &went);
            for address in goes.iter().map(|address| plain(address)) {
                let is_picked = || shown(before, address, &went) == Shown::ByOthers;
                if !read.contains(address) && is_picked() {
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
