//! The task that sends: it takes facts as they come, and sends in batches.
//!
//! Nobody waits for it. While the collector does not answer, facts wait in a bounded queue and
//! spans in a bounded batch; what there is no room for is counted and gone.

use std::future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use openclaw_config::OtelSettings;
use openclaw_core::Clock;
use openclaw_http::HttpError;
use tokio::sync::mpsc::Receiver;
use tokio::time::{self, Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::super::facts::Fact;
use super::super::meters::Meters;
use super::super::number::float;
use super::super::state;
use super::super::table::Metric;
use super::collector::{Collector, Signal};
use super::message::{self, Span};
use super::spans::Spans;
use crate::builder::Shared;

/// How often spans are sent, unless there are many.
const PERIOD: Duration = Duration::from_secs(5);
/// How many spans are sent at once.
const BATCH: usize = 512;
/// How many spans may wait for the collector.
const MOST_SPANS: usize = 8192;
/// How many facts are taken before the collector is looked after again.
const FACTS: usize = 256;
/// How often it is told that the collector does not answer.
const COMPLAINT: Duration = Duration::from_mins(1);
/// How long the last things may take to be sent when the gateway stops.
const LAST: Duration = Duration::from_millis(300);

/// What is sent, and to whom.
#[derive(Debug)]
pub(super) struct Export {
    collector: Collector,
    facts: Option<Receiver<Fact>>,
    spans: Spans,
    waiting: Vec<Span>,
    metrics: Option<Duration>,
    prefix: Option<String>,
    complained: Option<Instant>,
    /// Whether the collector did not take the last thing.
    failing: bool,
}

/// Something to be done.
enum Due {
    Facts(Vec<Fact>),
    Traces,
    Metrics,
    Stop,
}

impl Export {
    pub(super) fn new(
        settings: &OtelSettings,
        collector: Collector,
        facts: Option<Receiver<Fact>>,
    ) -> Self {
        Self {
            collector,
            facts,
            spans: Spans::new(settings.sample_rate),
            waiting: Vec::new(),
            metrics: settings.metrics.then_some(settings.flush_interval),
            prefix: settings.metric_name_prefix.clone(),
            complained: None,
            failing: false,
        }
    }

    /// Sends until the gateway stops.
    pub(super) async fn run(mut self, shared: Weak<Shared>, stop: CancellationToken) {
        let mut traces = every(PERIOD);
        let mut metrics = self.metrics.map(every);
        loop {
            let due = tokio::select! {
                biased;
                () = stop.cancelled() => Due::Stop,
                _ = traces.tick() => Due::Traces,
                () = tick(metrics.as_mut()) => Due::Metrics,
                facts = received(self.facts.as_mut()) => Due::Facts(facts),
            };
            let Some(shared) = shared.upgrade() else {
                return;
            };
            let meters = Arc::clone(shared.telemetry.meters());
            match due {
                Due::Facts(facts) => {
                    self.take(facts, &meters);
                    if self.waiting.len() >= BATCH && !self.failing {
                        self.send_traces(&meters, &stop).await;
                    }
                }
                Due::Traces => self.send_traces(&meters, &stop).await,
                Due::Metrics => self.send_metrics(&shared, &stop).await,
                Due::Stop => return self.end(&shared).await,
            }
        }
    }

    /// Sends what there is, if that is quickly done.
    async fn end(mut self, shared: &Shared) {
        let meters = Arc::clone(shared.telemetry.meters());
        // The gateway has been told to stop, and this is the rest of it.
        let stop = CancellationToken::new();
        let last = async {
            let mut facts = Vec::new();
            while let Some(Ok(fact)) = self.facts.as_mut().map(Receiver::try_recv) {
                facts.push(fact);
            }
            self.take(facts, &meters);
            self.send_traces(&meters, &stop).await;
            if self.metrics.is_some() {
                self.send_metrics(shared, &stop).await;
            }
        };
        if time::timeout(LAST, last).await.is_err() {
            tracing::debug!("the last measurements were not sent in time");
        }
    }

    fn take(&mut self, facts: Vec<Fact>, meters: &Meters) {
        for fact in facts {
            self.waiting.extend(self.spans.take(fact));
        }
        let over = self.waiting.len().saturating_sub(MOST_SPANS);
        // The oldest go: what happens now is what somebody looks for.
        drop(self.waiting.drain(..over));
        let dropped = u64::try_from(over)
            .unwrap_or_default()
            .saturating_add(self.spans.take_dropped());
        if dropped > 0 {
            meters.add(Metric::Dropped, &["traces"], float(dropped));
        }
    }

    async fn send_traces(&mut self, meters: &Meters, stop: &CancellationToken) {
        while !self.waiting.is_empty() {
            let count = self.waiting.len().min(BATCH);
            let batch = self.waiting.get(..count).unwrap_or_default();
            let body = message::traces(&self.collector.resource, batch);
            if !self.send(Signal::Traces, body, meters, stop).await {
                return;
            }
            drop(self.waiting.drain(..count));
        }
    }

    async fn send_metrics(&mut self, shared: &Shared, stop: &CancellationToken) {
        let meters = Arc::clone(shared.telemetry.meters());
        state::look(shared, &meters).await;
        let times = (shared.started, Clock::system().now());
        let body = message::metrics(
            &self.collector.resource,
            &meters.snapshot(),
            self.prefix.as_deref(),
            times,
        );
        self.send(Signal::Metrics, body, &meters, stop).await;
    }

    /// Sends something once, and returns whether it was taken.
    async fn send(
        &mut self,
        signal: Signal,
        body: Vec<u8>,
        meters: &Meters,
        stop: &CancellationToken,
    ) -> bool {
        let sent = self.collector.send(signal, body, stop).await;
        let outcome = if sent.is_ok() { "ok" } else { "failed" };
        meters.count(Metric::Exports, &[signal.as_str(), outcome]);
        match sent {
            Ok(()) => {
                self.failing = false;
                true
            }
            Err(HttpError::Cancelled) => false,
            Err(err) => {
                self.failing = true;
                self.complain(signal, &err);
                false
            }
        }
    }

    fn complain(&mut self, signal: Signal, err: &HttpError) {
        if self.complained.is_none_or(|at| at.elapsed() >= COMPLAINT) {
            self.complained = Some(Instant::now());
            let signal = signal.as_str();
            tracing::warn!(signal, %err, "the collector does not take what is sent to it");
        }
    }
}

fn every(period: Duration) -> time::Interval {
    let now = Instant::now();
    let mut ticks = time::interval_at(now.checked_add(period).unwrap_or(now), period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// # Cancel safety
/// Nothing is lost when the future is dropped.
async fn tick(ticks: Option<&mut time::Interval>) {
    match ticks {
        Some(ticks) => drop(ticks.tick().await),
        None => future::pending().await,
    }
}

/// # Cancel safety
/// Nothing is lost when the future is dropped.
async fn received(facts: Option<&mut Receiver<Fact>>) -> Vec<Fact> {
    let Some(facts) = facts else {
        return future::pending().await;
    };
    let mut taken = Vec::new();
    if facts.recv_many(&mut taken, FACTS).await == 0 {
        // Whoever sent them is gone; the gateway is about to stop.
        future::pending::<()>().await;
    }
    taken
}
