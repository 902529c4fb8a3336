//! The edge: one port for `POST /rpc`, `GET /ws`, `GET /health` and `GET /status`.

mod guard;
mod routes;
mod serve;
mod ws;

pub use serve::Listening;
pub(crate) use serve::stop_signal;
pub(crate) use serve::{LAST_ENTRIES, STOP_GRACE};
