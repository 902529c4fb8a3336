//! The openclaw binary.
#![forbid(unsafe_code)]

fn main() {}
