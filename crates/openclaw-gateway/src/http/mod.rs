//! The edge: one port for `POST /rpc`, `GET /ws`, `GET /health` and `GET /status`, and for what a
//! browser needs to log in.
//!
//! Reading order: `serve` accepts connections, `room` and `crowd` bound how many, `wire` is one of
//! them; `guard` judges each request with the help of `framing`, `host`, `client`, `query` and
//! `edge`; `routes` and `ws` answer, `refused` and `headers` are about how.

mod client;
mod crowd;
mod edge;
mod framing;
pub(crate) mod guard;
mod headers;
mod host;
mod query;
pub(crate) mod refused;
mod room;
pub(crate) mod routes;
mod serve;
mod wire;
mod ws;

pub(crate) use edge::{Edge, EdgeSettings};
pub use serve::Listening;
pub(crate) use serve::stop_signal;
pub(crate) use serve::{LAST_ENTRIES, STOP_GRACE};
