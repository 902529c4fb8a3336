//! What a config file says, from the outside of the crate.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod document;
mod document_edits;
mod document_fuzz;
mod document_probes;
mod edit;
mod edit_processes;
mod gateway;
mod migration;
mod migration_rules;
mod source;
mod source_fuzz;
mod verdict;
