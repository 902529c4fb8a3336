//! The edge: one port for `POST /rpc`, `GET /ws`, `GET /health` and `GET /status`, and for what a
//! browser needs to log in.
//!
//! Reading order: `serve` runs the gateway and stops it (`stopping`), `entrance` accepts what comes
//! in at the `listeners`, `room` and `crowd` bound how much, `connection` is one client with its
//! `wire` and maybe `tls`; `guard` judges each request with the help of `framing`, `host`, `client`,
//! `query` and `edge`; `routes`, `probe` and `ws` answer, `payload` reads bodies, `refused` and `headers` are about how.

mod client;
mod connection;
mod crowd;
mod edge;
mod entrance;
mod framing;
pub(crate) mod guard;
mod headers;
mod host;
mod listeners;
pub(crate) mod payload;
mod probe;
mod query;
pub(crate) mod refused;
mod room;
pub(crate) mod routes;
mod serve;
mod stopping;
mod tls;
pub(crate) mod wire;
pub(crate) mod ws;

pub(crate) use edge::{Edge, EdgeSettings};
pub use listeners::{Handed, HandedError, Place, Places};
pub use serve::Listening;
pub(crate) use serve::{LAST_ENTRIES, STOP_GRACE};
pub(crate) use stopping::StopSignals;
pub(crate) use tls::Tls;
pub use tls::TlsError;
