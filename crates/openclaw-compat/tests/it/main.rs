//! A whole home in, a whole home out.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bad;
mod fixture;
mod fuzz;
mod growth;
mod recorded;
mod round_trip;
mod versions;
