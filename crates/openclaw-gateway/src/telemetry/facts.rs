//! Numbers, and the facts that traces are made of, from what this process records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use openclaw_core::events::{CallOutcome, CallPayload, Change, Payload, Witness};
use openclaw_core::{
    CallId, Kind, ModelRef, RunId, SessionEvent, SessionEventKind, SessionKey, Usage,
};
use parking_lot::Mutex;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::meters::Meters;
use super::number::{float, seconds};
use super::table::Metric;

/// How many runs are known to have begun and not to have ended.
const MOST_OPEN: usize = 10_000;

/// What came of something, where it went well.
pub(super) const OK: &str = "ok";
/// What came of a run whose process died.
const CUT_OFF: &str = "cut_off";

/// Something that a trace tells, without a word of what was said.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) run: RunId,
    pub(super) time: Timestamp,
    pub(super) what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A message began a run.
    Began(SessionKey),
    /// Models were asked, one after the other; the last one ended now.
    Asked(Vec<Asked>),
    /// A tool was called.
    Called(CallId, String),
    /// A tool call ended.
    Returned(CallId, &'static str),
    /// The run ended.
    Ended(String),
}

/// One call of a model.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) model: ModelRef,
    /// What kind of failure there was, if there was one.
    pub(super) failure: Option<String>,
    pub(super) usage: Usage,
    pub(super) usd: Option<f64>,
    pub(super) took: Duration,
}

/// Counts what is recorded, and hands on what traces are made of.
#[derive(Debug)]
pub(super) struct Facts {
    meters: Arc<Meters>,
    /// When the runs began that have not ended.
    open: Mutex<BTreeMap<RunId, Timestamp>>,
    traces: Option<Sender<Fact>>,
}

impl Facts {
    /// Returns the witness; and, where traces are wanted, the facts, of which so many may wait.
    pub(super) fn new(
        meters: &Arc<Meters>,
        traces: Option<usize>,
    ) -> (Self, Option<Receiver<Fact>>) {
        let (sender, receiver) = traces.map(mpsc::channel).unzip();
        let facts = Self {
            meters: Arc::clone(meters),
            open: Mutex::default(),
            traces: sender,
        };
        (facts, receiver)
    }

    fn event(&self, event: &SessionEvent) {
        let change = relevant_change(event);
        if let Some(payload) = &event.payload
            && !matches!(change, Some(Change::CallsLost { .. }))
        {
            self.models(event, payload);
        }
        match (&event.kind, change) {
            (SessionEventKind::MessageReceived { .. }, _) => {
                if let Some(run) = &event.run_id {
                    self.begin(run, event.time);
                    self.tell(event, || What::Began(event.session.clone()));
                }
            }
            (SessionEventKind::ToolCalled { tool, .. }, _) => {
                self.tell(event, || {
                    let call = event.call_id.clone();
                    What::Called(call.unwrap_or_else(|| "".into()), tool.clone())
                });
            }
            (SessionEventKind::ToolResult { tool, success, .. }, _) => {
                self.tool(event, tool, if *success { OK } else { "failed" });
            }
            (SessionEventKind::AgentResponse { .. }, _) => self.end(event, OK),
            (_, Some(Change::RunFailed { kind, .. })) => self.end(event, &name_of(kind)),
            (_, Some(Change::RunCutOff { .. })) => self.end(event, CUT_OFF),
            _ => {}
        }
    }

    fn begin(&self, run: &RunId, time: Timestamp) {
        let mut open = self.open.lock();
        if open.len() >= MOST_OPEN {
            // The oldest: ids of runs sort by time.
            drop(open.pop_first());
        }
        open.insert(run.clone(), time);
    }

    fn end(&self, event: &SessionEvent, outcome: &str) {
        self.meters.count(Metric::Runs, &[outcome]);
        let began = event
            .run_id
            .as_ref()
            .and_then(|run| self.open.lock().remove(run));
        if let Some(began) = began {
            let took = event.time.duration_since(began).as_secs_f64();
            self.meters.observe(Metric::RunDuration, &[outcome], took);
        }
        self.tell(event, || What::Ended(outcome.to_owned()));
    }

