//! Whether the gateway can do its work now, and what stands in the way.
//!
//! `/health` says that the process answers; this says whether it is of use to send it anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use openclaw_core::{Clock, EventStore};
use parking_lot::Mutex;
use rustix::fs::{Access, access, statvfs};
use serde::Serialize;
use tokio::time::{self, Instant};

use crate::http::Tls;
use crate::rpc::Rpc;

/// How long the state of the event log is believed without another look: anybody may ask.
const KEPT: Duration = Duration::from_millis(500);
/// How long the event log may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// What has to be free on the disk for the event log to go on.
const LEAST_FREE: u64 = 1 << 20;

/// What the parts of a gateway say about themselves.
#[derive(Debug)]
pub(crate) struct Ready {
    started: Timestamp,
    draining: AtomicBool,
    /// Whether what a crash cut off is closed.
    recovered: AtomicBool,
    /// Why the config as it stands in the files is not followed.
    config: Mutex<Option<String>>,
    tls: OnceLock<Arc<Tls>>,
    log: Mutex<Option<(Instant, Option<String>)>>,
}

/// What stands in the way of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    /// Which part it is.
    pub(crate) code: &'static str,
    /// What is the matter with it.
    pub(crate) message: String,
}

impl Ready {
    /// Begins with a gateway that has started at this time.
    pub(crate) fn since(started: Timestamp) -> Self {
        Self {
            started,
            draining: AtomicBool::new(false),
            recovered: AtomicBool::new(false),
            config: Mutex::default(),
            tls: OnceLock::new(),
            log: Mutex::default(),
        }
    }

    /// Returns when the gateway has started.
    pub(crate) const fn started(&self) -> Timestamp {
        self.started
    }

    /// Notes that what a crash cut off is closed.
    pub(crate) fn recovered(&self) {
        self.recovered.store(true, Ordering::Release);
    }

    /// Notes that the gateway stops.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Notes that a changed config was refused, or that it is good again.
    pub(crate) fn config(&self, refused: Option<String>) {
        *self.config.lock() = refused;
    }

    /// Keeps an eye on the certificate.
    pub(crate) fn watch(&self, tls: Option<&Arc<Tls>>) {
        if let Some(tls) = tls {
            // A gateway listens once.
            drop(self.tls.set(Arc::clone(tls)));
        }
    }
}

impl Rpc {
    /// Returns everything that stands in the way of work.
    pub(crate) async fn causes(&self) -> Vec<Cause> {
        let mut causes = Vec::new();
        let mut add = |code, message: String| causes.push(Cause { code, message });
        if self.ready.draining.load(Ordering::Acquire) {
            add("draining", "the gateway stops".to_owned());
        }
        if !self.ready.recovered.load(Ordering::Acquire) {
            add(
                "recovering",
                "what a crash cut off is being closed".to_owned(),
            );
        }
        if let Some(message) = self.log_trouble().await {
            add("log", message);
        }
        let agents = self.agents.all();
        if agents.is_empty() {
            add("agents", "there is no agent".to_owned());
        }
        for agent in agents.iter().filter(|agent| agent.model.is_err()) {
            add("model", format!("the agent {} has no model", agent.id));
        }
        if let Some(message) = self.ready.config.lock().clone() {
            add("config", message);
        }
        let now = Clock::system().now();
        if let Some(message) = self.ready.tls.get().and_then(|tls| tls.trouble(now)) {
            add("tls", message);
        }
        causes
    }

    async fn log_trouble(&self) -> Option<String> {
        if let Some((at, known)) = &*self.ready.log.lock()
            && at.elapsed() < KEPT
        {
            return known.clone();
        }
        let found = log_trouble(&self.store).await;
        *self.ready.log.lock() = Some((Instant::now(), found.clone()));
        found
    }
}

/// Says what is the matter with the event log; it is not written to, because anybody may ask.
async fn log_trouble(store: &EventStore) -> Option<String> {
    let path = store.path().to_owned();
    let look = tokio::task::spawn_blocking(move || {
        access(&path, Access::WRITE_OK).map_err(|err| format!("it cannot be written: {err}"))?;
        let disk = statvfs(&path).map_err(|err| format!("its disk cannot be looked at: {err}"))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < LEAST_FREE {
            return Err(format!("{free} bytes are left on its disk"));
        }
        Ok(())
    });
    let trouble = match look.await {
        Ok(Err(trouble)) => trouble,
        // Nothing cancels it; the process is ending.
        Err(_stopped) => return None,
        Ok(Ok(())) => match time::timeout(PATIENCE, store.session_count()).await {
            Ok(Ok(_)) => return None,
            Ok(Err(err)) => err.to_string(),
            Err(_elapsed) => "it does not answer".to_owned(),
        },
    };
    Some(format!("the event log: {trouble}"))
}

#[cfg(test)]
mod tests {
    use openclaw_core::EventStore;

    use crate::GatewayBuilder;

    #[tokio::test]
    async fn every_cause_is_named_for_as_long_as_it_lasts() {
        let dir = tempfile::tempdir().unwrap();
        let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
        let gateway = GatewayBuilder::new().with_event_store(store).build();
        let shared = &gateway.shared;
        let codes = async || {
            let causes = shared.rpc.causes().await;
            causes.iter().map(|cause| cause.code).collect::<Vec<_>>()
        };
        assert_eq!(codes().await, ["recovering", "agents"]);
        shared.recover().await;
        assert_eq!(codes().await, ["agents"]);
        shared.ready.config(Some("the config is broken".to_owned()));
        assert_eq!(codes().await, ["agents", "config"]);
        shared.ready.config(None);
        shared.ready.drain();
        assert_eq!(codes().await, ["draining", "agents"]);
    }

    #[tokio::test]
    async fn a_log_whose_file_is_gone_is_a_cause() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.sqlite");
        let store = EventStore::open(&path).unwrap();
        let gateway = GatewayBuilder::new().with_event_store(store).build();
        gateway.shared.recover().await;
        std::fs::remove_file(path).unwrap();
        let causes = gateway.shared.rpc.causes().await;
        assert_eq!(causes[0].code, "log");
        assert!(
            causes[0].message.contains("cannot be written"),
            "{causes:?}"
        );
    }
}
