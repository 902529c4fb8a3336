//! How runs end, told once each.

use std::mem;
use std::sync::Arc;

use openclaw_core::{Kind, RunId};
use serde_json::{Value, json};

use super::super::floor::Settled;
use super::super::runs::Running;
use super::Feed;
use super::shape::{agent_event, chat_event, said};

/// How many ended runs are known by name, for those who hear of their end twice.
const ENDED: usize = 256;

/// How a run ended.
#[derive(Debug)]
pub(super) enum Outcome<'a> {
    /// With this text, for this reason.
    Answered(&'a str, &'static str),
    /// Somebody stopped it.
    Aborted,
    /// With this failure.
    Failed(&'a str, Kind),
}

impl Outcome<'_> {
    fn lifecycle(&self, started: i64, now: i64) -> Value {
        let mut data = json!({"phase": "end", "startedAt": started, "endedAt": now});
        let more = match self {
            Self::Answered(_, stop) => json!({"aborted": false, "stopReason": stop}),
            Self::Aborted => json!({"aborted": true, "stopReason": "rpc"}),
            Self::Failed(message, _) => json!({"phase": "error", "error": message}),
        };
        if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
            data.extend(more);
        }
        data
    }

    fn chat(&self, running: &Running, now: i64) -> Value {
        let mut chat = match self {
            Self::Answered(text, stop) => {
                let mut chat = chat_event(running, "final");
                chat.insert("stopReason".to_owned(), json!(stop));
                if !text.is_empty() {
                    chat.insert("message".to_owned(), said(text, now));
                }
                chat
            }
            Self::Aborted => {
                let mut chat = chat_event(running, "aborted");
                chat.insert("stopReason".to_owned(), json!("rpc"));
                chat
            }
            Self::Failed(message, kind) => {
                let mut chat = chat_event(running, "error");
                let word = match kind {
                    Kind::Limited => "rate_limit",
                    _ => "unknown",
                };
                chat.insert("errorMessage".to_owned(), json!(message));
                chat.insert("errorKind".to_owned(), json!(word));
                chat
            }
        };
        chat.retain(|_, value| !value.is_null());
        chat.into()
    }
}

impl Feed<'_> {
    /// Tells the end of a run, once.
    pub(super) fn end(&mut self, run: &RunId, outcome: &Outcome<'_>, now: i64) {
        let Some(mut running) = self.runs.remove(run) else {
            return;
        };
        let data = outcome.lifecycle(running.started, now);
        let agent = agent_event(&mut running, "lifecycle", data, now);
        let chat = outcome.chat(&running, now);
        let floor = &self.gateway.shared.rpc.floor;
        floor.told(&running.session, &running.name);
        self.add("agent", agent);
        self.add("chat", chat);
        self.note_end(running.name);
    }

    pub(super) fn note_end(&mut self, name: String) {
        if self.ended.len() >= ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(name);
    }

    /// Tells how messages ended of which the log says nothing by that name.
    pub(super) fn tell_settled(&mut self, now: i64) {
        let seen = self.seen.max(self.facts.cursor());
        let (due, later) = mem::take(&mut self.settled)
            .into_iter()
            .partition(|settled: &Arc<Settled>| settled.after <= seen);
        self.settled = later;
        for settled in due {
            if self.ended.contains(&settled.run) {
                continue;
            }
            let named = |running: &&RunId| {
                let running = self.runs.get(*running);
                running.is_some_and(|running| running.name == settled.run)
            };
            let run = self.runs.keys().find(named).cloned();
            let run = run.unwrap_or_else(|| RunId::from(settled.run.as_str()));
            let session = settled.session.clone();
            let running = || Running::new(&run, None, session, now);
            self.runs.entry(run.clone()).or_insert_with(running);
            let outcome = match &settled.failure {
                Some(message) => Outcome::Failed(message, Kind::Invalid),
                None => Outcome::Answered("", "stop"),
            };
            self.end(&run, &outcome, now);
        }
    }
}
