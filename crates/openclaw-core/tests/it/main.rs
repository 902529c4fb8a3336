//! The event log and the session keys at the boundary that other crates use: real files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compat;
mod event_store;
