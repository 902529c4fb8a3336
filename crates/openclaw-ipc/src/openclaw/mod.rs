//! OpenClaw's own WebSocket protocol: its frames, its errors, its handshake and its methods.
//!
//! [`table`] names every method of it that this gateway answers, [`frames`] is the envelope,
//! [`connect`] is what the two sides say to each other before anything else, [`device`] what a device
//! signs to show that it holds its key, and [`error`] how a failure looks there. What the methods
//! mean is in the gateway: it answers them with the handlers of [`crate::methods`] where there is
//! one.

pub mod connect;
pub mod device;
pub mod error;
pub mod frames;

pub mod table;

pub use connect::{ConnectParams, HelloOk, Protocol};
pub use error::{ErrorCode, OpenclawError};
pub use frames::{EventFrame, ReadFrame, RequestFrame, ResponseFrame, Unreadable};
pub use openclaw_core::access::devices::{Right, Rights};
pub use table::{OpenclawMethod, UnknownMethod};
