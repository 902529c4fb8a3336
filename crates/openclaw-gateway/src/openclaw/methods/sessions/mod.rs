//! `sessions.*`: the conversations that there are.
//!
//! [`keys`] reads the names of sessions, `glance` finds the sessions, `row` says what is known of
//! each, `list`, `look`, `write`, `patch` and `reset` are the methods.

mod glance;
pub(crate) mod keys;
mod list;
mod look;
mod patch;
mod reset;
mod row;
mod write;

pub(crate) use self::glance::{Glance, find, glances};
pub(super) use self::list::{by_id, list};
pub(super) use self::look::{describe, preview, resolve};
pub(super) use self::patch::patch;
pub(super) use self::reset::reset;
pub(crate) use self::row::{Asked, Row, rows};
pub(super) use self::write::{abort, compact, create, delete};
