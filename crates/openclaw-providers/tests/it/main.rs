//! The providers from the outside: over real sockets, and the offline model in conversation.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows test functions, but not their helpers"
)]

mod anthropic;
mod bad_input;
mod contract;
mod listing;
mod openai;
mod over_http;
mod scripted;
#[path = "../../../openclaw-http/tests/it/server.rs"]
mod server;
