//! The real binary over real sockets, with bubblewrap and a fake provider.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and its tasks end with it"
)]

mod access;
mod another_home;
mod approvals;
mod audit;
mod backup;
mod browser;
mod canary;
mod caps;
mod cli;
mod config;
mod containment;
mod context;
mod crash;
mod credentials;
mod cut_off;
mod demo;
mod diagnostics;
mod disk;
mod doctor;
mod edge;
mod failover;
mod first_frame;
mod foreign;
mod framing;
mod gateway_checks;
mod hardening;
mod hooks;
mod hung;
mod injection;
mod lifecycle;
mod logs;
mod measured;
mod metrics;
mod oauth;
mod openai;
mod openclaw_clients;
mod openclaw_methods;
mod openclaw_ws;
mod origins;
mod otlp;
mod path;
mod policy;
mod refusals;
mod reload;
mod repeated;
mod rpc;
mod sandbox;
mod skills;
mod socket;
mod strangers;
mod takeover;
mod tools_invoke;
mod watched;
mod way_back;
mod web;

/// The binary under test.
const OPENCLAW: &str = env!("CARGO_BIN_EXE_openclaw");
