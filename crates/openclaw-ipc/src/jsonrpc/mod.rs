//! The JSON-RPC 2.0 envelope: what is around a method's params and output.
//!
//! It follows the specification of 2013-01-04, with these decisions where that leaves room:
//!
//! - Params are always an object. Missing and `null` params are an empty object; an array is
//!   refused with -32602, because positions would freeze the order of fields.
//! - A request with `"id": null` is a request, not a notification, and is answered with that id.
//! - A number that serves as an id comes back digit for digit, however large or precise it is.
//! - A member that occurs twice makes a request invalid: two readers could otherwise see two
//!   different calls in the same bytes.
//! - Members that the specification does not know are ignored.
//!
//! Nothing here knows a method; [`crate::methods`] does.

mod decode;
mod error;
mod id;
mod params;
mod request;
mod response;

pub use error::{ErrorData, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, RpcError};
pub use id::{Id, NumberId};
pub use params::Params;
pub use request::{MAX_BATCH, Request, Requests, parse};
pub use response::{Reply, Response};

/// The value of the member `jsonrpc` in every message.
pub const VERSION: &str = "2.0";
