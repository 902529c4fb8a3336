//! The configuration of openclaw-rs: what a user's `openclaw.json` says, whether it may, and what it means.
//!
//! Reading order: [`problem`] is what can be said about a config; [`document`] is one JSON5 file
//! with the place of every value, and can be edited without losing a comment; [`source`] reads the
//! config with its includes and variables; [`migration`] brings older forms into the current one;
//! [`schema`] and [`rules`] judge it; [`settings`] is what it means; [`edit`] writes it;
//! [`change`] does what somebody asks for by paths; [`effective`] fills in defaults to be shown;
//! [`upgrade`] writes an earlier form in the current one; [`redact`] is what may be shown.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        reason = "a test looks at secrets of its own"
    )
)]

pub mod builtin;
pub mod change;
pub mod document;
pub mod edit;
pub mod effective;
pub mod migration;
pub mod problem;
pub mod redact;
pub mod rules;
pub mod schema;
pub mod settings;
pub mod source;
pub mod upgrade;

pub use problem::{KeyPath, Place, Problem};
pub use settings::*;
