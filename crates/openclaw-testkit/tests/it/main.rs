//! The fake provider, the home and the processes, used the way that other tests use them.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "clippy knows test functions, but not their helpers"
)]

mod ask;
mod courses;
mod gateway;
mod home;
mod rules;
mod streams;
