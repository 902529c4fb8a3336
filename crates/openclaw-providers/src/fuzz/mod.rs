//! Streams that no provider sent: no decoder panics, takes more memory than it may, or reads them
//! differently for another way to cut them.
//!
//! `cargo xtask soak` tries each of these properties for as long as it is told.

mod answers;
mod calls;
mod frames;

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Bytes that are made of these tokens and of some that are not.
fn soup(tokens: &'static [&'static [u8]], most: usize) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => select(tokens).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(piece, 0..most).prop_map(|pieces| pieces.concat())
}

fn cuts() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), 0..12)
}
