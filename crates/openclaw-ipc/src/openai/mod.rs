//! OpenAI's HTTP API as this gateway speaks it: what comes in and what goes out.
//!
//! [`chat`] is `POST /v1/chat/completions`, [`responses`] is `POST /v1/responses` with [`events`]
//! as what it streams, [`embeddings`] is
//! `POST /v1/embeddings`, [`models`] is the list of agents, [`error`] is the error
//! object of all of them. Members that are not named here are read over, as OpenAI's clients send
//! more of them with every release.
//!
//! Members of the API that are `snake_case` there are so here: this is their dialect, not ours.

pub mod chat;
pub mod content;
pub mod embeddings;
pub mod error;
pub mod events;
pub mod models;
pub mod responses;

pub use content::{Content, Part};
pub use error::{ApiError, ErrorBody};
