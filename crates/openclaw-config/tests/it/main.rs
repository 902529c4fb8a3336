//! What a config file says, from the outside of the crate.

mod document;
mod document_edits;
mod document_probes;
mod fuzz;
mod source;
