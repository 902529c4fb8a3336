//! Models: what they are called, where they are set, and which of them may be used.

pub(super) mod catalog;
pub(super) mod codex;
pub(super) mod known;
pub(super) mod policy;
pub(super) mod primary;
pub(super) mod refs;
pub(super) mod rewrite;
pub(super) mod vllm;
