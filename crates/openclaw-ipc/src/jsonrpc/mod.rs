//! The JSON-RPC 2.0 envelope: what is around a method's params and output.
//!
//! It follows the specification of 2013-01-04, with these decisions where that leaves room:
//!
//! - Params by position stand for the fields of the method's params in the order in which the
//!   reference page and the schema list them; new fields come last. `null` in a place leaves out
//!   an optional field, and more params than fields are an error (-32602).
//! - Missing and `null` params are an empty object.
//! - A request with `"id": null` is a request, not a notification, and is answered with that id.
//! - A number that serves as an id comes back digit for digit, however large or precise it is.
//! - A member that occurs twice makes a request invalid, and so does one within its params: two
//!   readers could otherwise see two different calls in the same bytes.
//! - Members that the specification does not know are ignored.
//!
//! Nothing here knows a method; [`crate::methods`] does.

mod error;
mod id;
mod params;
mod request;
mod response;
mod strict;

pub use error::{ErrorData, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, RpcError};
pub use id::{Id, NumberId};
pub use params::Params;
pub use request::{MAX_BATCH, Request, Requests, parse};
pub use response::{Reply, Response};

/// The value of the member `jsonrpc` in every message.
pub const VERSION: &str = "2.0";

/// The largest body of `POST /rpc`, in bytes. An attachment in it has up to three quarters of that.
pub const MAX_BODY: usize = 24_000_000;

/// The largest message to a WebSocket, in bytes; what is larger goes by `POST /rpc`.
pub const MAX_SOCKET_MESSAGE: usize = 16_000_000;

/// The method of a WebSocket's first message, for clients that cannot set a header. It is none of
/// the table, and exists only there.
pub const FIRST_METHOD: &str = "auth";
