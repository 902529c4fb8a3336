//! What TypeScript OpenClaw left in a home: its sessions and its sign-ins, read without changing a
//! byte of them, and sessions written so that it can read them.
//!
//! Reading order: `home` finds what there is, `read` and `sqlite` get a transcript's entries out of
//! a file or a database, `tree` says which of them are the conversation, `map` makes events of
//! them. `take` compares with the event log and records what is missing there. `export` goes the
//! other way, `auth` reads keys, and takes them out of OpenClaw's files where their owner asks for
//! that: the one thing here that writes to a source.
//!
//! Whatever cannot be taken is a [`Trouble`] with its file, its place there and the reason; it
//! never keeps the rest from being taken.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        reason = "a test looks at secrets of its own"
    )
)]

pub mod auth;
mod entry;
pub mod export;
mod home;
mod json;
mod key;
mod map;
mod read;
mod sqlite;
mod take;
mod tree;
mod trouble;

pub use entry::{Entry, EntryKind};
pub use home::{Found, Glance, Home, Role, Source, Stamp};
pub use map::{Counts, IMPORTED, STORE_ENTRY};
pub use read::{Transcript, read_jsonl};
pub use take::{Action, Ledger, Left, Mode, SessionsReport, Taken, migrate, preview, take_one};
pub use trouble::{Effect, Fault, Spot, Trouble};
