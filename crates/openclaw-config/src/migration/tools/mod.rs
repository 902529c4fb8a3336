//! Tools: what was set up in one place for all of them, and which ones an agent may use.

pub(crate) mod catalog;
pub(super) mod code_mode;
pub(super) mod conflicts;
pub(super) mod grants;
pub(super) mod messages;
pub(super) mod names;
pub(super) mod policy;
pub(super) mod web;
