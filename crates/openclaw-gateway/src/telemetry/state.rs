//! What can only be looked at: gauges that somebody else keeps.

use std::fs;

use openclaw_core::Clock;

use super::meters::Meters;
use super::number::float;
use super::table::Metric;
use crate::builder::Shared;

/// Sets the gauges to how things are now.
pub(super) async fn look(shared: &Shared, meters: &Meters) {
    let rpc = &shared.rpc;
    let count = |n: usize| u64::try_from(n).map_or(0.0, float);
    meters.set(Metric::BuildInfo, &[env!("CARGO_PKG_VERSION")], 1.0);
    meters.set(Metric::RunsActive, &[], count(rpc.engine.active().len()));
    meters.set(Metric::Queue, &[], count(rpc.engine.waiting()));
    match rpc.store.pending_approvals(Clock::system().now()).await {
        Ok(pending) => meters.set(Metric::Approvals, &[], count(pending.len())),
        Err(err) => tracing::warn!(%err, "how many approvals are pending is not known"),
    }
    if let Some(bytes) = resident() {
        meters.set(Metric::Memory, &[], float(bytes));
    }
    let started = shared.started.as_duration().as_secs_f64();
    meters.set(Metric::Started, &[], started);
}

/// Returns how much memory the process holds, where the system tells.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}
