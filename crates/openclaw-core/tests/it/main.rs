//! The event log and the session keys at the boundary that other crates use: real files.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod branches;
mod compat;
mod credentials;
mod durability;
mod elsewhere;
mod event_store;
mod fixture;
mod guards;
mod search;
mod tampering;
