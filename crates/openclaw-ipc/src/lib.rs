//! Everything of openclaw-rs that crosses a process boundary: the method table, notifications, JSON-RPC and its client.
#![forbid(unsafe_code)]
