//! What is being written, told at a pace.

use std::mem;
use std::time::Duration;

use openclaw_agents::bus::{self, Part};
use openclaw_core::RunId;
use openclaw_core::clock::Clock;
use serde_json::json;
use tokio::time::Instant;

use super::super::messages;
use super::super::runs::{Running, Told};
use super::Feed;
use super::shape::{agent_event, chat_event, said};

/// How often what a model writes is told.
const PACE: Duration = Duration::from_millis(100);

impl Feed<'_> {
    pub(super) fn take_piece(&mut self, piece: &bus::Live) {
        match piece {
            bus::Live::Delta {
                run,
                step,
                part,
                text,
                ..
            } => {
                self.begin(run);
                if *part == Part::Text
                    && let Some(running) = self.runs.get_mut(run)
                {
                    running.add(*step, text);
                }
            }
            bus::Live::ToolOutput {
                run, call, text, ..
            } => {
                if let Some(running) = self.runs.get_mut(run) {
                    running.wrote(call, text);
                }
            }
        }
        if self.runs.values().any(Running::has_news) && self.due.is_none() {
            self.due = Instant::now().checked_add(PACE);
        }
    }

    /// Tells what was written since it was told last.
    pub(super) fn tell_written(&mut self) {
        self.due = None;
        let mut news: Vec<RunId> = self
            .runs
            .iter()
            .filter(|(_, running)| running.has_news())
            .map(|(run, _)| run.clone())
            .collect();
        news.sort_unstable();
        for run in news {
            self.tell_text(&run);
            self.tell_output(&run);
        }
    }

    pub(super) fn tell_text(&mut self, run: &RunId) {
        let now = Clock::system().now().as_millisecond();
        let Some(running) = self.runs.get_mut(run) else {
            return;
        };
        let Some(Told {
            text,
            delta,
            replaces,
        }) = running.untold()
        else {
            return;
        };
        let data = json!({"text": text, "delta": delta});
        let agent = agent_event(running, "assistant", data, now);
        let mut chat = chat_event(running, "delta");
        chat.insert("deltaText".to_owned(), json!(delta));
        if replaces {
            chat.insert("replace".to_owned(), json!(true));
        }
        chat.insert("message".to_owned(), said(&text, now));
        self.add("agent", agent);
        self.add("chat", chat.into());
    }

    pub(super) fn tell_output(&mut self, run: &RunId) {
        if !self.client.can("tool-events") {
            return;
        }
        let now = Clock::system().now().as_millisecond();
        let Some(running) = self.runs.get_mut(run) else {
            return;
        };
        let mut told = Vec::new();
        for (id, call) in &mut running.calls {
            if mem::take(&mut call.news) {
                told.push((id.clone(), call.tool.clone(), call.tail.clone()));
            }
        }
        let mut events = Vec::new();
        for (id, tool, tail) in told {
            let data = json!({
                "phase": "update",
                "name": tool,
                "toolCallId": id,
                "partialResult": {"content": [messages::text(&tail)]},
            });
            events.push(agent_event(running, "tool", data, now));
        }
        for event in events {
            self.add("agent", event);
        }
    }

    /// Tells that a run goes on, once.
    pub(super) fn begin(&mut self, run: &RunId) {
        let now = Clock::system().now().as_millisecond();
        let Some(running) = self.runs.get_mut(run) else {
            return;
        };
        if mem::replace(&mut running.begun, true) {
            return;
        }
        running.started = now;
        let data = json!({"phase": "start", "startedAt": now});
        let event = agent_event(running, "lifecycle", data, now);
        self.add("agent", event);
    }
}
