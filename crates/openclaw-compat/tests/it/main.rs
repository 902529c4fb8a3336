//! A whole home in, a whole home out.

mod bad;
mod fixture;
mod growth;
mod recorded;
mod round_trip;
mod versions;
