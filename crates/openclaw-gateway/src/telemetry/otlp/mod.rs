//! Sending traces and metrics to a collector: OTLP over HTTP, as protobuf.
//!
//! `proto` writes the encoding, `message` the messages of OTLP, `spans` makes spans of facts with
//! the names that the semantic conventions for generative AI have, `collector` is the other end,
//! `export` the task that sends.
//!
//! Of OTLP, this program needs a few messages that have not changed since version 1.0; they are
//! written here by hand, in place of a protobuf library and OpenTelemetry's own. The tests read
//! them with that library.

mod collector;
mod export;
mod message;
mod proto;
mod spans;

use std::sync::Arc;

use openclaw_config::OtelSettings;
use tokio::sync::mpsc::Receiver;

use self::collector::Collector;
use self::export::Export;
use super::facts::Fact;
use crate::builder::Shared;

/// Starts the export as a task of the gateway.
pub(super) fn start(shared: &Arc<Shared>, settings: &OtelSettings, facts: Option<Receiver<Fact>>) {
    let Some(home) = shared.rpc.home.get() else {
        return;
    };
    let collector = match Collector::of(settings, &home) {
        Ok(collector) => collector,
        Err(err) => {
            tracing::error!(%err, "nothing is sent to the collector");
            return;
        }
    };
    let export = Export::new(settings, collector, facts);
    let (scope, shared) = (shared.rpc.scope.clone(), Arc::downgrade(shared));
    let stop = scope.stop().clone();
    drop(scope.spawn("export", export.run(shared, stop)));
}
