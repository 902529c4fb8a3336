//! Runs commands of openclaw-rs inside an operating-system sandbox.
#![forbid(unsafe_code)]
