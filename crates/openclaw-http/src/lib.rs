//! The one HTTP client of openclaw-rs: TLS, proxy, timeouts and retry.
#![forbid(unsafe_code)]
