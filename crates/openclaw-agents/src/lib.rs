//! The agent loop of openclaw-rs, its tools and its lanes.
#![forbid(unsafe_code)]