    fn tool(&self, event: &SessionEvent, tool: &str, outcome: &'static str) {
        let ran = event
            .payload
            .as_ref()
            .and_then(|payload| payload.tool.as_ref());
        let refused = ran.is_some_and(|ran| ran.refused.is_some());
        let outcome = if refused { "refused" } else { outcome };
        self.meters.count(Metric::Tools, &[tool, outcome]);
        if let Some(ran) = ran.filter(|_| !refused) {
            let took = seconds(ran.duration_ms);
            self.meters.observe(Metric::ToolDuration, &[tool], took);
        }
        self.tell(event, || {
            let call = event.call_id.clone();
            What::Returned(call.unwrap_or_else(|| "".into()), outcome)
        });
    }

    fn models(&self, event: &SessionEvent, payload: &Payload) {
        if payload.step.is_some() {
            self.meters.count(Metric::Steps, &[]);
        }
        if payload.calls.is_empty() {
            return;
        }
        for call in &payload.calls {
            self.model(call);
        }
        self.tell(event, || {
            What::Asked(payload.calls.iter().map(Asked::of).collect())
        });
    }

    fn model(&self, call: &CallPayload) {
        let meters = &self.meters;
        let who = [call.provider.as_str(), call.model.as_str()];
        let [provider, model] = who;
        let outcome = match &call.outcome {
            CallOutcome::Ok => OK.to_owned(),
            CallOutcome::Failed { kind, .. } => name_of(*kind),
        };
        meters.count(Metric::ModelCalls, &[provider, model, &outcome]);
        meters.observe(Metric::ModelDuration, &who, seconds(call.latency_ms));
        if let Some(first) = call.first_token_ms {
            meters.observe(Metric::FirstToken, &who, seconds(first));
        }
        for (kind, tokens) in [
            ("input", call.usage.input),
            ("output", call.usage.output),
            ("cache_read", call.usage.cache_read),
            ("cache_write", call.usage.cache_write),
        ] {
            if tokens > 0 {
                let labels = [provider, model, kind];
                meters.add(Metric::Tokens, &labels, float(tokens));
                meters.observe(Metric::TokenUsage, &labels, float(tokens));
            }
        }
        if let Some(cost) = call.cost {
            meters.add(Metric::Cost, &who, cost.usd());
        }
    }

    /// Hands a fact of a run on. The writer of the log waits for this, so it does not wait.
    fn tell(&self, event: &SessionEvent, what: impl FnOnce() -> What) {
        let (Some(traces), Some(run)) = (&self.traces, &event.run_id) else {
            return;
        };
        let fact = Fact {
            run: run.clone(),
            time: event.time,
            what: what(),
        };
        if traces.try_send(fact).is_err() {
            self.meters.count(Metric::Dropped, &["traces"]);
        }
    }
}

impl Witness for Facts {
    fn recorded(&self, event: &SessionEvent) {
        self.meters.count(Metric::Events, &[]);
        // What was taken over from elsewhere was not done here.
        if event.raw.is_none() && !event.session.is_system() {
            self.event(event);
        }
    }

    fn waited(&self, took: Duration) {
        self.meters.observe(Metric::Append, &[], took.as_secs_f64());
    }
}

impl Asked {
    fn of(call: &CallPayload) -> Self {
        Self {
            model: ModelRef {
                provider: call.provider.clone(),
                model: call.model.clone(),
            },
            failure: match &call.outcome {
                CallOutcome::Ok => None,
                CallOutcome::Failed { kind, .. } => Some(name_of(*kind)),
            },
            usage: call.usage,
            usd: call.cost.map(openclaw_core::Cost::usd),
            took: Duration::from_millis(call.latency_ms),
        }
    }
}

/// Returns the change that an event holds, if it is one that says how a run went.
fn relevant_change(event: &SessionEvent) -> Option<Change> {
    let SessionEventKind::StateChanged { key, .. } = &event.kind else {
        return None;
    };
    let relevant = matches!(key.as_str(), "run.failed" | "run.cut_off" | "calls.lost");
    relevant.then(|| Change::of(event)).flatten()
}

/// Returns the name of a kind of failure, as it is everywhere.
pub(super) fn name_of(kind: Kind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
