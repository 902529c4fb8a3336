//! Fakes of the outside world for the tests of openclaw-rs, and a private home to run it in.
//!
//! [`fake_provider`] stands in for a model API and checks every request that it sees, [`foreign`]
//! starts servers and clients that somebody else wrote, [`web`] serves pages, [`identity`] is a server to sign in at, [`home`] is
//! a home directory that nobody else uses, [`process`] runs a program in it to its end,
//! [`terminal`] sits at one, [`gateway`] keeps a gateway running in it, [`http`] speaks to one byte by byte, and [`mod@fuzz`]
//! tries a property with many cases.
//!
//! Nothing here links the crates under test: the `openclaw` binary is a path that the test gives.
//! What goes wrong in here ends the test with a panic that says what was expected.
#![forbid(unsafe_code)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test kit reports to the test by a panic"
)]

pub mod collector;
pub mod fake_provider;
pub mod foreign;
pub mod fuzz;
pub mod gateway;
pub mod home;
pub mod http;
pub mod identity;
mod loopback;
mod plain;
pub mod process;
mod redact;
pub mod rpc;
pub mod shared;
pub mod terminal;
pub mod web;

pub use collector::Collector;
pub use fake_provider::{
    Chunking, FakeCall, FakeProvider, Reply, Rule, SeenRequest, Stop, Violation, WireFormat,
};
pub use foreign::{ForeignServer, OpenclawClients};
pub use fuzz::fuzz;
pub use gateway::GatewayProcess;
pub use home::TestHome;
pub use identity::IdentityServer;
pub use process::{HomeCommand, Ran};
pub use shared::{shared_dir, skip_note};
pub use terminal::{Terminal, TerminalSize};
pub use web::{WebPage, WebServer};
