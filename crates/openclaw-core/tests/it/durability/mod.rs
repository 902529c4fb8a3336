//! What `append` has acknowledged stays, whatever happens to the process or to the power.
//!
//! `writer` is a process that appends and says what was acknowledged, `ledger` is what it said,
//! and `image` compares a store with that. `kill`, `power` and `processes` are the three ways in
//! which such a process is treated badly. Each has a short form, which every test run goes
//! through, and a long one, which `cargo xtask soak` asks for.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod chance;
mod image;
mod kill;
mod ledger;
#[cfg(target_os = "linux")]
mod power;
mod processes;
mod soak;
mod writer;
