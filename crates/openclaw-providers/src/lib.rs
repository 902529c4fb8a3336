//! Model APIs of openclaw-rs behind one stream model.
#![forbid(unsafe_code)]
