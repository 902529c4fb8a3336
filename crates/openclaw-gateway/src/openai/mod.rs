//! OpenAI's HTTP API: chat completions, responses, embeddings and the list of models, each off
//! unless the config asks for it.
//!
//! A dialect is a way to say the same: every request becomes one message that goes through the
//! pipeline like anybody's, under the caller's own scopes and limits, and the answer of its turn
//! goes out in OpenAI's words. `door` lets in and refuses, `target` finds out which agent and
//! session are meant, `talk` makes one message of a conversation, `tools` reads the client's own
//! tools, `sources` gets its files, `asking` has the turn, `streamed` hands it on while it goes;
//! `chat` and `responses` are the two ways to say all that, `embeddings` has vectors made. `threads` remembers which session a
//! response or call belongs to.

mod asking;
mod chat;
mod door;
mod embeddings;
mod models;
mod responses;
mod sources;
mod streamed;
mod talk;
mod target;
mod threads;
mod tools;

use std::sync::Arc;

use axum::routing::any;
use axum::{Extension, Router};

use self::threads::Threads;
use crate::builder::Gateway;

/// Returns the routes. They let in by themselves, so that a refusal is in their own words.
pub(crate) fn router() -> Router<Gateway> {
    Router::new()
        .route("/v1/chat/completions", any(chat::handle))
        .route("/v1/responses", any(responses::handle))
        .route("/v1/embeddings", any(embeddings::handle))
        .route("/v1/models", any(models::list))
        .route("/v1/models/{*id}", any(models::one))
        .layer(Extension(Arc::<Threads>::default()))
}
