//! The real binary over real sockets, with bubblewrap and a fake provider.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crash;
mod path;
mod refusals;

/// The binary under test.
const OPENCLAW: &str = env!("CARGO_BIN_EXE_openclaw");
