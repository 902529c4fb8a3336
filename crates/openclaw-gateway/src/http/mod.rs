//! The edge: one port for `POST /rpc`, `GET /ws`, `GET /health` and `GET /status`.

mod guard;
mod routes;
mod serve;
mod ws;

pub use serve::Listening;
pub(crate) use serve::STOP_GRACE;
pub(crate) use serve::stop_signal;
