//! Composition root of openclaw-rs: message pipeline, RPC handlers, HTTP and WebSocket edge.
#![forbid(unsafe_code)]
