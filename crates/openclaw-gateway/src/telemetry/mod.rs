//! What is measured of a gateway, and who gets it: `GET /metrics`, and a collector if one is named.
//!
//! `table` lists every metric, `meters` holds their values and bounds how many there are, `text`
//! writes them as Prometheus reads them. `facts` makes numbers, and traces, of what is recorded in
//! the event log: there is no second count of what is done. `edge` measures what comes in by HTTP,
//! `state` what can only be looked at. `otlp` sends all that to a collector.
//!
//! # Security
//! Nothing that somebody wrote gets here: names of tools and models, ids, counts and times.

pub(crate) mod edge;
mod facts;
mod meters;
mod number;
mod otlp;
mod state;
mod table;
mod text;

use std::sync::Arc;

use openclaw_config::{DiagnosticsSettings, MetricsAccess};
use openclaw_core::{EventStore, Kind};
use parking_lot::Mutex;
use tokio::sync::mpsc::Receiver;

use self::facts::{Fact, Facts};
pub(crate) use self::meters::Meters;
pub(crate) use self::table::{Dialect, Metric};
use crate::builder::{Gateway, Shared};

/// How many facts may wait for the exporter; further ones are not exported, and that is counted.
const BACKLOG: usize = 4096;

/// What is measured of one gateway.
#[derive(Debug)]
pub(crate) struct Telemetry {
    settings: DiagnosticsSettings,
    meters: Arc<Meters>,
    /// The facts for the exporter, until it is started.
    facts: Mutex<Option<Receiver<Fact>>>,
}

/// A call of a method that is counted once, however it ends.
#[derive(Debug)]
pub(crate) struct Counted {
    gateway: Gateway,
    dialect: Dialect,
    failure: Option<Kind>,
}

impl Counted {
    /// Begins to count a call.
    pub(crate) fn begins(gateway: &Gateway, dialect: Dialect) -> Self {
        Self {
            gateway: gateway.clone(),
            dialect,
            // What nobody says the end of has ended with whoever asked.
            failure: Some(Kind::Cancelled),
        }
    }

    /// Says that there is an answer, or why there is none.
    pub(crate) fn ends(mut self, failure: Option<Kind>) {
        self.failure = failure;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let telemetry = &self.gateway.shared.telemetry;
        telemetry.called(self.dialect, self.failure);
    }
}

impl Telemetry {
    /// Begins to count what a gateway records.
    pub(crate) fn of(settings: DiagnosticsSettings, store: &EventStore) -> Self {
        let meters = Arc::new(Meters::new());
        let mut facts = None;
        if settings.enabled {
            let traces = settings.otel.as_ref().is_some_and(|otel| otel.traces);
            let (witness, receiver) = Facts::new(&meters, traces.then_some(BACKLOG));
            store.show(Arc::new(witness));
            facts = receiver;
        }
        Self {
            settings,
            meters,
            facts: Mutex::new(facts),
        }
    }

    /// Returns the values.
    pub(crate) fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// Counts a call of a method, and what kind of failure it ended with, if it failed.
    pub(crate) fn called(&self, dialect: Dialect, failure: Option<Kind>) {
        let outcome = failure.map_or_else(|| facts::OK.to_owned(), facts::name_of);
        let labels = [dialect.as_str(), &outcome];
        self.meters.count(Metric::RpcRequests, &labels);
    }

    /// Tells who may read them, as the config says it now.
    pub(crate) fn access(&self, shared: &Shared) -> MetricsAccess {
        let home = shared.rpc.home.get();
        home.map_or(self.settings.metrics, |home| {
            home.config.diagnostics.metrics
        })
    }

    /// Returns all metrics as Prometheus reads them; nothing where nothing is measured.
    pub(crate) async fn text(&self, shared: &Shared) -> String {
        if !self.settings.enabled {
            return String::new();
        }
        state::look(shared, &self.meters).await;
        text::render(&self.meters.snapshot())
    }

    /// Starts to send what is measured to the collector, if one is named.
    pub(crate) fn start_export(&self, shared: &Arc<Shared>) {
        let Some(otel) = self
            .settings
            .otel
            .as_ref()
            .filter(|_| self.settings.enabled)
        else {
            return;
        };
        otlp::start(shared, otel, self.facts.lock().take());
    }
}
