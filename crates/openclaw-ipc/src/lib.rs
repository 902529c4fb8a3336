//! Everything of openclaw-rs that crosses a process boundary: the method table, notifications,
//! JSON-RPC and its client.
//!
//! Reading order: [`methods`] is the product on one page, [`event`] is how an entry of the event
//! log looks on the wire, [`notifications`] is what the gateway says unasked, [`jsonrpc`] is the
//! envelope around all of it, [`client`] speaks it over a WebSocket, and [`mod@reference`] writes the
//! documentation and the schema from the tables.
//!
//! The types here are wire types: camelCase, stable, and separate from the types that the
//! gateway works with. Only ids and session keys are shared with `openclaw-core`. Sockets of the
//! server's side, authentication and the handlers themselves live in the gateway.
#![forbid(unsafe_code)]

pub mod client;
mod cursor;
pub mod event;
mod json_text;
pub mod jsonrpc;
pub mod methods;
pub mod notifications;
pub mod openai;
pub mod openclaw;
pub mod reference;

pub use client::{Address, Client, ClientError, Endpoint};
pub use cursor::{Cursor, NoCursor};
pub use event::{Event, EventData};
pub use json_text::JsonText;
pub use jsonrpc::{Id, Reply, Request, Requests, Response, RpcError};
pub use methods::{Handle, Handlers, METHODS, Method, MethodInfo, Scope};
pub use notifications::Notification;
