//! What the event log costs: durable appends, pages, folds, opening it, following it.
//!
//! ```text
//! cargo bench -p openclaw-core --bench events
//! ```
//!
//! Everything goes through the store's public face and lies on the disk below the target
//! directory. The store of a million events is made at the first run and kept.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise"
)]

mod append;
mod follow;
mod read;
#[path = "../shared/stores.rs"]
mod stores;
#[path = "../shared/workload.rs"]
mod workload;

use tokio::runtime::{Builder, Runtime};

fn main() {
    divan::main();
}

/// Returns a runtime like that of the gateway.
fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

/// Tells whether this is a measurement and not `cargo test --benches`, which only tries everything
/// once and must not wait for a million events.
fn measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
