//! The gateway: everything below put together, and the one way in from outside.
//!
//! Reading order: [`home`] finds config, state and token, [`builder`] composes a [`Gateway`] of
//! them, `pipeline` takes a message from its sender to the agent, [`rpc`] answers the methods of
//! the table, `http` is the edge: sockets, bearer token, `POST /rpc` and `GET /ws`. [`audit`] puts on
//! record who was let in, [`retention`] lets old sessions go. `replay` sets up recorded turns to be run again, which needs no gateway.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        reason = "a test looks at secrets of its own"
    )
)]

mod access;
mod arrivals;
pub mod audit;
mod budget;
pub mod builder;
mod compaction;
mod compose;
pub mod config;
mod consent;
pub mod containment;
pub mod doctor;
mod doors;
mod error;
pub mod home;
mod http;
mod invoke;
mod limits;
mod live;
pub mod logs;
pub mod models;
mod moments;
mod openai;
mod openclaw;
mod other_model;
mod pipeline;
mod port;
mod ready;
mod reload;
pub mod renewal;
mod replay;
pub mod retention;
pub mod rpc;
mod sign_ins;
pub mod skills;
mod systemd;
pub mod takeover;
mod telemetry;
mod told;
mod turns;
pub mod vault;
mod web;
mod webhooks;

pub use builder::{Gateway, GatewayBuilder};
pub use error::GatewayError;
pub use home::{Held, Home, Running};
pub use http::{Handed, HandedError, Listening, Place, Places, TlsError};
pub use openclaw_agents as agents;
pub use openclaw_http::oauth;
pub use openclaw_providers as providers;
pub use replay::{ReplayRefused, replay};
pub use systemd::ServiceManager;
pub use vault::Vault;
