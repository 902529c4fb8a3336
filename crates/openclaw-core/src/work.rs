//! What a line of the log belongs to: the names under which its request, session, run and call
//! stand on it.
//!
//! The spans have the level of errors, so that whoever sees a line at all also sees whose it is,
//! however little else the filter lets through. They hold ids and nothing that anybody wrote.

use tracing::{Span, error_span};
use uuid::Uuid;

use crate::ids::{CallId, RunId};
use crate::session_key::SessionKey;

/// The field that names a request of a client.
pub const REQUEST: &str = "request";
/// The field that names a session.
pub const SESSION: &str = "session";
/// The field that names a run of the agent loop.
pub const RUN: &str = "run";
/// The field that names a tool call.
pub const CALL: &str = "call";

/// Returns the span of a request that has just come in, under an id of its own.
pub fn request() -> Span {
    // The name of a field has to stand here once more: the macro takes no constants.
    error_span!("request", request = %Uuid::now_v7())
}

/// Returns the span of a run.
pub fn run(session: &SessionKey, run: &RunId) -> Span {
    error_span!("run", %session, %run)
}

/// Returns the span of a tool call, which need not be part of a model's turn.
pub fn call(session: &SessionKey, run: &RunId, call: &CallId) -> Span {
    error_span!("call", %session, %run, %call)
}
