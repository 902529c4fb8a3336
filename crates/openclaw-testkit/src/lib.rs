//! Fakes of the outside world for the tests of openclaw-rs.
#![forbid(unsafe_code)]
