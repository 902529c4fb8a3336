//! The event log and the session keys at the boundary that other crates use: real files.

mod compat;
mod event_store;
